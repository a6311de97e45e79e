"""Her readings as the display software (TRuDI) loads them: one file a contract, VDE AR 2418-6.

Decides what a contract is there: its usage point and tariff have the contract's own id, its invoicing party is the
party that gets its values; original values only, one list a register with one block, every reading with the instant
that it stands for and a status (TAF-7). A list has the contract's registration period; what was read between its points
for others does not stand in it, what stands for no point at all does. Which of two bit orders of a status word a reader
expects nobody can know, so it stands there only where it was asked for: the PTB's status says enough for a bill.

:func:`tariff_of` writes the other file that such software wants, the supplier's, from the rule that the gateway itself
bills by: both together give her the gateway's bill, calculated by somebody else (PTB-A 50.8, display).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding

from smgw.han.export_lists import Listed, Row, targets
from smgw.han.export_source import Source
from smgw.han.parts import EARLIEST, LATEST
from smgw.han.port import HanError, HanReason
from smgw.metering.status import TextForm, ptb_status, to_text
from smgw.metering.tariffs.calendar import QUARTER_HOUR, days
from smgw.metering.tariffs.taf2 import plan
from smgw.store.rows import from_seconds
from wire.ar2418 import (
    Analysis,
    Certificate,
    CertificateKind,
    DayTable,
    Form,
    Interval,
    IntervalBlock,
    IntervalReading,
    ListedDay,
    LogLine,
    MeterReading,
    ReadingType,
    Service,
    Stage,
    UnitSymbol,
    UsagePoint,
    write,
)
from wire.errors import Ar2418Error
from wire.obis import Obis
from wire.profiles import EvaluationProfile, TimeStages, UseCase
from wire.reading import DeviceId, Unit

MAXIMUM_ENTRIES: Final = 1_000
"""Of her log, the newest of the period: as many as certified gateways show in one answer."""
UNITS: Final = MappingProxyType(
    {
        Unit.WH: UnitSymbol.WATT_HOUR,
        Unit.VAH: UnitSymbol.VOLT_AMPERE_HOUR,
        Unit.VARH: UnitSymbol.VAR_HOUR,
        Unit.W: UnitSymbol.WATT,
        Unit.VA: UnitSymbol.VOLT_AMPERE,
        Unit.VAR: UnitSymbol.VAR,
        Unit.A: UnitSymbol.AMPERE,
        Unit.V: UnitSymbol.VOLT,
        Unit.HZ: UnitSymbol.HERTZ,
        Unit.CUBIC_METRE: UnitSymbol.CUBIC_METRE,
        Unit.CUBIC_METRE_PER_HOUR: UnitSymbol.CUBIC_METRE_PER_HOUR,
    }
)
LONGEST_SECONDS: Final = 3 * 366 * 86400
"""Of a billing period whose days are listed: longer than any is."""
_SLOTS: Final = range(0, 96 * QUARTER_HOUR, QUARTER_HOUR)
"""A day profile names the stage of each of them."""


def gateway_file(
    source: Source,
    lists: Sequence[Listed],
    contract: EvaluationProfile,
    at: datetime,
    period: tuple[int, int],
    *,
    form: Form = Form.EARLY,
    status_word: TextForm | None = None,
) -> bytes:
    """The file of original value lists (TAF-7). Raises HanError NOT_FOUND, BAD_QUESTION."""
    readings = tuple(_meter_readings(lists, contract, status_word))
    if not readings:
        raise HanError(HanReason.NOT_FOUND, "this contract has no readings in this time: ask for another one")
    certificates = [one.public_bytes(Encoding.DER) for one in source.certificates(at)]
    # The earlier form has room for one: that in use.
    held = certificates[:1] if form is Form.EARLY else certificates
    log = [
        LogLine(
            shown.entry.record_number,
            int(shown.entry.first_at.timestamp()),
            int(shown.entry.level),
            int(shown.entry.outcome),
            _line(shown.text),
        )
        for shown in source.entries(from_seconds(period[0]), from_seconds(period[1]), at, limit=MAXIMUM_ENTRIES)
    ]
    found = replace(
        _head(source, contract),
        certificate_numbers=tuple(range(1, len(held) + 1)),
        certificates=tuple(Certificate(place, CertificateKind.SIGNATURE, one) for place, one in enumerate(held, 1)),
        meter_readings=readings,
        log_entries=len(log),
    )
    return _written(found, log, form)


def tariff_of(source: Source, contract: EvaluationProfile, begin: int, end: int) -> bytes:
    """The file of the supplier's tariff, as the gateway knows it, for the billing period ``begin`` .. ``end``.

    TAF-1 has one stage, TAF-2 those of its rule. Raises HanError BAD_QUESTION for other use cases, where a stage begins
    between two quarter-hours, which the form cannot say, and for no period; TOO_MUCH for one that is none of a bill.
    """
    if not EARLIEST <= begin < end <= LATEST:
        raise HanError(HanReason.BAD_QUESTION, "the end lies before the begin, or either in no time that is known")
    if end - begin > LONGEST_SECONDS:
        raise HanError(HanReason.TOO_MUCH, "longer than any billing period: ask for a shorter time")
    if contract.subtracted:
        raise HanError(HanReason.BAD_QUESTION, "this form knows no meter that is subtracted")
    if contract.use_case is UseCase.TAF_2 and isinstance(contract.rule, TimeStages):
        use_case, stages, tables, listed = 2, *_staged(contract.rule, begin, end)
    elif contract.use_case is UseCase.TAF_1:
        use_case, stages, tables, listed = 1, *_unstaged(contract, begin, end)
    else:
        raise HanError(HanReason.BAD_QUESTION, "only contracts of TAF-1 and TAF-2 are billed by this form")
    period = Interval(begin, end - begin)
    analysis = Analysis(use_case, contract.id[:32], period, stages, stages[0].number, tables, listed)
    return _written(replace(_head(source, contract), analysis=analysis), (), Form.EARLY)


def _head(source: Source, contract: EvaluationProfile) -> UsagePoint:
    return UsagePoint(
        service=Service.ELECTRICITY,
        identifier=contract.id,
        customer=source.consumer,
        invoicing_party=contract.party,
        gateway=source.gateway.text,
        certificate_numbers=(),
        certificates=(),
        tariff=contract.id,
        analysis=None,
        meter_readings=(),
    )


def _line(text: str) -> str:
    """One line without what no file can hold: what a meter or a party said must not keep her log from her."""
    return " ".join("".join(one if one.isprintable() or one.isspace() else "?" for one in text).split())


def _written(found: UsagePoint, log: Sequence[LogLine], form: Form) -> bytes:
    try:
        return write(found, log, form=form)
    except Ar2418Error as error:
        sentence = f"this cannot be said in the form of VDE AR 2418-6, ask for another form: {error}"
        raise HanError(HanReason.BAD_QUESTION, sentence) from error


def _meter_readings(
    lists: Sequence[Listed], contract: EvaluationProfile, status_word: TextForm | None
) -> Iterator[MeterReading]:
    # One list a register, all of a unit at the finest scaler of any: whoever adds lists up wants one scaler.
    together: dict[tuple[DeviceId, Obis, Unit], list[Listed]] = defaultdict(list)
    for one in lists:
        if one.unit in UNITS:
            together[one.register.meter, one.register.obis, one.unit].append(one)
    for (_, _, unit), parts in together.items():
        register, scaler = parts[0].register, min(one.scaler for one in lists if one.unit is unit)
        rows = sorted((row for part in parts for row in part.rows), key=_captured_at)
        period, own = contract.period_seconds, register.registered_seconds
        readings = [
            IntervalReading(
                stored.value * int(10 ** (stored.scaler - scaler)),
                stored.at,
                target,
                int(ptb_status(stored.status)),
                None if status_word is None else to_text(stored.status, status_word),
                signature=stored.signature.hex().upper(),
            )
            for row, (target, stored) in zip(rows, targets([row.stored for row in rows], period), strict=True)
            # It stands for a point of the contract, or for no point of its meter either.
            if target % period == 0 or row.target % own != 0
        ]
        if not readings:
            continue
        code = register.obis.to_bytes().hex().upper()
        name = f"{code}.{register.meter}"
        kind = ReadingType(0, UNITS[unit], scaler, register.obis, f"{name}.sm", contract.period_seconds)
        yield MeterReading(register.meter.text, f"{name}.{contract.id}", kind, (_block(readings),))


def _block(readings: Sequence[IntervalReading]) -> IntervalBlock:
    times = [at for one in readings for at in (one.captured_at, one.target) if at is not None]
    return IntervalBlock(Interval(min(times), max(times) - min(times)), tuple(readings))


_Tariff: TypeAlias = tuple[tuple[Stage, ...], tuple[DayTable, ...], tuple[ListedDay, ...]]
"""Stages, day profiles of 96 quarter-hours, and which of them each day has."""


def _staged(rule: TimeStages, begin: int, end: int) -> _Tariff:
    tables, numbers = [], {}
    for number, profile in enumerate(rule.calendar.day_profiles, 1):
        switches = plan((switch.minute * 60, switch.stage) for switch in profile.switches)
        if any(second % QUARTER_HOUR for second, _ in switches):
            sentence = "a stage of this tariff begins between two quarter-hours, which this form cannot say"
            raise HanError(HanReason.BAD_QUESTION, sentence)
        entries = ((slot, next(stage for second, stage in reversed(switches) if second <= slot)) for slot in _SLOTS)
        tables.append(DayTable(number, tuple(entries)))
        numbers[profile.id] = number
    listed = tuple(ListedDay(today.day, numbers[rule.calendar.of(today.day).id]) for today in days(begin, end))
    return tuple(Stage(stage.number, stage.obis) for stage in rule.stages), tuple(tables), listed


def _unstaged(contract: EvaluationProfile, begin: int, end: int) -> _Tariff:
    """One stage and one day profile for each register."""
    numbered = tuple(enumerate(contract.registers, 1))
    tables = tuple(DayTable(number, tuple((slot, number) for slot in _SLOTS)) for number, _ in numbered)
    listed = tuple(ListedDay(today.day, number) for number, _ in numbered for today in days(begin, end))
    return tuple(Stage(number, obis) for number, obis in numbered), tables, listed


def _captured_at(row: Row) -> int:
    return row.stored.at
