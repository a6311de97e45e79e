"""Things are called as on the gateways whose clients ask."""

import pytest

from han_web.dialects import names
from smgw.han.shown import Amount


def test_logical_names_have_small_letters() -> None:
    assert names.logical("01005e318002", "1ISK0000471100") == "01005e318002.1isk0000471100.sm"


@pytest.mark.parametrize(
    ("register", "code", "short"),
    [
        ("1-0:1.8.0*255", "0100010800ff", "1-0:1.8.0"),
        ("1-0:1.8.0*1", "010001080001", "1-0:1.8.0*1"),
        ("something", "something", "something"),
    ],
)
def test_registers_in_three_spellings(register: str, code: str, short: str) -> None:
    assert (names.hexadecimal(register), names.short(register)) == (code, short)


def test_a_status_word_is_written_least_significant_bit_first() -> None:
    """As in the published cases of the display software: a0000000 20000000 says that nothing is wrong."""
    assert names.status_text(0x0000_0005_0000_0004) == ("a0000000", "20000000")
    assert names.status_text(0x0000_0205_0000_0004) == ("a0400000", "20000000")


def test_energy_is_shown_in_kilowatt_hours() -> None:
    assert names.kilo(Amount(107_173_550, -1, 30)) == ("10717.3550", "kWh")
    assert names.kilo(Amount(11_194_683, 0, 30)) == ("11194.683", "kWh")
    assert names.kilo(Amount(412, 0, 27)) == ("412", "W")
