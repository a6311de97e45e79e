"""What a file of a gateway and a file of a supplier must say, beyond the grammar.

Decides whether a file is whole, by the rules under which the display software (TRuDI) calculates at all: model rules,
context rules for original value lists (TAF-7), rules for tariff files and for both files together. The first rule that
is broken is told in one sentence. Rules about days are decided where the calendar is known.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

from wire.ar2418.model import Analysis, MeterReading, UsagePoint
from wire.errors import Ar2418Error

MAXIMUM_STAGES: Final = 20
"""Besides error registers."""
ENTRY_SECONDS: Final = 900
"""A day profile names the stage of every quarter hour."""
_LISTS: Final = re.compile(r"taf[ -]?7", re.ASCII | re.IGNORECASE)


def require_gateway_file(found: UsagePoint) -> None:
    """The lists of a gateway, by the model and context rules. Raises Ar2418Error."""
    with _told_of("the gateway's file"):
        _require_gateway_file(found)


def _require_gateway_file(found: UsagePoint) -> None:
    if found.analysis is not None and not found.meter_readings:
        raise Ar2418Error("it is a tariff and has no original value list")
    # 1. The contract, the gateway and its certificates.
    _require_common(found)
    if found.customer is None:
        raise Ar2418Error("it names no customer")
    if not found.certificates:
        raise Ar2418Error("it has no certificate of the gateway")
    if len(found.certificate_numbers) != len(found.certificates):
        raise Ar2418Error("the gateway names more or fewer certificates than there are")
    missing = set(found.certificate_numbers) - {one.number for one in found.certificates}
    if missing:
        raise Ar2418Error(f"it has no certificate {min(missing)}")
    # 2. The lists.
    if not found.meter_readings:
        raise Ar2418Error("it has no original value list")
    for one in found.meter_readings:
        _require_list(one)


def require_tariff_file(found: UsagePoint) -> Analysis:
    """The tariff of a supplier's file, by the model and tariff rules. Raises Ar2418Error."""
    with _told_of("the supplier's file"):
        return _require_tariff_file(found)


def _require_tariff_file(found: UsagePoint) -> Analysis:
    _require_common(found)
    analysis = found.analysis
    if analysis is None:
        raise Ar2418Error("it has no AnalysisProfile and is not a tariff file")
    if found.meter_readings:
        raise Ar2418Error("it has readings and is not a tariff file")
    # 1. Stages.
    if sum(not stage.is_error for stage in analysis.stages) > MAXIMUM_STAGES:
        raise Ar2418Error(f"there are more than {MAXIMUM_STAGES} tariff stages")
    keys = [(stage.obis.c, stage.number) for stage in analysis.stages if not stage.is_error]
    if len(set(keys)) != len(keys):
        raise Ar2418Error("two tariff stages of one direction have the same number")
    # 2. Day profiles: each of them once, a stage for every quarter hour.
    if not analysis.tables:
        raise Ar2418Error("the tariff has no day profile")
    numbers = [table.number for table in analysis.tables]
    if len(set(numbers)) != len(numbers):
        raise Ar2418Error("two day profiles have the same number")
    known = {stage.number for stage in analysis.stages}
    for table in analysis.tables:
        if any(later - former != ENTRY_SECONDS for (former, _), (later, _) in pairwise(table.entries)):
            raise Ar2418Error(f"day profile {table.number} does not name a stage every 15 minutes")
        for _, stage in table.entries:
            if stage not in known:
                raise Ar2418Error(f"day profile {table.number} names a tariff stage {stage} that there is not")
    # 3. The calendar.
    if not analysis.days:
        raise Ar2418Error("the tariff lists no day")
    for listed in analysis.days:
        if listed.table not in numbers:
            raise Ar2418Error(f"{listed.day} has a day profile {listed.table} that there is not")
    # 4. The billing period.
    if analysis.period.duration == 0:
        raise Ar2418Error("the billing period has no duration")
    return analysis


def require_same_contract(gateway: UsagePoint, supplier: UsagePoint) -> None:
    """Both files speak of the same contract at the same gateway. Raises Ar2418Error.

    A gateway that gives its lists the name of their use case, ``taf7``, names no tariff (so in a published case).
    """
    for name, mine, theirs in (
        ("usage point", gateway.identifier, supplier.identifier),
        ("invoicing party", gateway.invoicing_party, supplier.invoicing_party),
        ("kind of service", gateway.service.name, supplier.service.name),
        ("gateway", gateway.gateway.casefold(), supplier.gateway.casefold()),
        ("tariff", gateway.tariff, supplier.tariff),
    ):
        if mine != theirs and not (name == "tariff" and _LISTS.fullmatch(mine)):
            raise Ar2418Error(f"the files speak of two contracts: {name} {mine[:64]!r} and {theirs[:64]!r}")


@contextmanager
def _told_of(file: str) -> Iterator[None]:
    """Say which of the two files breaks a rule."""
    try:
        yield
    except Ar2418Error as error:
        raise Ar2418Error(f"{file}: {error}") from error


def _require_common(found: UsagePoint) -> None:
    for name, said in (
        ("usage point", found.identifier),
        ("invoicing party", found.invoicing_party),
        ("gateway", found.gateway),
        ("tariff", found.tariff),
    ):
        if not said:
            raise Ar2418Error(f"it names no {name}")


def _require_list(one: MeterReading) -> None:
    name = f"the list of {one.kind.obis}"
    if not one.identifier or not one.meter or not one.kind.logical_name:
        raise Ar2418Error(f"{name} has no identifier, no meter or no logical name")
    if not one.is_original:
        raise Ar2418Error(f"{name} of {one.kind.logical_name[:64]!r} is not an original value list")
    blocks = sorted(one.blocks, key=lambda block: block.interval.start)
    for former, later in pairwise(blocks):
        if former.interval.end != later.interval.start:
            how = "a gap between" if former.interval.end < later.interval.start else "an overlap of"
            raise Ar2418Error(f"{name} has {how} two blocks")
    for block in blocks:
        for reading in block.readings:
            if reading.status_ptb is None and reading.status_fnn is None:
                raise Ar2418Error(f"{name} has a reading without a status")
            if not block.interval.start <= reading.captured_at <= block.interval.end:
                raise Ar2418Error(f"{name} has a reading that was captured outside its block")
