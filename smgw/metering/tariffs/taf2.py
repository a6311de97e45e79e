"""TAF-2, stages by time of day: each advance goes to the stage of its time, or to the error (TR-03109-1, TAF-2).

Decides which readings count, and where what lies between two of them goes. The rules are those of the display software
that consumers check their bills with (VDE AR 2418-6), so that both come to the same; where that software errs, this
does not (docs/deviations.md). Never divides an advance between two stages by guessing: what crosses a switch that
nobody read is an error. The registers always sum to the advance from the first usable reading to the last.

1.  Only readings on the raster of the local wall clock count between; in October's double hour the first does. A first
    or last reading off the raster still counts as an end.
2.  Each day opens with the reading of its first slot. Where that is missing, what happened since the last reading
    belongs to the stage of that one, if every later slot up to the first reading has this stage, else to the error.
3.  A stage ends at the reading of a switch, the day at that of midnight, else of its last slot.
4.  Where the reading of a switch is missing, the stage ends at its last reading; from there to the next reading after
    the switch it is an error. The next stage begins there.
5.  A day that ends without a reading inside its last stage, or behind a switch, leaves an error to the day after it.
6.  Time that no day profile speaks of is an error.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from smgw.metering.tariffs.calendar import QUARTER_HOUR, LocalDay, days
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.values import Value, ValueList
from wire.profiles.tariff import ERROR_STAGE, TimeStages

_MIDNIGHT = 86400

DayPlan = Sequence[tuple[int, int]]
"""(second of the wall clock, stage from then on), ascending from second 0, no stage followed by itself (:func:`plan`).
Stage 63 is no stage."""
NOT_LISTED: DayPlan = ((0, ERROR_STAGE),)
"""A day that no day profile speaks of."""


@dataclass(frozen=True, slots=True)
class Booking:
    """What a list comes to: an amount for every stage of the rule and for the error (63), in the register's unit.

    ``total`` is their sum. ``begin`` and ``end`` are the first and last reading in the period: here whatever their
    status, as the display software has it, under other use cases usable ones (``whole.py``).
    """

    registers: Mapping[int, int]
    total: int
    begin: int
    end: int


def book(values: ValueList, rule: TimeStages, begin: int, end: int, *, raster_seconds: int = QUARTER_HOUR) -> Booking:
    """Book the readings from ``begin`` to ``end`` (UTC seconds, both included).

    The raster is the quarter hours, whatever the list's own is, so that the consumer's display software, which knows no
    other, comes to the same; only a rule that switches between them is booked on a raster of ``raster_seconds``. Raises
    TariffError where the period holds readings of fewer than two instants, or no usable one.
    """
    plans = {
        profile.id: plan((switch.minute * 60, switch.stage) for switch in profile.switches)
        for profile in rule.calendar.day_profiles
    }
    return book_days(
        values,
        lambda day: plans[rule.calendar.of(day).id],
        [stage.number for stage in rule.stages],
        begin,
        end,
        raster_seconds=raster_seconds if _switches_between_quarter_hours(plans.values()) else QUARTER_HOUR,
    )


def _switches_between_quarter_hours(plans: Iterable[DayPlan]) -> bool:
    return any(second % QUARTER_HOUR for found in plans for second, _ in found)


def plan(entries: Iterable[tuple[int, int]]) -> DayPlan:
    """The plan of a day of ascending (second, stage): before the first of them there is no stage."""
    switches = list(NOT_LISTED)
    for second, stage in entries:
        if second == 0:
            switches = [(0, stage)]
        elif stage != switches[-1][1]:
            switches.append((second, stage))
    return tuple(switches)


def book_days(
    values: ValueList,
    plan_of: Callable[[date], DayPlan],
    stages: Iterable[int],
    begin: int,
    end: int,
    *,
    raster_seconds: int = QUARTER_HOUR,
) -> Booking:
    """As :func:`book`, with the plan of each local day from wherever it comes."""
    part = values.between(begin, end)
    usable = [one for one in part if one.usable]
    if not part or part[0].at == part[-1].at:
        raise TariffError(TariffReason.NO_READINGS, "there are no readings of two instants in the billing period")
    if not usable:
        raise TariffError(TariffReason.NO_READINGS, "no reading in the billing period is usable")
    ledger = _Ledger(values, plan_of, dict.fromkeys((*stages, ERROR_STAGE), 0))
    place = 0
    for today in days(part[0].at, part[-1].at):
        # A day's own readings and the midnight that closes it; the next day begins with the same midnight.
        following = bisect_right(part, today.end, lo=place, key=_at)
        slots = _Slots.of(today, part[place:following], raster_seconds, (part[0].at, part[-1].at))
        ledger.book_day(slots)
        place = following - 1 if part[following - 1].at == today.end else following
    ledger.book_ends(usable[0], usable[-1])
    return Booking(ledger.registers, sum(ledger.registers.values()), part[0].at, part[-1].at)


@dataclass(frozen=True, slots=True)
class _Slots:
    """The raster of one day: its usable readings by second of the wall clock, in order."""

    today: LocalDay
    readings: Mapping[int, Value]
    seconds: Sequence[int]
    first: int
    last: int
    step: int

    @classmethod
    def of(cls, today: LocalDay, part: Sequence[Value], step: int, period: tuple[int, int]) -> "_Slots":
        """The slots of ``today`` inside ``period``, and the readings that stand on one of them."""
        found: dict[int, Value] = {}
        for one in part:
            second = today.wall(one.at)
            if second % step == 0:
                found.setdefault(second, one)
        readings = {second: one for second, one in found.items() if one.usable}
        begin, end = period
        first = -(-today.wall(begin) // step) * step if begin > today.begin else 0
        last = today.wall(end) // step * step if end < today.end else _MIDNIGHT - step
        return cls(today, readings, sorted(readings), first, last, step)

    def closing(self) -> int | None:
        """Where the day closes: at midnight, else in its last slot, if one of them was read."""
        return next((second for second in (_MIDNIGHT, self.last) if second in self.readings), None)

    def first_after(self, second: int) -> int | None:
        """The first slot behind ``second`` that was read; the last one of the day is where the day closes."""
        place = bisect_right(self.seconds, second)
        if place == len(self.seconds):
            return None
        return self.seconds[place] if self.seconds[place] < self.last else self.closing()

    def last_between(self, second: int, before: int) -> int | None:
        """The last slot between ``second`` and ``before``, neither included, that was read."""
        place = bisect_left(self.seconds, before)
        return self.seconds[place - 1] if place and self.seconds[place - 1] > second else None


class _Ledger:
    """The registers, and what one day leaves to the next: the last reading and the stage that it lies in."""

    def __init__(self, values: ValueList, plan_of: Callable[[date], DayPlan], registers: dict[int, int]) -> None:
        self._values = values
        self._plan_of = plan_of
        self.registers = registers
        self._opened: Value | None = None
        self._carried: Value | None = None
        self._stage = ERROR_STAGE

    def book_day(self, slots: _Slots) -> None:
        """Rules 2 to 5 for one day."""
        plan = self._plan_of(slots.today.day)
        place = self._open(slots, plan)
        if place is None:
            return
        switches = [second for second, _ in plan if place < second < slots.last]
        for switch in switches:
            if switch <= place:
                continue
            stage = _stage_at(plan, place)
            if switch in slots.readings:
                place = self._book(slots, switch, stage)
                continue
            inside = slots.last_between(place, switch)
            if inside is not None:
                place = self._book(slots, inside, stage)
            after = slots.first_after(switch)
            if after is None:
                self._stage = ERROR_STAGE
                return
            place = self._book(slots, after, ERROR_STAGE)
        if place >= slots.last:
            return
        closing = slots.closing()
        if closing is None:
            closing = slots.last_between(place, slots.last)
        if closing is not None:
            self._book(slots, closing, _stage_at(plan, place))
        elif place + slots.step < slots.last:
            self._stage = ERROR_STAGE
        else:
            self._stage = _stage_at(plan, place)  # no slot lies between that could have been read

    def _open(self, slots: _Slots, plan: DayPlan) -> int | None:
        """Where the day begins to be read, with everything up to there booked; None if it was never read."""
        if slots.first in slots.readings:
            place: int | None = slots.first
        else:
            place = slots.seconds[0] if slots.seconds else None
            last = slots.last if place is None else min(place, slots.last)
            passed = {_stage_at(plan, slots.first + slots.step)} if slots.first < last else set()
            passed |= {stage for second, stage in plan if slots.first + slots.step < second <= last}
            if passed - {self._stage}:
                self._stage = ERROR_STAGE
        if place is not None:
            if self._carried is not None:
                self._book(slots, place, self._stage)
            self._carried = slots.readings[place]
            self._opened = self._opened or self._carried
            self._stage = _stage_at(plan, place)
        return place

    def _book(self, slots: _Slots, second: int, stage: int) -> int:
        """Give everything since the last reading to ``stage``; returns ``second``."""
        now = slots.readings[second]
        if self._carried is not None:
            self._add(self._carried, now, stage)
        self._carried, self._stage = now, stage
        return second

    def book_ends(self, first: Value, last: Value) -> None:
        """Rule 1: what lies before the first reading on the raster, and behind the last."""
        if self._opened is None or self._carried is None:
            self._add(first, last, self._stage_between(first, last))
            return
        self._add(first, self._opened, self._stage_between(first, self._opened))
        self._add(self._carried, last, self._stage_between(self._carried, last))

    def _stage_between(self, former: Value, later: Value) -> int:
        """The stage of all the time between, or the error if there is more than one."""
        found = set()
        for today in days(former.at, later.at):
            plan = self._plan_of(today.day)
            begin = today.wall(max(former.at, today.begin))
            found.add(_stage_at(plan, begin))
            found |= {stage for second, stage in plan if begin < second < today.wall(min(later.at, today.end))}
        return found.pop() if len(found) == 1 else ERROR_STAGE

    def _add(self, former: Value, later: Value, stage: int) -> None:
        self.registers[stage] += self._values.advance(former, later)


def _stage_at(plan: DayPlan, second: int) -> int:
    return plan[bisect_right(plan, second, key=_second) - 1][1]


def _second(entry: tuple[int, int]) -> int:
    return entry[0]


def _at(value: Value) -> int:
    return value.at
