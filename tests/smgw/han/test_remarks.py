import pytest

from smgw.han.remarks import REMARKS, remarks
from smgw.metering.status import GatewayStatus, MeterStatus, combined


def test_a_reading_without_a_remark_has_none() -> None:
    assert remarks(combined(GatewayStatus(0))) == ()
    assert remarks(combined(GatewayStatus.TRANSPARENCY)) == ()


@pytest.mark.parametrize("bit", list(MeterStatus))
def test_every_bit_of_a_meter_is_one_remark(bit: MeterStatus) -> None:
    found = remarks(combined(GatewayStatus(0), bit))
    assert len(found) == 1
    assert set(found) <= REMARKS


def test_the_gateways_remarks_come_first() -> None:
    word = combined(GatewayStatus.SYSTEM_TIME_INVALID, MeterStatus.TERMINAL_COVER)
    assert remarks(word) == ("gateway-system-time-invalid", "meter-terminal-cover")


def test_the_word_of_another_kind_of_meter_says_nothing_here() -> None:
    """The lower half is that meter's own then, and has none of these meanings."""
    assert remarks(combined(GatewayStatus.METER_WORD_IS_OMS, MeterStatus.FATAL_ERROR)) == ()
