import contextlib
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.ar2418 import scalars
from wire.errors import Ar2418Error
from wire.obis import Obis

CONVERTERS = (
    scalars.text(5),
    scalars.integer(-5, 500),
    scalars.instant,
    scalars.obis,
    scalars.octets(4),
    scalars.word,
)


@given(st.sampled_from(CONVERTERS), st.text() | st.from_regex(r"[-+]?[0-9]+|[0-9a-fA-F]+|[0-9T:+Z.-]{10,30}"))
def test_only_its_own_error_escapes(convert: Callable[[str], object], found: str) -> None:
    with contextlib.suppress(Ar2418Error):
        convert(found)


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ("2017-10-29T02:30:00+02:00", "2017-10-29T00:30:00+00:00"),
        ("2017-10-29T02:30:00+01:00", "2017-10-29T01:30:00+00:00"),
        ("2017-10-29T02:30:00Z", "2017-10-29T02:30:00+00:00"),
        ("2017-10-29T02:30:00.000Z", "2017-10-29T02:30:00+00:00"),
        ("2017-10-29T02:30:00", "2017-10-29T00:30:00+00:00"),  # no offset: local time, the earlier one
        ("2017-07-01T00:00:00", "2017-06-30T22:00:00+00:00"),
    ],
)
def test_times_are_read_to_the_second(found: str, meant: str) -> None:
    assert scalars.instant(found) == int(datetime.fromisoformat(meant).timestamp())


@pytest.mark.parametrize(
    "found",
    [
        "",
        "2017-10-29",
        "2017-10-29T24:00:00Z",
        "2017-10-29T02:30:00.5Z",
        "2017-02-29T00:00:00Z",
        "2017-10-29 02:30:00Z",
        "20171029T023000Z",
        "2017-10-29T02:30:00+25:00",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59Z",
        "٢017-10-29T02:30:00Z",
    ],
)
def test_any_other_time_is_refused(found: str) -> None:
    with pytest.raises(Ar2418Error):
        scalars.instant(found)


def test_integers_keep_their_bounds() -> None:
    convert = scalars.integer(-1, 12)
    assert [convert(found) for found in ("-1", "+7", "04", "12")] == [-1, 7, 4, 12]
    for found in ("-2", "13", "1.0", "1e1", "", "0x1", "1 2", "1_0", "9" * 40, "٣"):
        with pytest.raises(Ar2418Error):
            convert(found)


def test_codes_are_twelve_digits_of_either_case() -> None:
    assert scalars.obis("0100010800fF") == Obis.parse("1-0:1.8.0*255")
    for found in ("0100010800f", "0100010800ff00", "1-0:1.8.0*255", "0100010800fg", ""):
        with pytest.raises(Ar2418Error):
            scalars.obis(found)


def test_octets_words_and_texts_keep_their_lengths() -> None:
    assert scalars.octets(2)("00fF") == b"\0\xff"
    assert scalars.word("A000000020000000") == "A000000020000000"
    assert scalars.text(3)("abc") == "abc"
    for convert, found in (
        (scalars.octets(2), "000000"),
        (scalars.octets(2), "000"),
        (scalars.octets(2), ""),
        (scalars.word, "0" * 17),
        (scalars.word, ""),
        (scalars.word, "x"),
        (scalars.text(3), "abcd"),
    ):
        with pytest.raises(Ar2418Error):
            convert(found)
