"""The sheet is read strictly."""

import pytest

from testbed.requirements.sheet import Sheet, SheetError


def test_the_projects_sheet() -> None:
    sheet = Sheet.load()
    assert "FPR_CON.1" in sheet.ids
    assert len(sheet.chapters[0].requirements) == 57


@pytest.mark.parametrize(
    "text",
    [
        "other = 1\nchapter = []",
        '[[chapter]]\ntitle = "a"',
        '[[chapter]]\ntitle = "a"\nrequirement = [{ id = "A", text = "t", unknown = 1 }]',
        '[[chapter]]\ntitle = "a"\nrequirement = [{ id = "A", text = "t" }, { id = "A", text = "t" }]',
    ],
)
def test_what_a_sheet_may_not_say(text: str) -> None:
    with pytest.raises(SheetError):
        Sheet.load(text)
