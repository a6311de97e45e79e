"""Every text of the pages that has to be translated, taken from the sources themselves."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract
from jinja2.ext import babel_extract

from han_web.pages.account import TOLD

PACKAGE = Path(__file__).parents[2] / "han_web"
KEYWORDS = {"mark": None, "say": None, "say_many": (1, 2), "_": None, "ngettext": (1, 2)}
OTHERS = ("api", "dialects")
"""Parts that speak to programs and have their words elsewhere."""


@cache
def used() -> dict[str | tuple[str, ...], str]:
    """Every text, or pair of forms, with the file in which it stands."""
    found: dict[str | tuple[str, ...], str] = dict.fromkeys(TOLD, "pages/account.py")
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(PACKAGE).as_posix()
        if path.suffix not in {".py", ".html"} or name.startswith(OTHERS):
            continue
        method = "python" if path.suffix == ".py" else babel_extract
        options = {} if path.suffix == ".py" else {"trimmed": "true"}
        # The templates' method has narrower types than the one that it is given to.
        texts = extract(method, BytesIO(path.read_bytes()), keywords=KEYWORDS, options=options)  # type: ignore[arg-type]
        for _line, text, _comments, _context in texts:
            forms = text if isinstance(text, str) else tuple(text)
            found.setdefault(forms, name)
    return found
