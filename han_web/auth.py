"""Who asks: a session of this page, a pinned client certificate, or an answer to a Digest challenge.

Decides the order in which that is looked for, and that a view is made for nobody else (PP-0073 FIA_UAU.2, FIA_UAU.5):
1. the session of the cookie; 2. the client certificate of the TLS connection (HKS1); 3. the ``Authorization`` header
(HKS2), where it is taken. The pages take the third only to begin a session, because a browser sends it again and again
for as long as it runs: nobody could log out.

The two headers about the connection come from the server in front, which overwrites whatever a client sent; nobody else
reaches this process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from ssl import PEM_cert_to_DER_cert
from typing import Final, ParamSpec, cast
from urllib.parse import unquote

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from han_web.pace import Pace
from han_web.security import SAFE_METHODS, require_form_token
from smgw.han.port import ConsumerView, HanError, HanPort, HanReason, LoginRefusedError, TechnicianView, Visitor
from smgw.logs.readers import Role

SESSION_COOKIE: Final = "__Host-session"
CERTIFICATE_HEADER: Final = "X-Client-Certificate"
"""URL-encoded PEM, from the server in front."""
LONGEST_CERTIFICATE: Final = 16 * 1024
"""Characters of that header; larger ones the server in front does not take."""
LIVE_HEADER: Final = "X-Live"
"""Sent by the script that fetches fresh figures: nobody is there for it."""
SEE_OTHER: Final = 303
_EXTENSION: Final = "han"
_PACE: Final = "han-pace"
P = ParamSpec("P")


class Way(StrEnum):
    """How somebody proved who he is."""

    SESSION = "session"
    CERTIFICATE = "certificate"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor, and how he came in."""

    visitor: Visitor
    way: Way


def keep_port(app: Flask, port: HanPort, random: Callable[[int], bytes]) -> None:
    """Give every request its port, its moment and its randomness."""
    app.extensions[_EXTENSION] = port
    keep_pace(app)

    def begin() -> None:
        g.at = port.clock()
        g.random = random

    app.before_request(begin)


def keep_pace(app: Flask) -> None:
    """Give ``app`` its memory of who asks how often, whatever he asks; what was there is forgotten.

    Programs and pages are counted for themselves: a program that asks without end leaves its owner her page.
    """
    app.extensions[_PACE] = {page: Pace() for page in (False, True)}


def seconds_to_wait(visitor: Visitor, *, page: bool = False) -> int:
    """0 where ``visitor`` may ask now, or see a ``page``, else how long to wait."""
    paces = cast("dict[bool, Pace]", current_app.extensions[_PACE])
    return paces[page].wait(visitor.account, now())


def current_port() -> HanPort:
    """The port of this application."""
    return cast("HanPort", current_app.extensions[_EXTENSION])


def now() -> datetime:
    """The moment of this request, the same for all that it asks."""
    return cast("datetime", g.at)


def current_visit(*, digest: bool = False, older: bool = False) -> Visit | None:
    """Who asks, or nobody. Raises LoginRefusedError where an answer to a challenge was given and refused.

    ``older`` where an answer by MD5 may be right, for an account that is open to it (FIA_UAU.5).
    """
    if "visit" not in g:
        # What fails here fails once: the page that tells of it is shown to nobody in particular.
        g.visit = None
        g.visit = _by_session() or _by_certificate()
    found: Visit | None = g.visit
    if found is None and digest:
        found = g.visit = by_digest(older=older)
    return found


def current_visitor(*, digest: bool = False) -> Visitor | None:
    """Who asks, or nobody. Raises LoginRefusedError as :func:`current_visit`."""
    visit = current_visit(digest=digest)
    return None if visit is None else visit.visitor


def by_digest(*, older: bool = False) -> Visit | None:
    """Who answers a challenge in this request, or nobody where none is answered. Raises LoginRefusedError."""
    header = request.headers.get("Authorization", "")
    if not header:
        return None
    target = str(request.environ.get("REQUEST_URI") or request.full_path)
    return Visit(current_port().door.by_digest(header, request.method, target, now(), older=older), Way.DIGEST)


def consumer_page(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """``view`` for consumers only; whoever is not logged in is led to the log-in page (FDP_ACF.1)."""
    return _behind_the_door(view, Role.CONSUMER)


def technician_page(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """``view`` for service technicians only (FAU_SAR.1/SYS)."""
    return _behind_the_door(view, Role.TECHNICIAN)


def require_own_form() -> None:
    """Refuse a form that is not this page's, whether or not somebody is logged in. Raises BadRequest."""
    # The token is of the session where there is one: who asks is found first.
    current_visit()
    require_form_token()


def either_page(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """``view`` for whoever is logged in."""
    return _behind_the_door(view, None)


def consumer() -> ConsumerView:
    """What the consumer who asks may see. Raises HanError NOT_ALLOWED, NOT_NOW."""
    return current_port().consumer(_somebody())


def technician() -> TechnicianView:
    """What the technician who asks may see. Raises HanError NOT_ALLOWED."""
    return current_port().technician(_somebody())


def _somebody() -> Visitor:
    visitor = current_visitor()
    if visitor is None:
        raise HanError(HanReason.NOT_ALLOWED, "nobody is logged in")
    return visitor


def _behind_the_door(view: Callable[P, ResponseReturnValue], role: Role | None) -> Callable[P, ResponseReturnValue]:
    """Whether a page is shown.

    1. Somebody is there, and does not ask too often. 2. It is his page. 3. A form is one of this page's. 4. The gateway
    serves him now.
    """

    @wraps(view)
    def entrance(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        # 1
        visitor = current_visitor()
        if visitor is None:
            return redirect(url_for("entry.login_form"), SEE_OTHER)
        if wait := seconds_to_wait(visitor, page=True):
            raise HanError(HanReason.TOO_SOON, "too many pages at once", now() + timedelta(seconds=wait))
        # 2
        if role is not None and visitor.reader.role is not role:
            raise HanError(HanReason.NOT_ALLOWED, "this page is not for your role")
        # 3
        if request.method not in SAFE_METHODS:
            require_form_token()
        # 4
        if visitor.reader.role is Role.CONSUMER and not current_port().serving(now()):
            raise HanError(HanReason.NOT_NOW, "the gateway serves nobody in its present state")
        return view(*args, **kwargs)

    return entrance


def _by_session() -> Visit | None:
    secret = request.cookies.get(SESSION_COOKIE, "")
    # The header only shortens whoever sends it: nobody is kept in by it.
    used = LIVE_HEADER not in request.headers
    visitor = current_port().door.session(secret, now(), used=used) if secret else None
    if visitor is None:
        return None
    # Only a session that is one may be the secret of forms.
    g.session_secret = secret
    return Visit(visitor, Way.SESSION)


def _by_certificate() -> Visit | None:
    """Whoever a pinned certificate stands for; one that nobody pinned is as good as none, and a page to log in."""
    text = request.headers.get(CERTIFICATE_HEADER, "")
    if not text or len(text) > LONGEST_CERTIFICATE:
        return None
    try:
        der = PEM_cert_to_DER_cert(unquote(text).strip())
    except ValueError:
        return None
    try:
        return Visit(current_port().door.by_certificate(der, now()), Way.CERTIFICATE)
    except LoginRefusedError:
        return None
