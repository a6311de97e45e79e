"""The questions that clients of a PPC gateway ask: ``/cgi-bin/hanservice.cgi`` (as its clients speak it).

Decides the same actions, the same marks in its pages, local time as there, and files that are CMS messages. Every
request proves who asks, by Digest or certificate (PP-0073 FIA_UAU.2): the cookie ``session`` that clients wait for
opens nothing, and so nothing is lost with it and any number of programs may be logged in at once. Another site's page
is kept out by what its browser says of it (``han_web.security``), not by the field ``tkn``, which not every client
sends back.

An empty answer is a page or a file that says so; what goes wrong has the status that clients look at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs

from flask import Blueprint, Response, render_template, request

from han_web import auth
from han_web.api import problems
from han_web.api.admission import admit
from han_web.api.asked import EARLIEST, LATEST, AskedError
from han_web.dialects import ppc_xml
from han_web.dialects.collected import Channel, between, entries, last, registers_of
from han_web.dialects.names import METER_INSTANCE, kilo, logical, short
from han_web.figures import ZONE, local
from han_web.security import MAXIMUM_FIELDS
from han_web.words import language
from smgw.han.port import ConsumerView, HanError, HanReason
from smgw.han.shown import ShownMeter, ShownReading
from smgw.logs.readers import Role

PATH: Final = "/cgi-bin/hanservice.cgi"
SESSION_COOKIE: Final = "session"
SESSION_VALUE: Final = "each-request-proves-who-asks"
"""Opens nothing; clients take its being there for a log-in."""
TIME_FORM: Final = "%Y-%m-%d %H:%M:%S"
MAXIMUM_ROWS: Final = 3000
"""Rows of a table: ten days of three registers."""
MAXIMUM_ENTRIES: Final = 1000
"""Entries of a log in one file."""
CMS_TYPE: Final = "application/pkcs7-mime"
VALID, INVALID = 1, 2
FIRST_UNUSABLE: Final = 3
"""statusPTB from which on no bill may rest on a value."""
EMPTY: Final = "Keine Daten vorhanden."
TOO_MANY: Final = (
    "Die Abfrage liefert {} Datensätze zurück. Es sind nur {} erlaubt. Schränken Sie die Abfrageparameter ein."
)

routes = Blueprint("ppc", __name__)
routes.register_error_handler(Exception, problems.refused)


@dataclass(frozen=True, slots=True)
class Row:
    """A reading as a row of the table."""

    moment: str
    register: str
    value: str
    unit: str
    status: str
    valid: int


@routes.get(PATH)
def enter() -> Response:
    """What a client begins with: it is logged in when it sees the cookie."""
    admit(Role.CONSUMER)
    response = _page()
    response.set_cookie(SESSION_COOKIE, SESSION_VALUE, secure=True, httponly=True, samesite="Strict", path="/cgi-bin/")
    return response


@routes.post(PATH)
def act() -> Response:
    """Do what the field ``action`` says. Raises AskedError for an action that there is not."""
    admit(Role.CONSUMER)
    action = ACTIONS.get(_field("action"))
    if action is None:
        raise AskedError("action", "not one of " + ", ".join(ACTIONS))
    return action(auth.consumer())


def _login(_: ConsumerView) -> Response:
    return _page()


def _logout(_: ConsumerView) -> Response:
    response = _page(note="Sie sind abgemeldet.")
    response.delete_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="Strict", path="/cgi-bin/")
    return response


def _meter_form(view: ConsumerView) -> Response:
    names = dict.fromkeys(one.meter for one in view.meters(auth.now()))
    return _page(
        meters=[(one, logical(METER_INSTANCE, one)) for one in names],
        note="" if names else "Kein Vertrag nennt einen Zähler.",
    )


def _meter_profile(view: ConsumerView) -> Response:
    meters = _asked_meters(view)
    channels = last(view, registers_of(meters), auth.now())
    rows = [_row(one) for channel in channels for one in channel.readings]
    return _page(rows=rows, note="" if rows else EMPTY)


def _values_form(view: ConsumerView) -> Response:
    return _page(asked_meter=_asked_meters(view)[0].meter)


def _meter_values(view: ConsumerView) -> Response:
    channels = _channels(view, MAXIMUM_ROWS)
    readings = [one for channel in channels for one in channel.readings]
    # Newest first; of one moment in the order of registers.
    readings.sort(key=lambda one: (-one.captured_at, one.register))
    return _page(rows=[_row(one) for one in readings], note="" if readings else EMPTY)


def _export_profile(view: ConsumerView) -> Response:
    meter = _asked_meters(view)[-1]
    return _signed(f"{meter.meter.lower()}_profile.xml.cms", ppc_xml.profile(meter))


def _export_values(view: ConsumerView) -> Response:
    meter = _asked_meters(view)[0].meter
    return _signed(f"{meter.lower()}_values.xml.cms", ppc_xml.values(meter, _channels(view)))


def _export_log(view: ConsumerView) -> Response:
    begin, end = _span()
    found = entries(view, language(), auth.now(), begin, end)
    if len(found) > MAXIMUM_ENTRIES:
        return _page(note=TOO_MANY.format(len(found), MAXIMUM_ENTRIES))
    if not found:
        return _page(note=f"Von {_field('from')} bis {_field('to')}: {EMPTY}")
    return _signed("log.xml.cms", ppc_xml.log(auth.current_port().gateway, reversed(found)))


def _versions(view: ConsumerView) -> Response:
    status = view.status(auth.now())
    # One program does what two components do there; clients put both into the version that they show.
    return _page(
        versions=[(name, status.version, status.program_sha256) for name in ("smgw-bootstream", "smgw-services")]
    )


def _self_test(view: ConsumerView) -> Response:
    results = view.self_test(auth.now())
    failed = ", ".join(one.name for one in results if not one.passed)
    return _page(note=f"Selbsttest nicht bestanden: {failed}" if failed else "Selbsttest bestanden.")


ACTIONS: Final[Mapping[str, Callable[[ConsumerView], Response]]] = MappingProxyType(
    {
        "login": _login,
        "logout": _logout,
        "meterform": _meter_form,
        "showMeterProfile": _meter_profile,
        "showMeterValuesForm": _values_form,
        "showMeterValues": _meter_values,
        "exportMeterProfile": _export_profile,
        "exportMeterValues": _export_values,
        "exportLogData": _export_log,
        "swversions": _versions,
        "selftest": _self_test,
    }
)


def _field(name: str) -> str:
    """A field of the form. One client sends its form without saying that it is one."""
    if request.content_type:
        return request.form.get(name, "")
    try:
        fields = parse_qs(request.get_data().decode(), max_num_fields=MAXIMUM_FIELDS)
    except ValueError as error:
        raise AskedError("body", "not a form") from error
    return fields.get(name, [""])[0]


def _page(
    *,
    note: str = "",
    meters: list[tuple[str, str]] | None = None,
    asked_meter: str | None = None,
    rows: list[Row] | None = None,
    versions: list[tuple[str, str, str]] | None = None,
) -> Response:
    port = auth.current_port()
    firmware = auth.consumer().status(auth.now()).version
    text = render_template(
        "dialect_ppc.html",
        gateway=port.gateway,
        token_value=SESSION_VALUE,
        note=note,
        meters=meters,
        asked_meter=asked_meter,
        rows=rows,
        versions=versions,
        firmware=firmware,
    )
    return Response(text, content_type="text/html; charset=utf-8")


def _signed(name: str, document: bytes) -> Response:
    """``document`` with the gateway's signature. Raises HanError NOT_NOW where it has no key."""
    response = Response(auth.current_port().sign(document), content_type=CMS_TYPE)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _asked_meters(view: ConsumerView) -> list[ShownMeter]:
    """The meter of the field ``mid``, once for each of its profiles; another's and none at all are the same."""
    asked = _field("mid")
    found = [one for one in view.meters(auth.now()) if one.meter == asked]
    if not found:
        raise HanError(HanReason.NOT_FOUND, "there is no such meter")
    return found


