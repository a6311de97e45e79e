"""Where sources name a requirement: in a docstring or a comment, and inside which definition.

Decides what counts as a citation: the exact id of a requirement in a docstring or comment of a tracked Python file.
``FAU_STG.4/CAL`` does not cite ``FAU_STG.4``, and ``TAF-1`` is no citation in ``TAF-12``. After the name of a source
several of its requirements may stand in a row (``TR-03109-1, TAF-9, TAF-10 and TAF-14``). A citation inside code counts
for the innermost function or class around it, so that the page stays true while lines move.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_OF = ", "
"""Between a source and its requirement, where an id names both."""
_END = r"(?![\w/]|\.\d)"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A definition: the file's path inside the project, and its qualified name there (empty: the file as a whole)."""

    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Scope:
    name: str
    first: int
    last: int


def collect(root: Path, folders: Iterable[str], ids: Iterable[str]) -> Mapping[str, tuple[Place, ...]]:
    """Id -> the places below ``folders`` of ``root`` that cite it, in order of path and name."""
    pattern = _pattern(ids)
    found: dict[str, set[Place]] = {}
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            text = file.read_text("utf-8")
            if pattern.search(text) is None:
                continue
            path = file.relative_to(root).as_posix()
            for name, cited in citations(text, pattern):
                found.setdefault(cited, set()).add(Place(path, name))
    return {name: tuple(sorted(places)) for name, places in found.items()}


def citations(text: str, pattern: re.Pattern[str]) -> set[tuple[str, str]]:
    """(qualified name, id) of every citation in the source ``text``."""
    scopes: list[_Scope] = []
    strings: list[tuple[int, str]] = []
    _walk(ast.parse(text).body, "", scopes, strings)
    found: set[tuple[str, str]] = set()
    for line, words in (*strings, *_comments(text, pattern)):
        around = [scope for scope in scopes if scope.first <= line <= scope.last]
        name = max(around, key=lambda scope: scope.first).name if around else ""
        found.update((name, cited) for match in pattern.finditer(words) for cited in _ids(match[0]))
    return found


def _pattern(ids: Iterable[str]) -> re.Pattern[str]:
    """What finds every id of ``ids``; a row of those of one source is found as a whole."""
    names: dict[str, list[str]] = {}
    for one in sorted(ids, key=len, reverse=True):
        source, _, name = one.rpartition(_OF)
        names.setdefault(source, []).append(re.escape(name).replace(r"\ ", r"\s+"))
    found = []
    for source, members in names.items():
        member = rf"(?:{'|'.join(members)}){_END}"
        following = rf"{re.escape(source)},\s+{member}(?:(?:,|,?\s+and)\s+{member})*"
        found.append(following if source else member)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(found)})")


def _ids(found: str) -> Iterable[str]:
    source, of, members = " ".join(found.split()).partition(_OF)
    return (f"{source}{of}{member}" for member in re.split(", and |, | and ", members)) if of else (found,)


def _walk(body: list[ast.stmt], outer: str, scopes: list[_Scope], strings: list[tuple[int, str]]) -> None:
    """Every definition in ``body``, and every string that stands as a statement of its own.

    Those are the docstrings of modules, definitions, constants and attributes. No expression holds any, so that none is
    looked into.
    """
    for node in body:
        inner = outer
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{outer}.{node.name}" if outer else node.name
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            scopes.append(_Scope(inner, first, node.end_lineno or node.lineno))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            strings.append((node.lineno, node.value.value))
        for part in ("body", "orelse", "finalbody"):
            _walk(getattr(node, part, []), inner, scopes, strings)
        for branch in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            _walk(branch.body, inner, scopes, strings)


def _comments(text: str, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    if not any("#" in line and pattern.search(line) for line in text.splitlines()):
        return []
    return [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
