"""Every transmission of her data: to whom, when, what, by which contract (FAU_GEN.1/CON)."""

from typing import Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from han_web.auth import consumer, consumer_page, now
from han_web.pages import asked
from han_web.states import reason

pages = Blueprint("transmissions", __name__)
PAGE: Final = 50


@pages.get("/data/sent")
@consumer_page
def transmissions() -> ResponseReturnValue:
    """A page of them, newest first."""
    view = consumer()
    before = None
    if "at" in request.args:
        place = request.args
        before = (
            asked.whole_number(place["at"]),
            asked.name(place.get("contract", "")),
            asked.whole_number(place.get("sequence", "")),
        )
    found = view.transmissions(before=before, limit=PAGE + 1)
    last = found[PAGE - 1] if len(found) > PAGE else None
    return render_template(
        "transmissions.html",
        transmissions=found[:PAGE],
        contracts={one.id: one for one in view.contracts(now())},
        newest=url_for("transmissions.transmissions") if before else "",
        older=""
        if last is None
        else url_for("transmissions.transmissions", at=last.created_at, contract=last.contract, sequence=last.sequence),
        reason=reason,
    )