def _channels(view: ConsumerView, most: int | None = None) -> list[Channel]:
    begin, end = _span()
    wanted = registers_of(_asked_meters(view))
    return between(view, wanted, begin, end) if most is None else between(view, wanted, begin, end, most)


def _span() -> tuple[datetime, datetime]:
    """Both ends belong to it, as there."""
    begin, end = _moment("from"), _moment("to")
    if not begin < end:
        raise AskedError("to", "not after from")
    return begin, end + timedelta(seconds=1)


def _moment(name: str) -> datetime:
    """Legal time as clients write it; of an hour that comes twice the first, for an end the second."""
    text = _field(name)
    try:
        naive = datetime.strptime(text, TIME_FORM)  # noqa: DTZ007 - the zone is the gateway's
        moment = naive.replace(tzinfo=ZONE, fold=1 if name == "to" else 0).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise AskedError(name, "not a time as 2026-01-31 00:00:00") from error
    if not EARLIEST <= moment <= LATEST:
        raise AskedError(name, "no such time")
    return moment


def _row(one: ShownReading) -> Row:
    value, unit = kilo(one.amount)
    usable = one.ptb < FIRST_UNUSABLE
    return Row(
        moment=f"{local(one.captured_at):{TIME_FORM}}",
        register=short(one.register),
        value=value,
        unit=unit,
        status="gültig" if usable else "ungültig",
        valid=VALID if usable else INVALID,
    )
