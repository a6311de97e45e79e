"""The state of the gateway's keys: one small file whose replacement is every step of a renewal.

Decides which generation of keys is in use, which steps a renewal has, and where each goes on after a power loss. The
file ``current`` in the certificate folder says the generation and the phase together, so that the switch from old to
new keys is one atomic replacement and never a matter of two files. A gateway without the file is in its first
generation and has never renewed. A number is used once: a generation that was given up does not come back.

Life cycle of keys: TR-03109-2 (generation, use, destruction), SM-PKI certificate policy (a new triple has new keys).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from pki.errors import CertificateError, CertificateReason
from pki.store import write_atomically
from wire.canonical_json import JsonObject, decode, encode
from wire.errors import CanonicalJsonError

STATE_FILE: Final = "current"
FIRST: Final = 1
"""The generation that ``smgw init`` makes; its labels and files have no number."""
HIGHEST_GENERATION: Final = 9999
"""More renewals than a gateway of 24 years can have if it renewed every day; bounds labels and folder names."""
MAXIMUM_STATE: Final = 256


class Phase(StrEnum):
    """Where the keys stand. SETTLED and PENDING are at rest; the others last as long as their action."""

    SETTLED = "settled"
    """One generation and nothing else."""
    GENERATING = "generating"
    """The keys of the next generation are being made in the security module."""
    PENDING = "pending"
    """They are there and wait for their certificates."""
    DISCARDING = "discarding"
    """They are given up and are being destroyed."""
    INSTALLING = "installing"
    """They prove themselves, and their certificates are being written."""
    WITHDRAWING = "withdrawing"
    """The certificates of a broken installation are being removed; the keys wait again."""
    RETIRING = "retiring"
    """The next generation is in use; the keys of the former are being destroyed."""


class Action(StrEnum):
    """What is done in a phase. Each may be broken off anywhere and done again from the start."""

    MAKE_KEYS = "make-keys"
    DESTROY_KEYS = "destroy-keys"
    WRITE_CERTIFICATES = "write-certificates"
    REMOVE_CERTIFICATES = "remove-certificates"


@dataclass(frozen=True, slots=True)
class Row:
    """One phase: its action, the phase after it, and the phase with which a start after a power loss goes on."""

    action: Action | None
    done: Phase
    lost: Phase


TABLE: Final[Mapping[Phase, Row]] = {
    Phase.SETTLED: Row(None, Phase.SETTLED, Phase.SETTLED),
    Phase.GENERATING: Row(Action.MAKE_KEYS, Phase.PENDING, Phase.DISCARDING),
    Phase.PENDING: Row(None, Phase.PENDING, Phase.PENDING),
    Phase.DISCARDING: Row(Action.DESTROY_KEYS, Phase.SETTLED, Phase.DISCARDING),
    Phase.INSTALLING: Row(Action.WRITE_CERTIFICATES, Phase.RETIRING, Phase.WITHDRAWING),
    Phase.WITHDRAWING: Row(Action.REMOVE_CERTIFICATES, Phase.PENDING, Phase.WITHDRAWING),
    Phase.RETIRING: Row(Action.DESTROY_KEYS, Phase.SETTLED, Phase.RETIRING),
}
"""The renewal as a table. INSTALLING to RETIRING is the switch: before it the former generation is in use and complete,
after it the next one is, and its keys have signed and agreed. Keys are destroyed only in phases in which the generation
in use is another one."""

ENTRIES: Final[Mapping[Phase, tuple[Phase, ...]]] = {
    Phase.SETTLED: (Phase.GENERATING,),
    Phase.PENDING: (Phase.DISCARDING, Phase.INSTALLING),
}
"""What an order may begin, by the phase at rest."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """The generation in use, the phase, the other generation that the phase is about, and the highest number used."""

    generation: int = FIRST
    phase: Phase = Phase.SETTLED
    other: int | None = None
    highest: int = FIRST

    def __post_init__(self) -> None:
        """Refuse a state that no sequence of steps leads to. Raises CertificateError(MALFORMED)."""
        numbers = [self.generation] if self.other is None else [self.generation, self.other]
        wrong = (
            (self.other is None) is not (self.phase is Phase.SETTLED)
            or len(set(numbers)) != len(numbers)
            or not FIRST <= min(numbers) <= max(numbers) <= self.highest <= HIGHEST_GENERATION
            or (self.other is not None and (self.other < self.generation) is not (self.phase is Phase.RETIRING))
        )
        if wrong:
            raise CertificateError(CertificateReason.MALFORMED, "the state of the keys contradicts itself")

    def begin(self, phase: Phase) -> Self:
        """The state at the start of ``phase``, which an order asks for.

        Raises:
            RuntimeError: where ``phase`` does not begin from here (the caller asked without looking), or numbers end.
        """
        if phase not in ENTRIES.get(self.phase, ()) or (
            phase is Phase.GENERATING and self.highest >= HIGHEST_GENERATION
        ):
            message = f"{phase} does not begin from {self.phase} of generation {self.highest}"
            raise RuntimeError(message)
        if phase is Phase.GENERATING:
            return replace(self, phase=phase, other=self.highest + 1, highest=self.highest + 1)
        return replace(self, phase=phase)

    def done(self) -> Self:
        """The state after the action of this phase is complete."""
        following = TABLE[self.phase].done
        if following is Phase.SETTLED:
            return replace(self, phase=following, other=None)
        if following is Phase.RETIRING and self.other is not None:
            return replace(self, phase=following, generation=self.other, other=self.generation)
        return replace(self, phase=following)

    def lost(self) -> Self:
        """The state with which to go on after this phase was broken off."""
        return replace(self, phase=TABLE[self.phase].lost)

    def to_bytes(self) -> bytes:
        """Canonical JSON, one line."""
        document: JsonObject = {
            "generation": self.generation,
            "highest": self.highest,
            "other": self.other,
            "phase": self.phase.value,
        }
        return encode(document)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Undo :meth:`to_bytes`; raises CertificateError(MALFORMED) for anything else."""
        try:
            document = decode(data, maximum_bytes=MAXIMUM_STATE)
        except CanonicalJsonError as error:
            raise CertificateError(CertificateReason.MALFORMED, f"not the state of the keys: {error}") from error
        numbers = [document.pop(name, None) for name in ("generation", "highest")]
        other, phase = document.pop("other", ""), document.pop("phase", "")
        generation, highest = (one if type(one) is int else 0 for one in numbers)
        if document or phase not in list(Phase) or not (other is None or type(other) is int):
            raise CertificateError(CertificateReason.MALFORMED, "not the state of the keys: wrong fields")
        return cls(generation, Phase(str(phase)), other, highest)


def read_state(folder: Path) -> KeyState:
    """The state in the certificate folder. Raises CertificateError(MALFORMED) where it cannot be read."""
    path = folder / STATE_FILE
    try:
        return KeyState.from_bytes(path.read_bytes())
    except FileNotFoundError:
        return KeyState()
    except OSError as error:
        raise CertificateError(CertificateReason.MALFORMED, f"{path} cannot be read: {error.strerror}") from error
    except CertificateError as error:
        raise CertificateError(error.reason, f"{path}: {error}") from error


def write_state(folder: Path, state: KeyState) -> None:
    """Replace the state in one step that a power loss cannot halve. Raises OSError."""
    write_atomically(folder / STATE_FILE, state.to_bytes(), mode=0o644)
