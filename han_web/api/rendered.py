"""Documents as answers: bytes, media type, validator.

Decides the one spelling of a document on the wire (compact UTF-8), and that every answer to a question has an entity
tag over its octets: a program that has them already is told so in a few octets (RFC 9110 §13). What is
personal stays out of every cache; a program that keeps answers itself asks with If-None-Match.
"""

import hashlib
import json
from typing import Final

from flask import Response, request

MEDIA_TYPE: Final = "application/json"


def json_bytes(document: object) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def answer(document: object, status: int = 200) -> Response:
    """``document`` as an answer."""
    return tagged(Response(json_bytes(document), status, content_type=MEDIA_TYPE))


def tagged(response: Response) -> Response:
    """``response`` with its entity tag; without its octets where the program has them."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Vary"] = "Accept-Language, Authorization, Cookie"
    if request.method in {"GET", "HEAD"}:
        response.make_conditional(request)
    return response
