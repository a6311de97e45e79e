"""What the simulated MT83x answers, and how it refuses."""

from datetime import UTC, datetime, timedelta

import pytest

from testbed.faults import Fault
from testbed.meter.device import Device
from testbed.meter.memory import Event, Status
from testbed.meter.settings import LoadKind, MeterSettings
from wire.meter.iec62056 import Command

NOW = datetime(2026, 1, 15, 12, 7, 9, tzinfo=UTC)


def device(**settings: object) -> Device:
    return Device(MeterSettings(load=LoadKind.FLAT, **settings), lambda: NOW)  # type: ignore[arg-type]


def lines(meter: Device, request: str, command: str = "R5") -> list[str]:
    return b"".join(meter.answer(Command(command, request.encode()))).decode().splitlines()


def test_a_read_out_says_who_when_and_how_much() -> None:
    shown = device(serial="00471100").read_out().decode().split("\r\n")
    assert shown[-2:] == ["!", ""]
    assert shown[:5] == ["F.F(00)", "C.1.0(00471100)", "0.0.0(00471100)", "0.9.1(130709)", "0.9.2(260115)"]
    energies = {line.split("(")[0]: line for line in shown}
    kilowatt_hours = {name: float(energies[name].split("(")[1].split("*")[0]) for name in ("1.8.0", "1.8.1", "1.8.2")}
    assert kilowatt_hours["1.8.0"] == pytest.approx(kilowatt_hours["1.8.1"] + kilowatt_hours["1.8.2"])
    assert energies["1.8.0*01"].endswith("(2601010000)")
    assert energies["1.8.0*02"].endswith("(2512010000)")


def test_one_register_with_and_without_its_address() -> None:
    meter = device()
    (with_address,) = lines(meter, "1.8.0()")
    (bare,) = lines(meter, "1.8.0()", "R1")
    assert with_address == "1.8.0" + bare


def test_windows_of_the_profile() -> None:
    assert len(lines(device(), "P.01(2601151100;2601151200)")) == 1 + 5
    assert len(lines(device(profile_days=1), "P.01(;)")) == 96 + 2


def test_partial_blocks_are_the_same_rows() -> None:
    whole = device().answer(Command("R5", b"P.01(;)"))
    blocks = device(rows_per_block=7).answer(Command("R6", b"P.01(;)"))
    assert len(whole) == 1
    assert len(blocks) > 100
    assert b"".join(blocks) == whole[0]


def test_the_log_book_has_the_events() -> None:
    meter = device()
    assert lines(meter, "P.98(;)") == ["(ER08)"]
    meter.events.append(Event(NOW - timedelta(hours=1), Status.CLOCK_SET))
    assert lines(meter, "P.98(;)") == ["P.98(0260115120709)(0020)()(0)"]


@pytest.mark.parametrize(
    ("command", "request_text", "code"),
    [
        ("R5", "9.9.9()", "ER01"),
        ("R5", "1.8.0", "ER03"),
        ("R5", "P.01(yesterday;)", "ER03"),
        ("R5", "P.01(1;2;3)", "ER03"),
        ("R5", "P.01(3001010000;)", "ER08"),
        ("W5", "0.9.1(120000)", "ER02"),
        ("X9", "1.8.0()", "ER06"),
    ],
)
def test_refusals_have_the_documented_codes(command: str, request_text: str, code: str) -> None:
    assert lines(device(), request_text, command) == [f"({code})"]


def test_faults_show_in_the_next_answer_only() -> None:
    meter = device()
    good = meter.shown()
    for fault, address in (
        (Fault.RUNS_BACKWARDS, "1.8.0"),
        (Fault.ERROR_STATUS, "F.F"),
        (Fault.CLOCK_JUMP, "0.9.2"),
    ):
        meter.faults.inject(fault)
        assert meter.shown()[address] != good[address]
        assert meter.shown()[address] == good[address]
