"""What is wrong with a log, or with whoever wants to read one; nothing else escapes this package."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from smgw.store.errors import AlteredEntryError
from smgw.store.log_chain import NO_ENTRY


class IntegrityReason(StrEnum):
    """Why a log is not believed."""

    FORM = "form"
    """The export is no export, or not written as one is."""
    ALTERED = "altered"
    """An entry is not what was written."""
    GAP = "gap"
    """An entry is missing between others."""
    ORDER = "order"
    """Entries do not stand in the order in which they were written."""
    CUT_START = "cut-start"
    """Oldest entries are missing that were not overwritten for want of room."""
    CUT_TAIL = "cut-tail"
    """Newest entries are missing."""
    COUNT = "count"
    """What was counted beside the entries is not what they tell."""
    CHECKPOINT = "checkpoint"
    """A checkpoint is missing, or does not speak of this log."""
    SIGNATURE = "signature"
    """The signature of a checkpoint does not hold."""
    CERTIFICATE = "certificate"
    """The signer's certificate is not believed."""
    GATEWAY = "gateway"
    """It was another gateway's log."""


class LogIntegrityError(Exception):
    """A log is not what the gateway wrote (PP-0073 FAU_STG.2)."""

    def __init__(self, reason: IntegrityReason, sentence: str) -> None:
        """A reason for programs and a sentence that names log and record number for people."""
        super().__init__(sentence)
        self.reason = reason


@contextmanager
def unreadable_is_altered() -> Iterator[None]:
    """Whatever lies in a store's logs and cannot even be read was altered: nothing else escapes for it."""
    try:
        yield
    except AlteredEntryError as error:
        raise LogIntegrityError(IntegrityReason.ALTERED, error.sentence) from error
    except NO_ENTRY as error:
        sentence = f"what lies in the place of a log is none ({type(error).__name__})"
        raise LogIntegrityError(IntegrityReason.ALTERED, sentence) from error


class AccessReason(StrEnum):
    """Why somebody may not read a log."""

    NOT_HIS = "not-his"
    """His role reads this log nowhere, or not at this interface."""
    ANOTHERS = "anothers"
    """The log of another consumer."""


class LogAccessError(Exception):
    """Somebody wants a log that is not for him (PP-0073 FDP_ACF.1)."""

    def __init__(self, reason: AccessReason, sentence: str) -> None:
        """A reason for programs and a sentence for people."""
        super().__init__(sentence)
        self.reason = reason
