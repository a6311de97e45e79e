"""What the simulated MT83x answers, and how it refuses."""

from datetime import UTC, datetime, timedelta

import pytest

from testbed.faults import Fault
from testbed.meter.device import Device, ErrorCode, RefusedError
from testbed.meter.memory import Event, Status
from testbed.meter.settings import LoadKind, MeterSettings

NOW = datetime(2026, 1, 15, 12, 7, 9, tzinfo=UTC)


def device(**settings: object) -> Device:
    return Device(MeterSettings(load=LoadKind.FLAT, **settings), lambda: NOW)  # type: ignore[arg-type]


def refusal(meter: Device, request: str, command: str = "R5", *, authorised: bool = False) -> ErrorCode:
    with pytest.raises(RefusedError) as refused:
        meter.read(command, request, authorised=authorised)
    return refused.value.code


def test_a_read_out_says_who_when_and_how_much() -> None:
    lines = device(serial="00471100").read_out()
    assert lines[:5] == ["F.F(00)", "C.1.0(00471100)", "0.0.0(00471100)", "0.9.1(130709)", "0.9.2(260115)"]
    energies = {line.split("(")[0]: line for line in lines}
    kilowatt_hours = {name: float(energies[name].split("(")[1].split("*")[0]) for name in ("1.8.0", "1.8.1", "1.8.2")}
    assert kilowatt_hours["1.8.0"] == pytest.approx(kilowatt_hours["1.8.1"] + kilowatt_hours["1.8.2"])
    assert energies["1.8.0*01"].endswith("(2601010000)")
    assert energies["1.8.0*02"].endswith("(2512010000)")


def test_one_register_with_and_without_its_address() -> None:
    meter = device()
    (with_address,) = meter.read("R5", "1.8.0()", authorised=False)
    (bare,) = meter.read("R1", "1.8.0()", authorised=False)
    assert with_address == "1.8.0" + bare


def test_windows_of_the_profile() -> None:
    lines = device().read("R5", "P.01(2601151100;2601151200)", authorised=False)
    assert len(lines) == 1 + 5
    assert device().read("R5", "P.01(;)", authorised=False)[-1]


def test_the_log_book_has_the_events() -> None:
    meter = device()
    assert refusal(meter, "P.98(;)") is ErrorCode.NO_DATA
    meter.events.append(Event(NOW - timedelta(hours=1), Status.CLOCK_SET))
    assert meter.read("R5", "P.98(;)", authorised=False) == ["P.98(0260115120709)(0020)()(0)"]


def test_refusals_have_the_documented_codes() -> None:
    assert refusal(device(), "9.9.9()") is ErrorCode.NOT_FOUND
    assert refusal(device(), "1.8.0") is ErrorCode.PARAMETER
    assert refusal(device(), "P.01(yesterday;)") is ErrorCode.PARAMETER
    assert refusal(device(), "P.01(1;2;3)") is ErrorCode.PARAMETER
    assert refusal(device(), "P.01(3001010000;)") is ErrorCode.NO_DATA
    locked = device(needs_password=True)
    assert refusal(locked, "1.8.0()") is ErrorCode.NOT_AUTHORISED
    assert locked.read("R5", "1.8.0()", authorised=True)


def test_faults_show_in_the_next_answer_only() -> None:
    meter = device()
    good = meter.shown()
    for fault, address in (
        (Fault.WRONG_IDENTITY, "C.1.0"),
        (Fault.RUNS_BACKWARDS, "1.8.0"),
        (Fault.ERROR_STATUS, "F.F"),
        (Fault.CLOCK_JUMP, "0.9.2"),
    ):
        meter.faults.inject(fault)
        assert meter.shown()[address] != good[address]
        assert meter.shown()[address] == good[address]
