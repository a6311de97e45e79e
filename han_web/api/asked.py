"""What a program asks for, read from the address and the body of a request.

Decides which spellings there are: an instant is RFC 3339 with its zone, a number is plain digits within its bounds, a
choice is one of its words, a cursor is what an answer before gave. Everything else is refused by name, and so is a
parameter that there is not: a program that misspells ``begin`` shall not be answered something that it did not ask.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from smgw.han.prices import HIGHEST, HIGHEST_BASE, LOWEST
from smgw.han.shown import Prices

LONGEST: Final = 128
"""Characters of a name; identifiers of profiles have at most 64."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9998, 1, 1, tzinfo=UTC)
"""Away from the end of the calendar, so that local time can be told for every instant."""
MAXIMUM_STAGES: Final = 64
MAXIMUM_NUMBER: Final = 2**62
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
Choice = TypeVar("Choice", bound=StrEnum)


class AskedError(Exception):
    """A question cannot be understood; ``where`` is the parameter, ``what`` what is wrong with it."""

    def __init__(self, where: str, what: str) -> None:
        """Both are told to the program."""
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class Question:
    """The parameters of one request, each asked for at most once."""

    def __init__(self, given: Mapping[str, Sequence[str]], known: Sequence[str]) -> None:
        """Raises AskedError for a parameter that is not ``known``, or given twice."""
        for name, values in given.items():
            if name not in known:
                raise AskedError(name[:LONGEST], "there is no such parameter")
            if len(values) != 1:
                raise AskedError(name, "given more than once")
        self._given = {name: values[0] for name, values in given.items()}

    def text(self, name: str, default: str | None = None) -> str:
        """A name of something; without ``default`` it must be there."""
        value = self._given.get(name, default)
        if value is None:
            raise AskedError(name, "missing")
        if len(value) > LONGEST or not value.isprintable():
            raise AskedError(name, f"more than {LONGEST} characters, or some that nothing is called by")
        return value

    def instant(self, name: str, default: datetime | None = None) -> datetime:
        """A moment."""
        if name not in self._given and default is not None:
            return default
        return parse_instant(name, self.text(name))

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A number within its bounds."""
        if name not in self._given:
            return default
        text = self.text(name)
        if _NUMBER.fullmatch(text) is None or not least <= int(text) <= most:
            raise AskedError(name, f"not a whole number from {least} to {most}")
        return int(text)

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """One of the words."""
        text = self.text(name)
        if text not in [one.value for one in choices]:
            raise AskedError(name, "not one of " + ", ".join(one.value for one in choices))
        return choices(text)

    def cursor(self, name: str) -> tuple[int, str, int] | None:
        """What an answer before gave as ``next``; none for the first page."""
        return read_cursor(name, self.text(name)) if name in self._given else None


def parse_instant(name: str, text: str) -> datetime:
    """RFC 3339 with its zone, as UTC; fractions of a second are cut. Raises AskedError."""
    if _INSTANT.fullmatch(text) is None:
        raise AskedError(name, "not a time with its zone, as 2026-01-31T00:00:00+01:00 or 2026-01-30T23:00:00Z")
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise AskedError(name, "no such time") from error
    if not EARLIEST <= moment <= LATEST:
        raise AskedError(name, "before 1970, or after every calendar")
    return moment


def write_cursor(created_at: int, contract: str, sequence: int) -> str:
    """Where a list went to, as a word that an address may hold."""
    return base64.urlsafe_b64encode(json.dumps([created_at, contract, sequence]).encode()).decode().rstrip("=")


def read_cursor(name: str, text: str) -> tuple[int, str, int]:
    """What :func:`write_cursor` wrote. Raises AskedError."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        # JSON may name half a character, which no text holds.
        json.dumps(parts, ensure_ascii=False).encode()
    except (UnicodeError, binascii.Error, ValueError, RecursionError) as error:
        raise AskedError(name, "not what an answer gave as next") from error
    match parts:
        case [int() as created_at, str() as contract, int() as sequence] if (
            write_cursor(*parts) == text and max(abs(created_at), abs(sequence)) < MAXIMUM_NUMBER
        ):
            return created_at, contract, sequence
        case _:
            raise AskedError(name, "not what an answer gave as next")


def read_prices(body: object) -> Prices:
    """Prices as a program enters them. Raises AskedError."""
    if not isinstance(body, dict):
        raise AskedError("body", "not a JSON object")
    unknown = set(body) - {"contract", "since", "base_per_month", "per_kilowatt_hour"}
    if unknown:
        name = str(min(unknown))[:LONGEST]
        raise AskedError(name if name.isprintable() else "body", "there is no such field")
    contract = body.get("contract")
    since = body.get("since")
    stages = body.get("per_kilowatt_hour")
    if not isinstance(contract, str) or not 0 < len(contract) <= LONGEST or not contract.isprintable():
        raise AskedError("contract", "not the name of a contract")
    if not isinstance(since, str):
        raise AskedError("since", "not a time")
    if not isinstance(stages, list) or len(stages) > MAXIMUM_STAGES:
        raise AskedError("per_kilowatt_hour", f"not a list of at most {MAXIMUM_STAGES} stages")
    return Prices(
        contract,
        int(parse_instant("since", since).timestamp()),
        _money("base_per_month", body.get("base_per_month"), 0, HIGHEST_BASE),
        tuple(_stage(one) for one in stages),
    )


def _stage(body: object) -> tuple[int, int]:
    if not isinstance(body, dict) or set(body) != {"stage", "price"}:
        raise AskedError("per_kilowatt_hour", "each stage has a stage and a price, and nothing else")
    number = body["stage"]
    # True is an int to Python and none to anybody else.
    if type(number) is not int or not 0 <= number <= MAXIMUM_STAGES:
        raise AskedError("per_kilowatt_hour", f"a stage is a number from 0 to {MAXIMUM_STAGES}")
    return number, _money("per_kilowatt_hour", body["price"], LOWEST, HIGHEST)


def _money(name: str, value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise AskedError(name, f"not hundredths of a cent as a whole number from {least} to {most}")
    return value
