"""What stands around every page: navigation, language, who is here, and the files of the look.

Decides which pages there are in the navigation and for whom, and that a file of the look is fetched once for as long as
it stays as it is: its address holds a part of its hash. Nothing personal lies in such a file, so it may be kept.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from flask import Flask, Response, abort, request, url_for
from markupsafe import Markup

from han_web import auth, charts, figures, registers, security, words
from han_web.words import mark
from smgw.logs.readers import Role
from smgw.logs.texts import Language

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
)
"""What the look is made of; a file of another kind is not given out."""
ASSETS: Final = "/static/<path:name>"
KEPT: Final = "public, max-age=31536000, immutable"
VENDOR: Final = "vendor/"


@dataclass(frozen=True, slots=True)
class Item:
    """A page in a navigation; ``group`` is its icon, and the part of the site that it opens."""

    endpoint: str
    text: str
    group: str


CONSUMER: Final = (
    Item("now.now", mark("Now"), "now"),
    Item("history.history", mark("History"), "history"),
    Item("costs.costs", mark("Costs"), "costs"),
    Item("contracts.contracts", mark("Data"), "data"),
    Item("device.device", mark("Device"), "device"),
)
TECHNICIAN: Final = (
    Item("service.system_log", mark("System log"), "service"),
    Item("service.status", mark("Device"), "device"),
)
PARTS: Final = (
    Item("contracts.contracts", mark("Who gets what"), "data"),
    Item("transmissions.transmissions", mark("Sent"), "data"),
    Item("readings.readings", mark("Readings"), "data"),
    Item("diary.log", mark("Log"), "data"),
    Item("export.export", mark("Export"), "data"),
)
"""The pages of the part about her data."""
_DATA: Final = frozenset(item.endpoint.partition(".")[0] for item in PARTS)


def equip(app: Flask) -> None:
    """Give the pages of ``app`` their frame."""
    app.add_url_rule(ASSETS, "static", asset_file)
    app.context_processor(_frame)
    environment = app.jinja_env
    environment.globals.update(
        asset=asset,
        token=token,
        figures=figures,
        part_name=charts.part_name,
        moment=moment,
        at_of=lambda entry: int(entry.first_at.timestamp()),
        register_name=registers.register_name,
        short_code=registers.short_code,
        icon=environment.get_template("_icons.html").module,
    )


def asset(name: str) -> str:
    """The address of a file of the look."""
    return url_for("static", name=name, v=_fingerprint(name))


def asset_file(name: str) -> Response:
    """A file of the look; whatever is not one of them is not there, wherever its path would lead."""
    known = assets()
    if name not in known:
        abort(404)
    response = Response(known[name], content_type=MEDIA_TYPES[name.rpartition(".")[2]])
    # Somebody who asks for another version than there is must not keep this one for a year.
    right = request.args.get("v", "") == _fingerprint(name)
    response.headers["Cache-Control"] = KEPT if right else "no-cache"
    return response


@cache
def assets() -> Mapping[str, bytes]:
    """Every file of the look by its name, read once."""
    folder = files("han_web").joinpath("static")
    found = [("", one) for one in folder.iterdir()] + [(VENDOR, one) for one in folder.joinpath("vendor").iterdir()]
    return MappingProxyType(
        {
            prefix + one.name: one.read_bytes()
            for prefix, one in found
            if one.is_file() and one.name.rpartition(".")[2] in MEDIA_TYPES
        }
    )


def token() -> Markup:
    """The hidden field of every form that changes something."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(security.TOKEN_FIELD, security.form_token())


def moment(at: int, *, seconds: bool = False) -> Markup:
    """Date and time for people, and beside it for machines."""
    return Markup('<time datetime="{}">{}</time>').format(figures.machine(at), figures.moment(at, seconds=seconds))


def _frame() -> dict[str, object]:
    visit = auth.current_visit()
    role = None if visit is None else visit.visitor.reader.role
    blueprint = request.blueprint or ""
    group = "data" if blueprint in _DATA else "device" if request.endpoint == "service.status" else blueprint
    language = words.language()
    return {
        "language": language.value,
        "other_language": next(one.value for one in Language if one is not language),
        "visitor": None if visit is None else visit.visitor,
        "by_session": visit is not None and visit.way is auth.Way.SESSION,
        "gateway": auth.current_port().gateway,
        "navigation": CONSUMER if role is Role.CONSUMER else TECHNICIAN if role is Role.TECHNICIAN else (),
        "subnavigation": PARTS if role is Role.CONSUMER and blueprint in _DATA else (),
        "group": group,
        # Where a form was sent to there may be no page to come back to.
        "here": request.full_path if request.method == "GET" else url_for("now.now"),
    }


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256(assets()[name]).hexdigest()[:12]
