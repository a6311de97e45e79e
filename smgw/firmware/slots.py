"""Two slots for programs, A and B, and the record of which one is run: a table of phases.

Decides what may become of a slot. The program that works is never touched: a package goes into the slot beside it, and
only a version that ran, tested itself and said so takes its place (TR-03109-1, firmware; PP-0073 FPT_FLS.1). At every
moment exactly one program is the one to run: the slot that is ACTIVE, or the installed program where none ever was.
What happened is kept as notes beside the phases, in the same step, until the logs have it. How the record reaches the
disk is decided in ``folder.py``.

The launcher (``smgw/boot.py``) and the program in a slot are different versions of this file that read one record, so
its form has a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from wire.canonical_json import JsonObject, JsonValue, decode, encode
from wire.errors import FirmwareError, ProfileError, WireError
from wire.firmware import rank
from wire.instant import format_instant
from wire.profiles.document import Fields

FORMAT: Final = 1
MAXIMUM_NOTES: Final = 64
"""Notes that wait for a log that takes no entry; beyond them the oldest are given up."""


class Slot(StrEnum):
    """The two places."""

    A = "A"
    B = "B"

    @property
    def other(self) -> "Slot":
        """The slot beside it."""
        return Slot.B if self is Slot.A else Slot.A


class Phase(StrEnum):
    """What a slot holds."""

    EMPTY = "empty"
    """Nothing, or the rest of something; never run."""
    STORED = "stored"
    """A verified program that nobody chose yet."""
    CHOSEN = "chosen"
    """To be tried at the next start."""
    TRIAL = "trial"
    """Started, and not yet confirmed by itself."""
    ACTIVE = "active"
    """The program to run."""
    FORMER = "former"
    """It was active before the one that is."""
    FAILED = "failed"
    """It was tried in vain; never run again."""


class Move(StrEnum):
    """What changes the phase of a slot."""

    CLEAR = "clear"
    STORE = "store"
    CHOOSE = "choose"
    BEGIN = "begin"
    PUT_OFF = "put-off"
    """The machine's people stopped the gateway during the trial: no fault of the program."""
    CONFIRM = "confirm"
    SUPERSEDE = "supersede"
    FAIL = "fail"


TABLE: Final[Mapping[tuple[Phase, Move], Phase]] = {
    (Phase.EMPTY, Move.CLEAR): Phase.EMPTY,
    (Phase.STORED, Move.CLEAR): Phase.EMPTY,
    (Phase.FORMER, Move.CLEAR): Phase.EMPTY,
    (Phase.FAILED, Move.CLEAR): Phase.EMPTY,
    (Phase.EMPTY, Move.STORE): Phase.STORED,
    (Phase.STORED, Move.CHOOSE): Phase.CHOSEN,
    (Phase.CHOSEN, Move.BEGIN): Phase.TRIAL,
    (Phase.CHOSEN, Move.FAIL): Phase.FAILED,
    (Phase.TRIAL, Move.PUT_OFF): Phase.CHOSEN,
    (Phase.TRIAL, Move.CONFIRM): Phase.ACTIVE,
    (Phase.TRIAL, Move.FAIL): Phase.FAILED,
    (Phase.ACTIVE, Move.SUPERSEDE): Phase.FORMER,
}
"""Every move that there is; any other is a defect of the caller."""


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in a slot: the version, the hash over every file, and ``smgw.program.program_hash``."""

    version: str = ""
    tree: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """One slot."""

    phase: Phase = Phase.EMPTY
    content: Content = field(default_factory=Content)


class Step(StrEnum):
    """What happened and has to be told."""

    STORED = "stored"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened to a version; ``reason`` is empty where it went well."""

    step: Step
    version: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is known of both slots; ``highest`` is the latest version that ever was active in one."""

    slots: Mapping[Slot, SlotRecord] = field(default_factory=lambda: dict.fromkeys(Slot, SlotRecord()))
    highest: str = ""
    notes: tuple[Note, ...] = ()

    def find(self, *phases: Phase) -> Slot | None:
        """The slot in one of ``phases``."""
        return next((slot for slot in Slot if self.slots[slot].phase in phases), None)

    def moved(self, slot: Slot, move: Move, content: Content | None = None) -> Self:
        """This record after ``move``. Raises RuntimeError where the table has no such move."""
        held = self.slots[slot]
        phase = TABLE.get((held.phase, move))
        if phase is None:
            raise RuntimeError(f"slot {slot} is {held.phase} and cannot {move}")
        changed = SlotRecord(phase, held.content if content is None else content)
        return replace(self, slots={**self.slots, slot: changed})

    def noted(self, step: Step, version: str, at: datetime, reason: str = "") -> Self:
        """This record with one note more."""
        note = Note(step, version, at.replace(microsecond=0), reason)
        return replace(self, notes=(*self.notes, note)[-MAXIMUM_NOTES:])

    def to_bytes(self) -> bytes:
        """Canonical JSON. Raises WireError."""
        slots: JsonObject = {
            slot.value: {
                "phase": held.phase.value,
                "version": held.content.version,
                "tree": held.content.tree,
                "program": held.content.program,
            }
            for slot, held in self.slots.items()
        }
        notes: list[JsonValue] = [
            {"step": one.step.value, "version": one.version, "at": format_instant(one.at), "reason": one.reason}
            for one in self.notes
        ]
        return encode({"format": FORMAT, "slots": slots, "highest": self.highest, "notes": notes})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises FirmwareError."""
        try:
            taken = Fields(decode(data))
            if (number := taken.integer("format")) != FORMAT:
                raise ProfileError(f"a record of format {number}, not {FORMAT}")
            slots = taken.nested("slots")
            record = cls(
                {slot: _slot(slots.nested(slot.value)) for slot in Slot},
                taken.text("highest"),
                tuple(_note(Fields(content, "notes.")) for content in taken.objects("notes")),
            )
            slots.finish()
            taken.finish()
            for version in (record.highest, *(held.content.version for held in record.slots.values())):
                _ = rank(version) if version else ()
        except WireError as error:
            raise FirmwareError(f"not a record of slots: {error}") from error
        pending = [held for held in record.slots.values() if held.phase in (Phase.CHOSEN, Phase.TRIAL)]
        active = [held for held in record.slots.values() if held.phase is Phase.ACTIVE]
        if len(pending) > 1 or len(active) > 1:
            raise FirmwareError("two slots are the one to run")
        return record


def _slot(taken: Fields) -> SlotRecord:
    phase = taken.choice("phase", Phase)
    record = SlotRecord(phase, Content(taken.text("version"), taken.text("tree"), taken.text("program")))
    taken.finish()
    return record


def _note(taken: Fields) -> Note:
    note = Note(taken.choice("step", Step), taken.text("version"), taken.instant("at"), taken.text("reason"))
    taken.finish()
    return note
