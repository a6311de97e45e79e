"""The documentation's state diagrams are those of the tables."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.diagrams import DIAGRAMS, TABLES, markdown, mermaid, redrawn

PAGE = Path(__file__).parents[2] / "docs" / "administration.md"


def test_the_page_shows_the_tables_as_they_are() -> None:
    text = PAGE.read_text("utf-8")
    assert redrawn(text) == text


def test_the_page_shows_every_table() -> None:
    assert set(re.findall(r"<!-- states: ([a-z]+) -->", PAGE.read_text("utf-8"))) == set(DIAGRAMS)
    assert set(re.findall(r"<!-- table: ([a-z]+) -->", PAGE.read_text("utf-8"))) == set(TABLES)


def test_a_stale_diagram_is_drawn_anew(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- states: tunnel -->\n```mermaid\nold\n```\nafter\n")
    subprocess.run([sys.executable, "-m", "testbed.diagrams", str(page)], check=True)
    text = page.read_text()
    assert text.startswith("before\n<!-- states: tunnel -->\n```mermaid\nstateDiagram-v2\n")
    assert "    waiting --> dialling\n" in text
    assert text.endswith("```\nafter\n")


def test_a_mark_without_a_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        redrawn("<!-- states: nothing -->\n```mermaid\n```\n")


def test_a_table_has_a_head() -> None:
    assert markdown([("", "a"), ("b", "yes"), ("c", "")]) == "| | a |\n|---|---|\n| b | yes |\n| c | |\n"
    assert redrawn("<!-- table: duties -->\n| old |\nafter\n").endswith("| serve-cls | yes | yes | | | |\nafter\n")


def test_causes_and_names_that_mermaid_takes() -> None:
    assert mermaid([("being-made", "done", "power lost")]).splitlines()[2] == "    being_made --> done : power lost"
