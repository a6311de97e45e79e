"""Her data as files: tables, documents for programs, the form that the display software loads, and the proof.

Decides what may be asked for at once. A file is made by the gateway, which signs what proves itself; nothing of it is
kept afterwards.
"""

from typing import Final

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from han_web import sentences
from han_web.auth import consumer, consumer_page, now
from han_web.pages import asked
from han_web.words import mark
from proof import download
from smgw.han.port import ExportForm, HanError, HanReason

pages = Blueprint("export", __name__)
FORMS: Final = (
    (ExportForm.CSV, mark("Table (CSV)"), mark("Opens in every spreadsheet.")),
    (ExportForm.JSON, mark("Data (JSON)"), mark("For programs of your own.")),
    (ExportForm.XML, mark("Display software (XML)"), mark("One contract, as TRuDI loads it.")),
    (
        ExportForm.TARIFF,
        mark("Tariff (XML)"),
        mark("The other file that TRuDI asks for, of a contract that is billed."),
    ),
    (ExportForm.PROOF, mark("Proof"), mark("Readings with their signatures and your log, to be checked by anybody.")),
)

_OF_A_CONTRACT: Final = frozenset({ExportForm.XML, ExportForm.TARIFF})
_NO_FILE: Final = {
    HanReason.TOO_MUCH: ("much", 413),
    HanReason.NOT_FOUND: ("nothing", 404),
    HanReason.BAD_QUESTION: ("form", 422),
}
"""What is said on the page that asks, and its status; of a contract of somebody else's the same as of none."""


@pages.get("/data/export")
@consumer_page
def export() -> ResponseReturnValue:
    """Ask what to export."""
    return _page()


@pages.get("/data/export/file")
@consumer_page
def export_file() -> ResponseReturnValue:
    """The file."""
    try:
        form = ExportForm(request.args.get("form", ""))
    except ValueError as error:
        raise BadRequest from error
    first, last = (asked.day(request.args.get(name, "")) for name in ("first", "last"))
    contract = asked.name(request.args.get("contract", "")) or None
    if last < first:
        return _page(wrong="dates"), 422
    begin, end = asked.days_between(first, last)
    try:
        made = consumer().export(form, now(), begin, end, contract if form in _OF_A_CONTRACT else None)
    except HanError as error:
        if error.reason not in _NO_FILE:
            raise
        wrong, status = _NO_FILE[error.reason]
        return _page(wrong=wrong), status
    response = Response(made.data, content_type=made.media_type)
    response.headers.set("Content-Disposition", "attachment", filename=made.name)
    return response


@pages.get("/data/export/verify.html")
@consumer_page
def verifier() -> ResponseReturnValue:
    """The page that checks proofs, to be kept and opened anywhere; it runs by its own policy, so never in this one."""
    response = Response(download.page(), content_type=download.MEDIA_TYPE)
    response.headers.set("Content-Disposition", "attachment", filename=download.NAME)
    return response


def _page(wrong: str = "") -> str:
    today = asked.today()
    view = consumer()
    return render_template(
        "export.html",
        forms=FORMS,
        contracts=view.contracts(now()),
        title=sentences.title,
        first=request.args.get("first", "") or today.replace(day=1).isoformat(),
        last=request.args.get("last", "") or today.isoformat(),
        chosen=request.args.get("form", ExportForm.CSV.value),
        contract=request.args.get("contract", ""),
        verifier=url_for("export.verifier"),
        wrong=wrong,
    )
