from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from smgw.han.hers import HerMeter
from smgw.han.now import Moment
from smgw.han.parts import before, part_of
from smgw.han.shown import Amount, Power, Resolution
from smgw.metering.tariffs.calendar import midnight
from tests.smgw.han.cellar import QUARTER, START, Cellar
from tests.smgw.han.house import EXPORT, FIRST, IMPORT, NOW, POWER, SECOND, House
from tests.smgw.han.house_readings import GOOD, shown
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, Unit

AT = int(NOW.timestamp())
NET = Obis.parse("1-0:16.7.0*255")


def test_the_power_is_the_meters_own_or_the_mean_of_its_last_quarter(house: House) -> None:
    """TR-03109-1, consumer: what the first meter says of it is never stored."""
    first, second = house.view("house").now(NOW).powers
    assert first == Power(FIRST.text, Amount(412, 0, 27), AT, 0)
    last = AT - AT % QUARTER
    went = shown(SECOND, IMPORT, 0, last) - shown(SECOND, IMPORT, 0, last - QUARTER)
    assert second == Power(SECOND.text, Amount(went * 4, 0, 27), last, QUARTER)


def test_a_period_so_far_is_compared_with_as_much_of_the_one_before(house: House) -> None:
    """From 1 October on: of the year before there is a reading a day, so a share of what went in that day counts."""
    told = house.view("house").now(NOW)
    (today, month, year), fed_in = told.drawn, told.fed_in
    begin, _ = part_of(Resolution.DAY, AT)
    last = AT - AT % QUARTER

    def drawn(meter: DeviceId, scaler: int, start: int, end: int) -> int:
        return shown(meter, IMPORT, scaler, end) - shown(meter, IMPORT, scaler, start)

    def until(meter: DeviceId, scaler: int, start: int, between: tuple[int, int], end: int) -> int:
        """What went from ``start`` to ``end``, ``between`` the seconds of two readings."""
        share = drawn(meter, scaler, *between) * (end - between[0]) // (between[1] - between[0])
        return drawn(meter, scaler, start, between[0]) + share

    assert (today.resolution, today.begin) == (Resolution.DAY, begin)
    # The first meter was read this minute, the second at the last quarter-hour.
    assert today.energy == Amount(drawn(FIRST, -1, begin, AT) + 10 * drawn(SECOND, 0, begin, last), -1, 30)
    former, quarter = begin - 86400, (last - 86400, last - 86400 + QUARTER)
    assert quarter[0] < AT - 86400 < quarter[1]
    first = until(FIRST, -1, former, quarter, AT - 86400)
    assert today.before == Amount(first + 10 * drawn(SECOND, 0, former, quarter[0]), -1, 30)
    start = before(Resolution.YEAR, year.begin)
    assert year.begin == midnight(date(2026, 1, 1))
    assert start == midnight(date(2025, 1, 1))
    # The second meter measures her since April 2025.
    day = midnight(date(2025, 10, 29)), midnight(date(2025, 10, 30))
    first = until(FIRST, -1, start, day, start + AT - year.begin)
    second = until(SECOND, 0, midnight(date(2025, 4, 1)), day, start + last - year.begin)
    assert year.before == Amount(first + 10 * second, -1, 30)
    assert month.energy is not None
    assert [one.resolution for one in fed_in] == list(Resolution)[1:]
    assert fed_in[0].energy == Amount(shown(FIRST, EXPORT, -1, AT) - shown(FIRST, EXPORT, -1, begin), -1, 30)


def test_who_moved_out_has_no_now(house: House) -> None:
    """FDP_ACF.1: although her meter is read every quarter-hour."""
    told = house.view("attic").now(NOW)
    assert told.powers == ()
    assert [one.energy for one in told.drawn] == [None] * 3
    assert house.view("flat").now(NOW).fed_in == ()


@pytest.fixture
def cellar(tmp_path: Path) -> Iterator[Cellar]:
    one = Cellar(tmp_path)
    with closing(one.database):
        yield one


def powers(cellar: Cellar, meter: HerMeter, at: int, heard: Reading | None = None) -> tuple[Power, ...]:
    def latest(device: DeviceId, obis: Obis) -> Reading | None:
        return heard if heard is not None and (heard.device, heard.obis) == (device, obis) else None

    with cellar.database.read() as connection:
        return Moment(connection, latest, [meter], START + at).powers()


def test_a_net_power_below_zero_is_fed_in(cellar: Cellar) -> None:
    cellar.read((0, -700), obis=NET, unit=Unit.W)
    cellar.read((0, 10), (900, 20))
    (power,) = powers(cellar, cellar.meter(registers=(NET, IMPORT)), 900)
    assert power == Power(FIRST.text, Amount(700, 0, 27), START, 0, drawn=False)


