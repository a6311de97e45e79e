"""The slots on the disk: in which order it learns of a change, and which program is run next.

Decides that the record is replaced in one step, and only when everything that it speaks of is on the disk; a slot that
is being filled is EMPTY in the record until then. So the power may go at every moment. Nothing here needs more than the
standard library and ``wire``: the launcher must not stumble over what it is there to mend.

::

    <folder>/           0700
      slots.json        the record
      A/ B/             an unpacked program each; A.new/ while it is unpacked
      staged.package    what the administrator brought last; nothing believes it
      launcher          locked, with its process number, while a launcher runs
"""

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from smgw.firmware.errors import FirmwareReason, FirmwareRefusedError
from smgw.firmware.slots import Content, Move, Phase, Record, Slot, Step
from smgw.program import program_hash
from wire.errors import FirmwareError
from wire.firmware import rank

RECORD: Final = "slots.json"
STAGED: Final = "staged.package"
LAUNCHER: Final = "launcher"
MAXIMUM_RECORD: Final = 65536
INTERRUPTED: Final = "interrupted"
"""The power went, or the launcher, before the program confirmed itself."""
DAMAGED: Final = "damaged"

_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW


class LauncherRunsError(Exception):
    """Another launcher holds the folder."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to run: a slot, on trial or not, or the installed program (None)."""

    slot: Slot | None = None
    trial: bool = False
    version: str = ""


