"""The words of the page in German and English, from catalogues that translators know (gettext).

Decides which language a visitor reads: the one that she chose and that a cookie keeps, else the first of her browser's
that there is, else German. The texts in the code are English; German stands in ``translations/*.po``, which are read
once, when the program starts. A text without a translation is shown in English: a test holds that there is none.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel.messages.pofile import read_po
from flask import Flask, g, has_request_context, request

from smgw.logs.texts import Language

LANGUAGE_COOKIE: Final = "__Host-language"
LANGUAGE_SECONDS: Final = 400 * 86400
"""As long as browsers keep any cookie."""
DEFAULT: Final = Language.GERMAN


def mark(message: str) -> str:
    """``message`` itself, to be translated later, where it is shown."""
    return message


def language() -> Language:
    """In which language this request is answered."""
    if not has_request_context():
        return DEFAULT
    if "language" not in g:
        kept = request.cookies.get(LANGUAGE_COOKIE, "")
        known = [one.value for one in Language]
        # A browser that names neither is answered in German, whatever else it prefers.
        g.language = Language(kept if kept in known else request.accept_languages.best_match(known) or DEFAULT.value)
    return Language(g.language)


def say(message: str, **values: object) -> str:
    """``message`` in the visitor's language, with ``values`` in the places of ``%(name)s``."""
    text = catalogue(language()).get(message, (message,))[0]
    return text % values if values else text


def say_many(one: str, many: str, count: int, **values: object) -> str:
    """``one`` or ``many``, whichever goes with ``count``, which stands in the place of ``%(num)s``."""
    forms = catalogue(language()).get(one, (one, many))
    # German and English both have one form for exactly one and another for everything else.
    return forms[0 if count == 1 else -1] % {"num": count, **values}


@cache
def catalogue(chosen: Language) -> Mapping[str, tuple[str, ...]]:
    """Every translated text with its forms."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(files("han_web").joinpath("translations").iterdir(), key=lambda one: one.name):
        if not path.name.endswith(f"{chosen.value}.po"):
            continue
        for message in read_po(BytesIO(path.read_bytes()), locale=chosen.value):
            if message.id:
                key = message.id if isinstance(message.id, str) else message.id[0]
                found[key] = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    return found


def equip(app: Flask) -> None:
    """Give the templates their words."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined] # made by the extension
        say, lambda one, many, count: say_many(one, many, count, num=count), newstyle=True
    )
