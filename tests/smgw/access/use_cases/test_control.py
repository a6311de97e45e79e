"""TAF-11: each control event with its time and the first reading after it."""

from dataclasses import replace
from datetime import datetime, timedelta

from smgw.access.grants import RefusalReason
from smgw.metering.tariffs.taf5 import TariffEvent
from tests.smgw.access.cases import GATEWAY, SERIES, Memory, at, decided, reading, walked
from tests.smgw.access.use_cases.worlds import CONTROL, QUARTER
from tests.wire.profiles.examples import EXPORTED, IMPORTED
from wire.reading import Unit

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)


def event(after: int, name: str, *, active: bool = True) -> TariffEvent:
    return TariffEvent(int(NOON.timestamp()) + after, name, active)


def told(history: Memory, *captured: datetime) -> list[tuple[str, datetime, datetime]]:
    grants = walked([reading(one) for one in captured], CONTROL, history=history)
    return [(grant.key.split("|")[1], grant.period_begin, grant.period_end) for grant in grants]


def test_events_are_told_with_their_time_and_the_first_reading_after_them() -> None:
    """TR-03109-1, TAF-11."""
    shed, start = event(100, "shed"), event(1000, "start", active=False)
    points = [NOON + number * QUARTER for number in range(4)]
    assert told(Memory(events=[shed, start, event(200, "other")]), *points) == [
        ("shed", NOON + 100 * SECOND, NOON + 100 * SECOND),
        (str(IMPORTED), NOON + 100 * SECOND, points[1]),
        ("start", NOON + 1000 * SECOND, NOON + 1000 * SECOND),
        (str(IMPORTED), NOON + 1000 * SECOND, points[2]),
    ]


def test_an_event_is_the_gateways_own_value() -> None:
    history = Memory([reading(NOON)], [event(5, "start", active=False)])
    first, second = decided(reading(NOON + QUARTER), CONTROL, history=history).grants
    (value,) = first.derived
    assert (value.device, str(value.obis)) == (GATEWAY, "0-0:96.11.2*255")
    assert (value.register.value, value.register.unit) == (0, Unit.COUNT)
    assert value.captured_at == NOON + 5 * SECOND
    assert [one.reading.captured_at for one in second.readings] == [NOON + QUARTER]


def test_several_events_share_one_reading_and_an_event_of_its_second_counts() -> None:
    history = Memory([reading(NOON)], [event(5, "shed"), event(9, "start"), event(900, "shed", active=False)])
    grants = decided(reading(NOON + QUARTER), CONTROL, history=history).grants
    assert [len(grant.readings) for grant in grants] == [0, 0, 0, 1]
    assert len({grant.key for grant in grants}) == 4


def test_each_register_is_told_and_the_event_once() -> None:
    both = replace(CONTROL, registers=(IMPORTED, EXPORTED))
    history = Memory(events=[event(0, "shed")])
    grants = walked([reading(NOON), reading(NOON, obis=EXPORTED)], both, history=history)
    assert len({grant.key for grant in grants}) == 3


def test_nothing_is_told_without_an_event_or_outside_the_validity() -> None:
    """FDP_IFF.1/MTR: for no other time than the profile's."""
    assert decided(reading(NOON), CONTROL).refusals[0].reason is RefusalReason.NO_EVENT
    happened = Memory(events=[event(-10, "shed")])
    later = replace(CONTROL, valid_from=NOON - 5 * SECOND)
    assert decided(reading(NOON), later, history=happened).refusals[0].reason is RefusalReason.NO_EVENT
    over = replace(CONTROL, valid_until=NOON)
    assert decided(reading(NOON), over, history=happened).refusals[0].reason is RefusalReason.EXPIRED
    wrong = replace(CONTROL)
    object.__setattr__(wrong, "rule", None)
    assert decided(reading(NOON), wrong, SERIES).refusals == ()
    assert decided(reading(NOON), wrong).refusals[0].reason is RefusalReason.NO_RULE
