"""``python -m testbed.requirements``: write docs/requirements.md anew, or say where sheet and sources disagree."""

import sys
from pathlib import Path

from testbed.requirements.collect import collect
from testbed.requirements.page import PageError, page
from testbed.requirements.sheet import Sheet

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "requirements.md"
CODE = ("wire", "pki", "proof", "smgw", "datacenter", "admin", "han_web")
"""The testbed binds nothing: it only tries."""


def current() -> str:
    """The page as the sources have it now. Raises PageError, SheetError."""
    sheet = Sheet.load()
    return page(sheet, collect(ROOT, CODE, sheet.ids), collect(ROOT, ("tests",), sheet.ids))


def main() -> None:
    """Write the page."""
    try:
        PAGE.write_text(current(), "utf-8")
    except PageError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
