"""What a page is asked for in its address or by a form: dates, numbers, prices, each read or refused.

Decides that what cannot be understood is refused and never guessed at, and how people write amounts of money: with a
comma or a point, as their language has it. Lets only BadRequest and AmountError escape.
"""

import re
from datetime import date, datetime, timedelta
from typing import Final

from flask import request
from werkzeug.exceptions import BadRequest

from han_web import auth, figures
from smgw.han.parts import LATEST

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2200
"""Between these every date has a begin and an end in legal time; no meter of this kind is older."""
LONGEST_NAME: Final = 64
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,18}", re.ASCII)
_AMOUNT: Final = re.compile(r"(\d{1,6})(?:[.,](\d{1,2}))?", re.ASCII)


class AmountError(ValueError):
    """A text that is no amount of money with two digits after the point at most."""


def day(text: str) -> date:
    """The date of a date field. Raises BadRequest."""
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadRequest
    return found


def day_or(name: str, default: date) -> date:
    """The date that the address names, or ``default`` where it names none. Raises BadRequest."""
    text = request.args.get(name, "")
    return day(text) if text else default


def today() -> date:
    """The date on the wall clock."""
    return figures.local(int(auth.now().timestamp())).date()


def whole_number(text: str) -> int:
    """A number of a record. Raises BadRequest."""
    if not _WHOLE.fullmatch(text):
        raise BadRequest
    return int(text)


def instant(text: str) -> datetime:
    """UTC seconds out of a link of ours. Raises BadRequest."""
    found = whole_number(text)
    if found > LATEST:
        raise BadRequest
    return figures.local(found)


def name(text: str) -> str:
    """An identifier; whether there is such a thing, the gateway says. Raises BadRequest."""
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise BadRequest
    return text


def hundredths(text: str) -> int:
    """An amount with two digits after the point, in hundredths: ``30,5`` is 3050. Raises AmountError."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise AmountError
    return int(match.group(1)) * 100 + int((match.group(2) or "").ljust(2, "0"))


def days_between(first: date, last: date) -> tuple[datetime, datetime]:
    """The time from the begin of ``first`` to the end of ``last``. Raises BadRequest where it ends before it begins."""
    if last < first:
        raise BadRequest
    return figures.midnight(first), figures.midnight(last + timedelta(days=1))
