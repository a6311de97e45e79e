"""What the page refused, for whoever runs the gateway: one line each, and so many in a minute that none fills his log.

Decides that a line says which kind of page was asked for, how it was refused and in which role: never an address, a
name, an id or anything else that was typed, because the journal of a gateway is no place for what is hers, nor for what
a stranger would like to stand there. Wrong log-ins are not told here; they stand in the gateway's own logs, with a name
(FAU_GEN.1/CON, FAU_GEN.1/SYS). What the server in front refuses by itself it tells itself (han_web/front.py).
"""

import logging
from typing import Final

from flask import Flask, Response, g, request

from han_web import auth
from han_web.allowance import Allowance
from han_web.api.problems import REFUSED_HEADER, UNAUTHORIZED
from smgw.han.port import RefusedReason

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logging.getLogger(__name__)


def equip(app: Flask) -> None:
    """Have ``app`` note what it refuses."""
    allowance = Allowance()

    def note(response: Response) -> Response:
        if _is_refused(response):
            left_out = allowance.take(auth.now().timestamp())
            if left_out is not None:
                more = f"; {left_out} more were refused before" if left_out else ""
                _log.warning("refused with %d: %s%s", response.status_code, _asked(), more)
        return response

    app.after_request(note)


def _is_refused(response: Response) -> bool:
    if response.status_code == UNAUTHORIZED:
        # To be asked who one is, is no refusal; a wrong answer stands in a log already, one that is none does not.
        return response.headers.get(REFUSED_HEADER) == RefusedReason.MALFORMED
    return 400 <= response.status_code < 500


def _asked() -> str:
    """The kind of page, without what was typed for its variable parts, and who asked, by his role."""
    method = request.method if request.method in _METHODS else "another method"
    page = request.url_rule.rule if request.url_rule is not None else "no page of ours"
    visit: auth.Visit | None = g.get("visit")
    who = f"a {visit.visitor.reader.role}" if visit is not None else "somebody who is not logged in"
    return f"{method} {page}, asked for by {who}"
