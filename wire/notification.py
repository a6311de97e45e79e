"""A notification: what a gateway tells its administrator unasked (TR-03109-1, ADMIN-SERVICE; FAU_ARP.1/SYS).

Decides its one canonical form and its bounds. A notification repeats an entry of the gateway's logs: identifications,
counts and reasons, never a consumption value.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from wire.canonical_json import INTEGER_BOUND, JsonObject
from wire.errors import NotificationError, ProfileError
from wire.profiles import document, fields
from wire.reading import DeviceId

MAXIMUM_PARAMETERS = 32
MAXIMUM_TEXT = 512
"""The longest reason that a log keeps, with room to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification (Alarmierung und Benachrichtigung).

    ``number`` counts up by one for each notification of a gateway, so that a gap or a repetition shows; ``event``,
    ``outcome``, ``subject`` and ``parameters`` are those of the log entry. ``at`` is when it happened.
    """

    KIND: ClassVar[str] = "notification"

    gateway: DeviceId
    number: int
    event: str
    outcome: str
    subject: str
    at: datetime
    parameters: dict[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every field. Raises NotificationError."""
        with document.refusing(NotificationError):
            fields.require_member("gateway", self.gateway, DeviceId)
            fields.require_range("number", self.number, 1, INTEGER_BOUND)
            fields.require_identifier("event", self.event)
            fields.require_identifier("outcome", self.outcome)
            fields.require_text("subject", self.subject, MAXIMUM_TEXT)
            document.instant(self.at)
            fields.require_member("parameters", self.parameters, dict)
            if len(self.parameters) > MAXIMUM_PARAMETERS:
                raise ProfileError(f"parameters has more than {MAXIMUM_PARAMETERS} members")
            for name, value in self.parameters.items():
                fields.require_identifier("a name of parameters", name)
                _require_parameter(f"parameters.{name}", value)

    def to_bytes(self) -> bytes:
        """Canonical JSON. Raises NotificationError."""
        with document.refusing(NotificationError):
            return document.write(
                {
                    "kind": self.KIND,
                    "gateway": self.gateway.text,
                    "number": self.number,
                    "event": self.event,
                    "outcome": self.outcome,
                    "subject": self.subject,
                    "at": document.instant(self.at),
                    "parameters": dict(self.parameters),
                }
            )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises NotificationError."""
        with document.refusing(NotificationError):
            taken = document.Fields(document.read(data))
            document.require_kind(taken, cls.KIND)
            notification = cls(
                gateway=taken.device("gateway"),
                number=taken.integer("number"),
                event=taken.text("event"),
                outcome=taken.text("outcome"),
                subject=taken.text("subject"),
                at=taken.instant("at"),
                parameters=_parameters(taken.members("parameters")),
            )
            taken.finish()
        return notification


def _parameters(members: JsonObject) -> dict[str, str | int]:
    found = {name: value for name, value in members.items() if isinstance(value, str | int)}
    if len(found) != len(members):
        raise ProfileError("parameters holds something that is neither a text nor an integer")
    return found


def _require_parameter(field_name: str, value: str | int) -> None:
    if isinstance(value, str):
        fields.require_text(field_name, value, MAXIMUM_TEXT)
    else:
        fields.require_range(field_name, value, -INTEGER_BOUND, INTEGER_BOUND)
