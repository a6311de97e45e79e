"""What each event is: its number, how grave it is, in which logs it stands and what may be told of it there.

Decides the routing: a caller names an event once, and this table says where it is written (PP-0073 FAU_GEN.1/SYS,
FAU_GEN.1/CON, FAU_GEN.1/CAL). An event stands in the system log unless the table says otherwise, and nowhere else
unless the table says so. What concerns a person stands in her log alone: the system log is read by people who run
devices (OSP.Log), so parameters that this table calls private never come into it or into the calibration log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from smgw.store.events import Event, Level, Log, Outcome
from wire.canonical_json import INTEGER_BOUND

VENDOR_BSI: Final = "BSI"
VENDOR: Final = "OPEN"
"""Whose numbers these are. Three of the BSI's are public; all others are our own (docs/deviations.md)."""
_OWN_NUMBERS: Final = 50_000
LONGEST_TEXT: Final = 512
"""Characters of a subject, a user or a parameter; a sentence about a refusal has 200."""


class Audience(StrEnum):
    """Whose consumer log tells an event, where the caller does not say it."""

    NOBODY = "nobody"
    SUBJECT = "subject"
    """The consumers whom the subject concerns: those of a meter or of an evaluation profile."""
    EVERYBODY = "everybody"


class Actor(StrEnum):
    """Who is behind an event, where the caller does not name somebody (FAU_GEN.2)."""

    GATEWAY = "gateway"
    ADMINISTRATOR = "administrator"
    UNKNOWN = "unknown"
    """Somebody outside who did not prove who he is."""


_NEVER: Final[frozenset[Outcome]] = frozenset()
_FAILURE: Final = frozenset({Outcome.FAILURE})
_ALWAYS: Final = frozenset({Outcome.SUCCESS, Outcome.FAILURE})


@dataclass(frozen=True, slots=True)
class Kind:
    """One event."""

    number: int
    """``event_id``; the sub id is the outcome."""
    parameters: frozenset[str] = frozenset()
    """What callers tell of it; ``private`` is among them. The texts name no others (``smgw/logs/texts.py``)."""
    failure: Level = Level.WARNING
    """Level of a failure; what came out well is INFO."""
    system: bool = True
    calibration: frozenset[Outcome] = _NEVER
    """With which outcomes it stands in the calibration log."""
    counted: bool = False
    """Whether it is counted in the calibration log: what a meter, a line or a fault can cause without end."""
    consumer: frozenset[Outcome] = _NEVER
    audience: Audience = Audience.NOBODY
    actor: Actor = Actor.GATEWAY
    private: frozenset[str] = frozenset()
    """Parameters that stand in the consumer log alone."""
    vendor: str = VENDOR

    def logs(self, outcome: Outcome) -> tuple[Log, ...]:
        """In which logs it stands with ``outcome``."""
        return (
            *((Log.SYSTEM,) if self.system else ()),
            *((Log.CALIBRATION,) if outcome in self.calibration else ()),
            *((Log.CONSUMER,) if outcome in self.consumer else ()),
        )

    def level(self, outcome: Outcome) -> Level:
        """How grave it is with ``outcome``."""
        return self.failure if outcome is Outcome.FAILURE else Level.INFO


def _own(offset: int, names: str = "", **members: object) -> Kind:
    return Kind(_OWN_NUMBERS + offset, frozenset(names.split()), **members)  # type: ignore[arg-type]  # named below


_ADMINISTERED: Final = {"actor": Actor.ADMINISTRATOR}
_MEASURING: Final = {"calibration": _ALWAYS, "consumer": _ALWAYS}
_TO_ALL: Final = {"audience": Audience.EVERYBODY}
_TO_CONCERNED: Final = {"audience": Audience.SUBJECT}

