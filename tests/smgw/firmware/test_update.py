"""An update as the house sees it: a launcher, real programs built and signed, the administrator at the tunnel."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pki.certificates import Purpose, Role
from testbed.manufacturer import build_wheel, sign_package, wheel_name
from testbed.small_pki import Holder
from tests.smgw.caller import PATIENCE, Caller
from tests.smgw.firmware.world import wheel_of
from tests.smgw.premises import Premises, now, pem
from tests.smgw.test_main import MEMORY, ROOT, made, smgw, wait_for
from tests.typed import mortal
from wire.orders import ActivateFirmware, Reply, ReplyOutcome, StoreFirmware

pytestmark = [pytest.mark.token, pytest.mark.peer]

SLOTS = '[firmware]\nfolder = "firmware"\nmanufacturer = "manufacturer.pem"\n'
DIES = b"import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"


class House:
    """A gateway with slots, and the manufacturer whose certificate it holds."""

    def __init__(self, folder: Path) -> None:
        self.premises = made(folder, MEMORY)
        self.caller = Caller(self.premises)
        self.premises.administered(self.caller.acceptor.port, self.caller.wake_up_port, lines=SLOTS)
        self.manufacturer: Holder = self.premises.pki.holder(Role.GWH, Purpose.SIG, "Hersteller")
        (folder / "manufacturer.pem").write_bytes(pem(self.manufacturer.certificate))

    def package(self, version: str, change: Callable[[Path], None] = lambda _: None) -> bytes:
        """The gateway's own program."""
        return self.signed(version, build_wheel(version, change=change))

    def small(self, version: str, **more: bytes) -> bytes:
        """The least that is a program: for what is never run, or not for long."""
        return self.signed(version, wheel_of(version, **more))

    def signed(self, version: str, wheel: bytes) -> bytes:
        signer, wheels = self.manufacturer, {wheel_name(version): wheel}
        return sign_package(version, wheels, certificate=signer.certificate, key=signer.key, created_at=now())

    def update(self, version: str, package: bytes) -> None:
        """Bring it, store it, activate it: the gateway's program ends after that."""
        with self.caller.tunnel() as tunnel:
            assert tunnel.ask("/firmware", package, "PUT").status == 200
            stored = tunnel.order(StoreFirmware(hashlib.sha256(package).hexdigest()))
            assert stored.outcome is ReplyOutcome.DONE, stored
            activated = tunnel.order(ActivateFirmware(version))
            assert activated.outcome is ReplyOutcome.DONE, activated
            assert tunnel.ended()

    def refused(self, version: str, package: bytes) -> Reply:
        with self.caller.tunnel() as tunnel:
            assert tunnel.ask("/firmware", package, "PUT").status == 200
            return tunnel.order(StoreFirmware(hashlib.sha256(package).hexdigest()))

    def told(self) -> tuple[Any, list[tuple[str, str, str]]]:
        """The status, and the steps in the calibration log."""
        with self.caller.tunnel() as tunnel:
            status = tunnel.told("/status")
            entries = tunnel.told("/logs/calibration")["entries"]
            system = {entry["event"] for entry in tunnel.told("/logs/system")["entries"]}
        steps = [one for one in entries if one["event"].startswith("FIRMWARE")]
        assert {one["event"] for one in steps} <= system
        return status, [(one["event"], one["subject"], one["parameters"].get("reason", "")) for one in steps]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.caller.close()


@contextmanager
def launched(premises: Premises) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        mortal(sys.executable, "-m", "smgw.boot", premises.file), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(premises, process, bool)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


def phases(status: Any) -> tuple[Any, ...]:
    slots = status["firmware"]
    return (status["version"], slots["running"], *((slots[one]["phase"], slots[one]["version"]) for one in "AB"))


def fails_its_self_test(tree: Path) -> None:
    file = tree / "smgw" / "self_test.py"
    text = file.read_text()
    assert "MINIMUM_FREE: Final = 32 * 1024 * 1024\n" in text
    file.write_text(text.replace("MINIMUM_FREE: Final = 32 * 1024 * 1024\n", "MINIMUM_FREE: Final = 1 << 80\n"))


@pytest.mark.long
def test_a_program_that_dies_one_that_is_good_and_one_that_fails_its_test(house: House) -> None:
    """FPT_FLS.1; TR-03109-1, firmware."""
    premises = house.premises
    with launched(premises) as launcher:
        installed = wait_for(premises, launcher, bool)
        nothing = ("empty", "")
        assert phases(installed)[1:] == ("installed", nothing, nothing)
        was = installed["version"]

        dead = house.small("7.1", **{"smgw/__main__.py": DIES})
        house.update("7.1", dead)
        status = wait_for(premises, launcher, lambda told: told["firmware"]["A"]["phase"] == "failed")
        assert phases(status) == (was, "installed", ("failed", "7.1"), nothing)

        house.update("7.2", house.package("7.2"))
        status = wait_for(premises, launcher, lambda told: told["firmware"]["A"]["phase"] == "active")
        assert phases(status) == ("7.2", "A", ("active", "7.2"), nothing)
        assert status["program_sha256"] == status["firmware"]["A"]["program_sha256"]
        shown = smgw("status", premises.file).stdout
        assert f"program 7.2 {status['program_sha256']}\nslot A: active 7.2 (runs)\nslot B: empty\n" in shown

        house.update("7.3", house.package("7.3", fails_its_self_test))
        status = wait_for(premises, launcher, lambda told: told["firmware"]["B"]["phase"] == "failed")
        assert phases(status) == ("7.2", "A", ("active", "7.2"), ("failed", "7.3"))

        older = house.refused("7.1.9", house.small("7.1.9"))
        assert (older.outcome, older.reason) == (ReplyOutcome.REFUSED, "version")
        seen, steps = house.told()
        assert phases(seen) == phases(status)
        assert steps == [
            ("FIRMWARE_STORED", "7.1", ""),
            ("FIRMWARE_ROLLED_BACK", "7.1", "signal 9"),
            ("FIRMWARE_STORED", "7.2", ""),
            ("FIRMWARE_ACTIVATED", "7.2", ""),
            ("FIRMWARE_STORED", "7.3", ""),
            ("FIRMWARE_ROLLED_BACK", "7.3", "self-test"),
            ("FIRMWARE_REFUSED", "firmware", "version"),
        ]
        launcher.send_signal(signal.SIGTERM)
        assert launcher.wait(PATIENCE) == 0

    with launched(premises) as launcher:  # what is active outlives the machine's stop
        assert phases(wait_for(premises, launcher, bool))[:2] == ("7.2", "A")


def test_without_the_launcher_nothing_is_activated(house: House) -> None:
    premises = house.premises
    process = subprocess.Popen(
        mortal(sys.executable, "-m", "smgw", "run", premises.file), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(premises, process, bool)
        package = house.small("7.1")
        with house.caller.tunnel() as tunnel:
            assert tunnel.ask("/firmware", package, "PUT").status == 200
            assert tunnel.order(StoreFirmware(hashlib.sha256(package).hexdigest())).result == {
                "slot": "A",
                "version": "7.1",
            }
            refused = tunnel.order(ActivateFirmware("7.1"))
        assert (refused.outcome, refused.reason) == (ReplyOutcome.REFUSED, "launcher")
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
