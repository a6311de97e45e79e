"""Rules as people write them: times of day as ``06:00``, day profiles by name, stages and events as tables.

Decides which spellings of a rule are convenient and still exact; what they mean is written in the form of the signed
document and judged by its reader. A member that is written in the document's own form already stays as it is, and so
does what cannot be read here: the reader names the field that is wrong. Lets only ProfileError escape.
"""

import re
from collections.abc import Mapping

from wire.canonical_json import JsonObject, JsonValue
from wire.errors import ObisError, ProfileError
from wire.obis import Obis

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d?", re.ASCII)
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"weekdays": _WEEK[:5], "weekend": _WEEK[5:]}
_CALENDAR = ("days", "week", "special_days")
"""What makes a calendar: written beside the stages, or as a calendar in the document's own form."""


def rule_from_mapping(rule: JsonObject) -> JsonObject:
    """The rule of a table in the form of the document. Raises ProfileError.

    ``stages = {1 = "1-0:1.8.1"}``; ``[rule.days.NAME]`` with ``"06:00" = 1``; ``week`` as seven names or by the names
    of days, ``weekdays`` and ``weekend``; ``special_days = {2026-12-25 = "NAME"}``; ``events = {NAME = STAGE}``.
    """
    content = dict(rule)
    stages, events = content.get("stages"), content.get("events")
    if isinstance(stages, Mapping):
        content["stages"] = [{"number": _number(number), "obis": code} for number, code in stages.items()]
    listed = content.get("stages")
    if isinstance(listed, list):
        content["stages"] = [_stage(stage) for stage in listed]
    if isinstance(events, Mapping):
        content["events"] = [{"name": name, "stage": stage} for name, stage in events.items()]
    if isinstance(events, str):
        content["events"] = [events]
    if "days" in content:
        if "calendar" in content:
            raise ProfileError("rule.days and rule.calendar say the same")
        content["calendar"] = _calendar({name: content.pop(name, {}) for name in _CALENDAR})
    if "register" in content:
        content = {"above": None, "below": None} | content | {"register": code_of(content["register"])}
    if "credit" in content:
        content.setdefault("breakers", [])
    return content


def code_of(code: JsonValue) -> JsonValue:
    """``1-0:1.8.0`` as ``1-0:1.8.0*255``; what is no OBIS code is left to the reader, which names the field."""
    try:
        return str(Obis.parse(code)) if isinstance(code, str) else code
    except ObisError:
        return code


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise ProfileError(f"rule.stages: not the number of a stage: {text[:40]!r}")
    return int(text)


def _stage(stage: JsonValue) -> JsonValue:
    return stage | {"obis": code_of(stage["obis"])} if isinstance(stage, dict) and "obis" in stage else stage


def _calendar(written: Mapping[str, JsonValue]) -> JsonObject:
    days = _table("days", written["days"])
    numbers = {name: place for place, name in enumerate(days, 1)}
    week = written["week"]
    names = _week(_table("week", week)) if not isinstance(week, list) else week
    special = _table("special_days", written["special_days"])
    return {
        "day_profiles": [{"id": numbers[name], "switches": _switches(name, day)} for name, day in days.items()],
        "week": [_named("week", name, numbers) for name in names],
        "special_days": [
            {"day": day, "day_profile": _named("special_days", special[day], numbers)} for day in sorted(special)
        ],
    }


def _table(name: str, value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise ProfileError(f"rule.{name} is not a table")
    return value


def _week(table: JsonObject) -> list[JsonValue]:
    """Seven names, Monday first; a day that is named itself comes before the group that it belongs to."""
    unknown = set(table) - set(_WEEK) - set(_GROUPS)
    if unknown:
        raise ProfileError(f"rule.week: no day of a week: {', '.join(sorted(unknown))[:60]}")
    found = {day: table[group] for group, days in _GROUPS.items() if group in table for day in days}
    found |= {day: table[day] for day in _WEEK if day in table}
    missing = [day for day in _WEEK if day not in found]
    if missing:
        raise ProfileError(f"rule.week leaves out {', '.join(missing)}")
    return [found[day] for day in _WEEK]


def _switches(name: str, day: JsonValue) -> list[JsonValue]:
    switches: list[JsonValue] = []
    for time, stage in sorted(_table(f"days.{name[:40]}", day).items()):
        match = _TIME.fullmatch(time)
        if match is None:
            raise ProfileError(f'rule.days.{name[:40]}: not a time such as "06:00": {time[:40]!r}')
        switches.append({"minute": int(match[1]) * 60 + int(match[2]), "stage": stage})
    return switches


def _named(field: str, name: JsonValue, numbers: Mapping[str, int]) -> int:
    if not isinstance(name, str) or name not in numbers:
        raise ProfileError(f"rule.{field} names a day profile that rule.days does not hold: {name!r:.60}")
    return numbers[name]