KINDS: Final[Mapping[Event, Kind]] = MappingProxyType(
    {
        # The gateway itself.
        Event.GATEWAY_STARTED: _own(1, "deviation"),
        Event.GATEWAY_STOPPED: _own(2),
        Event.STORE_FAILED: _own(3, "reason cause", failure=Level.ERROR),
        Event.SELF_TEST: _own(
            4, "failed", failure=Level.ERROR, calibration=_FAILURE, counted=True, consumer=_ALWAYS, **_TO_ALL
        ),
        # Counted: what comes and goes every few seconds must not fill the log that stops operation when it is full.
        Event.SECURE_STATE: _own(
            5, "state condition detail", failure=Level.ERROR, counted=True, **_MEASURING, **_TO_ALL
        ),
        Event.CALIBRATION_LOG_FILLING: _own(6, "percent"),
        Event.CALIBRATION_LOG_FULL: Kind(
            10_260,
            frozenset({"capacity"}),
            failure=Level.FATAL,
            calibration=_FAILURE,
            consumer=_FAILURE,
            audience=Audience.EVERYBODY,
            vendor=VENDOR_BSI,
        ),
        Event.LOG_ALTERED: _own(7, "reason", failure=Level.FATAL),
        Event.CERTIFICATE_EXPIRING: _own(8, "purpose valid_until"),
        Event.FIREWALL_APPLIED: _own(9, "cause destinations reason", failure=Level.ERROR),
        Event.PAGE_SERVED: _own(10, "reason"),
        # Lines and meters.
        Event.LINE_STATE: _own(20, "state kind"),
        Event.METER_STATE: _own(21, "reason", calibration=_FAILURE, counted=True, consumer=_ALWAYS, **_TO_CONCERNED),
        Event.TELEGRAM_REFUSED: _own(22, "reason", consumer=_FAILURE, **_TO_CONCERNED),
        Event.READING_REFUSED: _own(
            23, "reason register cause", calibration=_FAILURE, counted=True, consumer=_FAILURE, **_TO_CONCERNED
        ),
        # What leaves.
        Event.DELIVERY_ACKNOWLEDGED: Kind(
            16_001,
            frozenset({"party", "sequence", "values", "period_begin", "period_end"}),
            consumer=_ALWAYS,
            audience=Audience.SUBJECT,
            private=frozenset({"sequence", "values", "period_begin", "period_end"}),
            vendor=VENDOR_BSI,
        ),
        Event.DELIVERY_DEFERRED: _own(31, "party reason"),
        Event.DELIVERY_SET_ASIDE: _own(
            32, "party sequence reason arrived", failure=Level.ERROR, consumer=_FAILURE, **_TO_CONCERNED
        ),
        Event.ACCESS_REFUSED: _own(33, "reason profile meter"),
        Event.CONSUMER_ACCESS: _own(34, "what reason", system=False, consumer=_ALWAYS, **_TO_CONCERNED),
        # Who comes in; the door says whose log tells it.
        Event.CONSUMER_LOGIN: _own(35, "how reason until", system=False, consumer=_ALWAYS, **_TO_CONCERNED),
        Event.TECHNICIAN_LOGIN: _own(36, "how reason until"),
        Event.LOGIN_REFUSED: _own(37, actor=Actor.UNKNOWN),
        Event.PASSWORD_CHANGED: _own(38, system=False, consumer=_ALWAYS, **_TO_CONCERNED),
        # Profiles.
        Event.PROFILE_IMPORTED: _own(40, "kind version"),
        Event.PROFILE_REFUSED: _own(41, "reason sentence", failure=Level.ERROR),
        Event.PROFILE_INSTALLED: _own(42, "kind version", **_MEASURING, **_TO_CONCERNED, **_ADMINISTERED),
        Event.PROFILE_WITHDRAWN: _own(43, "kind version", **_MEASURING, **_TO_CONCERNED, **_ADMINISTERED),
        Event.RETENTION_SET: _own(44, "readings_days system_log_days", consumer=_ALWAYS, **_TO_ALL, **_ADMINISTERED),
        Event.DATA_ERASED: _own(45),
        # The administrator.
        Event.WAKE_UP_ACCEPTED: _own(50, **_ADMINISTERED),
        Event.WAKE_UP_REFUSED: _own(51, "reason cause", actor=Actor.UNKNOWN),
        Event.WAKE_UP_IGNORED: _own(52, "reason", **_ADMINISTERED),
        Event.TUNNEL_OPENED: _own(53, "profile", **_ADMINISTERED),
        Event.TUNNEL_ENDED: _own(54, "reason"),
        Event.TUNNEL_FAILED: _own(55, "reason"),
        Event.ORDER_DONE: _own(56, "sequence", **_ADMINISTERED),
        Event.ORDER_REFUSED: _own(57, "sequence reason", **_ADMINISTERED),
        Event.ADMINISTRATOR_REFUSED: _own(58, "reason", **_ADMINISTERED),
        Event.NOTIFICATION_SENT: _own(59, "told reason"),
        # Keys and certificates.
        Event.KEYS_GENERATED: _own(60, "generation", **_ADMINISTERED),
        Event.CERTIFICATES_INSTALLED: _own(61, "generation", **_ADMINISTERED),
        Event.KEYS_DESTROYED: _own(62, "generation", failure=Level.ERROR),
        Event.REVOCATION_LISTS_INSTALLED: _own(63, "number revoked", **_ADMINISTERED),
        # The time.
        Event.CLOCK_SYNCHRONISED: _own(70, "corrected reason"),
        Event.CLOCK_DEVIATION: _own(
            71, "deviation_milliseconds tolerance_milliseconds", failure=Level.ERROR, **_MEASURING, **_TO_ALL
        ),
        Event.CLOCK_SET: _own(72, "before after deviation_milliseconds", **_MEASURING, **_TO_ALL, **_ADMINISTERED),
        Event.CLOCK_JUMPED: _own(73, "direction at_least_seconds", consumer=_FAILURE, **_TO_ALL),
        # The program.
        Event.FIRMWARE_STORED: _own(80, "reason", calibration=_ALWAYS, **_ADMINISTERED),
        Event.FIRMWARE_REFUSED: _own(81, "package reason", failure=Level.ERROR, calibration=_ALWAYS, **_ADMINISTERED),
        Event.FIRMWARE_ACTIVATED: _own(82, "reason", **_MEASURING, **_TO_ALL, **_ADMINISTERED),
        Event.FIRMWARE_ROLLED_BACK: _own(83, "reason", failure=Level.ERROR, **_MEASURING, **_TO_ALL),
    }
)
"""Every event; a test holds it to that."""

