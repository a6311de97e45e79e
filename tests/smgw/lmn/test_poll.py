"""Read-outs over real pseudo-terminals with the real pyserial: the table of complaints about meters, row by row."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.config import Framing, LineConfiguration
from smgw.lmn.errors import PollError, PollReason
from smgw.lmn.poll import PUSH_SECONDS, QUIET_SECONDS
from smgw.lmn.port import Port
from smgw.lmn.telegram import parse
from testbed.faults import Fault
from testbed.meter.settings import Mode
from testbed.meter.simulator import SimulatedLine
from testbed.wires import PtyWire
from tests.smgw.lmn.lines import (
    BRIEF,
    HASTY,
    arrived,
    clock,
    meter,
    poller,
    profile,
    read_out,
    read_out_with_a_change,
    simulated,
)
from wire.meter.iec62056 import DataMessage, add_parity, strip_parity
from wire.meter.iec62056.options import WakeUp
from wire.profiles import BlockCheck, MeterProfile, Protocol62056, ProtocolMode

ENERGY = "1.8.0"
SECOND = timedelta(seconds=1)


def refusal(line: SimulatedLine, *arguments: object, **changes: object) -> PollReason:
    with pytest.raises(PollError) as refused:
        read_out(line, *arguments, **changes)  # type: ignore[arg-type]
    return refused.value.reason


def scripted_refusal(
    folder: Path,
    answer: Callable[[bytes], bytes],
    *,
    echo: bool = False,
    asked: MeterProfile | None = None,
    patience: Mapping[str, float] = BRIEF,
) -> PollReason:
    """Why a read-out fails on a line whose far end is ``answer`` (octets to octets), and nothing else."""
    wire = PtyWire(folder / "port")
    ended = threading.Event()

    def far_end() -> None:
        while not ended.wait(0.005):
            if heard := wire.read():
                wire.write(answer(heard))

    thread = threading.Thread(target=far_end)
    thread.start()
    settings = LineConfiguration("line-1", wire.path, 19200, Framing.SEVEN_EVEN, echo=echo)
    try:
        with Port(wire.path, speed=19200, framing=Framing.SEVEN_EVEN) as port, pytest.raises(PollError) as refused:
            poller(**patience).read_out(port, settings, asked or profile())
    finally:
        ended.set()
        thread.join()
        wire.close()
    return refused.value.reason


def test_a_read_out(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        frame = read_out(line)
    assert frame.block_checked
    assert frame.captured_at.microsecond == 0
    assert frame.started_at - SECOND < frame.captured_at <= clock()
    telegram = parse(frame)
    assert telegram.manufacturer == "ISk"
    assert telegram.values("C.1.0")[0].text == "00471100"
    assert telegram.values(ENERGY)[0].unit == "kWh"


def test_the_true_change_from_300_to_9600_baud(tmp_path: Path) -> None:
    """Sign-on at 300 baud takes its 1.2 s, the read-out at 9600 comes thirty-two times as fast."""
    with simulated(
        tmp_path, meter(top_speed=9600, reaction_seconds=0.2, manufacturer="ISK", history_months=2), speed=300
    ) as line:
        begin = time.monotonic()
        frame = read_out_with_a_change(line, speed=300)
        spent = time.monotonic() - begin
    sign_on = len("/?00471100!\r\n/ISK5MT831-0.1\r\n\x06050\r\n") * 10 / 300
    characters = len(frame.message.to_bytes()) * 10
    assert sign_on + 3 * 0.2 + characters / 9600 <= spent < sign_on + characters / 300


# Complaint 1: a meter announces a speed and does not switch, or switches later.


def test_1_a_meter_that_never_changes_its_speed(tmp_path: Path) -> None:
    with simulated(tmp_path, meter(announces=300), speed=9600) as line:
        fixed = profile(protocol=Protocol62056(fixed_speed=9600))
        assert read_out(line, fixed, speed=9600).block_checked
        assert refusal(line, speed=9600, patience=HASTY) is not None


def test_1_a_meter_that_announces_what_it_does_not_do(tmp_path: Path) -> None:
    with simulated(tmp_path, meter(announces=300), speed=9600) as line:
        ignoring = profile(protocol=Protocol62056(ignore_announced_speed=True))
        assert read_out(line, ignoring, speed=9600).block_checked


def test_1_a_meter_that_switches_late(tmp_path: Path) -> None:
    late = meter(top_speed=19200, switches_after=0.3, reaction_seconds=0.05)
    with simulated(tmp_path, late, speed=9600) as line:
        patient = profile(protocol=Protocol62056(switch_delay_ms=300))
        assert read_out_with_a_change(line, patient, speed=9600, patience=BRIEF).block_checked


# Complaint 2: time-outs are gaps, not totals.


def test_2_a_long_read_out_needs_no_long_time_out(tmp_path: Path) -> None:
    with simulated(tmp_path, meter(history_months=36), speed=9600) as line:
        begin = time.monotonic()
        frame = read_out(line, speed=9600, patience=HASTY)
        assert time.monotonic() - begin > 2 * HASTY["reaction_seconds"]
    assert len(frame.message.body) > 1500


def test_2_a_pause_within_the_gap_is_waited_for(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.inject(Fault.PAUSE)
        assert read_out(line).block_checked


def test_2_a_half_telegram_ends_after_the_gap(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.inject(Fault.TRUNCATED, None)
        assert refusal(line, patience=BRIEF) is PollReason.HALF_TELEGRAM


# Complaint 3: adapters without 7E1.


@pytest.mark.parametrize("framing", [Framing.SEVEN_EVEN, Framing.EIGHT_NONE_SOFTWARE_PARITY])
def test_3_parity_in_software(tmp_path: Path, framing: Framing) -> None:
    with simulated(tmp_path) as line:
        line.inject(Fault.PARITY)
        assert read_out(line, framing=framing, patience=BRIEF).block_checked  # asked for again
        line.inject(Fault.PARITY, None)
        assert refusal(line, framing=framing, patience=BRIEF) is PollReason.PARITY


def twice_damaged(heard: bytes) -> bytes:
    """A meter whose read-out always comes with two equal characters damaged: the block check alone sees nothing."""
    if strip_parity(heard).startswith(b"/?"):
        return add_parity(b"/ISk6MT831\r\n")
    octets = bytearray(add_parity(DataMessage(b"1.8.0(0000.000*kWh)\r\n!\r\n").to_bytes()))
    octets[8] ^= 0x80
    octets[9] ^= 0x80
    return bytes(octets)


def test_3_damage_that_the_block_check_cannot_see(tmp_path: Path) -> None:
    assert scripted_refusal(tmp_path, twice_damaged) is PollReason.PARITY


def test_3_a_line_without_parity(tmp_path: Path) -> None:
    with simulated(tmp_path, parity=False) as line:
        assert read_out(line, framing=Framing.EIGHT_NONE).block_checked
        assert refusal(line, framing=Framing.SEVEN_EVEN, patience=HASTY) in (PollReason.PARITY, PollReason.SILENT)


# Complaint 4: the echo of two-wire adapters.


def test_4_an_echo_is_cancelled(tmp_path: Path) -> None:
    with simulated(tmp_path, echo=True) as line:
        assert read_out(line, echo=True).block_checked


def altered(heard: bytes) -> bytes:
    """An adapter's echo, while somebody else speaks at the same time: one bit is another."""
    return heard[:3] + bytes([heard[3] ^ 0x03]) + heard[4:]


