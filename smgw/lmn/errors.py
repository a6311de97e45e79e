"""Why a meter was not read, and what a line reports."""

from enum import StrEnum
from typing import Protocol


class PollReason(StrEnum):
    """What went wrong between the request and a complete frame (step 1), or in parsing it (step 2)."""

    SILENT = "silent"
    """Nobody answered."""
    HALF_TELEGRAM = "half-telegram"
    """An answer began and stopped."""
    BLOCK_CHECK = "block-check"
    """The block check character was wrong or missing, each time."""
    PARITY = "parity"
    """Characters with wrong parity: noise, a collision, or another speed."""
    PROTOCOL = "protocol"
    """What came is not what IEC 62056-21 has at this place."""
    ECHO = "echo"
    """The own characters came back altered: a collision on the line."""
    METER_ERROR = "meter-error"
    """The meter answered that it cannot."""
    GRAMMAR = "grammar"
    """A complete frame that is no list of data sets (step 2)."""


class PollError(Exception):
    """One read-out failed; ``reason`` is for the log, ``detail`` for people. Neither holds a consumption value."""

    def __init__(self, reason: PollReason, detail: str = "") -> None:
        """Reason and a sentence."""
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class LineEvent(StrEnum):
    """What a line reports; the values are those of the system log's events."""

    LINE_STATE = "LINE_STATE"
    METER_STATE = "METER_STATE"
    """Step 1 failed for a meter, or a meter answers again."""
    TELEGRAM_REFUSED = "TELEGRAM_REFUSED"
    """Step 2 failed: a whole frame came, and it made no sense."""


class LineState(StrEnum):
    """State of a port, the parameter ``state`` of ``LINE_STATE``."""

    OPEN = "open"
    SOFTWARE_PARITY = "parity-in-software"
    """Open, and the adapter does not do 7E1: parity is made and checked by the gateway."""
    UNAVAILABLE = "unavailable"
    LOST = "lost"
    DEFECT = "defect"
    """An error of the gateway's own programme; the line goes on with its next meter."""


class Report(Protocol):
    """Where events go; called from the line's thread, must be thread-safe and must not raise."""

    def __call__(self, event: LineEvent, subject: str, **parameters: str | int) -> None:
        """``subject`` is a line's name or a meter's identification."""
