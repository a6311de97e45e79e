"""The start page: the power at this moment, and today, this month, this year against the same time before.

Decides what is the one big figure: the power over all meters of hers, drawn less fed in, with its direction in a word.
The live figures are the same piece of the page once more, made by the same code in the same language, so that a script
has nothing to compute and nothing to translate.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from han_web import auth, charts, figures
from han_web.auth import SEE_OTHER, consumer, consumer_page, either_page
from han_web.registers import Direction, total_register
from han_web.words import mark, say
from smgw.han.port import ConsumerView
from smgw.han.shown import WATT, Amount, Compared, Now, Resolution
from smgw.logs.readers import Role

pages = Blueprint("now", __name__)
PERIODS: Final = {
    Resolution.DAY: (mark("Today"), mark("yesterday until this time")),
    Resolution.MONTH: (mark("This month"), mark("last month until this day")),
    Resolution.YEAR: (mark("This year"), mark("last year until this day")),
}


@dataclass(frozen=True, slots=True)
class Dial:
    """The gauge with its figure."""

    number: str
    unit: str
    fed: bool
    part: int
    top: str
    measured: str
    averaged: str


@dataclass(frozen=True, slots=True)
class Period:
    """One period and the one before it."""

    title: str
    number: str
    unit: str
    before: str
    before_title: str
    difference: str
    bar: str
    before_bar: str
    day: bool


@dataclass(frozen=True, slots=True)
class Day:
    """Today's quarter-hours of one direction."""

    fed: bool
    register: str
    chart: charts.Chart


@pages.get("/")
@either_page
def now() -> ResponseReturnValue:
    """Where everybody begins; a technician has no figures, but the system log."""
    visitor = auth.current_visitor()
    if visitor is not None and visitor.reader.role is Role.TECHNICIAN:
        return redirect(url_for("service.system_log"), SEE_OTHER)
    return render_template("now.html", **_figures(consumer()))


@pages.get("/live")
@consumer_page
def live() -> ResponseReturnValue:
    """The figures alone, fetched by a script while the page stands open."""
    return render_template("_now.html", **_figures(consumer()))


def dial(shown: Now) -> Dial | None:
    """The power over all meters, fed in counting negative; none where no meter tells any."""
    powers = [one for one in shown.powers if one.amount.unit == WATT]
    if not powers:
        return None
    lowest = min(one.amount.scaler for one in powers)
    total = sum((1 if one.drawn else -1) * one.amount.value * 10 ** (one.amount.scaler - lowest) for one in powers)
    watts = int(total * 10**lowest) if lowest >= 0 else int(total // 10**-lowest)
    top = charts.gauge_top(watts)
    number, unit = figures.power_parts(Amount(abs(watts), 0, WATT))
    averaged = max(one.averaged_seconds for one in powers)
    return Dial(
        number=number,
        unit=unit,
        fed=total < 0,
        part=charts.gauge_part(watts, top),
        top=f"{figures.number(top // 1000)} kW",
        measured=figures.ago(shown.at - min(one.at for one in powers)),
        averaged=figures.duration(averaged) if averaged else "",
    )


def period(one: Compared) -> Period:
    """What a period is called, and how it stands against the one before, in words."""
    title, before_title = PERIODS[one.resolution]
    number, unit = figures.energy_parts(one.energy)
    bar, before_bar = charts.comparison(one.energy, one.before)
    return Period(
        title=say(title),
        number=number,
        unit=unit,
        before=figures.energy(one.before),
        before_title=say(before_title),
        difference=_difference(one),
        bar=bar,
        before_bar=before_bar,
        day=one.resolution is Resolution.DAY,
    )


def _difference(one: Compared) -> str:
    """Less or more, and by how much; with a share only where that means something."""
    if one.energy is None:
        return say("Nothing was measured yet.")
    if one.before is None or one.before.scaler != one.energy.scaler:
        return say("There is nothing yet to compare it with.")
    difference = one.energy.value - one.before.value
    amount = figures.energy(Amount(abs(difference), one.energy.scaler, one.energy.unit))
    if not difference:
        return say("Exactly as much as before.")
    # A share of less than half a percent would be told as none.
    if abs(difference) * 200 < one.before.value or not one.before.value:
        return say("%(amount)s less", amount=amount) if difference < 0 else say("%(amount)s more", amount=amount)
    share = figures.percent(difference, one.before.value)
    if difference < 0:
        return say("%(amount)s less (%(share)s)", amount=amount, share=share)
    return say("%(amount)s more (%(share)s)", amount=amount, share=f"+{share}")


def _figures(view: ConsumerView) -> dict[str, object]:
    at = auth.now()
    shown = view.now(at)
    registers = [register for meter in view.meters(at) for register in meter.registers]
    days = [day for direction in Direction if (day := _today(view, registers, direction)) is not None]
    return {
        "at": shown.at,
        "dial": dial(shown),
        "drawn": [period(one) for one in shown.drawn],
        "fed_in": [period(one) for one in shown.fed_in],
        "days": days,
    }


def _today(view: ConsumerView, registers: list[str], direction: Direction) -> Day | None:
    """Today's quarter-hours of one direction; none where no meter of hers counts it."""
    register = total_register(registers, direction)
    if register is None:
        return None
    begin = figures.midnight(figures.local(int(auth.now().timestamp())).date())
    day = begin.replace(tzinfo=None) + timedelta(days=1)
    series = view.series("", register, Resolution.QUARTER_HOUR, begin, figures.midnight(day.date()))
    return Day(direction is Direction.FED_IN, register, charts.bar_chart(series))
