"""A question is read as it is meant, in numbers or in strings, or refused by name."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han_web.api.asked import AskedError
from han_web.dialects.theben_asked import Asked, Base, Method


def asked(**members: object) -> Asked:
    return Asked(json.dumps({"method": "readings", **members}).encode())


def test_a_question_as_its_clients_write_it() -> None:
    one = asked(**{"database": "origin", "usage-point-id": "01005e318027.house.sm", "last-reading": "true"})
    assert (one.method, one.base(), one.usage_point()) == (Method.READINGS, Base.ORIGIN, "01005e318027.house.sm")
    assert one.last_reading() is True
    assert asked().last_reading() is False


def test_numbers_and_times_in_every_form_of_the_description() -> None:
    one = asked(fromindex="17", count=5, fromtime="2026-01-31T00:00:00+01:00", totime="2026-01-31T00:00:00")
    assert (one.number("fromindex", 0, 0, 99), one.number("count", 9, 1, 9)) == (17, 5)
    assert one.moment("fromtime") == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert one.moment("totime") == datetime(2026, 1, 31, tzinfo=UTC)
    assert one.moment("other") is None


def test_channels_as_objects_or_codes() -> None:
    assert asked(channels=[{"channel": "0100010800FF"}, "0100020800ff.meter.sm"]).channels() == frozenset(
        {"0100010800ff", "0100020800ff"}
    )
    assert asked().channels() is None


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"database": "all"}, "database"),
        ({"usage-point-id": 5}, "usage-point-id"),
        ({"last-reading": "yes"}, "last-reading"),
        ({"fromtime": "yesterday"}, "fromtime"),
        ({"fromtime": "0001-01-01T00:00:00+05:00"}, "fromtime"),
        ({"fromtime": "2026-02-30T00:00:00Z"}, "fromtime"),
        ({"count": True}, "count"),
        ({"count": "99999999999999999"}, "count"),
        ({"count": 0}, "count"),
        ({"channels": "0100010800ff"}, "channels"),
        ({"channels": [{"obis": "0100010800ff"}]}, "channels"),
        ({"method": "reboot"}, "method"),
    ],
)
def test_anything_else_is_refused_by_name(members: dict[str, object], where: str) -> None:
    with pytest.raises(AskedError) as caught:
        read_everything(asked(**members))
    assert caught.value.where == where


def read_everything(one: Asked) -> None:
    one.base()
    one.last_reading()
    one.moment("fromtime")
    one.number("count", 1, 1, 1500)
    one.channels()
    one.usage_point()


@given(st.binary(max_size=60) | st.text(max_size=30).map(lambda text: json.dumps({"method": text}).encode()))
def test_only_its_own_error_escapes(body: bytes) -> None:
    try:
        read_everything(Asked(body))
    except AskedError:
        return
    raise AssertionError(body)
