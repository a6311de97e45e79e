"""Every delivery that concerns her: to whom, when, what of, and how it ended (TR-03109-1, consumer; FAU_GEN.1/CON).

Decides what is counted: her values, and those of sums that hers are part of. A delivery that carried nothing of hers is
shown like a cover, which holds nothing, so that nobody can tell that somebody else was told of in it (FDP_ACF.1).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from smgw.han.hers import HerContract, raw
from smgw.han.shown import Transmission
from smgw.store.outbox import Kind
from smgw.store.profiles import ProfileSet

MAXIMUM: Final = 1000
"""In one answer, whatever is asked for."""
_TIME: Final = (
    "(profile = ? AND created_at >= ? AND (created_at < ? OR EXISTS (SELECT 1 FROM grants "
    "WHERE grants.profile = deliveries.profile AND grants.sequence = deliveries.sequence AND period_begin < ?)))"
)
"""In her time, or of it: what somebody else's meter readings have filled since is passed over by the database."""
FIRST_PAGE: Final = (1 << 62, "", 0)
"""Before every delivery."""

# ruff: noqa: S608 - the words below are put together from constants and question marks only
_COLUMNS: Final = "created_at, profile, sequence, kind, acknowledged_at, set_aside_at, set_aside_reason"
_MEASURED: Final = (
    "SELECT COUNT(*), MIN(grants.period_begin), MAX(grants.period_end) FROM grants "
    "CROSS JOIN grant_readings ON grant_readings.grant_id = grants.id CROSS JOIN readings ON readings.id = reading_id "
    "WHERE grants.profile = ? AND grants.sequence = ? AND ({hers})"
)
"""Both joins are crossed, which sets their order: left alone, SQLite begins with every reading of a device."""
_HERS: Final = "(readings.device = ? AND readings.captured_at >= ? AND readings.captured_at < ?)"
_DERIVED: Final = (
    "SELECT COUNT(*), MIN(grants.period_begin), MAX(grants.period_end) FROM grants "
    "CROSS JOIN derived_readings ON derived_readings.grant_id = grants.id "
    "WHERE grants.profile = ? AND grants.sequence = ? AND grants.period_end > ? AND grants.period_begin < ?"
)


def transmissions(
    connection: sa.Connection,
    contracts: Sequence[HerContract],
    profiles: ProfileSet,
    last: tuple[int, str, int] | None,
    limit: int,
) -> list[Transmission]:
    """Deliveries of ``contracts`` in her time, newest first, behind ``last`` (created_at, contract, sequence)."""
    known = {one.profile.id: one for one in contracts}
    if not known:
        return []
    marks = ", ".join("?" * len(known))
    times = " OR ".join(_TIME for _ in known)
    statement = (
        f"SELECT {_COLUMNS} FROM deliveries WHERE profile IN ({marks}) AND ({times}) "
        "AND (created_at, profile, sequence) < (?, ?, ?) ORDER BY created_at DESC, profile DESC, sequence DESC"
    )
    begins = [value for name, one in known.items() for value in (name, one.since, one.until, _left(one))]
    found: list[Transmission] = []
    cursor = raw(connection).execute(statement, [*known, *begins, *(last or FIRST_PAGE)])
    for row in cursor:
        if len(found) >= min(limit, MAXIMUM):
            break
        hers = known[row[1]]
        counted = _counted(connection, hers, row[2])
        # What was measured in her time may leave after it; what holds nothing of hers is hers in her time only.
        if counted[0] or row[0] < hers.until:
            found.append(_shown(row, hers, counted, _names(profiles)))
    cursor.close()
    return found


def _counted(connection: sa.Connection, hers: HerContract, sequence: int) -> tuple[int, int | None, int | None]:
    """How many values of hers a delivery carried, and from when to when they speak."""
    name = hers.profile.id
    spans = [one.measured.span for one in hers.meters]
    clauses = " OR ".join(_HERS for _ in spans)
    limits = [value for span in spans for value in (span.device.text, span.begin, span.until)]
    parts = [
        raw(connection).execute(_MEASURED.format(hers=clauses), (name, sequence, *limits)).fetchone(),
        raw(connection).execute(_DERIVED, (name, sequence, hers.since, hers.until)).fetchone(),
    ]
    filled = [part for part in parts if part[0]]
    begins, ends = [part[1] for part in filled], [part[2] for part in filled]
    return sum(part[0] for part in filled), min(begins, default=None), max(ends, default=None)


def _left(hers: HerContract) -> int:
    """From which second on nothing is measured of her."""
    return max(one.measured.span.until for one in hers.meters)


def _names(profiles: ProfileSet) -> Mapping[str, str]:
    return {name: one.party for name, one in profiles.communications.items()}


def _shown(
    row: Sequence[object],
    hers: HerContract,
    counted: tuple[int, int | None, int | None],
    names: Mapping[str, str],
) -> Transmission:
    created_at, _, sequence, kind, acknowledged_at, set_aside_at, reason = row
    party = hers.profile.party
    return Transmission(
        contract=hers.profile.id,
        party=party,
        party_name=names.get(party, ""),
        sequence=sequence,  # type: ignore[arg-type]  # as the table has it
        created_at=created_at,  # type: ignore[arg-type]
        acknowledged_at=acknowledged_at,  # type: ignore[arg-type]
        set_aside_at=set_aside_at,  # type: ignore[arg-type]
        reason=reason or "",  # type: ignore[arg-type]
        values=counted[0],
        period_begin=counted[1],
        period_end=counted[2],
        kept=kind == Kind.STORED.value,
    )
