"""Refusals as problem documents (RFC 9457), in German and English: what happened, and what to do next.

Decides the status, the title and the advice of each reason, and that no more is told: what does not exist and what is
another consumer's have the same document, octet for octet (PP-0073 FDP_ACF.1), and a name with too many wrong attempts
is told until when it is locked whether or not anybody has it (FIA_AFL.1).

A program that is told 401 is challenged (RFC 7616). A script of a page is not: the browser would open a dialogue over
the page, so it is told where the form is.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from flask import Response, request
from werkzeug.exceptions import HTTPException

from han_web import auth, errors
from han_web.api.asked import AskedError
from han_web.api.rendered import json_bytes
from han_web.words import language
from smgw.han.port import HanError, HanReason, LoginRefusedError, RefusedReason
from smgw.logs.texts import Language

MEDIA_TYPE: Final = "application/problem+json"
REFUSED_HEADER: Final = "X-Login-Refused"
"""Why a log-in was refused, in one word, for clients that never look into the body of a refusal."""
TYPE: Final = "/api/v1/openapi.json#/x-problems/{}"
UNAUTHORIZED: Final = 401
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Words:
    """A status with its title and advice in both languages."""

    status: int
    german: tuple[str, str]
    english: tuple[str, str]


PROBLEMS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "not-found": Words(
            404,
            (
                "Nicht gefunden",
                "Prüfen Sie Adresse, Kennungen und Zeitraum; eigene Kennungen stehen unter /api/v1/meters.",
            ),
            (
                "Not found",
                "Check the address, the identifiers and the time; your identifiers are listed at /api/v1/meters.",
            ),
        ),
        "too-much": Words(
            413,
            ("Zu viel auf einmal", "Wählen Sie einen kürzeren Zeitraum oder weniger Einträge."),
            ("Too much at once", "Ask for a shorter time or fewer entries."),
        ),
        "bad-question": Words(
            400,
            ("Anfrage nicht verstanden", "Die Beschreibung steht unter /api/v1/openapi.json."),
            ("Question not understood", "The description is at /api/v1/openapi.json."),
        ),
        "too-soon": Words(
            429,
            (
                "Zu früh",
                "Ein Selbsttest ist alle zehn Minuten möglich (siehe Retry-After), eine Datei erst nach der vorigen.",
            ),
            ("Too soon", "A self-test goes every ten minutes (see Retry-After), a file after the one before."),
        ),
        "not-now": Words(
            503,
            (
                "Zurzeit nicht",
                "Das Gateway bedient in seinem jetzigen Zustand niemanden. Fragen Sie später noch einmal.",
            ),
            ("Not now", "In its present state the gateway serves nobody. Ask again later."),
        ),
        "not-allowed": Words(
            403,
            ("Nicht erlaubt", "Dieser Zugang darf das nicht abrufen."),
            ("Not allowed", "This account may not ask for that."),
        ),
        "login-needed": Words(
            UNAUTHORIZED,
            (
                "Anmeldung nötig",
                "Antworten Sie auf die Digest-Aufforderung mit SHA-256, oder nutzen Sie ein Client-Zertifikat.",
            ),
            ("Log-in needed", "Answer the Digest challenge with SHA-256, or use a client certificate."),
        ),
        "wrong": Words(
            UNAUTHORIZED,
            (
                "Anmeldung abgelehnt",
                "Name oder Passwort stimmen nicht. Nach fünf Fehlversuchen wird der Name für eine Weile gesperrt.",
            ),
            (
                "Log-in refused",
                "The name or the password is wrong. After five wrong attempts the name is locked for a while.",
            ),
        ),
        "locked": Words(
            429,
            (
                "Zugang gesperrt",
                "Zu viele Fehlversuche unter diesem Namen. Halten Sie Ihre Programme an und warten Sie die Zeit ab.",
            ),
            (
                "Locked",
                "Too many wrong attempts under this name. Stop your programs, and wait for the time that is given.",
            ),
        ),
        "stale": Words(
            UNAUTHORIZED,
            ("Aufforderung zu alt", "Antworten Sie auf die neue Aufforderung."),
            ("The challenge is too old", "Answer the fresh challenge."),
        ),
        "malformed": Words(
            UNAUTHORIZED,
            (
                "Anmeldung nicht verstanden",
                (
                    "Erwartet wird Digest nach RFC 7616 mit algorithm=SHA-256 und qop=auth; Basic gibt es nicht, MD5 "
                    "nur unter /smgw/m2m für einen Zugang, den der Messstellenbetreiber dafür freigeschaltet hat."
                ),
            ),
            (
                "Log-in not understood",
                (
                    "Digest of RFC 7616 with algorithm=SHA-256 and qop=auth is expected; there is no Basic, and MD5 "
                    "only below /smgw/m2m for an account that the meter operator opened to it."
                ),
            ),
        ),
        "full": Words(
            503,
            ("Zu viele Sitzungen", "Melden Sie andere Sitzungen ab, oder warten Sie zehn Minuten."),
            ("Too many sessions", "Log other sessions out, or wait ten minutes."),
        ),
        "too-often": Words(
            429,
            ("Zu viele Anfragen", "Fragen Sie seltener; die Werte ändern sich nur mit jeder Ablesung des Zählers."),
            ("Too many requests", "Ask less often: figures change only when the meter is read."),
        ),
        "form-token": Words(
            403,
            ("Anfrage ohne Formularschlüssel", "Mit einer Sitzung braucht jede Änderung den Header X-Form-Token."),
            ("Request without form token", "With a session whatever changes something needs the header X-Form-Token."),
        ),
        "failed": Words(
            500,
            ("Interner Fehler", "Die Anfrage konnte nicht beantwortet werden. Das Gateway hat den Fehler vermerkt."),
            ("Internal error", "The request could not be answered. The gateway has noted the error."),
        ),
    }
)


class ApiError(Exception):
    """A refusal of this interface itself; ``name`` is a key of PROBLEMS."""

    def __init__(self, name: str, seconds: int | None = None) -> None:
        """``seconds`` until it is worth asking again."""
        super().__init__(name)
        self.name = name
        self.seconds = seconds


def refused(error: Exception) -> Response:
    """The problem document of ``error``."""
    if isinstance(error, ApiError):
        return problem(error.name, seconds=error.seconds)
    if isinstance(error, AskedError):
        return problem("bad-question", where=error.where, what=error.what)
    if isinstance(error, HanError):
        return problem(error.reason.value, until=error.until, what=_told(error))
    if isinstance(error, LoginRefusedError):
        response = problem(error.reason.value, until=error.until, stale=error.reason is RefusedReason.STALE)
        response.headers[REFUSED_HEADER] = error.reason.value
        return response
    if isinstance(error, HTTPException) and error.code is not None:
        return _of_http(error)
    _log.error("a question of a program failed", exc_info=error)
    return problem("failed")


def problem(
    name: str,
    *,
    until: datetime | None = None,
    seconds: int | None = None,
    where: str | None = None,
    what: str | None = None,
    stale: bool = False,
) -> Response:
    """The document of PROBLEMS[name]."""
    words = PROBLEMS[name]
    title, advice = words.german if language() is Language.GERMAN else words.english
    document: dict[str, object] = {
        "type": TYPE.format(name),
        "title": title,
        "status": words.status,
        "detail": advice,
        "reason": name,
    }
    if where is not None:
        document["parameter"] = where
    if what is not None:
        document["cause"] = what
    if until is not None:
        document["until"] = until.isoformat()[:19] + "Z"
        seconds = max(1, int((until - auth.now()).total_seconds()) + 1)
    response = _response(document, words.status)
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    if words.status == UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = _challenge(stale=stale)
    return response


def _told(error: HanError) -> str | None:
    """The sentence of a refusal, where it depends on nothing but what was asked."""
    return None if error.reason is HanReason.NOT_FOUND else str(error)


def _of_http(error: HTTPException) -> Response:
    """A refusal that the frame made: no such address, no such method, a body that is too large."""
    status = error.code or errors.STATUS[HanReason.BAD_QUESTION]
    if status == PROBLEMS["not-found"].status:
        return problem("not-found")
    document: dict[str, object] = {"type": "about:blank", "title": error.name, "status": status}
    response = _response(document, status)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _challenge(*, stale: bool) -> str:
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return 'Form realm="smgw", location="/login"'
    return auth.current_port().door.challenge(auth.now(), stale=stale)


def _response(document: dict[str, object], status: int) -> Response:
    response = Response(json_bytes(document), status, content_type=MEDIA_TYPE)
    response.headers["Content-Language"] = language().value
    return response
