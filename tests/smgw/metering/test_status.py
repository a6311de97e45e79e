"""Status words: the published cases of the display software, and what this gateway sets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.status import (
    FatalMeterError,
    GatewayStatus,
    MeterStatus,
    PtbStatus,
    StatusTextError,
    TextForm,
    combined,
    from_text,
    gateway_bits,
    meter_bits,
    ptb_status,
    status_word,
    to_text,
)
from tests.vectors import vectors_folder

NAMES = {
    "PTB_Warning": GatewayStatus.PTB_WARNING,
    "PTB_Temp_Error_signed_invalid": GatewayStatus.NO_VALUE_IN_WINDOW,
    "PTB_Temp_Error_is_invalid": GatewayStatus.MANIPULATION,
    "Fatal_Error": GatewayStatus.FATAL_ERROR,
}
"""What the display software calls our bits; the constant nibbles are bits to it as well."""
WORDS = st.integers(0, 2**64 - 1)


def test_the_published_cases_hold() -> None:
    """TR-03109-1, status word; PTB-A 50.8, statusPTB: they mean what they mean to the display software."""
    files = sorted((vectors_folder("trudi") / "cases").glob("status_*.json"))
    assert files
    for file in files:
        case = json.loads(file.read_text("utf-8"))
        told, expected = case["inputs"], case["expected"]
        form = TextForm.LATER if told.get("bit_order") == "lsb_first" else TextForm.EARLY
        word = int(told["status_word"], 16) if "status_word" in told else from_text(told["status_fnn"], form)
        assert ptb_status(word) == expected["status_ptb"], file.name
        if "status_hex" in expected:
            assert to_text(word) == expected["status_hex"], file.name
            named = [NAMES[name] for name in expected["smgw_flags"] if not name.endswith("Identification")]
            assert gateway_bits(word) == sum(named, GatewayStatus(0)), file.name
            assert meter_bits(word) == MeterStatus(0), file.name


@pytest.mark.parametrize(
    ("gateway", "meter", "grade"),
    [
        (GatewayStatus(0), MeterStatus(0), PtbStatus.OK),
        (GatewayStatus.TRANSPARENCY | GatewayStatus.THRESHOLD, MeterStatus.VOLTAGE_L1, PtbStatus.OK),
        (GatewayStatus.PTB_WARNING, MeterStatus(0), PtbStatus.WARNING),
        (GatewayStatus.PTB_WARNING | GatewayStatus.NO_VALUE_IN_WINDOW, MeterStatus(0), PtbStatus.TEMPORARY),
        (GatewayStatus.NO_VALUE_IN_WINDOW | GatewayStatus.SYSTEM_TIME_INVALID, MeterStatus(0), PtbStatus.CRITICAL),
        (GatewayStatus.MANIPULATION, MeterStatus(0), PtbStatus.CRITICAL),
        (GatewayStatus(0), MeterStatus.MAGNETIC_INFLUENCE, PtbStatus.CRITICAL),
        (GatewayStatus(0), MeterStatus.TERMINAL_COVER, PtbStatus.CRITICAL),
        (GatewayStatus.MANIPULATION, MeterStatus.FATAL_ERROR, PtbStatus.FATAL),
        (GatewayStatus.FATAL_ERROR, MeterStatus(0), PtbStatus.FATAL),
    ],
)
def test_the_gravest_reason_counts(gateway: GatewayStatus, meter: MeterStatus, grade: PtbStatus) -> None:
    """PTB-A 50.8, statusPTB."""
    word = combined(gateway, meter)
    assert (gateway_bits(word), meter_bits(word), ptb_status(word)) == (gateway, meter, grade)
    assert grade.usable is (grade in (PtbStatus.OK, PtbStatus.WARNING, PtbStatus.TEMPORARY))


def test_an_oms_meter_keeps_its_own_word() -> None:
    """PTB-A 50.8, statusPTB: the bit of a fatal error means something else there."""
    word = 0x0002_0005_0002_0000
    assert gateway_bits(word) == GatewayStatus.METER_WORD_IS_OMS
    assert meter_bits(word) == MeterStatus(0)
    assert ptb_status(word) is PtbStatus.OK


@given(WORDS)
def test_a_word_is_written_and_read(word: int) -> None:
    """TR-03109-1, status word."""
    for form in TextForm:
        assert from_text(to_text(word, form), form) == word
        assert len(to_text(word, form)) == 16


@given(st.text(max_size=20), st.sampled_from(TextForm))
def test_only_its_own_error_escapes(text: str, form: TextForm) -> None:
    try:
        word = from_text(text, form)
    except StatusTextError:
        return
    assert to_text(word, form).lower().endswith(text.lower())


def test_a_short_text_has_no_lowest_bit_first() -> None:
    assert from_text("200500000004", TextForm.EARLY) == 0x2005_0000_0004
    with pytest.raises(StatusTextError):
        from_text("A0000000", TextForm.LATER)


def test_nothing_against_a_reading() -> None:
    assert status_word(clock_valid=True, meter_error=None) == 0x0000_0005_0000_0004
    assert status_word(clock_valid=True, meter_error="0000000") == 0x0000_0005_0000_0004


def test_an_unsynchronised_gateway_says_so() -> None:
    """FPT_STM.1: without a valid time values are recorded under a flag, and no bill rests on them."""
    word = status_word(clock_valid=False, meter_error=None)
    assert word == 0x0000_0205_0000_0004
    assert not ptb_status(word).usable


def test_a_reading_off_the_raster_is_a_warning() -> None:
    """PTB-A 50.8, raster: two registrations vary by 1 % of their period at most."""
    word = status_word(clock_valid=True, meter_error=None, on_raster=False)
    assert word == 0x0000_1005_0000_0004
    assert ptb_status(word) is PtbStatus.WARNING


@pytest.mark.parametrize("text", ["02", "20", "80", "EA", "c0"])
def test_harmless_bits_are_a_warning(text: str) -> None:
    assert status_word(clock_valid=True, meter_error=text) == 0x0000_1005_0000_0004


@pytest.mark.parametrize("text", ["01", "04", "10", "FF", "100", "", "x"])
def test_fatal_unknown_and_unreadable_bits_are_refused(text: str) -> None:
    with pytest.raises(FatalMeterError):
        status_word(clock_valid=True, meter_error=text)
