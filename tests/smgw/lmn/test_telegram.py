"""Frames to telegrams: what is kept, what is refused."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.lmn.errors import PollError, PollReason
from smgw.lmn.telegram import Frame, Value, parse
from wire.meter.iec62056 import DataMessage, Identification
from wire.obis import Obis

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def frame(body: bytes, *, block_checked: bool = True) -> Frame:
    return Frame(Identification("ISK", "5", "MT831"), DataMessage(body), block_checked, NOW, NOW)


def test_values_keep_their_text_and_unit() -> None:
    telegram = parse(frame(b"F.F(00)\r\n1.8.0(0033402.264*kWh)\r\n1.6.0(01.2*kW)(2601141200)\r\n!\r\n"))
    assert (telegram.manufacturer, telegram.identification) == ("ISK", "MT831")
    assert telegram.values("1.6.0") == (Value("01.2", "kW"), Value("2601141200", ""))
    assert telegram.values("2.8.0") == ()


def test_any_spelling_of_a_register_is_found() -> None:
    register = Obis.parse("1-0:1.8.0*255")
    for spelling in (b"1.8.0", b"1-0:1.8.0", b"1-0:1.8.0*255"):
        assert parse(frame(spelling + b"(1*kWh)\r\n!\r\n")).register(register) == (Value("1", "kWh"),)
    for other in (b"1.8.0*01", b"1.8.0&02", b"1.8.1", b"1-1:1.8.0", b"X.Y.Z"):
        assert parse(frame(other + b"(1*kWh)\r\n!\r\n")).register(register) == ()


def test_repeated_addresses_keep_all_their_values() -> None:
    telegram = parse(frame(b"1.8.0(1*kWh)\r\n1.8.0(2*kWh)\r\n!\r\n"))
    assert [value.text for value in telegram.values("1.8.0")] == ["1", "2"]


def test_a_makers_peculiar_line_is_passed_over_only_under_a_block_check() -> None:
    body = b"hello)\r\n1.8.0(1*kWh)\r\n!\r\n"
    assert parse(frame(body)).values("1.8.0")
    with pytest.raises(PollError) as refused:
        parse(frame(body, block_checked=False))
    assert refused.value.reason is PollReason.GRAMMAR


def test_a_frame_that_says_nothing_is_refused() -> None:
    with pytest.raises(PollError) as refused:
        parse(frame(b"!\r\n"))
    assert refused.value.reason is PollReason.GRAMMAR


def test_a_meter_without_identification_has_no_maker() -> None:
    silent = Frame(None, DataMessage(b"1.8.0(1*kWh)\r\n!\r\n"), True, NOW, NOW)
    assert parse(silent).manufacturer == ""


@given(st.binary(max_size=200), st.booleans())
def test_only_the_own_error_escapes(body: bytes, block_checked: bool) -> None:
    with contextlib.suppress(PollError):
        parse(frame(body, block_checked=block_checked)).register(Obis.parse("1-0:1.8.0*255"))
