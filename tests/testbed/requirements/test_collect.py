"""What counts as a citation, and where it stands."""

from pathlib import Path

from testbed.requirements.collect import Place, _pattern, citations, collect

IDS = ("FAU_STG.4/CAL", "FAU_GEN.2", "TR-03109-1, TAF-1")
SOURCE = '''"""A file (FAU_GEN.2)."""

LIMIT = 1
"""After a constant: FAU_STG.4/CAL."""


class Log:
    """Nothing here."""

    def write(self) -> None:
        # FAU_STG.4/CAL: a comment binds its function.
        text = "FAU_GEN.2 in a plain string is none"


@decorated
def free() -> None:
    """TR-03109-1, TAF-12 and FAU_STG.4 and FAU_GEN.2/CON are other requirements."""


def last() -> None:
    """TR-03109-1, TAF-1. FAU_GEN.2."""
'''


def test_docstrings_and_comments_cite_for_the_innermost_definition() -> None:
    assert citations(SOURCE, _pattern(IDS)) == {
        ("", "FAU_GEN.2"),
        ("", "FAU_STG.4/CAL"),
        ("Log.write", "FAU_STG.4/CAL"),
        ("last", "TR-03109-1, TAF-1"),
        ("last", "FAU_GEN.2"),
    }


def test_several_of_one_source_stand_in_a_row() -> None:
    text = '"""TR-1, TAF-9, TAF-10\\n    and log\\n    entries; TAF-1 alone is none. PTB-A 50.8, raster."""'
    ids = ("TR-1, TAF-1", "TR-1, TAF-10", "TR-1, TAF-9", "TR-1, log entries", "PTB-A 50.8, raster")
    assert citations(text, _pattern(ids)) == {("", one) for one in ids[1:]}


def test_files_are_named_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "smgw" / "store").mkdir(parents=True)
    (tmp_path / "smgw" / "store" / "logs.py").write_text(SOURCE)
    (tmp_path / "elsewhere.py").write_text(SOURCE)
    found = collect(tmp_path, ("smgw", "absent"), IDS)
    assert found["FAU_STG.4/CAL"] == (Place("smgw/store/logs.py"), Place("smgw/store/logs.py", "Log.write"))
    assert set(found) == set(IDS)
