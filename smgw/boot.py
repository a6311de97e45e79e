"""``smgw-boot``: the launcher outside of the slots. It chooses the program, starts it, and goes back if it must.

Decides which program runs next and when a trial has failed: when the program on trial ends, or is killed, before it has
confirmed itself, or does not confirm in time. Then the former program runs again at once. What a program must do to
confirm itself is decided in ``smgw/firmware/trial.py``. The launcher believes no package and opens no store, token or
connection; beside the record of the slots it reads one key of the configuration, so that it outlives many programs.

Nothing here needs more than the standard library and ``wire``.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from smgw.firmware.errors import FirmwareRefusedError
from smgw.firmware.folder import Choice, LauncherRunsError, SlotFolder

RESTART: Final = 75
"""The program's exit code that asks to be started again (smgw/__main__.py); all versions keep to it."""
SELF_TEST: Final = 10
"""The program's exit code where its self-test failed on trial."""
NO_PROGRAM: Final = 11
"""Our exit code where the program to run is damaged, or the record of the slots: nothing may run then."""
RUNNING: Final = 6
"""Our exit code where another launcher runs; the same as the program's."""
CONFIRM_SECONDS: Final = 300.0
"""In this time a program on trial has started and tested itself. Some seconds is usual; a slow device with a large
store reads all of it for the test. Unverified (docs/deviations.md)."""
LOOK_SECONDS: Final = 0.2
PAUSE_SECONDS: Final = 1.0
"""Before a program is started again: one that always asks for it must not keep the machine busy."""
END_SECONDS: Final = 20.0
"""What a program gets to end in order before it is killed."""
_DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of prctl(2): a program without its launcher could not be rolled back."""


class Process(Protocol):
    """What is used of subprocess.Popen."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; raises subprocess.TimeoutExpired."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send a signal; none where it has ended."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


@dataclass(frozen=True, slots=True)
class BootPorts:
    """What the entry point owns."""

    start: Callable[[Path | None], Process]
    """Start the program in this folder, or the installed one."""
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    say: Callable[[str], None]
    confirm_seconds: float = CONFIRM_SECONDS
    pause_seconds: float = PAUSE_SECONDS


class Launcher:
    """Runs one gateway until it ends for good."""

    def __init__(self, slots: SlotFolder | None, ports: BootPorts) -> None:
        """Without ``slots`` the installed program is all that there is."""
        self._slots = slots
        self._ports = ports
        self._stopping = threading.Event()
        self._process: Process | None = None

    def stop(self) -> None:
        """Pass a stop on to the program, and start none after it; for a signal handler."""
        self._stopping.set()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def run(self) -> int:
        """Start what is to run, again and again, until it neither asks for more nor failed on trial.

        Gives the exit code of the last program. Raises FirmwareRefusedError where nothing may run; OSError.
        """
        while True:
            choice = Choice() if self._slots is None else self._slots.decide(self._ports.clock())
            code, reason = self._run(choice)
            again = code == RESTART
            if self._slots is not None and choice.slot is not None and choice.trial:
                if self._slots.on_trial(choice):
                    again = self._end_trial(self._slots, choice, code, reason)
                elif reason:
                    again = True  # confirmed at the very moment at which its time was over
            if not again or self._stopping.wait(self._ports.pause_seconds):
                return code

    def _run(self, choice: Choice) -> tuple[int, str]:
        """The exit code, and why we ended a program ourselves."""
        place = None if self._slots is None or choice.slot is None else self._slots.path(choice.slot)
        self._ports.say(f"starts {'the installed program' if place is None else f'{choice.slot} {choice.version}'}")
        self._process = process = self._ports.start(place)
        if self._stopping.is_set():
            process.send_signal(signal.SIGTERM)  # the signal came before there was a process to send it to
        since = self._ports.monotonic()
        on_trial = choice.trial
        while True:
            try:
                return process.wait(LOOK_SECONDS), ""
            except subprocess.TimeoutExpired:
                pass
            if on_trial and self._slots is not None and not self._stopping.is_set():
                on_trial = self._slots.on_trial(choice)
                if on_trial and self._ports.monotonic() - since >= self._ports.confirm_seconds:
                    return self._end(process), "not-confirmed"

    def _end(self, process: Process) -> int:
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _end_trial(self, slots: SlotFolder, choice: Choice, code: int, reason: str) -> bool:
        """A program ended that had not confirmed itself; gives whether another is started."""
        if choice.slot is None:
            return False
        if self._stopping.is_set() and not reason:
            slots.put_off(choice.slot)
            return False
        why = reason or ("self-test" if code == SELF_TEST else f"exit {code}" if code >= 0 else f"signal {-code}")
        self._ports.say(f"version {choice.version} in slot {choice.slot} failed: {why}")
        slots.fail(choice.slot, why, self._ports.clock())
        return True


def firmware_folder(config: Path) -> Path | None:
    """``firmware.folder`` of the configuration, if it can be read; the program says what is wrong with the rest."""
    try:
        table = tomllib.loads(config.read_text("utf-8")).get("firmware")
    except (OSError, ValueError, RecursionError):
        return None
    folder = table.get("folder") if isinstance(table, dict) else None
    return config.absolute().parent / folder if isinstance(folder, str) and folder else None


def starter(config: Path, words: Sequence[str]) -> Callable[[Path | None], Process]:
    """Starts ``python -m smgw run CONFIG`` out of a folder, whatever lies in the working directory."""

    def start(place: Path | None) -> Process:
        environment = dict(os.environ)
        if place is not None:
            former = environment.get("PYTHONPATH", "")
            environment["PYTHONPATH"] = f"{place}{os.pathsep}{former}" if former else str(place)
            # A compiled file in the slot would be one that nobody signed.
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "smgw", "run", str(config), *words],
            env=environment,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - this process has one thread
        )

    return start


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM, 0, 0, 0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the gateway of a configuration out of its slots."""
    parser = argparse.ArgumentParser(prog="smgw-boot", description=main.__doc__)
    parser.add_argument("config", type=Path, help="the gateway's configuration, for `smgw run`")
    parser.add_argument("--verbose", action="store_true", help="developer logging down to debug")
    given = parser.parse_args(arguments)
    folder = firmware_folder(given.config)
    ports = BootPorts(
        start=starter(given.config, ["--verbose"] if given.verbose else []),
        clock=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
        say=_say,
    )
    sys.exit(_boot(None if folder is None else SlotFolder(folder), ports))


def _boot(slots: SlotFolder | None, ports: BootPorts) -> int:
    launcher = Launcher(slots, ports)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: launcher.stop())
    try:
        if slots is None:
            return _shell_code(launcher.run())
        with slots.launching(os.getpid()):
            return _shell_code(launcher.run())
    except LauncherRunsError as error:
        ports.say(str(error))
        return RUNNING
    except FirmwareRefusedError as error:
        ports.say(f"{error.reason.value}: {error}")
    except OSError as error:
        ports.say(f"the slots cannot be used: {error}")
    return NO_PROGRAM


def _shell_code(code: int) -> int:
    return code if code >= 0 else 128 - code


def _say(sentence: str) -> None:
    sys.stderr.write(f"smgw-boot: {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
