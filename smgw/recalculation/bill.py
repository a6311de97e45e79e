"""The bill: every list of the gateway under the supplier's tariff, added up in the supplier's registers.

Decides the order of the checks and what a list is billed under. Lists are never merged: each is calculated alone, and
their amounts add up, so that two meters one after the other come to one bill (VDE AR 2418-6). Amounts are integers in
the raw unit of the lists. Raises Ar2418Error for files that are not whole and TariffError where there is no bill.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from smgw.metering.tariffs import taf1, taf2
from smgw.metering.tariffs.calendar import day_of, local, require_months
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.values import ValueList
from smgw.recalculation.certificates import require_certificates
from smgw.recalculation.preparation import value_list
from smgw.recalculation.tariff import Direction, direction, error_registers, require_listed
from wire.ar2418 import Analysis, MeterReading, ReadingType, UsagePoint
from wire.ar2418.rules import require_gateway_file, require_same_contract, require_tariff_file
from wire.errors import Ar2418Error
from wire.obis import Obis
from wire.profiles.tariff import ERROR_STAGE

TAF_1: Final = 1
TAF_2: Final = 2
_MAXIMUM_LISTS: Final = 3
"""Of one tariff."""


@dataclass(frozen=True, slots=True)
class Bill:
    """``registers`` in the order of the tariff, errors behind them; ``begin`` and ``end`` as the last list has them."""

    registers: dict[Obis, int]
    begin: int
    end: int
    kinds: dict[int, ReadingType]
    """What the values of a direction are, for showing them."""
    notes: tuple[str, ...]
    """What the reader of the bill should know besides."""


def recalculate(gateway: UsagePoint, supplier: UsagePoint, taf: int, *, turnover: int | None = None) -> Bill:
    """The bill of use case ``taf``; ``turnover`` is how many values the meters' registers can show, where known."""
    # 1. Each file by itself, then both together.
    require_gateway_file(gateway)
    require_certificates(gateway.certificates)
    analysis = require_tariff_file(supplier)
    require_same_contract(gateway, supplier)
    if analysis.use_case != taf:
        raise TariffError(
            TariffReason.OTHER_USE_CASE, f"the tariff file is for TAF-{analysis.use_case}, not for TAF-{taf}"
        )
    # 2. One unit a direction: amounts of two could not be added.
    kinds: dict[int, ReadingType] = {}
    for one in gateway.meter_readings:
        former = kinds.setdefault(one.kind.obis.c, one.kind)
        if _unit(former) != _unit(one.kind):
            raise Ar2418Error(f"the lists of {one.kind.obis} have two units")
    # 3. The calculation.
    lists = [(one, value_list(one, turnover=turnover)) for one in gateway.meter_readings]
    notes = _notes(gateway, supplier, lists)
    if taf == TAF_1:
        return _bill_of_one(analysis, lists, kinds, notes)
    return _bill_of_stages(analysis, lists, kinds, notes)


def _bill_of_one(
    analysis: Analysis, lists: list[tuple[MeterReading, ValueList]], kinds: dict[int, ReadingType], notes: list[str]
) -> Bill:
    """TAF-1."""
    if len(lists) > _MAXIMUM_LISTS:
        raise TariffError(
            TariffReason.TOO_MANY_LISTS, f"one tariff bills at most {_MAXIMUM_LISTS} original value lists"
        )
    if len(analysis.stages) > len(lists):
        raise TariffError(
            TariffReason.TOO_MANY_STAGES, "the tariff has more stages than there are original value lists"
        )
    begin, end = analysis.period.start, analysis.period.end
    require_months(begin, end)
    registers = {stage.obis: 0 for stage in analysis.stages}
    meters: dict[Obis, list[ValueList]] = defaultdict(list)
    for one, values in lists:
        meters[one.kind.obis].append(values)
    for obis, values_of in meters.items():
        amount = taf1.book_meters(values_of, begin, end)
        registers[_only_register(analysis, obis)] += amount
    require_listed(analysis)
    return Bill(registers, begin, end, kinds, tuple(notes))


