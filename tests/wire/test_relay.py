"""The document between gateway and administrator: its laws, and what it does not say."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.examples import COMMUNICATION, certificate
from wire.errors import RelayError
from wire.relay import MAXIMUM_SEALED_BYTES, RelayedDelivery

SEALED = b"\x30\n\x00sealed\n"


def delivery(sealed: bytes = SEALED) -> RelayedDelivery:
    return RelayedDelivery.to(COMMUNICATION, sealed)


@given(st.binary(min_size=1, max_size=200))
def test_what_is_written_is_read_back(sealed: bytes) -> None:
    written = delivery(sealed)
    assert RelayedDelivery.from_bytes(written.to_bytes()) == written


@given(st.data())
def test_a_changed_document_is_refused_or_another_one(data: st.DataObject) -> None:
    original = delivery().to_bytes()
    place = data.draw(st.integers(0, len(original)))
    changed = original[:place] + data.draw(st.binary(max_size=2)) + original[place + data.draw(st.integers(0, 2)) :]
    try:
        read = RelayedDelivery.from_bytes(changed)
    except RelayError:
        return
    assert read.to_bytes() == changed


@given(st.binary(max_size=200))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(RelayError):
        RelayedDelivery.from_bytes(data)


@pytest.mark.parametrize(
    "deviation",
    [
        {"party": "a b"},
        {"host": ""},
        {"port": 0},
        {"path": "deliveries"},
        {"tls_certificate": b""},
        {"sealed": b""},
        {"sealed": bytes(MAXIMUM_SEALED_BYTES + 1)},
    ],
)
def test_what_is_none_cannot_be_built(deviation: dict[str, Any]) -> None:
    with pytest.raises(RelayError):
        replace(delivery(), **deviation)


def test_another_kind_is_refused() -> None:
    with pytest.raises(RelayError, match="kind"):
        RelayedDelivery.from_bytes(delivery().to_bytes().replace(b'"relay"', b'"order"'))


@pytest.mark.parametrize(
    "deviation",
    [{"party": "other"}, {"host": "203.0.113.9"}, {"port": 1}, {"path": "/x"}, {"tls_certificate": certificate(9)}],
)
def test_it_is_for_one_address_only(deviation: dict[str, Any]) -> None:
    assert delivery().is_for(COMMUNICATION)
    assert not replace(delivery(), **deviation).is_for(COMMUNICATION)
