"""Which certificates near their end, early enough for the administrator to renew them.

Decides how early is early: 30 days. It looks at the gateway's own certificates, at the administrator's and at those of
every party, writes down each that is near its end, and renews nothing itself. One entry is one alarm a day
(``smgw/store/notifications.py``).
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from pki.certificates import load_certificate
from pki.errors import CertificateError
from smgw.identity import Identity
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet
from wire.instant import format_instant

EARLY: Final = timedelta(days=30)
"""How long before its end a certificate is an alarm: a renewal needs one tunnel, and people who are on holiday."""
LOOK_EVERY: Final = timedelta(hours=6)


class CertificateWatch:
    """Looks now and then; only its own thread calls it."""

    def __init__(self, identity: Callable[[], Identity], profiles: Callable[[], ProfileSet], log: SystemLog) -> None:
        """Everything of this moment."""
        self._identity = identity
        self._profiles = profiles
        self._log = log
        self._looked_at: datetime | None = None

    def look(self, at: datetime) -> None:
        """Look, unless that was done a short while ago. Raises StoreError."""
        if self._looked_at is not None and abs(at - self._looked_at) < LOOK_EVERY:
            return
        for subject, purpose, end in self._ends():
            if end - at < EARLY:
                self._log.record(
                    Event.CERTIFICATE_EXPIRING,
                    subject,
                    Outcome.FAILURE,
                    at=at,
                    purpose=purpose,
                    valid_until=format_instant(end),
                )
        self._looked_at = at

    def _ends(self) -> Iterator[tuple[str, str, datetime]]:
        """Subject, purpose and end of each certificate that something rests on."""
        identity, profiles = self._identity(), self._profiles()
        for purpose, verified in identity.certificates.by_purpose.items():
            yield identity.gateway.text, purpose.value, verified.certificate.not_valid_after_utc
        for administrator in profiles.administrators.values():
            yield from _end(administrator.id, "TLS", administrator.tls_certificate)
            yield from _end(administrator.id, "SIG", administrator.signature_certificate)
        for party in profiles.communications.values():
            yield from _end(party.id, "TLS", party.tls_certificate)
            yield from _end(party.id, "ENC", party.encryption_certificate)


def _end(subject: str, purpose: str, der: bytes) -> Iterator[tuple[str, str, datetime]]:
    try:
        yield subject, purpose, load_certificate(der).not_valid_after_utc
    except CertificateError:
        return  # what cannot be read is refused where it is used, and logged there
