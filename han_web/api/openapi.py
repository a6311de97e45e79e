"""The OpenAPI 3.1 document, made from the table of routes, the shapes and the problems.

Decides nothing: what stands in it is what ``routes`` serves, what ``schemas`` allows and what ``problems`` tells.
"""

from functools import cache
from typing import Final

from han_web.api import problems
from han_web.api.problems import PROBLEMS
from han_web.api.rendered import MEDIA_TYPE
from han_web.api.routes import PREFIX, ROUTES, Parameter, Route
from han_web.api.schemas import SCHEMAS, refer

VERSION: Final = "1.0.0"
EVERYWHERE: Final = ("not-allowed", "not-now", "too-often", "login-needed", "wrong", "locked", "stale", "malformed")
"""Refusals that every question may meet."""
SECURITY: Final[list[dict[str, list[str]]]] = [{"digest": []}, {"certificate": []}, {"session": []}]
DESCRIPTION: Final = (
    "What a consumer may see of her Smart Meter Gateway, for her own programs (BSI TR-03109-1, HAF1; PP-0073). "
    "Log in with HTTP Digest (RFC 7616, SHA-256), a client certificate, or the session of the page; with a session, "
    "what changes something carries `X-Form-Token`. Pin the gateway's certificate: its fingerprint stands in the "
    "letter with your password. Instants are RFC 3339 with a zone, energies are integers with scaler and unit and, "
    "beside them, decimal numbers in strings. Refusals are problem documents (RFC 9457) in German or English by "
    "`Accept-Language`. Ask politely: 240 questions at once, four a second after that, then 429 with `Retry-After`."
)
_FILE: Final[dict[str, object]] = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}


@cache
def document() -> dict[str, object]:
    """The whole document."""
    paths: dict[str, dict[str, object]] = {}
    for route in ROUTES:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Smart Meter Gateway: home area network",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "digest": {"type": "http", "scheme": "digest", "description": "RFC 7616, SHA-256, qop=auth."},
                "certificate": {"type": "mutualTLS", "description": "A client certificate that your account pins."},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
            },
        },
        "x-problems": {
            name: {
                "status": words.status,
                "title": {"de": words.german[0], "en": words.english[0]},
                "detail": {"de": words.german[1], "en": words.english[1]},
            }
            for name, words in PROBLEMS.items()
        },
    }


def _operation(route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.description,
        "parameters": [_parameter(one) for one in route.parameters],
        "responses": _responses(route),
        "security": [] if route.role is None else SECURITY,
    }
    if route.body:
        operation["requestBody"] = {"required": True, "content": {MEDIA_TYPE: {"schema": refer(route.body)}}}
    if route.role is not None:
        operation["tags"] = [route.role.value]
    return operation


def _parameter(one: Parameter) -> dict[str, object]:
    return {
        "name": one.name,
        "in": "path" if one.in_path else "query",
        "required": one.required or one.in_path,
        "description": one.description,
        "schema": one.schema,
        "example": one.example,
    }


def _responses(route: Route) -> dict[str, object]:
    answers: dict[str, object] = {}
    if route.answer == "file":
        answers["200"] = {"description": "The file.", "content": {"*/*": _FILE}}
    elif route.answer:
        answers["200"] = {
            "description": route.summary,
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": {MEDIA_TYPE: {"schema": refer(route.answer)}},
        }
        if route.method == "GET":
            answers["304"] = {"description": "As the program has it already (If-None-Match)."}
    else:
        answers["204"] = {"description": "Done."}
    met: dict[str, list[str]] = {"400": ["bad-question"]}
    if route.role is not None:
        for name in (*EVERYWHERE, *route.refusals):
            met.setdefault(str(PROBLEMS[name].status), []).append(name)
    if route.body:
        met["415"] = ["no JSON"]
        met["413"] = ["too large"]
    for status, names in sorted(met.items()):
        answers[status] = {
            "description": "Refused: " + ", ".join(names) + ".",
            "content": {problems.MEDIA_TYPE: {"schema": refer("Problem")}},
        }
    return answers
