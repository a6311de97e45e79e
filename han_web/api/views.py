"""The answers, one function for each name in the table of routes.

Decides nothing of its own: a question is read (``asked``), put to the view of whoever asks, and its answer is written
(``documents``). Identifiers reach the view as they were given; whose they are is decided there (FDP_ACF.1).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from flask import Response, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from han_web import auth
from han_web.api import documents, openapi
from han_web.api.asked import AskedError, Question, read_prices, write_cursor
from han_web.api.rendered import answer, tagged
from han_web.api.routes import (
    BILLED_PAGE,
    LOG_PAGE,
    MAXIMUM_NUMBER,
    READINGS_PAGE,
    TRANSMISSIONS_PAGE,
)
from han_web.words import language
from smgw.han.consumer_log import ShownEntry
from smgw.han.port import ExportForm, HanError, HanReason
from smgw.han.shown import Resolution

NO_CONTENT: Final = 204


def describe(_: Question) -> Response:
    """The description of this interface."""
    return answer(openapi.document())


def show_now(_: Question) -> Response:
    """The live figures."""
    return answer(documents.now(auth.consumer().now(auth.now())))


def show_meters(_: Question) -> Response:
    """Her meters."""
    return answer({"meters": [documents.meter(one) for one in auth.consumer().meters(auth.now())]})


def show_series(question: Question) -> Response:
    """A history."""
    begin, end = _span(question)
    shown = auth.consumer().series(
        question.text("meter", ""), question.text("register"), question.choice("resolution", Resolution), begin, end
    )
    return answer(documents.series(shown))


def show_readings(question: Question) -> Response:
    """A page of original readings (PTB-A 50.8, display)."""
    begin, end = _span(question)
    limit = question.number("limit", READINGS_PAGE, 1, READINGS_PAGE)
    shown = auth.consumer().readings(question.text("meter"), question.text("register"), begin, end, limit=limit)
    following = documents.instant(shown[-1].captured_at) if len(shown) == limit else None
    return answer({"readings": [documents.reading(one) for one in shown], "next": following})


def show_contracts(_: Question) -> Response:
    """Her contracts."""
    return answer({"contracts": [documents.contract(one) for one in auth.consumer().contracts(auth.now())]})


def show_billing_periods(question: Question) -> Response:
    """Billing periods of one of her contracts."""
    limit = question.number("limit", BILLED_PAGE, 1, BILLED_PAGE)
    shown = auth.consumer().billed(_path("contract"), auth.now(), limit=limit)
    return answer({"billing_periods": [documents.billed(one) for one in shown]})


def show_prices(_: Question) -> Response:
    """Her prices."""
    return answer({"prices": [documents.prices(one) for one in auth.consumer().prices()]})


def set_prices(_: Question) -> Response:
    """Enter prices."""
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        body = request.get_json()
    except (BadRequest, RecursionError) as error:
        raise AskedError("body", "not JSON") from error
    given = read_prices(body)
    auth.consumer().set_prices(given)
    return answer(documents.prices(given))


def remove_prices(question: Question) -> Response:
    """Take prices back."""
    contract, since = question.text("contract"), question.instant("since")
    auth.consumer().remove_prices(contract, int(since.timestamp()))
    return Response(status=NO_CONTENT)


def show_transmissions(question: Question) -> Response:
    """A page of deliveries."""
    limit = question.number("limit", TRANSMISSIONS_PAGE, 1, TRANSMISSIONS_PAGE)
    shown = auth.consumer().transmissions(before=question.cursor("before"), limit=limit)
    last = shown[-1] if len(shown) == limit else None
    following = None if last is None else write_cursor(last.created_at, last.contract, last.sequence)
    return answer({"transmissions": [documents.transmission(one) for one in shown], "next": following})


def show_log(question: Question) -> Response:
    """A page of her log (FAU_SAR.1/CON)."""
    after, limit = _page(question)
    view = auth.consumer()
    shown = view.log(language(), auth.now(), after=after, limit=limit)
    return _log_page(shown, view.last_record())


def show_log_integrity(_: Question) -> Response:
    """Whether her log is whole."""
    wrong = auth.consumer().log_is_whole(auth.now())
    return answer({"whole": not wrong, "cause": wrong})


def show_status(_: Question) -> Response:
    """How the gateway is."""
    return answer(documents.status(auth.consumer().status(auth.now())))


def run_self_test(_: Question) -> Response:
    """Have the gateway test itself (FPT_TST.1)."""
    return answer(documents.self_test(auth.consumer().self_test(auth.now())))


def export(question: Question) -> Response:
    """Her data as a file."""
    begin, end = _span(question)
    form = question.choice("form", ExportForm)
    contract = question.text("contract", "") or None
    if form in {ExportForm.XML, ExportForm.TARIFF} and contract is None:
        raise AskedError("contract", "an XML file is of one contract: name it")
    made = auth.consumer().export(form, auth.now(), begin, end, contract)
    response = Response(made.data, content_type=made.media_type)
    response.headers.set("Content-Disposition", "attachment", filename=made.name)
    return tagged(response)


def show_technician_log(question: Question) -> Response:
    """A page of the system log (FAU_SAR.1/SYS; TR-03109-1, technician)."""
    after, limit = _page(question)
    view = auth.technician()
    return _log_page(view.log(language(), after=after, limit=limit), view.last_record())


def show_technician_status(_: Question) -> Response:
    """How the gateway is."""
    return answer(documents.status(auth.technician().status(auth.now())))


VIEWS: Final[Mapping[str, Callable[[Question], Response]]] = MappingProxyType(
    {
        "openapi": describe,
        "now": show_now,
        "meters": show_meters,
        "series": show_series,
        "readings": show_readings,
        "contracts": show_contracts,
        "billing_periods": show_billing_periods,
        "prices": show_prices,
        "set_prices": set_prices,
        "remove_prices": remove_prices,
        "transmissions": show_transmissions,
        "log": show_log,
        "log_integrity": show_log_integrity,
        "status": show_status,
        "self_test": run_self_test,
        "export": export,
        "technician_log": show_technician_log,
        "technician_status": show_technician_status,
    }
)


def _log_page(shown: Sequence[ShownEntry], last: int) -> Response:
    following = shown[-1].entry.record_number if shown else None
    return answer({"entries": [documents.log_entry(one) for one in shown], "next": following, "last": last})


def _span(question: Question) -> tuple[datetime, datetime]:
    begin, end = question.instant("begin"), question.instant("end")
    if not begin < end:
        raise AskedError("end", "not after begin")
    return begin, end


def _page(question: Question) -> tuple[int, int]:
    return question.number("after", 0, 0, MAXIMUM_NUMBER), question.number("limit", LOG_PAGE, 1, LOG_PAGE)


def _path(name: str) -> str:
    """A part of the path."""
    value = (request.view_args or {}).get(name, "")
    if not value.isprintable():
        raise HanError(HanReason.NOT_FOUND, "there is nothing of that name")
    return str(value)
