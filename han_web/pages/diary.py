"""Her log: what the gateway did with her data, and whether anything in it was changed (FAU_SAR.1/CON).

Decides that people begin with the newest entries, and that each page says first whether the chain of the log is whole:
what an altered log tells is worth nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from han_web.auth import consumer, consumer_page, now
from han_web.pages import asked
from han_web.words import language
from smgw.han.consumer_log import ShownEntry

pages = Blueprint("diary", __name__)
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class LogPage:
    """Which record numbers a page shows, and where to go on from there."""

    after: int
    older: str
    newer: str


@pages.get("/data/log")
@consumer_page
def log() -> ResponseReturnValue:
    """A page of her log."""
    view = consumer()
    page = page_of("diary.log", view.last_record())
    return render_template(
        "log.html",
        entries=newest_first(view.log(language(), now(), after=page.after, limit=PAGE)),
        page=page,
        broken=view.log_is_whole(now()),
    )


def page_of(endpoint: str, last: int) -> LogPage:
    """The page that the address asks for; without a word the newest. Raises BadRequest."""
    text = request.args.get("upto", "")
    upto = min(asked.whole_number(text), last) if text else last
    after = max(0, upto - PAGE)
    return LogPage(
        after,
        url_for(endpoint, upto=after) if after else "",
        url_for(endpoint, upto=upto + PAGE) if upto < last else "",
    )


def newest_first(entries: Sequence[ShownEntry]) -> list[ShownEntry]:
    """As people read a diary of which they want to know what happened last."""
    return list(reversed(entries))
