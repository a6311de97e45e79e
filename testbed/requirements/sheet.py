"""The list of what is required, and what is said openly of each: ``requirements.toml`` beside this file.

Decides which requirements there are. Their wording is ours: the protection profile's own text could not be read in full
(docs/deviations.md), so each row gives the gist and nothing here is a claim of conformance.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Self


class SheetError(Exception):
    """The sheet says something twice, or says what nobody reads."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row: ``missing`` says why nothing binds it, ``note`` what of it is not done although something does."""

    id: str
    text: str
    missing: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Requirements of one source."""

    title: str
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All chapters."""

    chapters: tuple[Chapter, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id, in order."""
        return tuple(one.id for chapter in self.chapters for one in chapter.requirements)

    @classmethod
    def load(cls, text: str | None = None) -> Self:
        """Read ``text``, or the sheet of the project. Raises SheetError."""
        if text is None:
            text = resources.files(__package__).joinpath("requirements.toml").read_text("utf-8")
        document = tomllib.loads(text)
        if set(document) != {"chapter"}:
            raise SheetError(f"a sheet has chapters and nothing else: {sorted(document)}")
        sheet = cls(tuple(_chapter(content) for content in document["chapter"]))
        if len(set(sheet.ids)) != len(sheet.ids):
            raise SheetError("a requirement stands twice in the sheet")
        return sheet


def _chapter(content: Mapping[str, Any]) -> Chapter:
    if set(content) != {"title", "requirement"}:
        raise SheetError(f"a chapter has a title and requirements: {sorted(content)}")
    try:
        return Chapter(content["title"], tuple(Requirement(**row) for row in content["requirement"]))
    except TypeError as error:
        raise SheetError(f"{content['title']}: {error}") from error
