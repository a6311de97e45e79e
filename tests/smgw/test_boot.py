"""The launcher with real processes: programs that ask for a restart, die, hang, confirm, and a machine that stops."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smgw import boot
from smgw.__main__ import Exit
from smgw.boot import BootPorts, Launcher, Process, firmware_folder, starter
from smgw.firmware.errors import FirmwareReason, FirmwareRefusedError
from smgw.firmware.folder import RECORD, SlotFolder
from smgw.firmware.slots import Phase, Slot
from testbed.small_pki import NOW

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

IMPORTS = "import os, sys, time, signal\n"
SIGNS = "open({told!r}, 'a').write({name!r} + '\\n')\n"
RESTARTS_ONCE = "if not os.path.exists({once!r}):\n    open({once!r}, 'w')\n    sys.exit(75)\n"
CONFIRMS = """
from datetime import UTC, datetime
from pathlib import Path
from smgw.firmware.folder import SlotFolder
from smgw.firmware.slots import Slot
slots = SlotFolder(Path({folder!r}))
assert slots.launched_by(os.getppid())
slots.confirm(Slot({slot!r}), datetime.now(UTC))
"""
HANGS = "time.sleep(180)\n"
HANGS_ON = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(180)\n"


class Yard:
    """Slots with programs of a few lines, and a file that each of them signs when it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slots = SlotFolder(folder / "firmware")
        self.installed = folder / "installed"
        self.write(self.installed / "smgw" / "__main__.py", self.program("installed"))
        self.said: list[str] = []
        self.config = folder / "gateway.toml"
        self.config.write_text('[firmware]\nfolder = "firmware"\n')

    def program(self, name: str, *lines: str, slot: str = "", first: str = "") -> str:
        """``first`` is done before the program signs the file."""
        text = IMPORTS + first + SIGNS + "".join(lines)
        return text.format(
            told=str(self.folder / "told"), name=name, once=str(self.folder / "once"), folder=str(self.slots.folder),
            slot=slot,
        )  # fmt: skip

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def choose(self, version: str, *lines: str) -> Slot:
        active = self.slots.read().find(Phase.ACTIVE)
        expected = Slot.A if active is None else active.other
        program = self.program(version, *lines, slot=expected.value)
        assert self.slots.fill({"smgw/__main__.py": program.encode()}, version, NOW) is expected
        self.slots.choose(version)
        return expected

    def start(self, place: Path | None) -> Process:
        """The programs here are not packages with a command line: started as plain scripts."""
        script = (place or self.installed) / "smgw" / "__main__.py"
        return subprocess.Popen([sys.executable, str(script)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def launcher(self, *, confirm_seconds: float = 300.0, slots: bool = True) -> Launcher:
        ports = BootPorts(
            start=self.start,
            clock=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
            say=self.said.append,
            confirm_seconds=confirm_seconds,
            pause_seconds=0.0,
        )
        return Launcher(self.slots if slots else None, ports)

    def run(self, *, confirm_seconds: float = 300.0) -> int:
        with self.slots.launching(os.getpid()):
            return self.launcher(confirm_seconds=confirm_seconds).run()

    @property
    def told(self) -> list[str]:
        """Which programs ran, in their order."""
        told = self.folder / "told"
        return told.read_text().split() if told.exists() else []

    @property
    def phases(self) -> list[Phase]:
        return [self.slots.read().slots[slot].phase for slot in Slot]

    @property
    def reason(self) -> str:
        return self.slots.read().notes[-1].reason

    @contextmanager
    def in_thread(self, launcher: Launcher) -> Iterator[list[int]]:
        """Run beside the test, which stops the launcher; gives the exit code at the end."""
        codes: list[int] = []
        thread = threading.Thread(target=lambda: codes.append(launcher.run()))
        thread.start()
        try:
            yield codes
        finally:
            launcher.stop()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def wait_for(self, *told: str) -> None:
        until = time.monotonic() + PATIENCE
        while self.told != list(told):
            assert time.monotonic() < until, self.told
            time.sleep(0.05)


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_the_words_of_the_program_and_the_launcher_are_the_same() -> None:
    assert (boot.RESTART, boot.SELF_TEST, boot.RUNNING) == (Exit.RESTART, Exit.SELF_TEST, Exit.RUNNING)
    assert boot.NO_PROGRAM not in list(Exit)


def test_the_installed_program_runs_where_there_is_no_slot(yard: Yard) -> None:
    assert yard.run() == 0
    assert yard.launcher(slots=False).run() == 0
    assert yard.told == ["installed", "installed"]


@pytest.mark.parametrize("slots", [True, False])
def test_a_program_that_asks_for_it_is_started_again(yard: Yard, slots: bool) -> None:
    yard.write(yard.installed / "smgw" / "__main__.py", yard.program("installed", RESTARTS_ONCE, "sys.exit(4)\n"))
    assert yard.launcher(slots=slots).run() == 4
    assert yard.told == ["installed", "installed"]


def test_a_program_that_confirms_itself_runs_from_now_on(yard: Yard) -> None:
    yard.choose("1.1", CONFIRMS, RESTARTS_ONCE)
    assert yard.run() == 1  # started again, it is not on trial: to confirm itself is refused
    assert (yard.told, yard.phases[0]) == (["1.1", "1.1"], Phase.ACTIVE)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)\n", "signal 9"),
        ("sys.exit(10)\n", "self-test"),
        ("sys.exit(75)\n", "exit 75"),
        ("sys.exit(0)\n", "exit 0"),
        ("this is no program\n", "exit 1"),
    ],
)
def test_a_trial_that_ends_unconfirmed_is_rolled_back(yard: Yard, line: str, reason: str) -> None:
    yard.choose("1.1", line)
    assert yard.run() == 0
    ran = [] if "no program" in line else ["1.1"]
    assert (yard.told, yard.phases[0], yard.reason) == ([*ran, "installed"], Phase.FAILED, reason)
    assert yard.run() == 0  # and is never tried again
    assert yard.told == [*ran, "installed", "installed"]