def test_of_two_registers_the_one_that_moves_tells(cellar: Cellar) -> None:
    cellar.read((0, 10), (900, 10))
    cellar.read((0, 10), (900, 210), obis=EXPORT)
    (power,) = powers(cellar, cellar.meter(registers=(IMPORT, EXPORT)), 1000)
    assert power == Power(FIRST.text, Amount(800, 0, 27), START + 900, 900, drawn=False)
    cellar.read((1800, 10))
    cellar.read((1800, 210), obis=EXPORT)
    (power,) = powers(cellar, cellar.meter(registers=(IMPORT, EXPORT)), 1800)
    assert (power.amount.value, power.drawn) == (0, True)


def test_memory_counts_where_it_is_newer_and_hers(cellar: Cellar) -> None:
    cellar.read((0, 10), (900, 20))
    heard = Reading(FIRST, IMPORT, Register(23, 0, Unit.WH), datetime.fromtimestamp(START + 930, UTC), GOOD)
    (power,) = powers(cellar, cellar.meter(), 960, heard)
    assert power == Power(FIRST.text, Amount(360, 0, 27), START + 930, 30)
    (power,) = powers(cellar, cellar.meter(), 960, replace(heard, captured_at=datetime.fromtimestamp(START, UTC)))
    assert power.at == START + 900
    (power,) = powers(cellar, cellar.meter(until=START + 901), 900, heard)
    assert power.at == START + 900, "what was read after her time is not hers"
    assert powers(cellar, cellar.meter(registers=(POWER,)), 960) == ()


def test_one_reading_is_no_power(cellar: Cellar) -> None:
    cellar.read((0, 10))
    assert powers(cellar, cellar.meter(), 0) == ()
    cellar.read((900, 4))
    assert powers(cellar, cellar.meter(), 900) == (), "it ran backwards"
    assert powers(cellar, cellar.meter(SECOND), 900) == (), "it was never read"


def compared(cellar: Cellar, at: int, *meters: HerMeter) -> list[tuple[int | None, int | None]]:
    """Energy and energy before of day, month and year."""
    with cellar.database.read() as connection:
        told = Moment(connection, lambda *_: None, meters, START + at).drawn()
    return [tuple(None if one is None else one.value for one in (each.energy, each.before)) for each in told]  # type: ignore[misc]  # two


def test_who_came_today_is_told_from_her_first_reading(cellar: Cellar) -> None:
    """START is the second hour of the first of June, in legal time."""
    cellar.read((0, 100), (900, 130), (1800, 150))
    assert compared(cellar, 1900, cellar.meter(begin=START)) == [(50, None)] * 3


DAY = 86400


def test_the_same_time_before_is_as_long_also_where_readings_lie_further_apart(cellar: Cellar) -> None:
    """Yesterday every quarter-hour, today every minute: five minutes are compared with a third of a quarter-hour."""
    midnight_before, today = -7200 + DAY, -7200 + 2 * DAY
    cellar.read((midnight_before, 100), (midnight_before + 900, 400), (today, 9100), (today + 300, 9200))
    meter = cellar.meter(begin=START - DAY)
    assert compared(cellar, today + 300, meter)[0] == (100, 100)
    assert compared(cellar, today + 359, meter)[0] == (100, 100), "as much as is told of today"
    cellar.read((today + 900, 9400))
    assert compared(cellar, today + 900, meter)[0] == (300, 300)
    cellar.read((today + 1800, 9700))
    assert compared(cellar, today + 1800, meter)[0] == (600, 300), "nothing is extrapolated: the newest one before"


def test_with_a_period_that_began_before_her_time_nothing_is_compared(cellar: Cellar) -> None:
    """At a quarter to midnight: she is measured since half an hour before yesterday's."""
    cellar.read((-9000, 10), (-8100, 20), (-7200, 30), (78300, 500))
    assert compared(cellar, 78300, cellar.meter(begin=START - 9000)) == [(470, None), (470, None), (490, None)]


def test_where_one_of_two_cannot_tell_there_is_no_sum(cellar: Cellar) -> None:
    cellar.read((0, 100), (900, 130))
    assert compared(cellar, 900, cellar.meter(begin=START), cellar.meter(SECOND, begin=START)) == [(None, None)] * 3
    cellar.read((0, 100), (900, 90), device=SECOND)
    assert compared(cellar, 900, cellar.meter(begin=START), cellar.meter(SECOND, begin=START)) == [(None, None)] * 3
    assert compared(cellar, 900, cellar.meter(begin=START)) == [(30, None)] * 3
