"""The orders about firmware: bring a package, store it, activate it.

Decides what must hold before a program gets into a slot, and before one is tried; both in numbered steps. The
administrator says what and when, the manufacturer what a program is (TR-03109-1, firmware: the gateway verifies the
manufacturer's signature before it installs; PP-0073 FIA_UAU.5). No version comes in that is not later than the one that
runs and than every one that ever was active: the record of the slots and the calibration log, from which nothing can be
deleted, both remember them.

Every step is in the system log and in the calibration log, and so is every refusal.
"""

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography import x509

from pki.certificates import TrustStore, VerifiedCertificate, load_certificate
from pki.errors import CertificateError
from smgw.administration.errors import CommandRefusedError, Done, FollowUp
from smgw.firmware.errors import FirmwareReason, FirmwareRefusedError
from smgw.firmware.folder import STAGED, SlotFolder
from smgw.firmware.package import manufacturer, open_package, unpack
from smgw.firmware.slots import Note, Phase, Record, Slot, Step
from smgw.self_test import MINIMUM_FREE
from smgw.store.calibration_log import CalibrationLog
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from wire.canonical_json import JsonObject
from wire.errors import FirmwareError
from wire.firmware import rank
from wire.management import MAX_PACKAGE_BYTES
from wire.orders import ActivateFirmware, StoreFirmware

_logger = logging.getLogger(__name__)

SUBJECT: Final = "firmware"
_EVENTS: Final = {
    Step.STORED: (Event.FIRMWARE_STORED, Outcome.SUCCESS),
    Step.ACTIVATED: (Event.FIRMWARE_ACTIVATED, Outcome.SUCCESS),
    Step.ROLLED_BACK: (Event.FIRMWARE_ROLLED_BACK, Outcome.FAILURE),
}


@dataclass(frozen=True, slots=True)
class FirmwarePorts:
    """Everything that firmware rests on. ``certificate`` is the pinned file of the manufacturer."""

    slots: SlotFolder
    certificate: Path
    trust: Callable[[], TrustStore]
    system_log: SystemLog
    calibration_log: CalibrationLog
    running: str
    """The version of the program that runs."""
    launched: Callable[[], bool]
    """Whether a launcher started this process, and will start the next."""
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free