@pytest.mark.parametrize("line", [HANGS, HANGS_ON])
def test_a_trial_that_does_not_confirm_in_time_is_ended(yard: Yard, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "END_SECONDS", 0.5)
    yard.choose("1.1", line)
    assert yard.run(confirm_seconds=1.0) == 0
    assert (yard.told[-1], yard.phases[0], yard.reason) == ("installed", Phase.FAILED, "not-confirmed")


def test_the_former_slot_runs_again(yard: Yard) -> None:
    yard.choose("1.1", "if os.path.exists({once!r}): sys.exit(3)\n", "open({once!r}, 'w')\n", CONFIRMS)
    assert yard.run() == 0
    assert yard.phases == [Phase.ACTIVE, Phase.EMPTY]
    assert yard.choose("1.2", "sys.exit(10)\n") is Slot.B
    assert yard.run() == 3
    assert (yard.told, yard.phases) == (["1.1", "1.2", "1.1"], [Phase.ACTIVE, Phase.FAILED])


def test_once_confirmed_it_is_not_rolled_back(yard: Yard) -> None:
    yard.choose("1.1", CONFIRMS, "os.kill(os.getpid(), signal.SIGKILL)\n")
    assert yard.run() == -9
    assert (yard.told, yard.phases[0]) == (["1.1"], Phase.ACTIVE)


def test_a_stop_goes_to_the_program_and_nothing_follows(yard: Yard) -> None:
    listens = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))\n"
    yard.write(yard.installed / "smgw" / "__main__.py", yard.program("installed", HANGS, first=listens))
    with yard.in_thread(yard.launcher()) as codes:
        yard.wait_for("installed")
    assert (codes, yard.told) == ([75], ["installed"])


def test_a_trial_that_is_stopped_from_outside_is_put_off(yard: Yard) -> None:
    yard.choose("1.1", HANGS)
    launcher = yard.launcher()
    with yard.in_thread(launcher) as codes:
        yard.wait_for("1.1")
    assert (codes, yard.phases[0], yard.told) == ([-signal.SIGTERM], Phase.CHOSEN, ["1.1"])


