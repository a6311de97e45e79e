"""What carrying out an order comes to: done, with what follows from it, or refused with nothing changed.

Decides the contract between the desk and the handlers of commands. A handler is called with the command and the moment;
it either did everything and returns :class:`Done`, or raises :class:`CommandRefusedError` and changed nothing. There is
no third outcome for it: whatever else it lets escape is a fault of the gateway, and the administrator learns no more
than that there was one (``desk.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import TypeAlias, TypeVar

from wire.canonical_json import JsonObject

C = TypeVar("C")


class FollowUp(Enum):
    """What the gateway does once the answer to an order has been sent, or was sent in vain."""

    NOTHING = "nothing"
    END_TUNNEL = "end-tunnel"
    """The order was to end the tunnel, or took away what the tunnel rests on."""
    RESTART = "restart"
    """The process ends in order and is started again; the tunnel ends with it."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out; ``result`` is for the administrator and never holds a consumption value."""

    result: JsonObject = field(default_factory=dict)
    then: FollowUp = FollowUp.NOTHING


class CommandRefusedError(Exception):
    """A command is refused, and nothing was changed; ``reason`` is a member of the handler's own enumeration."""

    def __init__(self, reason: StrEnum, sentence: str) -> None:
        """A reason for programs and a sentence for people; both travel to the administrator, so no secrets in it."""
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


Handler: TypeAlias = Callable[[C, datetime], Done]
"""Carries out one kind of command at one moment. Raises CommandRefusedError."""
