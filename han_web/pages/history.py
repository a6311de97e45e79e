"""The history: a day in quarter-hours, a month in days, a year in months, and all years.

Decides which time a page shows and where its links lead: to the time before and after, to what a bar is made of, and
back. The same figures stand as a drawing and as a table; a script draws the first with a zoom, and fetches what it
needs for that from the interface for programs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from han_web import charts, figures
from han_web.auth import consumer, consumer_page, now
from han_web.pages import asked
from han_web.registers import Direction, feeds_in, is_energy, total_register
from han_web.words import mark, say
from smgw.han.port import HanError, HanReason
from smgw.han.shown import Resolution, Series, ShownMeter

pages = Blueprint("history", __name__)
SPANS: Final = {
    "day": (Resolution.QUARTER_HOUR, mark("Day")),
    "month": (Resolution.DAY, mark("Month")),
    "year": (Resolution.MONTH, mark("Year")),
    "all": (Resolution.YEAR, mark("All years")),
}
"""What a page shows, and in which parts."""
_INSIDE: Final = {"all": "year", "year": "month", "month": "day"}
"""Where a part leads to."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that a page shows."""

    by: str
    first: date
    after: date
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A part of the history, in the table."""

    name: str
    machine: str
    energy: str
    doubtful: bool
    inside: str
    """Where its own parts are shown; empty for a quarter-hour."""


@pages.get("/history")
@consumer_page
def history() -> ResponseReturnValue:
    """The history of one register, of one meter or of all."""
    view, at = consumer(), now()
    meters = view.meters(at)
    meter, register = asked.name(request.args.get("meter", "")), asked.name(request.args.get("register", ""))
    if meter and meter not in {one.meter for one in meters}:
        raise HanError(HanReason.NOT_FOUND, "there is no such meter")
    registers = sorted(
        {one for each in meters if meter in {"", each.meter} for one in each.registers if is_energy(one)}
    )
    register = register or total_register(registers, Direction.DRAWN) or (registers[0] if registers else "")
    if not register:
        return render_template("history.html", series=None)
    by = request.args.get("by", "day")
    if by not in SPANS:
        raise BadRequest
    if register not in registers:
        raise HanError(HanReason.NOT_FOUND, "there is no such register")
    span = span_of(by, asked.day_or("on", asked.today()), meters)
    begin, end = figures.midnight(span.first), figures.midnight(span.after)
    series = view.series(meter, register, SPANS[by][0], begin, end)
    begun = min((one.since for one in meters), default=int(begin.timestamp()))

    def link(by: str, on: date) -> str:
        return url_for("history.history", by=by, on=on.isoformat(), meter=meter or None, register=register)

    return render_template(
        "history.html",
        series=series,
        span=span,
        chart=charts.bar_chart(series),
        rows=rows(series, by, link),
        total=figures.energy_parts(charts.amount(series, charts.sum_of(series.energies))),
        meters=meters,
        meter=meter,
        register=register,
        registers=registers,
        fed=feeds_in(register),
        spans=[
            (one, say(text), link(one, span.first if one == by else _keep(span))) for one, (_, text) in SPANS.items()
        ],
        before=link(by, span.first - timedelta(days=1)) if by != "all" and begin.timestamp() > begun else "",
        after=link(by, span.after) if by != "all" and end <= at else "",
        odd=figures.changes(span.first) if by == "day" else 0,
        begun=begun,
        now=int(at.timestamp()),
    )


def span_of(by: str, on: date, meters: Sequence[ShownMeter]) -> Span:
    """The time around ``on`` that is shown."""
    if by == "day":
        return Span(by, on, on + timedelta(days=1), figures.weekday(_noon(on)))
    if by == "month":
        first = on.replace(day=1)
        return Span(by, first, (first + timedelta(days=31)).replace(day=1), figures.month(_noon(first)))
    if by == "year":
        first = date(on.year, 1, 1)
        return Span(by, first, date(on.year + 1, 1, 1), str(on.year))
    since = [figures.local(one.since).year for one in meters]
    first = date(max(asked.FIRST_YEAR, min([on.year, *since])), 1, 1)
    return Span(by, first, date(asked.today().year + 1, 1, 1), say("All years"))


def rows(series: Series, by: str, link: Callable[[str, date], str]) -> list[Row]:
    """The parts of ``series`` for a table; those that lie in the future are left out."""
    found = []
    for index, value in enumerate(series.energies):
        begin, end = series.bounds[index], series.bounds[index + 1]
        inside = _INSIDE.get(by)
        found.append(
            Row(
                name=charts.part_name(series.resolution, begin, end),
                machine=figures.machine(begin),
                energy=figures.energy(charts.amount(series, value)),
                doubtful=series.doubtful[index],
                inside=link(inside, figures.local(begin).date()) if inside and value is not None else "",
            )
        )
    while found and series.energies[len(found) - 1] is None:
        found.pop()
    return found


def _keep(span: Span) -> date:
    """The day that another length of time should hold: today, where what is shown holds it."""
    today = asked.today()
    return today if span.first <= today < span.after else span.first


def _noon(on: date) -> int:
    return int(figures.midnight(on).timestamp()) + 12 * 3600
