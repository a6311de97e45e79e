"""What is wrong with a log, or with whoever wants to read one; nothing else escapes this package."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from proof.errors import IntegrityReason, LogIntegrityError
from smgw.store.errors import AlteredEntryError
from smgw.store.log_chain import NO_ENTRY

__all__ = ["AccessReason", "IntegrityReason", "LogAccessError", "LogIntegrityError", "unreadable_is_altered"]


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
