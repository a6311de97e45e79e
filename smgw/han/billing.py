"""What a contract comes to: the registers of each billing period on her own stored readings, and what they cost her.

Decides that a period is computed here by the same rules as its bill (``smgw/metering/tariffs``), the running one up to
its newest reading; that what cannot be computed is told with its reason and not guessed; and that a sum in which
somebody else's meter counts is not told at all, because her own consumption and the sum give the other's away
(PP-0073 FDP_ACF.1). Costs are integers in millionths of a euro, by her own prices (``prices.py``): what is used is
priced by the price that held then, the base price by the time that passed. PTB-A 50.8, display.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import sqlalchemy as sa

from smgw.access.schedule import tolerance
from smgw.han.contracts import stages_of
from smgw.han.hers import HerContract, HerMeter
from smgw.han.history import Row, following, is_doubtful, rows
from smgw.han.parts import part_of
from smgw.han.prices import ALL
from smgw.han.shown import WATT_HOUR, Amount, Billed, Prices, Resolution, Stage
from smgw.metering.tariffs import taf1, taf2
from smgw.metering.tariffs.calendar import billing_period
from smgw.metering.tariffs.errors import TariffError
from smgw.metering.tariffs.values import Value, ValueList
from smgw.metering.turnover import advance, found_in
from wire.obis import Obis
from wire.profiles import ERROR_STAGE, TimeStages, UseCase, derived_register
from wire.profiles.stages import TOTAL

OTHERS: Final = "others-are-summed"
"""Reason where the sum is not hers alone."""
NOT_YET: Final = "period-just-begun"
"""Reason where nothing could be booked yet."""
BILLED: Final = frozenset({UseCase.TAF_1, UseCase.TAF_2})
MAXIMUM_PERIODS: Final = 60
"""In one answer, whatever is asked for: five years of months."""
_MICRO: Final = 100
"""Millionths of a euro in a hundredth of a cent."""
_KILO: Final = 1000


@dataclass(frozen=True, slots=True)
class _Book:
    """What one period of a contract is computed from."""

    contract: HerContract
    register: Obis
    lists: tuple[tuple[bool, ValueList], ...]
    """For each meter whether it is subtracted, and its readings at the instants that they stand for."""
    scaler: int
    unit: int
    running: bool
    end: int
    rest: int = 0
    """What lies between the last reading inside and one that came after the end: no stage's, and of this period."""

    def between(self, begin: int, end: int) -> dict[int, int]:
        """The amount of each stage number; TAF-1 has one, the total. Raises TariffError."""
        rule = self.contract.profile.rule
        if not isinstance(rule, TimeStages):
            added = [one for subtracted, one in self.lists if not subtracted]
            taken = [one for subtracted, one in self.lists if subtracted]
            less = taf1.book_meters(taken, begin, end) if taken else 0
            return {TOTAL: taf1.book_meters(added, begin, end) - less}
        amounts = dict.fromkeys((*(stage.number for stage in rule.stages), ERROR_STAGE), 0)
        raster = self.contract.profile.period_seconds
        for subtracted, one in self.lists:
            booking = taf2.book(one, rule, begin, end, raster_seconds=raster)
            for number, amount in booking.registers.items():
                amounts[number] += -amount if subtracted else amount
        amounts[ERROR_STAGE] += self.rest if end == self.end else 0
        return amounts

    def reached(self, begin: int, end: int) -> int:
        """The newest instant up to which every meter that measures still was read."""
        found = [usable[-1].at for _, one in self.lists if (usable := one.usable_between(begin, end))]
        return (min if self.running else max)(found, default=begin)


def billed(
    connection: sa.Connection, contract: HerContract, prices: Sequence[Prices], at: int, limit: int
) -> list[Billed]:
    """The billing period that runs at ``at`` and those before it in her time, newest first."""
    billing = contract.profile.billing
    if contract.profile.use_case not in BILLED or billing is None:
        return []
    found: list[Billed] = []
    begin, end = billing_period(billing, min(at, contract.until - 1))
    while end > contract.since and len(found) < min(limit, MAXIMUM_PERIODS):
        # A period counts only if it lies wholly in the contract's time (``smgw/access/use_cases/periods.py``).
        if begin >= contract.since and min(at, contract.until) > begin:
            found.append(_billed(connection, contract, prices, (begin, end), at))
        begin, end = billing_period(billing, begin - 1)
    return found


def _billed(
    connection: sa.Connection, contract: HerContract, prices: Sequence[Prices], period: tuple[int, int], at: int
) -> Billed:
    begin, end = period
    if not contract.alone(begin, min(end, contract.until)):
        return _refused(begin, end, OTHERS)
    register, *further = contract.profile.registers
    book = _book(connection, contract, register, (begin, min(end, at)), running=at < end)
    until = book.reached(begin, min(end, at)) if book.running else end
    if until <= begin:
        return _refused(begin, end, NOT_YET)
    others = [_book(connection, contract, one, (begin, min(end, at)), running=at < end) for one in further]
    try:
        amounts = book.between(begin, until)
        told = [(one, one.between(begin, until)[TOTAL]) for one in others]
    except TariffError as error:
        return _refused(begin, end, error.reason.value)
    own = sorted((one for one in prices if one.contract == contract.profile.id), key=lambda one: one.since)
    costs = _costs(book, own, begin, until, amounts)
    codes = {stage.number: stage.obis for stage in stages_of(contract.profile.rule)}
    stages = tuple(
        Stage(
            number,
            str(codes.get(number, derived_register(book.register, number))),
            Amount(amount, book.scaler, book.unit),
            costs.get(number),
        )
        for number, amount in amounts.items()
    )
    base = _base(own, begin, until)
    parts = [base, *(stage.cost for stage in stages if stage.amount.value)]
    known = [part for part in parts if part is not None]
    cost = sum(known) if len(known) == len(parts) else None
    total = Amount(sum(amounts.values()), book.scaler, book.unit)
    # A price is one for what the first register counts; of others, feed-in above all, only the amount is known.
    more = tuple(Stage(TOTAL, str(one.register), Amount(amount, one.scaler, one.unit), None) for one, amount in told)
    return Billed(begin, end, until, (*stages, *more), total, base, cost)


