"""The list of original readings: what the meter said and when, with status and signature (PTB-A 50.8, display).

Decides how somebody gets through a list of a hundred thousand lines: newest first, a page at a time, from a day on.
"""

from datetime import timedelta
from typing import Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from han_web import figures
from han_web.auth import consumer, consumer_page, now
from han_web.pages import asked
from han_web.registers import ptb_word, status_words
from smgw.han.port import HanError, HanReason
from smgw.han.shown import Verdict

pages = Blueprint("readings", __name__)
PAGE: Final = 96
"""Lines of a page: a day of quarter-hours of one register."""
_LONGEST: Final = timedelta(days=366 * 30)


@pages.get("/readings")
@consumer_page
def readings() -> ResponseReturnValue:
    """A page of readings before a moment."""
    view, at = consumer(), now()
    meters = view.meters(at)
    meter, register = asked.name(request.args.get("meter", "")), asked.name(request.args.get("register", ""))
    if not meter and meters:
        meter = meters[0].meter
    if meter and meter not in {one.meter for one in meters}:
        raise HanError(HanReason.NOT_FOUND, "there is no such meter")
    registers = next((one.registers for one in meters if one.meter == meter), ())
    register = register or (registers[0] if registers else "")
    last = asked.day_or("until", asked.today())
    until = figures.midnight(last + timedelta(days=1))
    before = request.args.get("before", "")
    if before:
        until = asked.instant(before)
    found = view.readings(meter, register, until - _LONGEST, until, limit=PAGE + 1) if register else ()
    older = found[PAGE - 1].captured_at if len(found) > PAGE else None
    return render_template(
        "readings.html",
        meters=meters,
        meter=meter,
        register=register,
        registers=registers,
        readings=found[:PAGE],
        until=figures.iso_day(int(until.timestamp()) - 1),
        older="" if older is None else url_for("readings.readings", meter=meter, register=register, before=older),
        newest="" if not before else url_for("readings.readings", meter=meter, register=register),
        status_words=status_words,
        ptb_word=ptb_word,
        genuine=Verdict.GENUINE,
        altered=Verdict.ALTERED,
    )