class FirmwareOrders:
    """The handlers, for the thread of the management tunnel; :meth:`tell` and :meth:`report` for any."""

    def __init__(self, ports: FirmwarePorts) -> None:
        """See FirmwarePorts."""
        self._ports = ports
        self._slots = ports.slots
        self._telling = Lock()

    def stage(self, package: bytes, at: datetime) -> Done:
        """Keep what was brought, unread, until an order names it. Raises CommandRefusedError."""
        with self._refusing("package", at):
            if not 1 <= len(package) <= MAX_PACKAGE_BYTES:
                raise FirmwareRefusedError(FirmwareReason.TOO_LARGE, f"a package has 1 to {MAX_PACKAGE_BYTES} octets")
            self._slots.put(STAGED, package)
        return Done({"sha256": hashlib.sha256(package).hexdigest(), "octets": len(package)})

    def store(self, command: StoreFirmware, at: datetime) -> Done:
        """Verify the staged package and unpack it into the free slot.

        1. No other version is about to be tried.
        2. The package that the order names is there.
        3. The manufacturer's certificate is good now: pinned, its role and purpose, its chain, its revocation.
        4. The package is proven (``smgw/firmware/package.py``).
        5. Its version may come in.
        6. Its wheels can be unpacked safely, and are that version of the program.
        7. The disk has room for them, and for the store as well.
        8. The slot is filled; the package is forgotten.

        Raises CommandRefusedError, or StoreError where the calibration log cannot be read. Until step 8 nothing was
        changed; a disk that fails in it leaves the slot empty, which was not the one to run.
        """
        with self._refusing(command.sha256[:16], at):
            # 1
            record = self._slots.read()
            if record.find(Phase.CHOSEN, Phase.TRIAL) is not None:
                raise FirmwareRefusedError(FirmwareReason.BUSY, "another version is to be tried first")
            # 2
            package = self._staged(command.sha256)
            # 3
            signer = self._manufacturer(at)
            # 4
            opened = open_package(package, signer)
            # 5
            version = opened.manifest.version
            self._require_later(version, record)
            # 6
            files = unpack(opened)
            # 7
            needed = sum(len(content) for content in files.values()) + MINIMUM_FREE
            if self._ports.free(self._slots.folder) < needed:
                raise FirmwareRefusedError(FirmwareReason.STORAGE, f"{needed} octets must be free")
            # 8
            slot = self._slots.fill(files, version, at)
        with suppress(OSError):  # what stays is believed by nobody, and the next package takes its place
            self._slots.staged.unlink(missing_ok=True)
        self.tell()
        return Done({"version": version, "slot": slot.value})

    def activate(self, command: ActivateFirmware, at: datetime) -> Done:
        """Have the stored version tried at the next start, which follows.

        1. There is a launcher that changes the slot, and back.
        2. The manufacturer's certificate is good now: a manufacturer whose key was lost gets no program started.
        3. The version may come in.
        4. A slot holds it, whole.

        Raises CommandRefusedError, or StoreError where the calibration log cannot be read; nothing was changed.
        """
        with self._refusing(command.version, at):
            # 1
            if not self._ports.launched():
                sentence = "this gateway was not started by smgw-boot, which changes programs"
                raise FirmwareRefusedError(FirmwareReason.LAUNCHER, sentence)
            # 2
            self._manufacturer(at)
            # 3
            self._require_later(command.version, self._slots.read())
            # 4
            self._slots.choose(command.version)
        return Done({"version": command.version}, FollowUp.RESTART)

    def tell(self) -> None:
        """Write into both logs what happened to the slots, and forget it; what cannot be written waits.

        A loss of power in between leaves a second entry of the same, never none.
        """
        try:
            with self._telling:
                for note in self._slots.read().notes:
                    event, outcome = _EVENTS[note.step]
                    self._log(event, outcome, note.version, note.at, **_parameters(note))
                    self._slots.forget_notes(1)
        except (StoreError, FirmwareRefusedError, OSError) as error:
            _logger.warning("firmware: not in the logs yet: %s", error)

    def report(self) -> JsonObject:
        """What the status tells: both slots, and the latest version that was active in one."""
        try:
            record = self._slots.read()
        except FirmwareRefusedError as error:
            return {"error": error.reason.value}
        told: JsonObject = {"highest": record.highest}
        for slot in Slot:
            held = record.slots[slot]
            told[slot.value] = {
                "phase": held.phase.value,
                "version": held.content.version,
                "program_sha256": held.content.program,
            }
        return told

    @contextmanager
    def _refusing(self, subject: str, at: datetime) -> Iterator[None]:
        """Turn refusals inside into the desk's, and write them down."""
        try:
            yield
        except FirmwareRefusedError as error:
            self._note_refusal(subject, error.reason, at)
            raise CommandRefusedError(error.reason, error.sentence) from error
        except OSError as error:
            self._note_refusal(subject, FirmwareReason.STORAGE, at)
            sentence = f"the slots take nothing: {error.strerror}"
            raise CommandRefusedError(FirmwareReason.STORAGE, sentence) from error

    def _note_refusal(self, subject: str, reason: FirmwareReason, at: datetime) -> None:
        try:
            self._log(Event.FIRMWARE_REFUSED, Outcome.FAILURE, SUBJECT, at, package=subject, reason=reason.value)
        except StoreError as error:
            _logger.warning("firmware: not in the logs: %s", error)

    def _log(self, event: Event, outcome: Outcome, subject: str, at: datetime, **parameters: str | int) -> None:
        self._ports.system_log.record(event, subject, outcome, at=at, times=1, **parameters)

    def _staged(self, sha256: str) -> bytes:
        try:
            with self._slots.staged.open("rb") as file:
                package = file.read(MAX_PACKAGE_BYTES + 1)
        except FileNotFoundError as error:
            raise FirmwareRefusedError(FirmwareReason.NOT_STAGED, "no package was brought") from error
        if hashlib.sha256(package).hexdigest() != sha256:
            raise FirmwareRefusedError(FirmwareReason.NOT_STAGED, "another package was brought than the order names")
        return package

    def _manufacturer(self, at: datetime) -> VerifiedCertificate:
        return manufacturer(read_manufacturer(self._ports.certificate), self._ports.trust(), at)

    def _require_later(self, version: str, record: Record) -> None:
        for known in (self._ports.running, record.highest, *self._activated()):
            try:
                if known and rank(version) <= rank(known):
                    sentence = f"version {version} is not later than {known}"
                    raise FirmwareRefusedError(FirmwareReason.VERSION, sentence)
            except FirmwareError as error:
                sentence = f"version {known[:40]} cannot be compared with"
                raise FirmwareRefusedError(FirmwareReason.VERSION, sentence) from error

    def _activated(self) -> list[str]:
        """The versions that the calibration log knows to have been active."""
        found, after = [], 0
        while entries := self._ports.calibration_log.entries(after=after):
            found += [entry.subject for entry in entries if entry.event is Event.FIRMWARE_ACTIVATED]
            after = entries[-1].record_number
        return found


def read_manufacturer(path: Path) -> x509.Certificate:
    """The pinned certificate. Raises FirmwareRefusedError MANUFACTURER."""
    try:
        return load_certificate(path.read_bytes())
    except (OSError, CertificateError) as error:
        sentence = "the manufacturer's certificate cannot be read"
        raise FirmwareRefusedError(FirmwareReason.MANUFACTURER, sentence) from error


def _parameters(note: Note) -> dict[str, str | int]:
    return {"reason": note.reason} if note.reason else {}
