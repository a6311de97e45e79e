"""What is erased when a contract ends, whatever its age: the words that the database itself applies.

Decides which rows are a former consumer's: the readings of a device within the time in which it measured her
consumption, what was granted of them, the sums that were made of her devices alone, and the profiles that name her, her
accounts among them. What stretches of time these are stands in the table ``ended`` as long as the erasure goes on
(``contracts.py``). The database takes no row into it for a device while a profile that holds says that it is measured
there for somebody, and deletes nothing by it that is still owed (FDP_RIP.2, FAU_STG.2).
"""
# ruff: noqa: S608 - these are the words of triggers, which take no parameters, put together from constants only.

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Ended(StrEnum):
    """What a row of ``ended`` names."""

    CONSUMER = "consumer"
    METER = "meter"
    """A device, from the second ``begin`` until just before ``end``."""
    EVALUATION = "evaluation"
    """An evaluation profile of her devices alone, for periods that begin in that time."""
    PROFILE = "profile"
    """The version ``begin`` of a meter profile or an account that names her, or of an evaluation profile of hers; the
    name is its kind, a colon and its id."""


_OF_DEVICE: Final = (
    f"EXISTS (SELECT 1 FROM ended WHERE ended.kind = '{Ended.METER}' AND ended.name = {{row}}.device "
    "AND {row}.captured_at >= ended.begin AND {row}.captured_at < ended.until)"
)
_MEASURED: Final = (
    "EXISTS (SELECT 1 FROM grant_readings JOIN readings ON readings.id = grant_readings.reading_id "
    f"JOIN ended ON ended.kind = '{Ended.METER}' AND ended.name = readings.device "
    "AND readings.captured_at >= ended.begin AND readings.captured_at < ended.until "
    "WHERE grant_readings.grant_id = {row}.id)"
)
_DERIVED: Final = (
    f"EXISTS (SELECT 1 FROM ended WHERE ended.kind = '{Ended.EVALUATION}' AND ended.name = {{row}}.profile "
    "AND {row}.period_begin >= ended.begin AND {row}.period_begin < ended.until)"
)

ENDED_ROWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "grants": f"({_MEASURED} OR {_DERIVED})",
        "readings": _OF_DEVICE + " AND NOT EXISTS (SELECT 1 FROM grant_readings WHERE reading_id = {row}.id)",
        "daily_values": _OF_DEVICE,
        # That there was such a profile stays known by its withdrawal, or its number could be used anew.
        "profiles": (
            f"EXISTS (SELECT 1 FROM ended WHERE ended.kind = '{Ended.PROFILE}' "
            "AND ended.name = {row}.kind || ':' || {row}.id AND ended.begin = {row}.version) "
            "AND EXISTS (SELECT 1 FROM withdrawals WHERE withdrawals.kind = {row}.kind "
            "AND withdrawals.id = {row}.id AND withdrawals.version >= {row}.version) "
            "AND NOT EXISTS (SELECT 1 FROM grants WHERE {row}.kind = 'evaluation' AND grants.profile = {row}.id)"
        ),
    }
)
"""For each table what makes a row one that belongs to a contract that ended, and to nothing else."""

_METERS_OF: Final = (
    "SELECT readings.id FROM ended CROSS JOIN readings ON readings.device = ended.name "
    "AND readings.captured_at >= ended.begin AND readings.captured_at < ended.until "
    f"WHERE ended.kind = '{Ended.METER}'"
)

ERASURES: Final = (
    (
        f"DELETE FROM grants WHERE id IN (SELECT grant_readings.grant_id FROM ({_METERS_OF}) AS hers "
        "CROSS JOIN grant_readings ON grant_readings.reading_id = hers.id LIMIT {limit})"
    ),
    (
        "DELETE FROM grants WHERE id IN (SELECT grants.id FROM ended CROSS JOIN grants ON grants.profile = ended.name "
        "AND grants.period_begin >= ended.begin AND grants.period_begin < ended.until "
        f"WHERE ended.kind = '{Ended.EVALUATION}' LIMIT {{limit}})"
    ),
    f"DELETE FROM readings WHERE id IN ({_METERS_OF} LIMIT {{limit}})",
    (
        "DELETE FROM han_prices WHERE (consumer, contract, since) IN (SELECT consumer, contract, since FROM ended "
        f"CROSS JOIN han_prices ON consumer = ended.name WHERE ended.kind = '{Ended.CONSUMER}' LIMIT {{limit}})"
    ),
    (
        "DELETE FROM daily_values WHERE (device, obis, day) IN (SELECT device, obis, day FROM ended CROSS JOIN "
        "daily_values AS hers ON hers.device = ended.name AND hers.captured_at >= ended.begin "
        f"AND hers.captured_at < ended.until WHERE ended.kind = '{Ended.METER}' LIMIT {{limit}})"
    ),
    (
        "DELETE FROM profiles WHERE (kind, id, version) IN (SELECT profiles.kind, profiles.id, profiles.version "
        "FROM ended CROSS JOIN profiles ON ended.name = profiles.kind || ':' || profiles.id "
        f"AND profiles.version = ended.begin WHERE ended.kind = '{Ended.PROFILE}' LIMIT {{limit}})"
    ),
)
"""The statements that erase, in the order in which they must be made: each until it finds nothing more."""


def guard(clock: str) -> str:
    """The trigger that keeps a device out of ``ended`` while somebody's consumption is measured with it.

    ``clock`` is SQL for the second that counts as now. Profiles are canonical JSON (``wire/profiles/document.py``).
    """
    content = "CAST(holding.content AS TEXT)"
    return (
        f"CREATE TRIGGER ended_measured BEFORE INSERT ON ended WHEN NEW.kind = '{Ended.METER}' AND EXISTS ("
        "SELECT 1 FROM profiles AS holding WHERE holding.kind = 'meter' "
        "AND holding.version = (SELECT MAX(version) FROM profiles AS newest "
        "WHERE newest.kind = 'meter' AND newest.id = holding.id) "
        "AND NOT EXISTS (SELECT 1 FROM withdrawals WHERE withdrawals.kind = 'meter' "
        "AND withdrawals.id = holding.id AND withdrawals.version >= holding.version) "
        f"AND json_extract({content}, '$.meter') = NEW.name "
        f"AND unixepoch(json_extract({content}, '$.valid_until')) > {clock} "
        f"AND MAX(unixepoch(json_extract({content}, '$.valid_from')), (SELECT MIN(imported_at) FROM profiles AS first "
        "WHERE first.kind = 'meter' AND first.id = holding.id)) < NEW.until) "
        "BEGIN SELECT RAISE(ABORT, 'somebody is measured with this device'); END"
    )
