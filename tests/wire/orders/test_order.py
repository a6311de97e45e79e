"""The laws of orders, over all commands: round trip, one spelling, no other error, exactly their keys, their bounds."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.orders import examples
from tests.wire.orders.examples import GATEWAY, order, orders
from tests.wire.profiles.examples import BEGIN, COMMUNICATION, EVALUATION, IMPORTED, METER
from tests.wire.profiles.rules import EXAMPLES, MONTH
from wire.canonical_json import MAXIMUM_BYTES, encode
from wire.errors import OrderError
from wire.orders import (
    COMMANDS,
    MAX_ORDER_BYTES,
    BreakUp,
    ChangeProfiles,
    Command,
    InstallRevocationLists,
    Order,
    ProfileReference,
    Restart,
)
from wire.profiles import (
    DayProfile,
    EvaluationProfile,
    SpecialDay,
    TariffCalendar,
    TariffStage,
    TariffSwitch,
    TimeStages,
    UseCase,
    derived_register,
)

ORDER = order(BreakUp())


def test_every_command_has_its_kind_and_its_example() -> None:
    assert {command.KIND: type(command) for command in examples.COMMANDS} == COMMANDS


def test_the_bytes_are_these() -> None:
    assert ORDER.to_bytes() == (
        b'{"command":{"kind":"break-up"},"gateway":"EABC0012345678","kind":"order","sequence":17,'
        b'"valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-01-02T00:00:00Z"}'
    )


@given(orders())
def test_what_is_written_is_read_back(one: Order) -> None:
    data = one.to_bytes()
    assert Order.from_bytes(data) == one
    assert Order.from_bytes(data).to_bytes() == data


@pytest.mark.parametrize("command", examples.COMMANDS, ids=lambda command: command.KIND)
def test_every_command_is_read_back(command: Command) -> None:
    assert Order.from_bytes(order(command).to_bytes()).command == command


@given(orders(), st.data())
def test_a_changed_byte_is_refused_or_is_another_canonical_order(one: Order, data: st.DataObject) -> None:
    original = one.to_bytes()
    place = data.draw(st.integers(0, len(original) - 1))
    changed = original[:place] + data.draw(st.binary(max_size=3)) + original[place + data.draw(st.integers(0, 3)) :]
    try:
        found = Order.from_bytes(changed)
    except OrderError:
        return
    assert found.to_bytes() == changed


@given(st.binary(max_size=100))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(OrderError):
        Order.from_bytes(data)


junk = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.lists(st.integers(0, 2), max_size=2)


@given(st.sampled_from(examples.COMMANDS), st.data(), junk | st.dictionaries(st.text(max_size=3), junk, max_size=2))
def test_a_value_of_another_type_is_refused_or_canonical(command: Command, data: st.DataObject, value: object) -> None:
    content = json.loads(order(command).to_bytes())
    place = content if data.draw(st.booleans()) else content["command"]
    place[data.draw(st.sampled_from(sorted(place)))] = value
    changed = encode(content)
    try:
        found = Order.from_bytes(changed)
    except OrderError:
        return
    assert found.to_bytes() == changed


def keys_of(content: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(key,) for key in content] + [("command", key) for key in content["command"]]


@pytest.mark.parametrize(
    ("command", "path"),
    [(one, path) for one in examples.COMMANDS for path in keys_of(json.loads(order(one).to_bytes()))],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else value.KIND,
)
def test_every_key_is_needed_and_no_other_is_known(command: Command, path: tuple[str, ...]) -> None:
    content = json.loads(order(command).to_bytes())
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    value = inner.pop(path[-1])
    with pytest.raises(OrderError, match="missing key: "):
        Order.from_bytes(encode(content))
    inner[path[-1]] = value
    inner["x-" + path[-1]] = 1
    with pytest.raises(OrderError, match="unknown keys: "):
        Order.from_bytes(encode(content))


def test_a_reference_has_exactly_its_keys() -> None:
    content = json.loads(order(ChangeProfiles(withdraw=(ProfileReference("meter", "a"),))).to_bytes())
    content["command"]["withdraw"][0]["version"] = 1
    with pytest.raises(OrderError, match=r"unknown keys: withdraw\.version"):
        Order.from_bytes(encode(content))


@pytest.mark.parametrize("kind", ["read-readings", "", "order", "meter", None, ["restart"]])
def test_another_command_is_refused(kind: object) -> None:
    content = json.loads(ORDER.to_bytes()) | {"command": {"kind": kind}}
    with pytest.raises(OrderError):
        Order.from_bytes(encode(content))


def test_a_signed_profile_is_no_order_and_an_order_no_profile() -> None:
    with pytest.raises(OrderError, match="of kind 'meter', not 'order'"):
        Order.from_bytes(METER.to_bytes())


def test_a_profile_within_is_checked_like_one_alone() -> None:
    content = json.loads(order(ChangeProfiles((METER,))).to_bytes())
    content["command"]["install"][0]["interval_seconds"] = 7
    with pytest.raises(OrderError, match="interval_seconds does not divide a day"):
        Order.from_bytes(encode(content))


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"gateway": GATEWAY.text}, "gateway"),
        ({"sequence": 0}, "sequence"),
        ({"sequence": 2**63}, "sequence"),
        ({"sequence": True}, "sequence"),
        ({"valid_until": BEGIN}, "validity"),
        ({"valid_from": BEGIN.replace(tzinfo=None)}, "validity"),
        ({"valid_until": BEGIN + timedelta(hours=24, seconds=1)}, "at most"),
        ({"command": "break-up"}, "not a command"),
        ({"command": METER}, "not a command"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(OrderError, match=why):
        replace(ORDER, **deviation)


def test_commands_without_members_are_told_apart() -> None:
    assert order(Restart()) != ORDER


def revocation_list(number: int, size: int) -> bytes:
    return b"\x30\x83" + size.to_bytes(3, "big") + bytes([number]) * size


def test_an_order_larger_than_a_profile_is_read_back_and_a_larger_one_is_not_written() -> None:
    lists = tuple(revocation_list(number, 250_000) for number in range(4))
    large = order(InstallRevocationLists(lists[:3]))
    assert 65536 < len(large.to_bytes()) <= MAX_ORDER_BYTES
    assert Order.from_bytes(large.to_bytes()) == large
    with pytest.raises(OrderError, match="more than 1048576"):
        order(InstallRevocationLists(lists)).to_bytes()
    with pytest.raises(OrderError, match="more than 1048576"):
        Order.from_bytes(bytes(MAX_ORDER_BYTES + 1))


def test_the_deepest_profile_fits() -> None:
    timed = replace(EVALUATION, use_case=UseCase.TAF_2, billing=MONTH, rule=EXAMPLES[UseCase.TAF_2])
    found = order(ChangeProfiles((timed,)))
    assert Order.from_bytes(found.to_bytes()) == found


def test_the_largest_tariff_fits() -> None:
    days = tuple(
        DayProfile(number, tuple(TariffSwitch(minute * 15, 1) for minute in range(16))) for number in range(64)
    )
    special = tuple(SpecialDay(date(2026, 1, 1) + timedelta(days=day), 63) for day in range(366))
    stages = tuple(TariffStage(number, derived_register(IMPORTED, number)) for number in range(1, 21))
    rule = TimeStages(stages, TariffCalendar(days, (1,) * 7, special))
    timed = replace(EVALUATION, use_case=UseCase.TAF_2, billing=MONTH, rule=rule)
    assert len(timed.to_bytes()) < MAXIMUM_BYTES
    assert EvaluationProfile.from_bytes(timed.to_bytes()) == timed


def test_many_profiles_fit() -> None:
    change = ChangeProfiles(tuple(replace(COMMUNICATION, id=f"party-{number}") for number in range(128)))
    assert Order.from_bytes(order(change).to_bytes()).command == change
