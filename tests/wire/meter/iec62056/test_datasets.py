"""Data sets: the grammar that meters really send, and one result whichever way it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.meter.iec62056.datasets import DataSet, before_end_mark, parse_data_sets, parse_lines, parse_usual, split_unit

CONTROLS = ["\r\n", "\n", "\r", "\x00", "\x7f", "\x03", "\t", "\xb0", "\u20ac"]
PIECES = st.lists(
    st.sampled_from([*"()!/ *&", "1.8.0", "0.9.1", "(1)", "(12*kWh)", "()", "!\r\n", *CONTROLS]), max_size=24
).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.8.0(0033402.264*kWh)\r\n", [("1.8.0", ("0033402.264*kWh",))]),
        ("6.8(1*kWh)6.26(2*m3)\r\n9.21(3)\r\n", [("6.8", ("1*kWh",)), ("6.26", ("2*m3",)), ("9.21", ("3",))]),
        ("1.6.1(09.48*kW)(16-03-14,18:45)\r\n", [("1.6.1", ("09.48*kW", "16-03-14,18:45"))]),
        ("0-1:24.3.0(09)(m3)\r\n(00001.001)\r\n", [("0-1:24.3.0", ("09", "m3", "00001.001"))]),
        ("0.1.2&01(0111209125955)\r\n", [("0.1.2&01", ("0111209125955",))]),
        ("9.4(088*C&082*C)\r\n", [("9.4", ("088*C&082*C",))]),
        ("6.8.1()6.8.2()\r\n", [("6.8.1", ("",)), ("6.8.2", ("",))]),
        ("C.1(a!b)\r\n!\r\n", [("C.1", ("a!b",))]),
        ("0.0(00188123        )\r\n", [("0.0", ("00188123        ",))]),
        ("13.25(0.83*P/S)\r\n", [("13.25", ("0.83*P/S",))]),
        ("1.8.0(1)!\r\n", [("1.8.0", ("1",))]),
        ("1.8.0(1)\n2.8.0(2)\n!\n", [("1.8.0", ("1",)), ("2.8.0", ("2",))]),
        ("1.8.0(1)\n\n2.8.0(2)\n\n!\n\n", [("1.8.0", ("1",)), ("2.8.0", ("2",))]),
        ("\r\n1.8.0(1)\r\n", [("1.8.0", ("1",))]),
        ("6.8(1*kWh) 6.26(2*m3)\r\n", [("6.8", ("1*kWh",)), ("6.26", ("2*m3",))]),
        (" 1.8.0(1) \r\n", [("1.8.0", ("1",))]),
        ("1.8.0(1)", [("1.8.0", ("1",))]),
        ("", []),
        ("!\r\n", []),
    ],
)
def test_forms_that_meters_send(text: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    """Complaint 6: maker grammar; every form is in a published capture or a manual."""
    assert parse_data_sets(text) == ([DataSet(*pair) for pair in expected], [])


@pytest.mark.parametrize(
    "line",
    [
        "1.8.0(123",
        "1.8.0 123)",
        "1.8.0",
        "1.8.0(1)(",
        "1.8.0((1))",
        "1.8.0(1)x",
        "9.4(114.9*C&090.8*C)\\",
        "1.8.0(1\x002)",
        "a/b(1)",
        "(1)",
    ],
)
def test_a_line_that_breaks_the_grammar_is_kept_and_never_read_in_part(line: str) -> None:
    """Complaint 6: tolerant, but nothing is invented and the raw text is kept."""
    data_sets, unparsed = parse_data_sets(f"{line}\r\n2.8.0(2)\r\n!\r\n")
    assert data_sets == [DataSet("2.8.0", ("2",))]
    assert unparsed == [line]


@given(st.one_of(st.text(max_size=200), PIECES))
def test_every_text_gives_the_same_at_once_as_line_by_line(text: str) -> None:
    lines = before_end_mark(text).replace("\r", "\n").split("\n")
    assert parse_data_sets(text) == parse_lines(lines)


ADDRESSES = st.text(st.sampled_from("0123456789.:-*&CFL"), min_size=1, max_size=16)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, blacklist_characters="()"), max_size=20)


@given(
    st.lists(st.tuples(ADDRESSES, st.lists(VALUES, min_size=1, max_size=3)), min_size=1),
    st.sampled_from(["\r\n", "\n"]),
)
def test_data_sets_are_read_as_they_were_written(sets: list[tuple[str, list[str]]], end: str) -> None:
    text = "".join(address + "".join(f"({value})" for value in values) + end for address, values in sets)
    expected = [DataSet(address, tuple(values)) for address, values in sets]
    assert parse_usual(text.encode()) == expected
    assert parse_data_sets(text + "!" + end) == (expected, [])
    assert parse_lines(text.split(end)) == (expected, [])


def test_a_line_of_many_brackets_is_refused_in_linear_time() -> None:
    line = "P.01" + "(1)" * 50_000 + "("
    assert parse_data_sets(f"{line}\r\n") == ([], [line])


def test_number_and_unit() -> None:
    assert split_unit("0033402.264*kWh") == ("0033402.264", "kWh")
    assert split_unit("0000000") == ("0000000", "")
