"""Tariffs with their registers, what they cost, and the prices that she enters herself.

Decides what a price is when a person writes it: euros a month and cents a kilowatt hour, with two digits after the
point at most. Prices stay in the gateway; nobody but her sees them, and no bill is made of them.
"""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from han_web import charts, figures, sentences
from han_web.auth import SEE_OTHER, consumer, consumer_page, now
from han_web.pages import asked
from han_web.pages.asked import AmountError
from han_web.words import say
from smgw.han.port import ConsumerView, HanError, HanReason
from smgw.han.shown import Amount, Billed, Contract, Prices

pages = Blueprint("costs", __name__)
PERIODS: Final = 13
"""Billing periods that are shown: a year by months, and the one that runs."""
ALL_STAGES: Final = 0
ERROR_STAGE: Final = 63
"""Of what was used while no stage could be told (TAF-2, the error register)."""
UNPROCESSABLE: Final = 422


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


def share(part: Amount, whole: Amount) -> str:
    """The length of a stage's bar."""
    return charts.comparison(whole, part)[1]


def _page(view: ConsumerView, wrong: str = "") -> str:
    return render_template(
        "costs.html",
        tariffs=_tariffs(view),
        wrong=wrong,
        today=asked.today().isoformat(),
        stage_name=stage_name,
        share=share,
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
