"""TAF-9 and TAF-10: present values, on request and past a threshold, never stored."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.grants import Decision, RefusalReason
from tests.smgw.access.cases import GATEWAY, SECOND_METER, Memory, at, decided, reading
from tests.smgw.access.use_cases.worlds import GRID, ON_REQUEST, WATCH
from tests.wire.profiles.examples import EXPORTED, IMPORTED
from wire.profiles import EvaluationProfile, Threshold
from wire.reading import DeviceId, SignedReading

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)
MARKER = 0x1_0000 << 32


class Watched:
    """One profile over readings that are never stored."""

    def __init__(self, evaluation: EvaluationProfile) -> None:
        self.evaluation, self.history = evaluation, Memory()

    def sees(self, one: SignedReading, **more: object) -> Decision:
        decision = decided(one, self.evaluation, history=self.history, recorded=False, **more)  # type: ignore[arg-type]
        assert decision.grants == ()
        self.history.unstored.append(one)
        return decision


def test_a_request_is_answered_once_by_the_next_reading() -> None:
    """TR-03109-1, TAF-9: the present value, on request."""
    house = Watched(ON_REQUEST)
    asked = {ON_REQUEST.id: NOON + 5 * SECOND}
    assert house.sees(reading(NOON)).refusals[0].reason is RefusalReason.ON_REQUEST_ONLY
    assert house.sees(reading(NOON + 4 * SECOND), requests=asked).volatile == ()
    answer = reading(NOON + 9 * SECOND, 1009)
    assert [grant.readings for grant in house.sees(answer, requests=asked).volatile] == [(answer,)]
    assert house.sees(answer, requests=asked).volatile == ()
    assert house.sees(reading(NOON + 12 * SECOND), requests=asked).volatile == ()
    again = {ON_REQUEST.id: NOON + 20 * SECOND}
    assert len(house.sees(reading(NOON + 20 * SECOND), requests=again).volatile) == 1


def test_a_request_widens_no_validity() -> None:
    """FDP_IFF.1/MTR: to no later date."""
    over = Watched(replace(ON_REQUEST, valid_until=NOON))
    assert over.sees(reading(NOON), requests={ON_REQUEST.id: NOON}).refusals[0].reason is RefusalReason.EXPIRED


def test_without_a_threshold_every_point_is_told() -> None:
    """TR-03109-1, TAF-10: periodic."""
    house = Watched(GRID)
    assert [len(house.sees(reading(NOON + late * SECOND)).volatile) for late in (0, 3, 30, 60, 120)] == [1, 0, 0, 1, 1]
    assert house.sees(reading(NOON + 120 * SECOND)).refusals[0].reason is RefusalReason.ALREADY_SERVED
    expired = Watched(replace(GRID, valid_until=NOON))
    assert expired.sees(reading(NOON)).refusals[0].reason is RefusalReason.EXPIRED


def test_a_threshold_is_told_when_it_is_passed_and_at_points_while_it_is() -> None:
    """TR-03109-1, TAF-10: the threshold marker of the gateway's status word, and only in the gateway's own value."""
    house = Watched(WATCH)
    assert house.sees(reading(NOON, 1000)).refusals[0].reason is RefusalReason.NO_EVENT
    (marked,) = house.sees(reading(NOON + 20 * SECOND, 1001, status=0x5_0000_0004)).volatile
    assert marked.readings == ()
    (value,) = marked.derived
    assert (value.device, value.obis, value.register.value) == (GATEWAY, IMPORTED, 1001)
    assert value.status == 0x5_0000_0004 | MARKER
    assert house.sees(reading(NOON + 40 * SECOND, 1002)).refusals[0].reason is RefusalReason.OFF_RASTER
    at_a_point = reading(NOON + 60 * SECOND, 1003)
    assert [grant.readings for grant in house.sees(at_a_point).volatile] == [(at_a_point,)]
    assert house.sees(reading(NOON + 61 * SECOND, 1003)).refusals[0].reason is RefusalReason.ALREADY_SERVED
    assert house.sees(reading(NOON + 120 * SECOND, 900)).refusals[0].reason is RefusalReason.NO_EVENT


def test_below_counts_too_and_other_registers_follow_the_watched_one() -> None:
    low = replace(WATCH, registers=(IMPORTED, EXPORTED), rule=Threshold(IMPORTED, below=10))
    house = Watched(low)
    assert house.sees(reading(NOON, 5, obis=EXPORTED)).refusals[0].reason is RefusalReason.NO_EVENT
    assert len(house.sees(reading(NOON, 9)).volatile) == 1
    assert len(house.sees(reading(NOON + 60 * SECOND, 5, obis=EXPORTED)).volatile) == 1


def test_two_meters_past_one_threshold_in_one_second_are_told_apart() -> None:
    """Group B of the OBIS code: one document never holds two values of the same device, register and time."""
    both = replace(WATCH, meters=(*WATCH.meters, SECOND_METER))
    house = Watched(both)
    devices: tuple[DeviceId, ...] = both.meters
    codes = [house.sees(reading(NOON, 2000, device=device)).volatile[0].derived[0].obis for device in devices]
    assert [code.b for code in codes] == [1, 2]