def test_a_stop_before_the_start_reaches_the_program(yard: Yard) -> None:
    yard.write(yard.installed / "smgw" / "__main__.py", yard.program("installed", HANGS))
    launcher = yard.launcher()
    launcher.stop()
    assert launcher.run() == -signal.SIGTERM


def test_a_damaged_active_program_is_not_run_nor_an_older_one(yard: Yard) -> None:
    yard.choose("1.1", CONFIRMS)
    assert yard.run() == 0
    (yard.slots.path(Slot.A) / "smgw" / "__main__.py").write_text("evil")
    with pytest.raises(FirmwareRefusedError) as refusal:
        yard.run()
    assert (refusal.value.reason, yard.told) == (FirmwareReason.DAMAGED, ["1.1"])


@pytest.mark.parametrize("text", ["", "[firmware]\nfolder = 1\n", 'firmware = "x"\n', "[firmware", "\0"])
def test_a_configuration_without_slots(tmp_path: Path, text: str) -> None:
    file = tmp_path / "gateway.toml"
    assert firmware_folder(file) is None
    file.write_text(text)
    assert firmware_folder(file) is None


def test_the_folder_of_a_configuration_is_relative_to_it(yard: Yard) -> None:
    assert firmware_folder(yard.config) == yard.slots.folder


def boot_process(yard: Yard) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "smgw.boot", yard.config], cwd=ROOT, capture_output=True, text=True, timeout=180,
        check=False,
    )  # fmt: skip


def test_the_launcher_as_a_process(yard: Yard) -> None:
    refused = boot_process(yard)  # of the installed program: that configuration is none
    assert refused.returncode == Exit.CONFIGURATION
    assert "smgw-boot: starts the installed program\nsmgw: " in refused.stderr
    with yard.slots.launching(os.getpid()):
        second = boot_process(yard)
    assert (second.returncode, "another launcher holds" in second.stderr) == (boot.RUNNING, True)
    (yard.slots.folder / RECORD).write_bytes(b"junk")
    damaged = boot_process(yard)
    assert damaged.returncode == boot.NO_PROGRAM
    assert damaged.stderr.startswith("smgw-boot: state: ")
    (yard.slots.folder / RECORD).unlink()
    (yard.slots.folder / "launcher").unlink()
    yard.slots.folder.rmdir()
    yard.slots.folder.write_bytes(b"no folder")
    assert boot_process(yard).returncode == boot.NO_PROGRAM


def test_a_program_comes_out_of_its_slot_whatever_lies_around(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory holds a program of the same name; the slot's own comes first."""
    monkeypatch.chdir(ROOT)
    place = yard.folder / "slot"
    yard.write(place / "smgw" / "__init__.py", "")
    yard.write(
        place / "smgw" / "__main__.py", yard.program("slot", "open({once!r}, 'w').write(' '.join(sys.argv[1:]))")
    )
    monkeypatch.setenv("PYTHONPATH", str(yard.folder / "elsewhere"))
    assert starter(yard.config, ["--verbose"])(place).wait(PATIENCE) == 0
    assert (yard.folder / "once").read_text() == f"run {yard.config} --verbose"
    assert not list(place.rglob("*.pyc"))
    assert yard.told == ["slot"]


def test_a_program_does_not_outlive_its_launcher(yard: Yard) -> None:
    """A launcher that is killed takes its program with it: the next one must find nobody in the slots."""
    place = yard.folder / "slot"
    yard.write(place / "smgw" / "__init__.py", "")
    ends = "signal.signal(signal.SIGTERM, lambda *_: (open({told!r}, 'a').write('ended\\n'), sys.exit(0)))\n"
    yard.write(place / "smgw" / "__main__.py", yard.program("slot", HANGS, first=ends))
    code = (
        "import sys; from pathlib import Path; from smgw.boot import starter\n"
        f"starter(Path({str(yard.config)!r}), [])(Path({str(place)!r})).wait()\n"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        yard.wait_for("slot")
    finally:
        launcher.kill()
        launcher.wait()
    yard.wait_for("slot", "ended")
