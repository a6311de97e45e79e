"""What can happen to a gateway, by name, and how it came out: the words that logs, notifications and verifiers share.

Decides the names and nothing else.
"""

from enum import IntEnum, StrEnum


class Event(StrEnum):
    """What can happen. The certified devices' numbers are not public for all of them, so names stand here."""

    GATEWAY_STARTED = "GATEWAY_STARTED"
    GATEWAY_STOPPED = "GATEWAY_STOPPED"
    LINE_STATE = "LINE_STATE"
    METER_STATE = "METER_STATE"
    TELEGRAM_REFUSED = "TELEGRAM_REFUSED"
    READING_REFUSED = "READING_REFUSED"
    ACCESS_REFUSED = "ACCESS_REFUSED"
    PROFILE_IMPORTED = "PROFILE_IMPORTED"
    PROFILE_REFUSED = "PROFILE_REFUSED"
    DELIVERY_ACKNOWLEDGED = "DELIVERY_ACKNOWLEDGED"
    DELIVERY_DEFERRED = "DELIVERY_DEFERRED"
    DELIVERY_SET_ASIDE = "DELIVERY_SET_ASIDE"
    STORE_FAILED = "STORE_FAILED"
    CLOCK_JUMPED = "CLOCK_JUMPED"
    WAKE_UP_ACCEPTED = "WAKE_UP_ACCEPTED"
    WAKE_UP_REFUSED = "WAKE_UP_REFUSED"
    WAKE_UP_IGNORED = "WAKE_UP_IGNORED"
    TUNNEL_OPENED = "TUNNEL_OPENED"
    TUNNEL_ENDED = "TUNNEL_ENDED"
    TUNNEL_FAILED = "TUNNEL_FAILED"
    ORDER_DONE = "ORDER_DONE"
    ORDER_REFUSED = "ORDER_REFUSED"
    ADMINISTRATOR_REFUSED = "ADMINISTRATOR_REFUSED"
    """The administrator asked for what it may not have."""
    PROFILE_INSTALLED = "PROFILE_INSTALLED"
    PROFILE_WITHDRAWN = "PROFILE_WITHDRAWN"
    KEYS_GENERATED = "KEYS_GENERATED"
    CERTIFICATES_INSTALLED = "CERTIFICATES_INSTALLED"
    KEYS_DESTROYED = "KEYS_DESTROYED"
    REVOCATION_LISTS_INSTALLED = "REVOCATION_LISTS_INSTALLED"
    RETENTION_SET = "RETENTION_SET"
    DATA_ERASED = "DATA_ERASED"
    """What was old, or belonged to a contract that ended, is no longer there; the subject says of what kind."""
    CLOCK_SYNCHRONISED = "CLOCK_SYNCHRONISED"
    CLOCK_DEVIATION = "CLOCK_DEVIATION"
    CLOCK_SET = "CLOCK_SET"
    """The administrator ordered the clock to be right."""
    SECURE_STATE = "SECURE_STATE"
    SELF_TEST = "SELF_TEST"
    FIRMWARE_STORED = "FIRMWARE_STORED"
    FIRMWARE_REFUSED = "FIRMWARE_REFUSED"
    FIRMWARE_ACTIVATED = "FIRMWARE_ACTIVATED"
    FIRMWARE_ROLLED_BACK = "FIRMWARE_ROLLED_BACK"
    NOTIFICATION_SENT = "NOTIFICATION_SENT"
    CERTIFICATE_EXPIRING = "CERTIFICATE_EXPIRING"
    CONSUMER_ACCESS = "CONSUMER_ACCESS"
    """A consumer asked for what is hers; it stands in her own log alone."""
    CONSUMER_LOGIN = "CONSUMER_LOGIN"
    """Somebody came in by a consumer's account, or was not let in; it stands in her own log alone."""
    TECHNICIAN_LOGIN = "TECHNICIAN_LOGIN"
    LOGIN_REFUSED = "LOGIN_REFUSED"
    """Somebody tried a name or a certificate that nobody has; which one is told to nobody."""
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - a name
    """A consumer gave herself another password."""
    CALIBRATION_LOG_FILLING = "CALIBRATION_LOG_FILLING"
    CALIBRATION_LOG_FULL = "CALIBRATION_LOG_FULL"
    LOG_ALTERED = "LOG_ALTERED"
    """A log is not what was written: it is not signed any more."""
    FIREWALL_APPLIED = "FIREWALL_APPLIED"
    """The rules were handed to the kernel; as a failure: they do not stand there."""
    PAGE_SERVED = "PAGE_SERVED"
    """The page for the home area network is served; as a failure: it is not any more."""


def event_named(name: str) -> Event:
    """The event of that name; of one that a newer gateway knows its name is all that there is."""
    if name in Event.__members__:
        return Event(name)
    event = str.__new__(Event, name)
    event._name_ = event._value_ = name
    return event


class Log(StrEnum):
    """The three logs (System-Log, Letztverbraucher-Log, eichtechnisches Log; TR-03109-1)."""

    SYSTEM = "system"
    CONSUMER = "consumer"
    CALIBRATION = "calibration"


class Level(IntEnum):
    """How grave an entry is, by the numbers of the log schema."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    FATAL = 4
    EXTENSION = 5
    """It continues another entry: that it happened again."""


class Outcome(IntEnum):
    """Result of an event, by the numbers of the log schema."""

    SUCCESS = 0
    FAILURE = 1
    EXTENSION = 2
