"""The customer's page as a WSGI application over one port to the gateway (TR-03109-1, consumer).

Decides what it is put together from, and nothing else. There is no way to anybody's data but through the port, which
answers for the visitor who proved who he is.
"""

import secrets
from collections.abc import Callable

from flask import Flask

from han_web import api, auth, dialects, errors, frame, pages, refusals, security, words
from smgw.han.port import HanPort


def create_app(port: HanPort, random: Callable[[int], bytes] = secrets.token_bytes) -> Flask:
    """The application; safe to use from several threads. ``random`` gives so many octets that nobody can guess."""
    app = Flask("han_web", static_folder=None)
    # An address with two slashes in it is none: what would lead from it to the right one names the host that was asked.
    app.url_map.merge_slashes = False
    app.jinja_options = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    auth.keep_port(app, port, random)
    security.guard(app)
    words.equip(app)
    frame.equip(app)
    errors.register(app)
    refusals.equip(app)
    pages.register(app)
    api.register(app)
    dialects.register(app)
    return app
