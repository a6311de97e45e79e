"""What every question of a program goes through before its answer is made.

Decides, in this order: 1. somebody proved who he is (PP-0073 FIA_UAU.2): a session, a pinned client certificate, or an
answer to a Digest challenge; 2. he does not ask too often; 3. it is a question of his role; 4. what changes something
and comes with a session, or out of a page, carries the token that only a page of ours could read: a browser adds its
certificate and its answers to whatever any page sends; 5. the gateway serves him now.
"""

from typing import Final

from flask import request

from han_web import auth
from han_web.api.problems import ApiError
from han_web.security import SAFE_METHODS, form_token_holds
from smgw.han.port import HanError, HanReason, Visitor
from smgw.logs.readers import Role

FORM_TOKEN_HEADER: Final = "X-Form-Token"  # noqa: S105 - the name of a header


def admit(role: Role, *, older: bool = False) -> Visitor:
    """Steps 1 to 5; ``older`` clients answer by MD5, if her account is open to them.

    Raises ApiError, LoginRefusedError, HanError.
    """
    # 1
    visit = auth.current_visit(digest=True, older=older)
    if visit is None:
        raise ApiError("login-needed")
    # 2
    wait = auth.seconds_to_wait(visit.visitor)
    if wait:
        raise ApiError("too-often", wait)
    # 3
    if visit.visitor.reader.role is not role:
        raise HanError(HanReason.NOT_ALLOWED, "this question is not for your role")
    # 4
    token = request.headers.get(FORM_TOKEN_HEADER, "")
    # A browser says which page sends something, or at least that one does ("null"); a program says nothing.
    from_a_page = visit.way is auth.Way.SESSION or "Origin" in request.headers
    if request.method not in SAFE_METHODS and from_a_page and not form_token_holds(token):
        raise ApiError("form-token")
    # 5
    if role is Role.CONSUMER and not auth.current_port().serving(auth.now()):
        raise HanError(HanReason.NOT_NOW, "the gateway serves nobody in its present state")
    return visit.visitor
