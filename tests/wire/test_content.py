"""What may stand together in one content; its spelling is tested in ``test_cosem_xml``."""

from dataclasses import replace

import pytest

from tests.wire.documents import pseudonymous, series
from wire.content import column_of, columns_of
from wire.errors import ContentError
from wire.reading import SignedReading


@pytest.mark.parametrize(("readings", "columns"), [(0, 0), (1, 1), (8, 1), (8, 3), (8, 8)])
def test_columns_are_counted_by_device_and_register(readings: int, columns: int) -> None:
    content = series(readings, columns=max(columns, 1))
    assert columns_of(content.readings) == columns
    assert len({column_of(one) for one in content.readings}) == columns


def test_a_size_is_chosen_once_and_kept() -> None:
    """FPR_CON.1: what was given room keeps it, however little stands in it."""
    roomy = replace(series(1), size=8192)
    assert (roomy.size, replace(roomy, readings=()).size) == (8192, 8192)
    assert replace(roomy, size=0).size == series(1).size < 8192


def test_a_size_that_the_widest_spelling_would_not_fit_is_refused() -> None:
    """FPR_CON.1: although what is said now would fit."""
    short = replace(series(2), size=0)
    with pytest.raises(ContentError, match="tell of its digits"):
        replace(short, size=1280)


def test_one_form_for_all_readings() -> None:
    first, second = series(2).readings
    assert isinstance(first, SignedReading)
    with pytest.raises(ContentError, match="no signature"):
        replace(series(2), readings=(first, *pseudonymous(series(2)).readings[1:]))
    with pytest.raises(ContentError, match="signature"):
        replace(pseudonymous(series(2)), readings=(first, second))
