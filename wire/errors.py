"""What a format may say when it refuses its input.

Every parser in ``wire`` lets exactly one error class escape, a child of :class:`WireError`; nothing else, whatever the
bytes. Bad data is a ``WireError``; calling an object in the wrong order is a ``RuntimeError``.
"""


class WireError(ValueError):
    """Base of every refusal by a format; never raised itself."""


class ObisError(WireError):
    """Not an OBIS code (IEC 62056-61)."""


class ReadingError(WireError):
    """Not a device identification, register, unit or reading."""


class Iec62056Error(WireError):
    """Bytes of a meter that break IEC 62056-21."""


class ContentError(WireError):
    """Not a COSEM/XML content document of ours, or outside its bounds."""


class CanonicalJsonError(WireError):
    """Not the one canonical JSON form of a document, or outside its bounds."""


class ProfileError(WireError):
    """Not a profile of any kind."""


class HttpError(WireError):
    """The peer broke HTTP/1.1 or a bound on it."""


class WakeUpError(WireError):
    """Not a wake-up datagram."""


class OrderError(WireError):
    """Not an order of the administrator, or not the reply to one."""


class FirmwareError(WireError):
    """Not the manifest of a firmware package, or not a version."""


class NotificationError(WireError):
    """Not a notification of a gateway."""


class RelayError(WireError):
    """Not a pseudonymous delivery on its way to the administrator, or one beyond its bounds."""


class NtpError(WireError):
    """Not an NTP packet, or a reply that cannot be measured by."""


class Ar2418Error(WireError):
    """Not a file in the form of VDE AR 2418-6, or one beyond its bounds."""
