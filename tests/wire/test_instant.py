"""Times as text: one spelling for each second from 1970 on."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire.errors import ReadingError
from wire.instant import EPOCH, format_instant, parse_instant

instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda instant: instant.replace(microsecond=0)
)


@given(instants)
@example(EPOCH)
@example(datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC))
def test_what_is_written_is_read_back(instant: datetime) -> None:
    found = parse_instant(format_instant(instant))
    assert found == instant
    assert found.tzinfo is UTC


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", fullmatch=True))
def test_accepted_text_re_encodes_identically_and_nothing_else_escapes(text: str) -> None:
    try:
        instant = parse_instant(text)
    except ReadingError:
        return
    assert format_instant(instant) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00z",
        "2026-01-01T00:00:00.0Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:59:60Z",
        "2026-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "20260101T000000Z",
        "2026-W01-1T00:00:00Z",
        "\uff12\uff10\uff12\uff16-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        "",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ReadingError):
        parse_instant(text)


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 1, 1, microsecond=1, tzinfo=UTC),
        datetime(1969, 12, 31, tzinfo=UTC),
    ],
)
def test_a_time_that_is_not_ours_cannot_be_written(instant: datetime) -> None:
    with pytest.raises(ReadingError):
        format_instant(instant)
