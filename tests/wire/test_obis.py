"""OBIS codes: three spellings, one code; what is not exact is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.examples import codes
from wire.errors import ObisError
from wire.obis import Obis


@given(codes)
def test_text_and_bytes_lead_back_to_the_code(code: Obis) -> None:
    assert Obis.parse(str(code)) == code
    assert Obis.parse_reduced(str(code)) == code
    assert Obis.from_bytes(code.to_bytes()) == code


@given(st.text(max_size=20) | st.from_regex(r"[0-9CFLP]{1,4}[-.:][0-9F]{1,4}[.:*&]?[0-9]{0,4}[.*&]?[0-9]{0,4}"))
def test_nothing_else_escapes(text: str) -> None:
    for read in (Obis.parse, Obis.parse_reduced):
        try:
            code = read(text)
        except ObisError:
            continue
        assert Obis.parse(str(code)) == code


@given(st.binary(max_size=8))
def test_six_bytes_are_a_code_and_no_other_number_is(data: bytes) -> None:
    if len(data) == 6:
        assert Obis.from_bytes(data).to_bytes() == data
    else:
        with pytest.raises(ObisError, match="six bytes"):
            Obis.from_bytes(data)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("1.8.0", "1-0:1.8.0*255"),
        ("1.8.0*01", "1-0:1.8.0*1"),
        ("1.8.1&12", "1-0:1.8.1*12"),
        ("6.8", "1-0:6.8.0*255"),
        ("C.1.0", "1-0:96.1.0*255"),
        ("C.1", "1-0:96.1.0*255"),
        ("F.F", "1-0:97.97.0*255"),
        ("L.1.0*126", "1-0:98.1.0*126"),
        ("P.01", "1-0:99.1.0*255"),
        ("7-1:3.0.0", "7-1:3.0.0*255"),
    ],
)
def test_the_reduced_form_of_displays(text: str, full: str) -> None:
    assert str(Obis.parse_reduced(text)) == full


def test_medium_and_channel_of_the_reduced_form_are_the_callers() -> None:
    assert str(Obis.parse_reduced("3.0.0", medium=7, channel=1)) == "7-1:3.0.0*255"


@pytest.mark.parametrize(
    "text",
    ["", "1.8.0", "1-0:1.8", "1-0:1.8.0*256", "256-0:1.8.0", "1-0:1.8.0*", "1-0:1.8.0 ", "1-0:1.8.0\n", "1-0:1.8.-1"],
)
def test_no_full_code(text: str) -> None:
    with pytest.raises(ObisError):
        Obis.parse(text)


@pytest.mark.parametrize("text", ["", "1", "1.8.0.0", "X.1.0", "1.8.0*1000", "256.8.0", "C.1.0\n", "1:8", "F"])
def test_no_reduced_code(text: str) -> None:
    with pytest.raises(ObisError):
        Obis.parse_reduced(text)


@pytest.mark.parametrize("group", [-1, 256])
def test_groups_are_bytes(group: int) -> None:
    for place in range(6):
        groups = [0] * 6
        groups[place] = group
        with pytest.raises(ObisError, match=r"0\.\.255"):
            Obis(*groups)
