"""The dialects of other makers' gateways, so that clients that people have already read this one unchanged.

Decides that a dialect is a translation and nothing else: it asks the same view through the same door as the page and
the JSON interface, and what it cannot say it leaves out. Each keeps its paths and marks; refusals are problem documents
with the reason in the header ``X-Login-Refused``, since no dialect has a form for them.
"""

from flask import Flask

from han_web.dialects import emh, ppc, theben


def register(app: Flask) -> None:
    """Give ``app`` every dialect."""
    for one in (theben, ppc, emh):
        app.register_blueprint(one.routes)
