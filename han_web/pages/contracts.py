"""Who gets what of her data, and what for: every contract in words (TR-03109-1, consumer)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from han_web import figures, sentences
from han_web.auth import consumer, consumer_page, now
from han_web.words import mark, say
from smgw.han.shown import Contract

pages = Blueprint("contracts", __name__)
_MINUTES: Final = 1440
WEEKDAYS: Final = {
    "monday": mark("Monday"),
    "tuesday": mark("Tuesday"),
    "wednesday": mark("Wednesday"),
    "thursday": mark("Thursday"),
    "friday": mark("Friday"),
    "saturday": mark("Saturday"),
    "sunday": mark("Sunday"),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when a stage holds on a day, and where that lies in a drawing of the day."""

    begin: str
    end: str
    stage: int
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The stages of the days that have the same ones."""

    days: str
    stretches: list[Stretch]


@pages.get("/data")
@consumer_page
def contracts() -> ResponseReturnValue:
    """Every contract that concerns her; those that are over stand last."""
    at = int(now().timestamp())
    found = sorted(consumer().contracts(now()), key=lambda one: (one.until <= at, one.party_name, one.id))
    return render_template(
        "contracts.html",
        contracts=found,
        at=at,
        title=sentences.title,
        said=sentences.sentences,
        purposes=sentences.PURPOSES,
        plans=plans,
    )


def plans(contract: Contract) -> list[DayPlan]:
    """The days of a contract by the clock; neighbours that are alike are told once."""
    grouped: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for name, switches in contract.switches:
        grouped.setdefault(switches, []).append(_day_name(name))
    return [DayPlan(", ".join(days), _stretches(switches)) for switches, days in grouped.items()]


def _stretches(switches: tuple[tuple[int, int], ...]) -> list[Stretch]:
    ends = [*(minute for minute, _ in switches[1:]), _MINUTES]
    return [
        Stretch(_clock(begin), _clock(end), stage, f"{_percent(begin)}%", f"{_percent(end - begin)}%")
        for (begin, stage), end in zip(switches, ends, strict=True)
    ]


def _day_name(name: str) -> str:
    """A day of the week, or a date of its own."""
    if name in WEEKDAYS:
        return say(WEEKDAYS[name])
    try:
        return figures.short_day(int(figures.midnight(date.fromisoformat(name)).timestamp()))
    except ValueError:
        return name


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _percent(minutes: int) -> str:
    return f"{Decimal(minutes) * 100 / _MINUTES:.3f}"
