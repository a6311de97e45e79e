"""Data sets: what the lines of a read-out say, as text and in their order.

Decides where an address and its values begin and end, for the grammar that meters really send: several sets in a line,
``&`` in values and before a storage number, blanks, empty values, ``!`` and ``/`` in values, a line of values alone
that continues the set above it, an end mark on the last data line. A line that breaks the grammar is kept as text and
reported, never read in part.
"""

import re
from functools import partial
from typing import Final, NamedTuple

_SET = re.compile(r"([^()/!\x00-\x1f\x7f]*)((?:\([^()\x00-\x1f\x7f]*\))+)")
_LINE = re.compile(r"(?:[^()/!\x00-\x1f\x7f]*\([^()\x00-\x1f\x7f]*\))+")
"""One bracket each time round, so that a line that does not match is refused in linear time."""
_END_OF_LINE = re.compile(r"[\r\n]+")
_AROUND_LINES: Final = "\x00\x7f \t"
"""Wake-up octets and blanks in front of a line or behind it mean nothing."""
END_MARK: Final = "!"
_END_LINE: Final = b"!\r\n"

_PLAIN = bytes(octet for octet in range(0x20, 0x7F) if octet not in b"()") + bytes(range(0x80, 0x100))
"""Octets that may stand in a value; what is left without them is the structure of a text."""
_NOT_IN_ADDRESS = re.compile(r"[/! \r\n]")


class DataSet(NamedTuple):
    """``address(value)(value)...``: the address as it was written, and each value with its ``*unit`` still on it."""

    address: str
    values: tuple[str, ...]


class DataLines(NamedTuple):
    """The data sets of a message, and the lines that are none."""

    data_sets: list[DataSet]
    unparsed: list[str]


# What DataSet(...) does, without its call: a read-out may have 400 sets.
_new_set = partial(tuple.__new__, DataSet)


def parse_data_sets(text: str) -> DataLines:
    """All data sets of ``text`` up to its end mark; total over every text, so nothing is raised."""
    try:
        found = parse_usual(text.encode("latin-1"))
    except UnicodeEncodeError:
        found = None
    if found is not None:
        return DataLines(found, [])
    return parse_lines(_END_OF_LINE.split(before_end_mark(text)))


def parse_usual(body: bytes) -> list[DataSet] | None:
    r"""The data sets of a body whose every line is sound; None for any other, which ``parse_lines`` has to judge.

    A few passes of the interpreter's own string functions instead of one of ours for each line. A body is sound if what
    is left of it without plain characters is pairs of brackets and line ends, and if nothing of a line end or end mark
    stands in an address, which is where a line without brackets would turn up.
    """
    body = body.removesuffix(_END_LINE)
    end_of_line = b"\r\n" if b"\r" in body else b"\n"
    if body.translate(None, _PLAIN).replace(b"()", b"").replace(end_of_line, b""):
        return None
    text = body.decode("latin-1")
    parts = text.replace(")" + end_of_line.decode(), "(").replace(")", "(").split("(")
    addresses = parts[:-1:2]
    if parts[-1] or not addresses or not addresses[0] or _NOT_IN_ADDRESS.search("".join(addresses)):
        return None
    found: list[DataSet] = list(map(_new_set, zip(addresses, zip(parts[1::2], strict=True), strict=True)))
    return _joined(found) if "" in addresses else found


def _joined(brackets: list[DataSet]) -> list[DataSet]:
    """Brackets without an address belong to the set before them."""
    found: list[DataSet] = []
    values: list[str] = []
    for address, (value,) in reversed(brackets):
        values.append(value)
        if address:
            found.append(DataSet(address, tuple(reversed(values))))
            values.clear()
    found.reverse()
    return found


def parse_lines(lines: list[str]) -> DataLines:
    """The same line by line, for texts that contain anything unusual."""
    found: list[DataSet] = []
    unparsed: list[str] = []
    for whole in lines:
        line = whole.strip(_AROUND_LINES)
        if not line:
            continue
        if _LINE.fullmatch(line) is None or (line.startswith("(") and not found):
            unparsed.append(whole)
            continue
        for written, values in _SET.findall(line):
            address = written.strip(" ")
            split = tuple(values[1:-1].split(")("))
            if address:
                found.append(DataSet(address, split))
            else:
                found[-1] = DataSet(found[-1].address, found[-1].values + split)
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
