"""What a conversation wants done to its line; the port carries it out in order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Send:
    """Write these characters (parity is the port's business) after a pause of ``after`` seconds of silence."""

    characters: bytes
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class ChangeSpeed:
    """Change to ``baud`` when everything sent has left the line, and ``after`` seconds later."""

    baud: int
    after: float = 0.0


Effect = Send | ChangeSpeed