def test_4_an_echo_that_differs_is_a_collision(tmp_path: Path) -> None:
    assert scripted_refusal(tmp_path, altered, echo=True) is PollReason.ECHO


def test_4_an_adapter_that_should_echo_and_does_not(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        assert refusal(line, echo=True, patience=BRIEF) is PollReason.ECHO


# Complaint 5: bad or missing block checks.


def test_5_a_wrong_block_check_is_asked_for_again_and_never_believed(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.inject(Fault.WRONG_BLOCK_CHECK, 2)
        assert read_out(line).block_checked
        line.inject(Fault.WRONG_BLOCK_CHECK, None)
        assert refusal(line) is PollReason.BLOCK_CHECK
        accepting = profile(protocol=Protocol62056(block_check=BlockCheck.ACCEPT_MISSING))
        assert refusal(line, accepting) is PollReason.BLOCK_CHECK


def test_5_a_missing_block_check_is_accepted_only_where_the_profile_says_so(tmp_path: Path) -> None:
    ends = {"gap_seconds": 1.0}  # by silence alone
    with simulated(tmp_path, meter(mode=Mode.A, block_check=False)) as line:
        assert refusal(line, patience=ends) is PollReason.BLOCK_CHECK
        accepting = profile(protocol=Protocol62056(block_check=BlockCheck.ACCEPT_MISSING))
        frame = read_out(line, accepting, patience=ends)
        assert not frame.block_checked
        assert parse(frame).values(ENERGY)


# Complaint 7: modes.


@pytest.mark.parametrize("mode", [Mode.A, Mode.B, Mode.C])
def test_7_modes_are_recognised(tmp_path: Path, mode: Mode) -> None:
    with simulated(tmp_path, meter(mode=mode, top_speed=9600, reaction_seconds=0.05), speed=4800) as line:
        assert read_out_with_a_change(line, speed=4800).block_checked


def test_7_a_mode_can_be_forced(tmp_path: Path) -> None:
    """The meter announces mode C and behaves as in mode A: it sends at once, without being acknowledged."""
    with simulated(tmp_path, meter(sends_unasked=True, acknowledge_seconds=0.1)) as line:
        forced = profile(protocol=Protocol62056(mode=ProtocolMode.A))
        assert read_out(line, forced).block_checked


def test_7_a_meter_that_pushes(tmp_path: Path) -> None:
    with simulated(tmp_path, meter(mode=Mode.D, push_seconds=2 * BRIEF["gap_seconds"])) as line:
        pushed = profile(protocol=Protocol62056(mode=ProtocolMode.D))
        assert read_out(line, pushed, patience=BRIEF).block_checked
    assert PUSH_SECONDS > 4


# Complaint 8: several meters on a line.


def test_8_each_meter_by_its_address(tmp_path: Path) -> None:
    with simulated(tmp_path, meter("00471100"), meter("00471101")) as line:
        for serial in ("00471101", "00471100", "471101"):
            telegram = parse(read_out(line, profile(serial.zfill(8), address=serial)))
            assert telegram.values("C.1.0")[0].text == serial.zfill(8)
        assert refusal(line, profile("00471102"), patience=HASTY) is PollReason.SILENT


def test_8_without_an_address_all_answer_and_collide(tmp_path: Path) -> None:
    with simulated(tmp_path, meter("00471100"), meter("00471101", reaction_seconds=0.012)) as line:
        told = refusal(line, profile(address=""), patience=HASTY)
        assert told in (PollReason.PARITY, PollReason.PROTOCOL, PollReason.SILENT)
    with simulated(tmp_path) as alone:
        assert read_out(alone, profile(address="")).block_checked


# What else a line does.


def test_silence_is_bounded_and_shorter_for_a_meter_that_failed(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.inject(Fault.SILENCE, None)
        begin = time.monotonic()
        assert refusal(line, patience=HASTY) is PollReason.SILENT
        assert time.monotonic() - begin >= 2 * HASTY["reaction_seconds"]


def test_a_meter_that_failed_is_asked_once() -> None:
    settings = LineConfiguration("line-1", "", 19200, Framing.SEVEN_EVEN, echo=False)
    assert poller().options(settings, profile(), failures=0).requests == 2
    assert poller().options(settings, profile(), failures=1).requests == 1


def test_what_came_before_the_request_is_not_the_answer(tmp_path: Path) -> None:
    """The late identification of a neighbour, for instance."""
    with simulated(tmp_path) as line:
        settings = LineConfiguration("line-1", line.path, 19200, Framing.SEVEN_EVEN, echo=False)
        with Port(line.path, speed=19200, framing=Framing.SEVEN_EVEN) as port:
            said = add_parity(b"/EMH6somebody-else\r\n")
            line.say(said)
            arrived(line.path, len(said))
            assert parse(poller().read_out(port, settings, profile())).manufacturer == "ISk"


def test_a_single_lost_request_is_repeated(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.inject(Fault.SILENCE)
        assert read_out(line, patience={**HASTY, "requests": 5}).block_checked


def test_noise_before_an_answer(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.inject(Fault.NOISE)
        assert read_out(line, patience=BRIEF).block_checked


def test_a_slow_answer_is_asked_for_again(tmp_path: Path) -> None:
    with simulated(tmp_path, meter(slow_seconds=0.8)) as line:
        line.inject(Fault.SLOW)
        assert read_out(line, patience={**HASTY, "requests": 5}).block_checked


def test_a_doubled_answer_does_not_disturb_the_next_meter(tmp_path: Path) -> None:
    with simulated(tmp_path, meter("00471100"), meter("00471101")) as line:
        line.inject(Fault.DUPLICATED)
        assert parse(read_out(line)).values("C.1.0")[0].text == "00471100"
        assert parse(read_out(line, profile("00471101"))).values("C.1.0")[0].text == "00471101"
    assert QUIET_SECONDS > 3 * 10 / 300 - 1e-9


def test_a_line_full_of_noise_is_given_up(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.say(bytes(range(1, 128)) * 160)
        arrived(line.path, 1)
        assert refusal(line) in (PollReason.PROTOCOL, PollReason.PARITY)


def test_a_sleeping_meter_hears_what_its_profile_says(tmp_path: Path) -> None:
    """lmn.md on MT83x: eight NULs before the first request; the meter answers all the same."""
    heard: list[bytes] = []

    def far_end(octets: bytes) -> bytes:
        heard.append(octets)
        return b""

    waking = profile(protocol=Protocol62056(wake_up=WakeUp.FEW_NULS))
    assert scripted_refusal(tmp_path, far_end, asked=waking, patience=HASTY) is PollReason.SILENT
    assert strip_parity(b"".join(heard)).startswith(bytes(8) + b"/?00471100!")
