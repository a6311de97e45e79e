"""What the store may say when it refuses or fails; nothing else escapes it."""

from enum import StrEnum


class StoreReason(StrEnum):
    """Why the store refused."""

    KEY_MISSING = "KEY_MISSING"
    KEY_WRONG = "KEY_WRONG"
    KEY_EXISTS = "KEY_EXISTS"
    DATABASE_MISSING = "DATABASE_MISSING"
    SCHEMA = "SCHEMA"
    FULL = "FULL"
    BUSY = "BUSY"
    DAMAGED = "DAMAGED"
    CONFLICT = "CONFLICT"
    PROFILE_VERSION = "PROFILE_VERSION"
    PROFILE_IDENTITY = "PROFILE_IDENTITY"
    NOT_OPEN = "NOT_OPEN"
    LOG_FULL = "LOG_FULL"
    """The calibration log takes no more entries, and what it must tell cannot be done."""
    FOLDER = "FOLDER"
    """The state folder itself cannot be made or written."""


class StoreError(Exception):
    """Base of everything that the store raises; ``reason`` says what to do about it."""

    def __init__(self, reason: StoreReason, sentence: str) -> None:
        """A reason for programs and a sentence for people; the sentence never holds a measured value or a key."""
        super().__init__(f"{reason}: {sentence}")
        self.reason = reason


class StoreFullError(StoreError):
    """The disk is full: nothing of the transaction was kept, everything before it was. Try again when there is room."""

    def __init__(self, sentence: str) -> None:
        """A sentence for people."""
        super().__init__(StoreReason.FULL, sentence)


class AlteredEntryError(StoreError):
    """A row of a log holds what nobody wrote as an entry: it cannot even be read."""

    def __init__(self, log: str, number: object) -> None:
        """Which log, not whose, and which record."""
        self.sentence = f"{log} log: record {number} was altered: it is not written as an entry is"
        super().__init__(StoreReason.DAMAGED, self.sentence)


class ConflictError(StoreError):
    """Another value is already stored for the same device, quantity and second; the stored one stands."""

    def __init__(self, sentence: str) -> None:
        """A sentence for people."""
        super().__init__(StoreReason.CONFLICT, sentence)
