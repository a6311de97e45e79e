"""The page for people: each requirement with the code that binds it and the tests that prove it, or that it is missing.

Decides what is said of a requirement that only one side names, and that the sheet may not contradict the sources: what
is called missing must not be cited, and what nobody cites must be called missing. Every finding is a PageError, so the
page cannot be written before sheet and sources agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from testbed.requirements.collect import Place
from testbed.requirements.sheet import Chapter, Requirement, Sheet

Citations = Mapping[str, Sequence[Place]]

_HEAD = """\
# Requirements

Which requirement is bound where, and which test proves it. **Generated** from the docstrings and comments of the
sources by `python -m testbed.requirements`, and held to be current by a test; edit the sources, or the wording in
`testbed/requirements/requirements.toml`. A place that is named binds the requirement by our reading of it: this is a
map for evaluators and no claim of conformance. The texts are ours ([deviations](deviations.md)).
"""

_REMEDY = "Cite each where it is bound and proven, or say why not: missing or note in requirements.toml."


class PageError(Exception):
    """Sheet and sources contradict one another; the text names each requirement concerned."""


def page(sheet: Sheet, code: Citations, tests: Citations) -> str:
    """The whole page. Raises PageError."""
    findings = [sentence for one in _all(sheet) if (sentence := _contradiction(one, code, tests))]
    if findings:
        raise PageError("\n".join([*findings, _REMEDY]))
    return "\n".join([_HEAD, _summary(sheet, tests), *(_chapter(each, code, tests) for each in sheet.chapters)])


def _all(sheet: Sheet) -> Iterable[Requirement]:
    return (one for chapter in sheet.chapters for one in chapter.requirements)


def _contradiction(one: Requirement, code: Citations, tests: Citations) -> str:
    cited = one.id in code or one.id in tests
    if one.missing and cited:
        return f"{one.id} is called missing, and is cited"
    if not one.missing and one.id not in code:
        return f"{one.id}: no code cites it, and the sheet does not say why it is missing"
    if not one.missing and one.id not in tests and not one.note:
        return f"{one.id}: no test cites it, and the sheet's note does not say why"
    return ""


def _summary(sheet: Sheet, tests: Citations) -> str:
    lines = [
        "| source | requirements | bound and tested | of these with a restriction | missing |",
        "|---|---|---|---|---|",
    ]
    for chapter in sheet.chapters:
        rows = chapter.requirements
        missing = sum(bool(one.missing) for one in rows)
        tested = [one for one in rows if one.id in tests]
        restricted = sum(bool(one.note) for one in tested)
        lines.append(f"| {chapter.title} | {len(rows)} | {len(tested)} | {restricted} | {missing} |")
    return "\n".join([*lines, ""])


def _chapter(chapter: Chapter, code: Citations, tests: Citations) -> str:
    lines = [f"## {chapter.title}", "", "| id | what | code | tests |", "|---|---|---|---|"]
    for one in chapter.requirements:
        if one.missing:
            lines.append(f"| **{one.id}** | {one.text} | **missing**: {one.missing} | |")
            continue
        what = f"{one.text} **Restriction:** {one.note}" if one.note else one.text
        lines.append(f"| **{one.id}** | {what} | {_places(code.get(one.id, ()))} | {_places(tests.get(one.id, ()))} |")
    return "\n".join([*lines, ""])


def _places(places: Sequence[Place]) -> str:
    by_path = defaultdict(list)
    for place in places:
        by_path[place.path].append(place.name)
    cells = []
    for path, names in by_path.items():
        inside = ", ".join(f"`{name}`" for name in names if name)
        link = f"[{path}](../{path})"
        cells.append(f"{link}: {inside}" if inside else link)
    return "<br>".join(cells)
