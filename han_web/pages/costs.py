"""Tariffs with their registers, what they cost, and the prices that she enters herself.

Decides what a price is when a person writes it: euros a month and cents a kilowatt hour, with two digits after the
point at most. Prices stay in the gateway; nobody but her sees them, and no bill is made of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from han_web import figures, sentences
from han_web.auth import SEE_OTHER, consumer, consumer_page, now
from han_web.pages import asked
from han_web.pages.asked import AmountError
from han_web.words import mark, say
from smgw.han.billing import NOT_YET, OTHERS
from smgw.han.port import ConsumerView, HanError, HanReason
from smgw.han.prices import ALL as ALL_STAGES
from smgw.han.shown import Billed, Contract, Prices, Stage
from wire.profiles import ERROR_STAGE

pages = Blueprint("costs", __name__)
PERIODS: Final = 13
"""Billing periods that are shown: a year by months, and the one that runs."""
UNPROCESSABLE: Final = 422
MISSING: Final = mark("It cannot be calculated: readings are missing.")
REFUSALS: Final = {
    NOT_YET: mark("It has only just begun: nothing is booked yet."),
    OTHERS: mark("Somebody else's meter counts in this sum. So it is not shown: what is not yours would be theirs."),
}
"""Of all other reasons it is readings that are missing."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """A contract that is billed, with its periods and prices."""

    contract: Contract
    title: str
    periods: list[Billed]
    prices: list[Prices]
    stages: list[int]
    """Stages that have a price of their own; 0 alone where one price is for all."""


@pages.get("/costs")
@consumer_page
def costs() -> ResponseReturnValue:
    """What was used in each tariff, and what it cost."""
    return _page(consumer())


@pages.post("/costs/prices")
@consumer_page
def set_prices() -> ResponseReturnValue:
    """Keep prices that she enters."""
    view = consumer()
    contract = asked.name(request.form.get("contract", ""))
    tariff = _tariff(view, contract)
    since = asked.day(request.form.get("since", ""))
    try:
        base = asked.hundredths(request.form.get("base", "") or "0") * 100
        stages = tuple((stage, asked.hundredths(request.form.get(f"stage-{stage}", ""))) for stage in tariff.stages)
    except AmountError:
        return _page(view, wrong=contract), UNPROCESSABLE
    view.set_prices(Prices(contract, int(figures.midnight(since).timestamp()), base, stages))
    return redirect(url_for("costs.costs", _anchor=contract), SEE_OTHER)


@pages.post("/costs/prices/remove")
@consumer_page
def remove_prices() -> ResponseReturnValue:
    """Forget prices."""
    contract = asked.name(request.form.get("contract", ""))
    consumer().remove_prices(contract, asked.whole_number(request.form.get("since", "")))
    return redirect(url_for("costs.costs", _anchor=contract), SEE_OTHER)


def stage_name(tariff: Tariff, number: int) -> str:
    """What a stage is called."""
    if number == ERROR_STAGE:
        return say("Without a tariff")
    if number == ALL_STAGES or len(tariff.contract.stages) < 2:
        return say("Energy")
    return say("Tariff %(number)s", number=number)


def why(refused: str) -> str:
    """Why a period is not calculated."""
    return say(REFUSALS.get(refused, MISSING))


def columns(periods: Sequence[Billed]) -> tuple[Stage, ...]:
    """The stages that a table of ``periods`` has columns for: a period that is not calculated has none."""
    return next((one.stages for one in periods if not one.refused), ())


def _page(view: ConsumerView, wrong: str = "") -> str:
    return render_template(
        "costs.html",
        tariffs=_tariffs(view),
        wrong=wrong,
        stage_name=stage_name,
        why=why,
        others=OTHERS,
        columns=columns,
    )


def _tariffs(view: ConsumerView) -> list[Tariff]:
    at, prices = now(), view.prices()
    found = []
    for contract in view.contracts(at):
        periods = list(view.billed(contract.id, at, limit=PERIODS))
        if periods:
            stages = [number for number, _ in contract.stages] or [ALL_STAGES]
            own = sorted((one for one in prices if one.contract == contract.id), key=lambda one: -one.since)
            found.append(Tariff(contract, sentences.title(contract), periods, own, stages))
    return found


def _tariff(view: ConsumerView, contract: str) -> Tariff:
    for tariff in _tariffs(view):
        if tariff.contract.id == contract:
            return tariff
    raise HanError(HanReason.NOT_FOUND, "there is no such contract")
