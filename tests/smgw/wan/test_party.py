"""Whether a party may be sent something now. What a sender makes of it is tested in ``test_sender``."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pki.certificates import Purpose, Role
from smgw.wan import party
from smgw.wan.exchange import Deferral, DeferredError
from testbed.small_pki import NOW
from tests.smgw.wan.receiver import STORED, Answer
from tests.smgw.wan.station import DAY, Station, der

MakeStation = Callable[[Answer], Station]


@pytest.fixture
def station(station_with: MakeStation) -> Station:
    return station_with(lambda _: STORED)


def test_both_certificates_are_verified_for_what_they_are(station: Station) -> None:
    evaluation, communication = station.profiles.evaluations["grid-1"], station.profiles.communications["grid"]
    recipient, peer = party.verify(evaluation, communication, station.trust, NOW)
    assert (recipient.certificate, peer.certificate) == (station.recipient.certificate, station.peer.certificate)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encryption_certificate": b"\x30\x03\x02\x01\x01" * 30}, Deferral.RECIPIENT_CERTIFICATE),
        ({"tls_certificate": b"\x30\x03\x02\x01\x01" * 30}, Deferral.PEER_CERTIFICATE),
    ],
)
def test_what_is_no_certificate_is_deferred(station: Station, change: dict[str, Any], reason: Deferral) -> None:
    evaluation = station.profiles.evaluations["grid-1"]
    communication = station.profiles.communications["grid"]
    for name, value in change.items():
        object.__setattr__(communication, name, value)
    with pytest.raises(DeferredError) as caught:
        party.verify(evaluation, communication, station.trust, NOW)
    assert caught.value.reason is reason


def test_the_tunnel_and_the_seal_lead_to_one_party(station: Station) -> None:
    other = station.pki.holder(Role.EMT, Purpose.TLS, "Lieferant")
    evaluation = station.profiles.evaluations["grid-1"]
    communication = replace(station.profiles.communications["grid"], tls_certificate=der(other))
    with pytest.raises(DeferredError, match="the tunnel leads to"):
        party.verify(evaluation, communication, station.trust, NOW)


def test_each_term_of_the_profiles_is_asked(station: Station) -> None:
    evaluation, communication = station.profiles.evaluations["grid-1"], station.profiles.communications["grid"]
    assert party.not_valid(evaluation, communication, NOW) is None
    sentences = {
        party.not_valid(evaluation, None, NOW),
        party.not_valid(replace(evaluation, valid_from=NOW + DAY), communication, NOW),
        party.not_valid(evaluation, replace(communication, valid_from=NOW + timedelta(seconds=1)), NOW),
        party.not_valid(evaluation, replace(communication, valid_until=NOW), NOW),
        party.not_valid(evaluation, replace(communication, purposes=()), NOW),
    }
    assert len(sentences) == 5
    assert all(sentence is not None and sentence.startswith("not sent: ") for sentence in sentences)
    assert party.not_valid(replace(evaluation, valid_until=NOW), communication, NOW) is None, "what was granted leaves"
