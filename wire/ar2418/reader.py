"""Bytes of a file in, a usage point out: the only door for XML that is not the project's own.

Decides how much may come and what kind of XML it is; which elements are meant, the table in ``elements.py`` says. A
document type is refused where it begins, so that no entity can be declared, expanded or fetched. Nothing is kept but
what the table builds: no tree of the whole file, no comment, no log entry. Lets only Ar2418Error escape.

:class:`Ar2418Reader` is fed in any pieces; :meth:`~Ar2418Reader.close` gives the result of all of them.
"""

from typing import Any, Final
from xml.parsers import expat

from wire.ar2418.elements import ESPI, MAXIMUM_READINGS, ROOT, Branch, Child, Leaf
from wire.ar2418.model import UsagePoint
from wire.ar2418.scalars import WHITE_SPACE
from wire.errors import Ar2418Error

MAXIMUM_BYTES: Final = 160 * 1024 * 1024
"""Three lists of quarter hours over three years take some 110 MB as other software indents them."""
_LONGEST_TEXT: Final = 2 * 16_384 + 1024
"""The longest text of any element, a certificate's, and white space around it."""
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance "
_ENCODINGS: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1", "utf-16"})
"""What the parser reads by itself."""


class _Open:
    """A branch that is being read."""

    __slots__ = ("branch", "found", "name", "place")

    def __init__(self, name: str, branch: Branch) -> None:
        self.name = name
        self.branch = branch
        self.found: dict[str, Any] = {}
        self.place = 0


class Ar2418Reader:
    """Reads one file, piece by piece; after the first refusal it only repeats that."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.XmlDeclHandler = self._declaration
        self._open: list[_Open] = [_Open("", Branch(ROOT, dict))]
        self._leaf: Leaf | None = None
        self._texts: list[str] = []
        self._length = 0
        self._bytes = 0
        self._held = bytearray()
        self._wanted = 1
        self._readings = 0
        self._refusal: Ar2418Error | None = None

    def feed(self, data: bytes) -> None:
        """Read on. Raises Ar2418Error when the file cannot be one any more."""
        if self._refusal is not None:
            raise self._refusal
        self._bytes += len(data)
        if self._bytes > MAXIMUM_BYTES:
            self._refuse(Ar2418Error(f"the file has more than {MAXIMUM_BYTES} bytes"))
        # The parser looks at a mark that has no end yet from its beginning, each time it is given more (expat before
        # 2.6). Giving it at least as much again each time makes what that costs grow with the file and not its square.
        self._held += data
        if len(self._held) >= self._wanted:
            self._parse(last=False)
            self._wanted = max(1, self._bytes - self._parser.CurrentByteIndex)

    def close(self) -> UsagePoint:
        """The end of the file: what it says. Raises Ar2418Error if something is missing."""
        if self._refusal is not None:
            raise self._refusal
        if self._bytes == 0:
            self._refuse(Ar2418Error("the file is empty"))
        self._parse(last=True)
        found: UsagePoint = self._open[0].found["UsagePoints"]
        return found

    def _parse(self, *, last: bool) -> None:
        data = bytes(self._held)
        self._held.clear()
        try:
            self._parser.Parse(data, last)
        except Ar2418Error as error:
            self._refuse(error)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code).removeprefix("not well-formed").strip(" ()")
            self._refuse(Ar2418Error(f"line {error.lineno} is not well-formed XML: {what}"))
        except (LookupError, ValueError) as error:  # an encoding that the parser asks Python for
            self._refuse(Ar2418Error("the file's encoding is not one that is read"), error)

    def _refuse(self, refusal: Ar2418Error, cause: Exception | None = None) -> None:
        self._refusal = refusal
        raise refusal from cause

    def _at(self, sentence: str) -> Ar2418Error:
        return Ar2418Error(f"line {self._parser.CurrentLineNumber}: {sentence}")

    def _doctype(self, *_: object) -> None:
        raise self._at("a document type is not read")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise self._at("the file's encoding is not one that is read")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if attributes and any(not attribute.startswith(_INSTANCE) for attribute in attributes):
            raise self._at(f"<{_local(name)}> has an attribute")
        parent = self._open[-1]
        if self._leaf is not None:
            raise self._at(f"<{_local(name)}> stands inside a text")
        child = parent.branch.children.get(name)
        if child is None:
            raise self._at(f"<{_told(name)}> is not known in {_told_parent(parent.name)}")
        place = parent.branch.places[name]
        if place < parent.place:
            raise self._at(f"<{_told(name)}> stands too late in {_told_parent(parent.name)}")
        parent.place = place
        self._count(parent, name, child)
        element = child.element
        if isinstance(element, Leaf):
            self._leaf = element
            self._texts.clear()
            self._length = 0
        else:
            self._open.append(_Open(name, element))

    def _count(self, parent: _Open, name: str, child: Child) -> None:
        local = _local(name)
        if child.highest > 1:
            several = parent.found.setdefault(local, [])
            if len(several) >= child.highest:
                raise self._at(f"there are more than {child.highest} <{local}>")
            if local == "IntervalReading":
                self._readings += 1
                if self._readings > MAXIMUM_READINGS:
                    raise self._at(f"there are more than {MAXIMUM_READINGS} readings")
        elif local in parent.found:
            raise self._at(f"there is a second <{_told(name)}> in {_told_parent(parent.name)}")

    def _text(self, data: str) -> None:
        if self._leaf is None:
            if data.strip(WHITE_SPACE):
                raise self._at(f"there is text in {_told_parent(self._open[-1].name)}")
            return
        self._length += len(data)
        if self._length > _LONGEST_TEXT:
            raise self._at("a text is too long")
        self._texts.append(data)

    def _end(self, name: str) -> None:
        if self._leaf is not None:
            found = "".join(self._texts).strip(WHITE_SPACE)
            try:
                value = self._leaf.convert(found)
            except Ar2418Error as error:
                raise self._at(f"<{_told(name)}> {error}") from error
            self._leaf = None
        else:
            value = self._close_branch()
        into = self._open[-1]
        local = _local(name)
        if into.branch.children[name].highest > 1:
            into.found[local].append(value)
        else:
            into.found[local] = value

    def _close_branch(self) -> Any:
        closed = self._open.pop()
        for name, child in closed.branch.children.items():
            if child.required and _local(name) not in closed.found:
                raise self._at(f"{_told_parent(closed.name)} has no <{_told(name)}>")
        try:
            return closed.branch.build(closed.found)
        except Ar2418Error as error:
            raise self._at(str(error)) from error


def parse(data: bytes) -> UsagePoint:
    """Read a whole file. Raises Ar2418Error."""
    reader = Ar2418Reader()
    reader.feed(data)
    return reader.close()


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _told(name: str) -> str:
    """As the files write it."""
    space, _, local = name.rpartition(" ")
    return f"espi:{local[:60]}" if space == ESPI else local[:60]


def _told_parent(name: str) -> str:
    return f"<{_told(name)}>" if name else "the file"