def _only_register(analysis: Analysis, obis: Obis) -> Obis:
    """The register that a list of ``obis`` is billed by: the stage of its direction's one day profile."""
    billed = direction(analysis, obis)
    tables = billed.tables if billed else ()
    if billed is None or len(tables) != 1:
        raise TariffError(
            TariffReason.NOT_ONE_DAY_PROFILE, f"the tariff has {len(tables)} day profiles for {obis}, not one"
        )
    days = (day_of(analysis.period.end) - day_of(analysis.period.start)).days
    listed = sum(one.table == tables[0].number for one in analysis.days)
    if listed % days:
        raise TariffError(
            TariffReason.DAY_COUNT, f"the tariff lists {listed} days, which is no multiple of the {days} of its period"
        )
    number = tables[0].entries[0][1]
    found = next((stage for stage in billed.stages if stage.number == number), None)
    if found is None:
        raise TariffError(TariffReason.NO_STAGE, f"the day profile for {obis} begins with no stage but the error")
    return found.obis


def _bill_of_stages(
    analysis: Analysis, lists: list[tuple[MeterReading, ValueList]], kinds: dict[int, ReadingType], notes: list[str]
) -> Bill:
    """TAF-2."""
    require_listed(analysis)
    registers = {stage.obis: 0 for stage in analysis.stages} | dict.fromkeys(error_registers(analysis), 0)
    period = analysis.period
    begin, end, billed_lists, usable_lists = period.start, period.end, 0, 0
    for one, values in lists:
        part = values.between(period.start, period.end)
        if not part or part[0].at == part[-1].at:
            raise TariffError(
                TariffReason.NO_READINGS,
                f"the list of {one.kind.obis} has no readings of two instants from {local(period.start)} to"
                f" {local(period.end)}",
            )
        billed = direction(analysis, one.kind.obis)
        if billed is None:
            notes.append(f"the tariff has no stage for {one.kind.obis}: its list is not billed")
            continue
        billed_lists += 1
        if not any(value.usable for value in part):
            # Nobody knows what it counted; the others are billed all the same, as the display software does.
            notes.append(f"no reading of the list of {one.kind.obis} is usable: nothing of it is billed")
            continue
        usable_lists += 1
        booking = taf2.book_days(
            values, billed.plans(analysis), range(1, len(billed.stages) + 1), period.start, period.end
        )
        _add(registers, billed, booking)
        begin, end = booking.begin, booking.end
    if not billed_lists:
        raise TariffError(TariffReason.NO_STAGE, "the tariff has no stage for any of the lists")
    if not usable_lists:
        raise TariffError(TariffReason.NO_READINGS, "no reading in the billing period is usable")
    return Bill(registers, begin, end, kinds, tuple(notes))


def _add(registers: dict[Obis, int], billed: Direction, booking: taf2.Booking) -> None:
    for place, stage in enumerate(billed.stages, 1):
        registers[stage.obis] += booking.registers[place]
    error = booking.registers[ERROR_STAGE]
    if error or billed.error in registers:
        registers[billed.error] = registers.get(billed.error, 0) + error


def _notes(gateway: UsagePoint, supplier: UsagePoint, lists: list[tuple[MeterReading, ValueList]]) -> list[str]:
    notes = []
    if gateway.tariff != supplier.tariff:
        notes.append(f"the files name two tariffs: {gateway.tariff[:64]!r} and {supplier.tariff[:64]!r}")
    spans: dict[tuple[str, Obis], list[tuple[int, int]]] = defaultdict(list)
    for one, values in lists:
        if usable := [value.at for value in values.values if value.usable]:
            spans[one.meter, one.kind.obis].append((usable[0], usable[-1]))
    for (meter, obis), found in spans.items():
        if any(later[0] < former[1] for former, later in pairwise(sorted(found))):
            notes.append(f"two lists of {obis} of the meter {meter[:64]!r} are for the same time: both are billed")
    for one, values in lists:
        if again := values.begins_again():
            notes.append(f"the register of {one.kind.obis} begins again at 0 at {local(again[0])}")
        if backwards := values.backwards():
            notes.append(f"the register of {one.kind.obis} runs backwards at {local(backwards[0])}")
    return notes


def _unit(kind: ReadingType) -> tuple[int, int]:
    return kind.unit, kind.power_of_ten + kind.scaler
