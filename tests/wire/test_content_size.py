"""The sizes of documents: what is computed is what is written, and nothing that a reading says changes it."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.documents import BEGIN, contents, pseudonymous, series
from wire.content import MAXIMUM_SEQUENCE, Content
from wire.content_size import MAXIMUM_BYTES, MAXIMUM_READINGS, SIZES, size_for, widest
from wire.cosem_xml import render
from wire.profiles import UseCase
from wire.reading import Reading, Register, SignedReading, Unit, UnsignedReading

LONGEST_NAME = max(UseCase, key=lambda use_case: len(use_case.value))
WIDEST = Register(-(2**63) + 1, -12, Unit.COUNT)


def wide(content: Content) -> Content:
    """``content`` with every number at its most digits."""

    def widened(one: SignedReading | UnsignedReading) -> SignedReading | UnsignedReading:
        return replace(one, reading=replace(one.reading, register=WIDEST, status=2**64 - 1))

    readings = tuple(widened(one) for one in content.readings)
    return replace(content, sequence=MAXIMUM_SEQUENCE, use_case=LONGEST_NAME, readings=readings, size=0)


def unpadded(content: Content) -> int:
    return len(render(content).rstrip(b"\n")) + 1


@pytest.mark.parametrize("alias", [False, True])
def test_the_widest_document_is_as_long_as_it_is_said_to_be(alias: bool) -> None:
    """To the byte where numbers of entries and columns have four digits, and never longer."""
    for readings, columns in ((0, 0), (1, 1), (9, 3), (1000, 1), (1000, 1000)):
        content = series(readings, columns=max(columns, 1))
        if alias and columns > 1:
            continue
        content = wide(pseudonymous(content) if alias else content)
        computed = widest(readings, columns, profile=content.profile, pseudonymous=alias)
        slack = computed - unpadded(content)
        assert 0 <= slack <= 4 * (2 * columns + readings) + columns * 4 * alias + 6, (readings, columns, slack)


def test_no_number_of_a_reading_changes_the_size() -> None:
    """FPR_CON.1: value, digits, sign, scaler, status and sequence number leave the size as it is."""
    content = series(4)
    small = tuple(
        replace(one, reading=replace(one.reading, register=Register(0, 0, Unit.DAY), status=0))
        for one in content.readings
        if isinstance(one, SignedReading)
    )
    narrow = replace(content, readings=small, sequence=1, size=0)
    assert len(render(narrow)) == len(render(wide(content))) == len(render(content))


@settings(max_examples=30)
@given(contents())
def test_every_document_has_one_of_the_sizes(content: Content) -> None:
    assert len(render(content)) == content.size
    assert content.size in SIZES


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_size_for_many_holds_the_few(many: int, few: int) -> None:
    """FPR_CON.1: what a dispatch may carry decides, not what it carries."""
    few = min(many, few)
    size = size_for(many, min(many, 3), profile="series-1", pseudonymous=False)
    content = replace(series(few, columns=min(max(few, 1), 3)), size=size)
    assert len(render(content)) == size


def test_sizes_rise_by_a_quarter_at_most() -> None:
    assert (SIZES[0], SIZES[-1]) == (1024, MAXIMUM_BYTES)
    assert all(one < other <= one * 5 // 4 for one, other in pairwise(SIZES))
    assert size_for(MAXIMUM_READINGS, MAXIMUM_READINGS, profile="a" * 64, pseudonymous=False) < MAXIMUM_BYTES


@pytest.mark.parametrize(("readings", "columns"), [(1, 2), (-1, 0), (1, -1), (1001, 1)])
def test_a_shape_that_no_document_has(readings: int, columns: int) -> None:
    with pytest.raises(ValueError, match="no document"):
        size_for(readings, columns, profile="a", pseudonymous=False)


def test_times_have_one_width() -> None:
    late = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    content = series(1)
    reading = Reading(content.readings[0].reading.device, content.readings[0].reading.obis, WIDEST, late)
    later = replace(content, created_at=late, period_end=late, readings=(SignedReading(reading, bytes(64)),))
    assert len(render(replace(later, size=0))) == len(render(replace(content, period_end=BEGIN, size=0)))
