"""The page says what the sources say, and is not written while the sheet says something else."""

import pytest

from testbed.requirements.collect import Place
from testbed.requirements.page import PageError, page
from testbed.requirements.sheet import Chapter, Requirement, Sheet

CODE = {"A": [Place("smgw/a.py"), Place("smgw/a.py", "f"), Place("smgw/b.py")]}
TESTS = {"A": [Place("tests/test_a.py", "test_f")]}


def sheet(*requirements: Requirement) -> Sheet:
    return Sheet((Chapter("source", requirements),))


def test_a_row_links_what_binds_and_what_proves() -> None:
    text = page(sheet(Requirement("A", "what"), Requirement("B", "how", missing="no hardware")), CODE, TESTS)
    assert (
        "| **A** | what | [smgw/a.py](../smgw/a.py): `f`<br>[smgw/b.py](../smgw/b.py) "
        "| [tests/test_a.py](../tests/test_a.py): `test_f` |" in text
    )
    assert "| **B** | how | **missing**: no hardware | |" in text
    assert "| source | 2 | 1 | 0 | 1 |" in text


def test_a_restriction_is_said() -> None:
    assert "what **Restriction:** only half |" in page(sheet(Requirement("A", "what", note="only half")), CODE, {})


@pytest.mark.parametrize(
    ("requirement", "code", "tests"),
    [
        (Requirement("A", "what", missing="no"), CODE, {}),
        (Requirement("A", "what", missing="no"), {}, TESTS),
        (Requirement("A", "what"), {}, TESTS),
        (Requirement("A", "what"), CODE, {}),
    ],
    ids=["missing but bound", "missing but tested", "tested but not bound", "bound but not tested"],
)
def test_sheet_and_sources_may_not_disagree(
    requirement: Requirement, code: dict[str, list[Place]], tests: dict[str, list[Place]]
) -> None:
    with pytest.raises(PageError, match="A"):
        page(sheet(requirement), code, tests)
