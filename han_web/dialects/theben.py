"""The questions that clients of a Theben CONEXA 3.0 ask: ``/smgw/m2m`` (interface description IF_GW_CON 1.4).

Decides the same six methods with the same names of members, every value a string as there; the path of a user answers
for its user alone (PP-0073 FDP_ACF.1). The root takes a question as well as telling where to ask it: a client that
follows the redirect with its question would answer the challenge for another address than it asks.

One client of this dialect answers every challenge by MD5, whatever it names. These addresses, and no others, take that
for an account which the administrator opened to it (FIA_UAU.5); the challenge names SHA-256 here too.
"""

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from flask import Blueprint, Response, request

from han_web import auth
from han_web.api import problems
from han_web.api.admission import admit
from han_web.api.asked import AskedError
from han_web.api.rendered import answer
from han_web.dialects import theben_documents as documents
from han_web.dialects.collected import Channel, between, daily, entries, last, registers_of
from han_web.dialects.names import hexadecimal, usage_point
from han_web.dialects.theben_asked import MAXIMUM_ENTRIES, Asked, Base, Method
from han_web.words import language
from smgw.han.consumer_log import ShownEntry
from smgw.han.port import ConsumerView, HanError, HanReason
from smgw.han.shown import Billed, Contract
from smgw.logs.readers import Role

LONGEST: Final = timedelta(days=31)
"""In one question (IF_GW_CON A-2.6)."""
TEMPORARY_REDIRECT, FORBIDDEN = 307, 403
BILLED: Final = 36
"""Billing periods in an answer: three years of months."""
_SECOND: Final = timedelta(seconds=1)

routes = Blueprint("theben", __name__)


@routes.errorhandler(Exception)
def refused(error: Exception) -> Response:
    """A problem document; a self-test that is asked for too soon has the status that it has there."""
    response = problems.refused(error)
    if isinstance(error, HanError) and error.reason is HanReason.TOO_SOON:
        response.status_code = FORBIDDEN
    return response


@routes.get("/smgw/m2m/", strict_slashes=False)
def lead() -> Response:
    """Tell a user her path."""
    path = f"/smgw/m2m/{quote(admit(Role.CONSUMER, older=True).name)}.sm/json"
    return Response(status=TEMPORARY_REDIRECT, headers={"Location": path})


@routes.post("/smgw/m2m/", strict_slashes=False)
def ask_at_the_root() -> Response:
    """Answer whoever asks at once."""
    admit(Role.CONSUMER, older=True)
    return _answer(Asked(request.get_data()))


@routes.post("/smgw/m2m/<user>/json")
def ask(user: str) -> Response:
    """Answer a question at the path of the user who asks it; there is no other path."""
    visitor = admit(Role.CONSUMER, older=True)
    if user.removesuffix(".sm") != visitor.name:
        raise HanError(HanReason.NOT_FOUND, "there is no such path")
    return _answer(Asked(request.get_data()))


def _answer(asked: Asked) -> Response:
    view, name = auth.consumer(), asked.method
    match name:
        case Method.SMGW_INFO:
            found: object = documents.smgw_info(view.status(auth.now()), auth.now())
        case Method.USER_INFO:
            contracts = view.contracts(auth.now())
            billed = [(one, view.billed(one.id, auth.now(), limit=BILLED)) for one in contracts]
            found = documents.user_info(billed, int(auth.now().timestamp()))
        case Method.USAGE_POINT_INFO:
            found = _usage_point_info(view, asked)
        case Method.LOG:
            found = documents.log(_log(view, asked))
        case Method.READINGS:
            found = _readings(view, asked)
        case _:
            found = documents.self_test(view.self_test(auth.now()))
    elapsed = (auth.current_port().clock() - auth.now()) // timedelta(milliseconds=1)
    # Spelled as there.
    told = f"{max(0, elapsed)} miliseconds"
    return answer({"elapsed-time": told, "method": name.value, name.value: found, "version": "1.2.0"})


def _usage_point_info(view: ConsumerView, asked: Asked) -> object:
    contract, only = _contract(view, asked), asked.base()
    newest = last(view, registers_of(view.meters(auth.now()), contract), auth.now())
    bases = [one for one in Base if only in {None, one}]
    try:
        profile = auth.current_port().sign(documents.profile(contract))
    except HanError:
        profile = b""
    return documents.usage_point_info(contract, bases, newest, profile)


def _readings(view: ConsumerView, asked: Asked) -> object:
    contract, base = _contract(view, asked), asked.base()
    if base is None:
        raise AskedError("database", "missing")
    if base in {Base.DERIVED, Base.CALCULATED}:
        return documents.billed_readings(contract, _billed(view, contract, asked, base), asked.channels())
    wanted, codes = registers_of(view.meters(auth.now()), contract), asked.channels()
    if codes is not None:
        wanted = [pair for pair in wanted if hexadecimal(pair[1]) in codes]
    return documents.readings(_original(view, wanted, asked, base))


def _original(view: ConsumerView, wanted: list[tuple[str, str]], asked: Asked, base: Base) -> list[Channel]:
    if asked.last_reading():
        if base is Base.ORIGIN:
            return last(view, wanted, auth.now())
        # The newest begin of a day is at most a day ago, where the meter answers.
        days = daily(view, wanted, auth.now() - LONGEST, auth.now() + _SECOND)
        return [Channel(one.meter, one.register, one.readings[-1:]) for one in days]
    begin, end = asked.moment("fromtime"), asked.moment("totime") or auth.now()
    if begin is None:
        raise AskedError("fromtime", "missing; or ask for the last reading")
    if not timedelta() <= end - begin <= LONGEST:
        raise AskedError("totime", "before fromtime, or more than 31 days after it")
    # There it is t > fromtime and t <= totime, with whole seconds.
    ask = daily if base is Base.DAILY else between
    return ask(view, wanted, begin + _SECOND, end + _SECOND)


def _billed(view: ConsumerView, contract: Contract, asked: Asked, base: Base) -> list[Billed]:
    now = int(auth.now().timestamp())
    periods = [one for one in view.billed(contract.id, auth.now(), limit=BILLED) if not one.refused]
    periods = [one for one in periods if (one.end > now) == (base is Base.CALCULATED)]
    if asked.last_reading():
        return periods[:1]
    begin, end = asked.moment("fromtime"), asked.moment("totime")
    return [
        one
        for one in reversed(periods)
        if (begin is None or begin.timestamp() < one.end) and (end is None or one.begin < end.timestamp())
    ]


def _log(view: ConsumerView, asked: Asked) -> list[ShownEntry]:
    """Entries from an index or a time on, oldest first."""
    begin, end = asked.moment("fromtime"), asked.moment("totime")
    count = asked.number("count", MAXIMUM_ENTRIES, 1, MAXIMUM_ENTRIES)
    # A time alone may lie far behind the first entry; without either it is the list from its begin.
    after = None if begin is not None and not asked.has("fromindex") else asked.number("fromindex", 0, 0, 2**48) - 1
    return entries(view, language(), auth.now(), begin, end, after=after, most=count)


def _contract(view: ConsumerView, asked: Asked) -> Contract:
    """The contract that is asked about; another's and none at all are the same."""
    wanted = asked.usage_point()
    for one in view.contracts(auth.now()):
        if wanted in {usage_point(one), one.id}:
            return one
    raise HanError(HanReason.NOT_FOUND, "there is no such usage point")
