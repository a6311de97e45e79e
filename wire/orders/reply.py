"""The reply to an order: done or refused, with the reason, and nothing in between.

Decides the one canonical form. A reply is not signed: it goes back through the tunnel that the order came in by, whose
ends are both authenticated.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Self

from wire.canonical_json import INTEGER_BOUND, JsonObject
from wire.errors import OrderError, ProfileError
from wire.profiles import document, fields

MAXIMUM_SENTENCE = 512
"""Characters of a sentence for people."""


class ReplyOutcome(StrEnum):
    """What became of an order."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a gateway says to an order.

    ``sequence`` is the order's, or 0 where the order could not be read. A refusal names its ``reason`` out of a short
    list, for programs, and a ``sentence`` for people; ``result`` is what a command gives back.
    """

    KIND: ClassVar[str] = "reply"

    sequence: int
    outcome: ReplyOutcome
    reason: str = ""
    sentence: str = ""
    result: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_range("sequence", self.sequence, 0, INTEGER_BOUND)
            fields.require_member("outcome", self.outcome, ReplyOutcome)
            fields.require_text("sentence", self.sentence, MAXIMUM_SENTENCE)
            fields.require_member("result", self.result, dict)
            if self.outcome is ReplyOutcome.REFUSED:
                fields.require_identifier("reason", self.reason)
                if self.result:
                    raise ProfileError("a refusal gives nothing back")
            elif self.reason != "":
                raise ProfileError("what is done needs no reason")

    @classmethod
    def refusal(cls, sequence: int, reason: str, sentence: str) -> Self:
        """A refusal whose sentence may hold anything: it is cut and cleaned, so that refusing cannot fail over it."""
        shown = "".join(character if character.isprintable() else "?" for character in sentence[:MAXIMUM_SENTENCE])
        return cls(sequence, ReplyOutcome.REFUSED, reason, shown)

    def to_bytes(self) -> bytes:
        """Canonical JSON. Raises OrderError for a result that the form cannot hold."""
        with document.refusing(OrderError):
            return document.write(
                {
                    "kind": self.KIND,
                    "sequence": self.sequence,
                    "outcome": self.outcome.value,
                    "reason": self.reason,
                    "sentence": self.sentence,
                    "result": self.result,
                }
            )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises OrderError."""
        with document.refusing(OrderError):
            taken = document.Fields(document.read(data))
            document.require_kind(taken, cls.KIND)
            reply = cls(
                sequence=taken.integer("sequence"),
                outcome=taken.choice("outcome", ReplyOutcome),
                reason=taken.text("reason"),
                sentence=taken.text("sentence"),
                result=taken.members("result"),
            )
            taken.finish()
        return reply
