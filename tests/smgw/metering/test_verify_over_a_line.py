"""Verification of what a real reader got from a simulated meter that goes wrong, over a pseudo-terminal."""

from datetime import timedelta
from pathlib import Path

import pytest

from smgw.lmn.telegram import Telegram, parse
from smgw.metering.errors import VerificationError, VerificationReason
from smgw.metering.verify import verify
from testbed.faults import Fault
from testbed.meter.simulator import SimulatedLine
from tests.smgw.lmn.lines import meter, profile, read_out, simulated
from wire.obis import Obis
from wire.reading import DeviceId, Reading

IMPORT = Obis.parse("1-0:1.8.0*255")


def readings(telegram: Telegram, before: Reading | None = None) -> list[Reading]:
    def previous(_device: DeviceId, _obis: Obis) -> Reading | None:
        return before

    return verify(telegram, profile(), captured_at=telegram.captured_at, previous=previous, clock_valid=True)


def telegram(line: SimulatedLine, serial: str = "00471100") -> Telegram:
    return parse(read_out(line, profile(address=serial)))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.WRONG_IDENTITY, VerificationReason.WRONG_IDENTITY),
        (Fault.RUNS_BACKWARDS, VerificationReason.RUNS_BACKWARDS),
        (Fault.CLOCK_JUMP, VerificationReason.METER_CLOCK),
        (Fault.ERROR_STATUS, VerificationReason.METER_FATAL),
    ],
)
def test_a_meter_that_goes_wrong_once(tmp_path: Path, fault: Fault, reason: VerificationReason) -> None:
    with simulated(tmp_path) as line:
        (before,) = readings(telegram(line))
        line.inject(fault)
        with pytest.raises(VerificationError) as refused:
            readings(telegram(line), before)
        assert refused.value.reason is reason
        (after,) = readings(telegram(line), before)
    assert after.register.value >= before.register.value
    assert after.captured_at >= before.captured_at


def test_a_neighbour_on_the_line_is_not_taken_for_the_meter(tmp_path: Path) -> None:
    with simulated(tmp_path, meter("00471100"), meter("00471101")) as line, pytest.raises(VerificationError) as refused:
        readings(telegram(line, "00471101"))
    assert refused.value.reason is VerificationReason.WRONG_IDENTITY


def test_an_old_answer_is_not_a_new_reading(tmp_path: Path) -> None:
    """A recording played again: plausible in all but its clock."""
    with simulated(tmp_path) as line:
        old = telegram(line)
    later = old.captured_at + timedelta(minutes=20)
    with pytest.raises(VerificationError) as refused:
        verify(old, profile(), captured_at=later, previous=lambda _d, _o: None, clock_valid=True)
    assert refused.value.reason is VerificationReason.METER_CLOCK
