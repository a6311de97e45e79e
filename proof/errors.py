"""What is wrong with what should prove something; nothing else escapes this package."""

from enum import StrEnum


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


class ProofError(Exception):
    """There is nothing to check: no root, not the file of the gateway that was meant."""
