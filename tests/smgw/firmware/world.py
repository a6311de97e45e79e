"""A manufacturer, small programs that it signs, and a gateway's slots with real logs behind them."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pki.certificates import Purpose, Role, TrustStore
from smgw.firmware.folder import SlotFolder
from smgw.firmware.orders import FirmwareOrders, FirmwarePorts
from smgw.store.calibration_log import CalibrationLog
from smgw.store.logs import SystemLog
from testbed.manufacturer import pack_wheel, sign_package, wheel_name
from testbed.small_pki import NOW, Holder, SmallPki
from tests.smgw.premises import pem
from tests.smgw.store import samples

INSTALLED = "1.0"
KILLED = 42
FINISHED = 43
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}


def program_files(version: str) -> dict[str, bytes]:
    """The least that is a program: an entry that says its version."""
    information = f"smart_meter_gateway-{version}.dist-info"
    return {
        "smgw/__init__.py": b"",
        "smgw/__main__.py": f'print("{version}")\n'.encode(),
        "pki/inner/__init__.py": b"a = 1\n",
        "wire/__init__.py": b"",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: smart-meter-gateway\nVersion: {version}\n".encode(),
    }


def wheel_of(version: str, **more: bytes) -> bytes:
    files = program_files(version) | more
    return pack_wheel(files, f"smart_meter_gateway-{version}.dist-info/RECORD")


def signed(version: str, wheels: dict[str, bytes], signer: Holder) -> bytes:
    return sign_package(version, wheels, certificate=signer.certificate, key=signer.key, created_at=NOW)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class World:
    """One gateway's slots. ``trust``, ``running``, ``launched`` and ``free`` are what each test spoils."""

    def __init__(
        self, folder: Path, pki: SmallPki, manufacturer: Holder, *, create: bool = True, trust: TrustStore | None = None
    ) -> None:
        self.pki = pki
        self.manufacturer = manufacturer
        self.running = INSTALLED
        self.launched = True
        self.free = 1 << 40
        self.trust: TrustStore = trust or pki.trust()
        self.slots = SlotFolder(folder / "firmware")
        self.certificate = folder / "manufacturer.pem"
        if create:
            folder.mkdir(exist_ok=True)
            self.certificate.write_bytes(pem(manufacturer.certificate))
        self.database = samples.open_database(folder, create=create)
        self.system_log, self.calibration_log = SystemLog(self.database), CalibrationLog(self.database)

    @property
    def orders(self) -> FirmwareOrders:
        return FirmwareOrders(
            FirmwarePorts(
                slots=self.slots,
                certificate=self.certificate,
                trust=lambda: self.trust,
                system_log=self.system_log,
                calibration_log=self.calibration_log,
                running=self.running,
                launched=lambda: self.launched,
                free=lambda _: self.free,
            )
        )

    def package(self, version: str, signer: Holder | None = None) -> bytes:
        return signed(version, {wheel_name(version): wheel_of(version)}, signer or self.manufacturer)

    def told(self) -> list[tuple[str, str, str]]:
        """What the calibration log knows; the system log has to know the same, counted or not."""
        entries = self.calibration_log.entries()
        found = [(one.event.value, one.subject, str(one.parameters.get("reason", ""))) for one in entries]
        known = {
            (one.event.value, one.subject, str(one.parameters.get("reason", ""))) for one in self.system_log.entries()
        }
        assert known == set(found)
        return found


def manufacturer_of(pki: SmallPki) -> Holder:
    return pki.holder(Role.GWH, Purpose.SIG, "Hersteller")


def in_a_child(
    function: Callable[[], object], *, folder: Path | None = None, cut_at: int = -1, kinds: Path | None = None
) -> int:
    """Do this in a child, which is ended before its ``cut_at``-th change of a file below ``folder``.

    ``kinds`` takes the kind of every change, one a line.
    """
    child = os.fork()
    if child == 0:
        try:
            os.fsync = _nothing  # type: ignore[assignment]  # what a process has written outlives it: only its order is looked at here
            power = _Power(str(folder), cut_at)
            if folder is not None:
                sys.addaudithook(power)
            function()
            if kinds is not None:
                kinds.write_text("\n".join(power.kinds))
        except BaseException as error:  # noqa: BLE001
            print(repr(error), file=sys.stderr, flush=True)  # noqa: T201
            os._exit(1)
        os._exit(FINISHED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _nothing(_: object) -> None:
    pass


class _Power:
    def __init__(self, folder: str, cut_at: int) -> None:
        self._folder, self._left = folder, cut_at
        self.kinds: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if not writes and event not in _CHANGES:
            return
        # rmtree names files relative to a descriptor; nothing else here does.
        if str(arguments[0]).startswith(self._folder) or event in {"os.remove", "os.rmdir"}:
            if self._left == 0:
                os._exit(KILLED)
            self._left -= 1
            self.kinds.append(f"{event} {self._place(str(arguments[0]))}")

    def _place(self, path: str) -> str:
        """What is changed: a file of the folder by its name, anything in a slot by its slot, the rest as one."""
        parts = Path(path.removeprefix(self._folder)).parts
        return parts[1] if len(parts) > 1 else "something"