class SlotFolder:
    """The folder of the slots. One process changes it at a time: the launcher while no program runs, else that one.

    Safe to share between the threads of that process.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when something is written."""
        self.folder = folder
        self._changing = Lock()

    @property
    def staged(self) -> Path:
        """Where a package waits for the order that names it."""
        return self.folder / STAGED

    def path(self, slot: Slot) -> Path:
        """Where the program of ``slot`` lies."""
        return self.folder / slot.value

    def read(self) -> Record:
        """The record; a new folder has none. Raises FirmwareRefusedError STATE: damage must not pass for emptiness."""
        try:
            with (self.folder / RECORD).open("rb") as file:
                data = file.read(MAXIMUM_RECORD + 1)
            return Record.from_bytes(data)
        except FileNotFoundError:
            return Record()
        except (OSError, FirmwareError) as error:
            sentence = f"{self.folder / RECORD} cannot be read: {error}"
            raise FirmwareRefusedError(FirmwareReason.STATE, sentence) from error

    def write(self, record: Record) -> None:
        """Replace the record in one step. Raises OSError."""
        self.put(RECORD, record.to_bytes())

    def put(self, name: str, data: bytes) -> None:
        """Replace one file of the folder in one step. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / name
        beside = path.with_name(f".{name}.new")
        _write(beside, data)
        beside.replace(path)
        _synchronise(self.folder)

    def fill(self, files: Mapping[str, bytes], version: str, at: datetime) -> Slot:
        """Write a program into the slot that is not the one to run.

        1. The record forgets what lay there, before anything of it is touched.
        2. The files are written beside, to the disk, and get their place in one step.
        3. The record knows them.

        Raises OSError; FirmwareRefusedError STATE; RuntimeError where a trial is under way.
        """
        with self._changing:
            # 1
            record = self.read()
            active = record.find(Phase.ACTIVE)
            slot = Slot.A if active is None else active.other
            record = record.moved(slot, Move.CLEAR, Content())
            self.write(record)
            # 2
            place, beside = self.path(slot), self.folder / f"{slot.value}.new"
            for rest in (place, beside):
                if rest.is_dir():
                    shutil.rmtree(rest)
            folders = sorted({beside, *(beside / parent for name in files for parent in Path(name).parents)})
            for folder in folders:
                folder.mkdir(mode=0o700)
            for name, data in files.items():
                _write(beside / name, data)
            for folder in folders:
                _synchronise(folder)
            beside.replace(place)
            _synchronise(self.folder)
            # 3
            held = Content(version, tree_hash(place), program_hash(place))
            self.write(record.moved(slot, Move.STORE, held).noted(Step.STORED, version, at))
            return slot

    def choose(self, version: str) -> None:
        """Have the stored ``version`` tried at the next start.

        Raises FirmwareRefusedError UNKNOWN_VERSION, BUSY, DAMAGED or STATE; OSError.
        """
        with self._changing:
            record = self.read()
            if record.find(Phase.CHOSEN, Phase.TRIAL) is not None:
                raise FirmwareRefusedError(FirmwareReason.BUSY, "another version is to be tried first")
            slot = next((one for one in Slot if record.slots[one].phase is Phase.STORED), None)
            if slot is None or record.slots[slot].content.version != version:
                raise FirmwareRefusedError(FirmwareReason.UNKNOWN_VERSION, f"no slot holds a stored version {version}")
            if not self.intact(slot, record):
                raise FirmwareRefusedError(
                    FirmwareReason.DAMAGED, f"the files in slot {slot} are not those of {version}"
                )
            self.write(record.moved(slot, Move.CHOOSE))

    def decide(self, at: datetime) -> Choice:
        """Which program the launcher starts now.

        1. A trial that nobody ended was cut off, and has failed.
        2. A chosen slot whose files are whole is tried; that it is, stands in the record before it starts.
        3. The active slot runs, if its files are whole.
        4. Where no slot was ever active, the installed program runs.

        Raises FirmwareRefusedError DAMAGED or STATE, and nothing may run then; OSError.
        """
        with self._changing:
            record = self.read()
            # 1
            if (slot := record.find(Phase.TRIAL)) is not None:
                record = self._fail(record, slot, INTERRUPTED, at)
            # 2
            if (slot := record.find(Phase.CHOSEN)) is not None:
                if self.intact(slot, record):
                    self.write(record.moved(slot, Move.BEGIN))
                    return Choice(slot, trial=True, version=record.slots[slot].content.version)
                record = self._fail(record, slot, DAMAGED, at)
            # 3
            if (slot := record.find(Phase.ACTIVE)) is not None:
                version = record.slots[slot].content.version
                if not self.intact(slot, record):
                    sentence = f"the files in slot {slot} are not those of version {version}"
                    raise FirmwareRefusedError(FirmwareReason.DAMAGED, sentence)
                return Choice(slot, version=version)
            # 4
            return Choice()

    def on_trial(self, choice: Choice) -> bool:
        """Whether the choice is still a trial that was not confirmed. Raises FirmwareRefusedError STATE."""
        return choice.slot is not None and self.read().slots[choice.slot].phase is Phase.TRIAL

    def confirm(self, slot: Slot, at: datetime) -> None:
        """The program in ``slot`` is the one to run from now on; no version below it ever again.

        Raises FirmwareRefusedError STATE, OSError.
        """
        with self._changing:
            record = self.read()
            version = record.slots[slot].content.version
            if record.slots[slot.other].phase is Phase.ACTIVE:
                record = record.moved(slot.other, Move.SUPERSEDE)
            record = record.moved(slot, Move.CONFIRM).noted(Step.ACTIVATED, version, at)
            highest = max((record.highest, version), key=lambda one: rank(one) if one else ())
            self.write(replace(record, highest=highest))

    def fail(self, slot: Slot, reason: str, at: datetime) -> None:
        """The trial of ``slot`` has failed. Raises FirmwareRefusedError STATE, OSError."""
        with self._changing:
            self._fail(self.read(), slot, reason, at)

    def put_off(self, slot: Slot) -> None:
        """The trial of ``slot`` was broken off by a stop: it begins anew at the next start.

        Raises FirmwareRefusedError STATE, OSError.
        """
        with self._changing:
            self.write(self.read().moved(slot, Move.PUT_OFF))

    def forget_notes(self, number: int) -> None:
        """Drop the oldest ``number`` notes: the logs have them. Raises FirmwareRefusedError STATE, OSError."""
        with self._changing:
            record = self.read()
            self.write(replace(record, notes=record.notes[number:]))

    def intact(self, slot: Slot, record: Record) -> bool:
        """Whether the files of ``slot`` are those that were stored."""
        try:
            return (
                bool(record.slots[slot].content.tree) and tree_hash(self.path(slot)) == record.slots[slot].content.tree
            )
        except OSError:
            return False

    def running(self, program: Path) -> Slot | None:
        """The slot in which the program whose packages lie in ``program`` runs; None for the installed one."""
        here = program.resolve()
        return next((slot for slot in Slot if self.path(slot).resolve() == here), None)

    def launched_by(self, parent: int) -> bool:
        """Whether the process ``parent`` is the launcher of this folder."""
        try:
            return (self.folder / LAUNCHER).read_bytes() == b"%d\n" % parent
        except OSError:
            return False

    @contextmanager
    def launching(self, own: int) -> Iterator[None]:
        """Be the launcher of this folder while the block runs, as process ``own``.

        Raises LauncherRunsError, OSError.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / LAUNCHER, os.O_RDWR | os.O_CREAT | _SAFELY, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LauncherRunsError(f"another launcher holds {self.folder}") from error
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % own)
            yield
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def _fail(self, record: Record, slot: Slot, reason: str, at: datetime) -> Record:
        version = record.slots[slot].content.version
        record = record.moved(slot, Move.FAIL).noted(Step.ROLLED_BACK, version, at, reason)
        self.write(record)
        return record


def tree_hash(folder: Path) -> str:
    """SHA-256 over every file below ``folder``, in the order of their names, each with name and length.

    Nothing is left out, compiled files neither: what lies there can be run. Raises OSError, also for what is neither a
    file nor a folder.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda one: one.relative_to(folder).as_posix()):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise OSError(f"{path} is not a plain file")
        name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        total.update(b"%d %s %d\n" % (len(name), name, len(content)) + content)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    return total.hexdigest()


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _SAFELY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _synchronise(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
