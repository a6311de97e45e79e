from itertools import groupby

import pytest

from smgw.store.event_table import DURING_STOP, KINDS, LONGEST_TEXT, VENDOR, VENDOR_BSI, Audience, kept, kind_of, told
from smgw.store.events import Event, Level, Log, Outcome


def test_every_event_is_in_the_table() -> None:
    assert set(KINDS) == set(Event)


def test_numbers_are_the_bsis_where_they_are_known_and_ours_elsewhere() -> None:
    """TR-03109-1: 16001 (values sent), 10260 (metering stopped); no number twice."""
    known = {event: kind.number for event, kind in KINDS.items() if kind.vendor == VENDOR_BSI}
    assert known == {Event.DELIVERY_ACKNOWLEDGED: 16001, Event.CALIBRATION_LOG_FULL: 10260}
    numbers = sorted(kind.number for kind in KINDS.values())
    assert all(len(list(same)) == 1 for _, same in groupby(numbers))
    assert {kind.vendor for kind in KINDS.values()} == {VENDOR, VENDOR_BSI}


@pytest.mark.parametrize("event", list(Event))
def test_a_consumer_log_has_an_audience_and_the_system_log_nothing_private(event: Event) -> None:
    """FAU_GEN.1/CON, OSP.Log."""
    kind = KINDS[event]
    assert (kind.audience is Audience.NOBODY) == (not kind.consumer)
    assert kind.private <= kind.parameters
    assert kind.logs(Outcome.SUCCESS) or kind.logs(Outcome.FAILURE)
    parameters = dict.fromkeys(kind.parameters, 1)
    for log in (Log.SYSTEM, Log.CALIBRATION):
        assert told(event, log, parameters).keys() == kind.parameters - kind.private
    assert told(event, Log.CONSUMER, parameters) == parameters
    # What nobody entered in the table stands in no log, whoever tells it.
    assert all(told(event, log, {"watt_hours": 4711}) == {} for log in Log)


@pytest.mark.parametrize(
    ("event", "outcome", "logs"),
    [
        (Event.CLOCK_SET, Outcome.SUCCESS, {Log.SYSTEM, Log.CALIBRATION, Log.CONSUMER}),
        (Event.CLOCK_SYNCHRONISED, Outcome.SUCCESS, {Log.SYSTEM}),
        (Event.METER_STATE, Outcome.FAILURE, {Log.SYSTEM, Log.CALIBRATION, Log.CONSUMER}),
        (Event.METER_STATE, Outcome.SUCCESS, {Log.SYSTEM, Log.CONSUMER}),
        (Event.SELF_TEST, Outcome.SUCCESS, {Log.SYSTEM, Log.CONSUMER}),
        (Event.SELF_TEST, Outcome.FAILURE, {Log.SYSTEM, Log.CALIBRATION, Log.CONSUMER}),
        (Event.PROFILE_INSTALLED, Outcome.SUCCESS, {Log.SYSTEM, Log.CALIBRATION, Log.CONSUMER}),
        (Event.FIRMWARE_ACTIVATED, Outcome.SUCCESS, {Log.SYSTEM, Log.CALIBRATION, Log.CONSUMER}),
        (Event.CONSUMER_ACCESS, Outcome.SUCCESS, {Log.CONSUMER}),
        (Event.TUNNEL_OPENED, Outcome.SUCCESS, {Log.SYSTEM}),
    ],
)
def test_where_an_event_stands(event: Event, outcome: Outcome, logs: set[Log]) -> None:
    """FAU_GEN.1/SYS, FAU_GEN.1/CON, FAU_GEN.1/CAL: one table for all three."""
    assert set(kind_of(event).logs(outcome)) == logs


def test_what_bears_on_measuring_stands_in_the_calibration_log() -> None:
    """FAU_GEN.1/CAL: parameters, time, firmware, and errors of gateway and meters; nothing else fills it."""
    parameters = {Event.PROFILE_INSTALLED, Event.PROFILE_WITHDRAWN}
    time = {Event.CLOCK_DEVIATION, Event.CLOCK_SET}
    firmware = {one for one in Event if one.name.startswith("FIRMWARE_")}
    errors = {Event.METER_STATE, Event.READING_REFUSED, Event.SELF_TEST, Event.SECURE_STATE, Event.CALIBRATION_LOG_FULL}
    found = {event for event, kind in KINDS.items() if Outcome.FAILURE in kind.calibration}
    assert found == parameters | time | firmware | errors


def test_levels_follow_the_outcome() -> None:
    assert kind_of(Event.CALIBRATION_LOG_FULL).level(Outcome.FAILURE) is Level.FATAL
    assert kind_of(Event.METER_STATE).level(Outcome.SUCCESS) is Level.INFO


def test_the_reserve_is_for_what_goes_into_the_calibration_log() -> None:
    """FAU_STG.4/CAL."""
    for event in DURING_STOP:
        assert Log.CALIBRATION in kind_of(event).logs(Outcome.FAILURE)


@pytest.mark.parametrize(
    ("value", "held"),
    [("x" * 600, "x" * LONGEST_TEXT), ("\ud800", "?"), (7, 7), (-(2**64), str(-(2**64))), ("ä", "ä")],
)
def test_what_an_entry_can_hold(value: str | int, held: str | int) -> None:
    assert kept(value) == held
