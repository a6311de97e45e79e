"""How one meter wants to be spoken to: time-outs with the standard's values, and what field meters do differently.

Decides nothing by itself; every row of what readers in the field complain about has its option here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wire.meter.iec62056.messages import SIGN_ON_SPEED, Command, DataMessage, Identification, ProtocolMode
from wire.meter.iec62056.receiver import MAXIMUM_MESSAGE

REACTION_SECONDS: Final = 2.2
"""tr: a meter answers within 1.5 s; readers in the field wait up to 2.2 s before they give up."""
GAP_SECONDS: Final = 1.5
"""ta: longest pause between two characters of a message."""
REPEATS: Final = 3
"""Requests for one damaged message; the standard leaves the number to the implementation."""
MAXIMUM_TOTAL: Final = 4 * 1024 * 1024
"""Octets of all partial blocks of one answer."""
MAXIMUM_BLOCKS: Final = 16_384
"""Partial blocks of one answer, so that a meter cannot go on for ever with empty ones."""
BATTERY_WAKE_UP_SECONDS: Final = 2.2
BATTERY_PAUSE_SECONDS: Final = 1.6
"""NULs for 2.1 to 2.3 s at 300 baud, then 1.5 to 1.7 s of silence, wake a battery meter."""
FEW_NULS: Final = 8
"""What an MT83x wants on an electrical port without a change of speed: it takes its first character for 300 baud."""


class WakeUp(StrEnum):
    """What is sent before the request."""

    NONE = "none"
    BATTERY = "battery"
    FEW_NULS = "few-nuls"


class BlockCheckPolicy(StrEnum):
    """What becomes of a read-out whose check character is missing or wrong."""

    REQUIRE = "require"
    ACCEPT_MISSING = "accept-missing"
    REPORT = "report"
    """Return it with what was found, for looking at meters; the gateway does not use it."""


class FailureReason(StrEnum):
    """Why a conversation ended without a result."""

    NO_ANSWER = "no-answer"
    SILENCE = "silence"
    BLOCK_CHECK = "block-check"
    METER_ERROR = "meter-error"
    METER_REFUSED = "meter-refused"
    GRAMMAR = "grammar"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """How to speak with one meter. Seconds and baud; ``fixed_speed`` means that nobody changes speed.

    ``ignore_announced_speed`` keeps the sign-on speed whatever the meter announces. ``commands`` non-empty enters
    programming mode and asks these one after the other; empty is the plain read-out.
    """

    address: str = ""
    mode: ProtocolMode | None = None
    sign_on_speed: int = SIGN_ON_SPEED
    fixed_speed: int | None = None
    switch_delay_seconds: float = 0.0
    ignore_announced_speed: bool = False
    block_check: BlockCheckPolicy = BlockCheckPolicy.REQUIRE
    wake_up: WakeUp = WakeUp.NONE
    requests: int = REPEATS
    repeats: int = REPEATS
    reaction_seconds: float = REACTION_SECONDS
    gap_seconds: float = GAP_SECONDS
    answer_after_seconds: float | None = None
    """Pause before one's own answers; None takes what the identification asks for."""
    maximum_message: int = MAXIMUM_MESSAGE
    option: str | None = None
    """Character of the option select; None takes 1 (programming) where there are commands, else 0 (read-out)."""
    commands: tuple[Command, ...] = ()
    password: str | None = None


@dataclass(frozen=True, slots=True)
class ReaderResult:
    """What was read: the read-out (``messages`` has one), or one message a command; partial blocks are joined."""

    identification: Identification | None
    messages: tuple[DataMessage, ...]
