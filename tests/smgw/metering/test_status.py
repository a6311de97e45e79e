import pytest

from smgw.metering.status import FatalMeterError, status_word


def test_nothing_against_a_reading() -> None:
    assert status_word(clock_valid=True, meter_error=None) == 0x0000_0005_0000_0004
    assert status_word(clock_valid=True, meter_error="0000000") == 0x0000_0005_0000_0004


def test_an_unsynchronised_gateway_says_so() -> None:
    assert status_word(clock_valid=False, meter_error=None) == 0x0000_0205_0000_0004


@pytest.mark.parametrize("text", ["02", "20", "80", "EA", "c0"])
def test_harmless_bits_are_a_warning(text: str) -> None:
    assert status_word(clock_valid=True, meter_error=text) == 0x0000_1005_0000_0004


@pytest.mark.parametrize("text", ["01", "04", "10", "FF", "100", "", "x"])
def test_fatal_unknown_and_unreadable_bits_are_refused(text: str) -> None:
    with pytest.raises(FatalMeterError):
        status_word(clock_valid=True, meter_error=text)
