"""Why firmware is not stored or not activated: the reasons that an order is refused with.

Decides the words alone; each check stands where it is made (``orders.py``, ``package.py``, ``folder.py``).
"""

from enum import StrEnum


class FirmwareReason(StrEnum):
    """The check that failed."""

    TOO_LARGE = "too-large"
    NOT_STAGED = "not-staged"
    """No package was brought, or not the one that the order names."""
    BUSY = "busy"
    """Another version is about to be tried, or is being tried."""
    MANUFACTURER = "manufacturer"
    """The pinned certificate of the manufacturer is not good now."""
    SIGNATURE = "signature"
    PACKAGE = "package"
    """The archive is not of the one form, or its files are not those of the manifest."""
    CONTENT = "content"
    """A wheel cannot be unpacked safely, or the program in it is not the version that the manifest names."""
    VERSION = "version"
    """Not later than the version that runs and every version that ever was active."""
    UNKNOWN_VERSION = "unknown-version"
    """No slot holds that version."""
    DAMAGED = "damaged"
    """The files of a slot are not those that were stored."""
    LAUNCHER = "launcher"
    """The gateway was not started by smgw-boot: nobody would change the slot, or back."""
    STORAGE = "storage"
    STATE = "state"
    """The record of the slots cannot be read."""


class FirmwareRefusedError(Exception):
    """Firmware is refused; ``reason`` names the check."""

    def __init__(self, reason: FirmwareReason, sentence: str) -> None:
        """A reason for programs and a sentence for people, without secrets."""
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
