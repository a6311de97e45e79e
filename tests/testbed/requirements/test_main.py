"""docs/requirements.md is what the sources say now."""

import pytest

from testbed.requirements import __main__ as command
from testbed.requirements.__main__ import PAGE, current, main
from testbed.requirements.page import PageError


def test_the_page_is_current() -> None:
    """Whoever cites a requirement, or moves what cites one, writes the page anew."""
    try:
        expected = current()
    except PageError as error:
        pytest.fail(f"sheet and sources disagree:\n{error}", pytrace=False)
    if PAGE.read_text("utf-8") != expected:
        pytest.fail("docs/requirements.md is old: run `python -m testbed.requirements` and commit it", pytrace=False)


def test_nothing_is_written_while_sheet_and_sources_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    def disagree() -> str:
        raise PageError("FAU_GEN.2: no code cites it")

    before = PAGE.read_text("utf-8")
    monkeypatch.setattr(command, "current", disagree)
    with pytest.raises(SystemExit, match=r"FAU_GEN\.2"):
        main()
    assert PAGE.read_text("utf-8") == before