def _refused(begin: int, end: int, reason: str) -> Billed:
    return Billed(begin, end, begin, (), Amount(0, 0, WATT_HOUR), None, None, reason)


def _book(
    connection: sa.Connection, contract: HerContract, register: Obis, period: tuple[int, int], *, running: bool
) -> _Book:
    begin, end = period
    profile = contract.profile
    late = int(tolerance(profile.period_seconds).total_seconds())
    counting = [one for one in contract.meters if one.has(register)]
    found = [(one, rows(connection, one, register, begin, end + late)) for one in counting]
    found = [(one, those) for one, those in found if one.measured.since < end and one.measured.until > begin]
    every = [row for _, those in found for row in those]
    scaler = min((row[3] for row in every), default=0)
    if profile.use_case is UseCase.TAF_2:
        scaler = min(scaler, 0)
    lists = tuple(
        (one.measured.span.device in profile.subtracted, _values(those, scaler, profile.period_seconds, late))
        for one, those in found
    )
    rest = 0
    if profile.use_case is UseCase.TAF_2 and not running:
        for (one, _), (subtracted, values) in zip(found, lists, strict=True):
            behind = _rest(connection, one, register, values, (begin, end), scaler)
            rest += -behind if subtracted else behind
    return _Book(contract, register, lists, scaler, every[0][4] if every else WATT_HOUR, running, end, rest)


def _rest(  # noqa: PLR0917 - of whom, of what, from when to when, in which unit
    connection: sa.Connection,
    meter: HerMeter,
    register: Obis,
    values: ValueList,
    period: tuple[int, int],
    scaler: int,
) -> int:
    """What went through up to the first usable reading after a period whose end nobody read (``use_cases/shares.py``).

    Nothing where her time with the meter ended before.
    """
    begin, end = period
    inside = values.usable_between(begin, end)
    if not inside or inside[-1].at == end:
        return 0
    later = next((row for row in following(connection, meter, register, end + 1) if not is_doubtful(row[2])), None)
    if later is None:
        return 0
    # A register whose digits became finer since is told in those of the period, what is beyond them cut off.
    value = later[1] * int(10 ** (later[3] - scaler)) if later[3] >= scaler else later[1] // 10 ** (scaler - later[3])
    return advance(inside[-1].value, value)


def _values(found: Sequence[Row], scaler: int, raster: int, late: int) -> ValueList:
    """The readings at the instants that they stand for, one for each; what stands for none keeps its own."""
    values = [
        Value(
            at - at % raster if at % raster <= late else at, value * int(10 ** (own - scaler)), not is_doubtful(status)
        )
        for at, value, status, own, _ in found
    ]
    return ValueList.of(values, turnover=found_in([one.value for one in values]))


def _costs(book: _Book, prices: Sequence[Prices], begin: int, until: int, whole: Mapping[int, int]) -> dict[int, int]:
    """What each stage cost, where all of its ``whole`` amount has a price; what crosses a change of price has none."""
    costs: dict[int, Fraction] = defaultdict(Fraction)
    priced_amounts: dict[int, int] = defaultdict(int)
    cuts = [begin, *(one.since for one in prices if begin < one.since < until), until]
    for first, last in pairwise(cuts):
        holding = _at(prices, first)
        try:
            amounts = book.between(first, last)
        except TariffError:
            return {}
        priced = {} if holding is None else dict(holding.per_kilowatt_hour)
        for number, amount in amounts.items():
            price = priced.get(number, priced.get(ALL))
            if price is not None:
                priced_amounts[number] += amount
                costs[number] += Fraction(amount) * Fraction(10) ** book.scaler * price * _MICRO / _KILO
    return {number: _rounded(cost) for number, cost in costs.items() if priced_amounts[number] == whole[number]}


def _base(prices: Sequence[Prices], begin: int, until: int) -> int | None:
    """The base price of ``begin`` .. ``until``: of each month as much as passed of it; none without a price."""
    total, at = Fraction(0), begin
    while at < until:
        holding = _at(prices, at)
        if holding is None:
            return None
        first, last = part_of(Resolution.MONTH, at)
        end = min([last, until, *(one.since for one in prices if one.since > at)])
        total += Fraction(holding.base_per_month * _MICRO * (end - at), last - first)
        at = end
    return _rounded(total)


def _at(prices: Sequence[Prices], at: int) -> Prices | None:
    """Those that hold at ``at``, of ``prices`` in order."""
    return next((one for one in reversed(prices) if one.since <= at), None)


def _rounded(value: Fraction) -> int:
    """To a whole number; what lies between two of them goes to the even one."""
    return round(value)
