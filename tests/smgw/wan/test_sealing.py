"""Deliveries become sealed bytes; what a receiver finds in them is tested in ``test_sender`` and ``test_relay``."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pki import cms
from pki.certificates import Purpose, Role
from pki.errors import SealError, SealReason, TokenError, TokenReason
from smgw.store.outbox import Delivery
from smgw.wan import sealing
from smgw.wan.concealment import look_of
from smgw.wan.exchange import Deferral, DeferredError
from smgw.wan.sealing import SenderIdentity, content_of
from testbed.small_pki import NOW
from tests.smgw.store import samples
from tests.smgw.wan.receiver import STORED, Answer
from tests.smgw.wan.station import Station
from wire.content_size import SIZES
from wire.profiles import UseCase

MakeStation = Callable[[Answer], Station]


@pytest.fixture
def station(station_with: MakeStation) -> Station:
    return station_with(lambda _: STORED)


def sealed(station: Station, delivery: Delivery) -> bytes:
    evaluation = station.profiles.evaluations["grid-1"]
    return sealing.seal(
        delivery,
        evaluation,
        station.profiles.communications["grid"],
        look=look_of(evaluation, {}),
        recipient=station.pki.verified(station.recipient, Role.EMT, Purpose.ENC),
        identity=SenderIdentity(samples.GATEWAY, station.signer.certificate, station.signer.key),
        random=station.sender.ports.random,
    )


def test_sealed_bytes_are_as_long_for_nothing_as_for_much(station: Station) -> None:
    """FPR_CON.1: up to what the DER form of an ECDSA signature varies by chance, for one content as for another."""
    station.change(use_case=UseCase.TAF_9)
    evaluation = station.profiles.evaluations["grid-1"]
    full = Delivery("grid-1", 1, NOW, tuple(samples.grant(number) for number in range(8)))
    empty = Delivery("grid-1", 2**40, NOW, ())
    content = content_of(full, evaluation, look_of(evaluation, {}), samples.GATEWAY)
    assert len(content.readings) == 8
    lengths = {name: {len(sealed(station, one)) for _ in range(12)} for name, one in (("full", full), ("empty", empty))}
    assert max(lengths["full"] | lengths["empty"]) - min(lengths["full"] | lengths["empty"]) <= 6
    assert max(len(each) for each in lengths.values()) > 1, "one content has several lengths: chance, and no message"


def test_chance_never_changes_the_digits_of_a_content_length(station: Station) -> None:
    """FPR_CON.1: a header that is one digit longer now and then would not be chance alone, but size as well."""
    evaluation = station.profiles.evaluations["grid-1"]
    empty = Delivery("grid-1", 1, NOW, ())
    content = content_of(empty, evaluation, look_of(evaluation, {}), samples.GATEWAY)
    around = len(sealed(station, empty)) - content.size
    assert 600 < around < 1200
    assert all(len(str(size + around - 40)) == len(str(size + around + 40)) for size in SIZES)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SealError(SealReason.MALFORMED, "no"), Deferral.CONTENT),
        (TokenError(TokenReason.LOST, "gone"), Deferral.OWN_SECURITY_MODULE),
    ],
)
def test_what_cannot_be_sealed_stays_owed(
    station: Station, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: Deferral
) -> None:
    def fail(*_: Any, **__: Any) -> bytes:
        raise error

    monkeypatch.setattr(cms, "seal", fail)
    with pytest.raises(DeferredError) as caught:
        sealed(station, Delivery("grid-1", 1, NOW, (samples.grant(0),)))
    assert caught.value.reason is reason


def test_a_content_that_is_none_stays_owed(station: Station) -> None:
    conflicting = (samples.reading(0), samples.reading(0, value=1))
    with pytest.raises(DeferredError) as caught:
        sealed(station, Delivery("grid-1", 1, NOW, (replace(samples.grant(0), readings=conflicting),)))
    assert caught.value.reason is Deferral.CONTENT