DURING_STOP: Final = frozenset(
    {
        Event.CALIBRATION_LOG_FULL,
        Event.SECURE_STATE,
        Event.SELF_TEST,
        Event.CLOCK_DEVIATION,
        Event.CLOCK_SET,
        Event.FIRMWARE_STORED,
        Event.FIRMWARE_ACTIVATED,
        Event.FIRMWARE_ROLLED_BACK,
    }
)
"""What the calibration log still takes when it is full: why operation stopped, what else is wrong, or the administrator
would not be told of it, and what may still be done then: the clock, without which nobody could administer the gateway
any more, and the program (FAU_STG.4/CAL)."""

_UNKNOWN: Final = Kind(_OWN_NUMBERS)


def kind_of(event: Event) -> Kind:
    """What ``event`` is; one that the table forgot stands in the system log alone."""
    return KINDS.get(event, _UNKNOWN)


def told(event: Event, log: Log, parameters: Mapping[str, str | int]) -> dict[str, str | int]:
    """The parameters that may stand in ``log``: what the event's row does not name stands in none (OSP.Log).

    None is too long for an entry.
    """
    kind = kind_of(event)
    named = kind.parameters if log is Log.CONSUMER else kind.parameters - kind.private
    return {name: kept(value) for name, value in parameters.items() if name in named}


def kept(value: str | int) -> str | int:
    """What an entry can hold of ``value``: no text is so long or so strange that the event could not be written."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")
    return value if abs(value) <= INTEGER_BOUND else str(value)[:LONGEST_TEXT]
