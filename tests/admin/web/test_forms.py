"""Fields: what they may be, and every fault under its name."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, MultiDict

from admin.users import UserRole
from admin.web.forms import MAXIMUM_FILE, Fault, Form, first

AT = datetime(2026, 1, 15, 12, 30, 5, tzinfo=UTC)


def form(**values: str) -> Form:
    return Form(MultiDict(values))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("", Fault.MISSING),
        ("  ", Fault.MISSING),
        ("x" * 201, Fault.LONG),
        ("a\x00b", Fault.UNPRINTABLE),
        ("a\nb", Fault.UNPRINTABLE),
        ("A", Fault.PATTERN),
        ("a", None),
    ],
)
def test_text(value: str, fault: Fault | None) -> None:
    made = form(it=value)
    made.text("it", "[a-z]+")
    assert made.faults.get("it") is fault


def test_an_optional_text_has_its_default() -> None:
    made = form()
    assert (made.text("it", default="x"), made.faults) == ("x", {})


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("0", Fault.RANGE),
        ("11", Fault.RANGE),
        ("-1", Fault.NUMBER),
        ("1.5", Fault.NUMBER),
        ("٣", Fault.NUMBER),
        ("9" * 13, Fault.LONG),
        ("10", None),
    ],
)
def test_integer(value: str, fault: Fault | None) -> None:
    made = form(it=value)
    made.integer("it", 1, 10)
    assert made.faults.get("it") is fault


def test_choices_are_those_offered() -> None:
    made = form(a="x", b="", c="viewer", d="boss")
    assert made.choice("a", ["x"]) == "x"
    made.choice("b", ["x"])
    assert made.member("c", UserRole) is UserRole.VIEWER
    made.member("d", UserRole)
    assert made.faults == {"b": Fault.MISSING, "d": Fault.CHOICE}


def test_many() -> None:
    made = Form(MultiDict([("a", "x"), ("a", "x"), ("a", "y"), ("b", "z")]))
    assert made.many("a", ["x", "y"]) == ["x", "y"]
    made.many("b", ["x"])
    made.many("c")
    assert made.faults == {"b": Fault.CHOICE, "c": Fault.MISSING}
    assert (made.checked("a"), made.checked("c")) == (True, False)


@pytest.mark.parametrize("value", ["x", "2026-13-01", "26-01-01", "1999-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_that_is_none(value: str) -> None:
    made = form(it=value)
    made.day("it")
    assert made.faults == {"it": Fault.DATE}


def test_a_validity_of_today_begins_now_and_ends_with_the_day() -> None:
    made = form(begin="2026-01-15", end="2026-01-16", early="2026-01-14")
    assert made.validity("begin", "end", AT) == (AT, datetime(2026, 1, 17, tzinfo=UTC))
    assert made.faults == {}
    made.validity("begin", "early", AT)
    assert made.faults == {"early": Fault.ORDER}


def test_devices_are_read_as_people_write_them() -> None:
    made = form(a="1 isk 00 1234 5678", b="1ISK")
    assert made.device("a").text == "1ISK0012345678"
    made.device("b")
    assert made.faults == {"b": Fault.DEVICE}


def test_registers_in_boxes_and_in_words() -> None:
    made = Form(MultiDict([("r", "1-0:1.8.0*255"), ("r_other", "1-0:2.8.0, 1-0:1.8.0")]))
    assert made.registers("r") == ["1-0:1.8.0*255", "1-0:2.8.0*255"]
    made.registers("none")
    wrong = form(r_other="1.8.x")
    wrong.registers("r")
    assert (made.faults, wrong.faults) == ({"none": Fault.MISSING}, {"r": Fault.REGISTER})


def test_a_file_comes_before_its_text_and_has_a_bound() -> None:
    both = Form(MultiDict({"it": "text"}), MultiDict({"it_file": FileStorage(BytesIO(b"file"))}))
    assert both.file("it") == b"file"
    assert form(it=" text ").file("it") == b"text"
    large = Form(MultiDict(), MultiDict({"it_file": FileStorage(BytesIO(b"x" * (MAXIMUM_FILE + 1)))}))
    assert (large.file("it"), large.faults) == (b"", {"it": Fault.LONG})


@given(st.text(max_size=300))
def test_whatever_is_entered_is_a_value_or_a_fault(value: str) -> None:
    made = Form(MultiDict({"it": value}))
    for read in (
        made.text,
        made.device,
        made.day,
        made.registers,
        made.file,
        lambda name: made.integer(name, 0, 9),
        lambda name: made.choice(name, ["x"]),
        lambda name: made.validity(name, name, AT),
    ):
        read("it")
    assert made.entered()["it"] == value


def test_first() -> None:
    assert (first([]), first(["a", "b"])) == ("", "a")
