"""Notifications: one canonical form within its bounds, and only their own error."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.examples import BEGIN, devices, identifiers
from wire.canonical_json import encode
from wire.errors import NotificationError
from wire.notification import MAXIMUM_PARAMETERS, MAXIMUM_TEXT, Notification
from wire.reading import DeviceId

NOTIFICATION = Notification(
    gateway=DeviceId("EABC0012345678"),
    number=7,
    event="CLOCK_DEVIATION",
    outcome="FAILURE",
    subject="clock",
    at=BEGIN,
    parameters={"deviation_ms": 40_000, "reason": "too-far"},
)
texts = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)
notifications = st.builds(
    Notification,
    gateway=devices,
    number=st.integers(1, 2**63 - 1),
    event=identifiers,
    outcome=identifiers,
    subject=texts,
    at=st.just(BEGIN),
    parameters=st.dictionaries(identifiers, texts | st.integers(-(2**63) + 1, 2**63 - 1), max_size=4),
)


def test_the_bytes_are_these() -> None:
    assert NOTIFICATION.to_bytes() == (
        b'{"at":"2026-01-01T00:00:00Z","event":"CLOCK_DEVIATION","gateway":"EABC0012345678","kind":"notification",'
        b'"number":7,"outcome":"FAILURE","parameters":{"deviation_ms":40000,"reason":"too-far"},"subject":"clock"}'
    )


@given(notifications)
def test_what_is_written_is_read_back(notification: Notification) -> None:
    assert Notification.from_bytes(notification.to_bytes()) == notification


@given(st.binary(max_size=60) | notifications.map(lambda one: one.to_bytes()[:-1]))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(NotificationError):
        Notification.from_bytes(data)


junk = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(max_size=5)
    | st.lists(st.integers(0, 2), max_size=2)
)


@given(st.data(), junk | st.dictionaries(st.text(max_size=3), junk, max_size=2))
def test_accepted_bytes_re_encode_identically(data: st.DataObject, value: Any) -> None:
    content = json.loads(NOTIFICATION.to_bytes())
    content[data.draw(st.sampled_from([*content, "other"]))] = value
    changed = encode(content)
    try:
        found = Notification.from_bytes(changed)
    except NotificationError:
        return
    assert found.to_bytes() == changed


@pytest.mark.parametrize("key", json.loads(NOTIFICATION.to_bytes()))
def test_every_key_is_needed(key: str) -> None:
    content = json.loads(NOTIFICATION.to_bytes())
    del content[key]
    with pytest.raises(NotificationError, match=f"missing key: {key}"):
        Notification.from_bytes(encode(content))


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"gateway": "EABC0012345678"}, "gateway"),
        ({"number": 0}, "number"),
        ({"number": 2**63}, "number"),
        ({"event": ""}, "event"),
        ({"outcome": "a b"}, "outcome"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "x" * (MAXIMUM_TEXT + 1)}, "subject"),
        ({"at": BEGIN.replace(tzinfo=None)}, "UTC"),
        ({"at": BEGIN.replace(microsecond=1)}, "UTC"),
        ({"parameters": []}, "parameters"),
        ({"parameters": {"a": True}}, "parameters.a"),
        ({"parameters": {"a": 2**63}}, "parameters.a"),
        ({"parameters": {"a": None}}, "parameters.a"),
        ({"parameters": {"a": "\0"}}, "parameters.a"),
        ({"parameters": {"": 1}}, "a name of parameters"),
        ({"parameters": {1: 1}}, "a name of parameters"),
        ({"parameters": {f"p{number}": 1 for number in range(MAXIMUM_PARAMETERS + 1)}}, "parameters has more"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(NotificationError, match=why):
        replace(NOTIFICATION, **deviation)


def test_a_parameter_of_another_type_is_refused_where_it_is_read() -> None:
    content = json.loads(NOTIFICATION.to_bytes()) | {"parameters": {"a": [1]}}
    with pytest.raises(NotificationError, match="neither a text nor an integer"):
        Notification.from_bytes(encode(content))
