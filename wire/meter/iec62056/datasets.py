"""Data sets: what the lines of a read-out say, as text and in their order.

Decides where an address and its values begin and end, for the grammar that meters really send: several sets in a line,
``&`` in values and before a storage number, blanks, empty values, ``!`` and ``/`` in values, a line of values alone
that continues the set above it, an end mark on the last data line. A line that breaks the grammar is kept as text and
reported, never read in part.
"""

import re
from itertools import chain
from typing import Final, NamedTuple

_SET = re.compile(r"([^()/!\x00-\x1f]*)((?:\([^()\x00-\x1f]*\))+)")
_BRACKET = re.compile(r"([^()\r\n]*)\(([^()\r\n]*)\)")
_LINE = re.compile(r"(?:[^()/!\x00-\x1f]*(?:\([^()\x00-\x1f]*\))+)+")
_END_OF_LINE = re.compile(r"[\r\n]+")
END_MARK: Final = "!"


class DataSet(NamedTuple):
    """``address(value)(value)...``: the address as it was written, and each value with its ``*unit`` still on it."""

    address: str
    values: tuple[str, ...]


class DataLines(NamedTuple):
    """The data sets of a message, and the lines that are none."""

    data_sets: list[DataSet]
    unparsed: list[str]


def parse_data_sets(text: str) -> DataLines:
    """All data sets of ``text`` up to its end mark; total over every text, so nothing is raised."""
    text = before_end_mark(text)
    pairs = _SET.findall(text)
    pairs = _BRACKET.findall(text)
    # One pass over the whole text is right if it left nothing but line ends, and no address holds what none may hold.
    matched = sum(map(len, chain.from_iterable(pairs))) + 2 * len(pairs)
    usual = "/" not in text and "!" not in text and text.replace("\r", "").replace("\n", "").isprintable()
    if not usual or not pairs or not pairs[0][0] or matched != len(text) - text.count("\r") - text.count("\n"):
        return parse_lines(_END_OF_LINE.split(text))
    new = tuple.__new__  # what DataSet(...) does, without its call: a read-out may have 400 sets
    found: list[DataSet] = [new(DataSet, (address, (value,))) for address, value in pairs]
    if not all(address for address, _ in pairs):
        found = _joined(found)
    return new(DataLines, (found, []))


def _joined(brackets: list[DataSet]) -> list[DataSet]:
    """Brackets without an address belong to the set before them."""
    found: list[DataSet] = []
    for bracket in brackets:
        if bracket.address:
            found.append(bracket)
        else:
            found[-1] = DataSet(found[-1].address, found[-1].values + bracket.values)
    return found


def parse_lines(lines: list[str]) -> DataLines:
    """The same line by line, for texts that contain anything unusual."""
    found: list[DataSet] = []
    unparsed: list[str] = []
    for line in lines:
        if not line.strip("\x00 "):
            continue
        if _LINE.fullmatch(line) is None:
            unparsed.append(line)
            continue
        for address, values in _SET.findall(line):
            split = tuple(values[1:-1].split(")("))
            if address:
                found.append(DataSet(address, split))
            elif found:
                found[-1] = DataSet(found[-1].address, found[-1].values + split)
            else:
                unparsed.append(values)
    return DataLines(found, unparsed)


def before_end_mark(text: str) -> str:
    """``text`` up to the ``!`` that ends a read-out: alone at the beginning of a line, or behind the last bracket."""
    if text.startswith(END_MARK):
        return ""
    ends = [end for end in (text.find("\n!"), text.find("\r!"), text.find(")!")) if end >= 0]
    return text[: min(ends) + 1] if ends else text


def split_unit(value: str) -> tuple[str, str]:
    """``0033402.264*kWh`` as number and unit; the unit is empty where none was sent."""
    number, _, unit = value.partition("*")
    return number, unit
