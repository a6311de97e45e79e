"""Which certificates near their end, early enough for the administrator to renew them.

Decides how early is early: 30 days. It looks at the gateway's own certificates, at the administrator's and at those of
every party, writes down each that is near its end, and renews nothing itself. One entry is one alarm a day
(``smgw/store/notifications.py``).

Revocation lists are looked at as well: without a current one nobody is believed, the administrator's call included, and
a gateway fetches none (TR-03109-4). Whoever does not bring the next list in time has to come with it in person.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from pki.certificates import TrustStore, load_certificate
from pki.errors import CertificateError
from smgw.identity import Identity
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet
from wire.instant import format_instant

EARLY: Final = timedelta(days=30)
"""How long before its end a certificate is an alarm: a renewal needs one tunnel, and people who are on holiday."""
EARLY_LIST: Final = timedelta(days=2)
"""The same for a revocation list, or a third of its life where that is less: lists live for days, and the next one is
there long before."""
LOOK_EVERY: Final = timedelta(hours=6)

MAXIMUM_NAME: Final = 100
"""Characters of an authority's name in the log."""
_End = tuple[str, str, datetime, timedelta]
"""Subject, purpose, end, and how long before the end is early."""


class CertificateWatch:
    """Looks now and then; only its own thread calls it."""

    def __init__(
        self,
        identity: Callable[[], Identity],
        profiles: Callable[[], ProfileSet],
        log: SystemLog,
        trust: Callable[[], TrustStore],
    ) -> None:
        """``identity``, ``profiles`` and ``trust`` give what there is at that moment."""
        self._trust = trust
        self._identity = identity
        self._profiles = profiles
        self._log = log
        self._looked_at: datetime | None = None

    def look(self, at: datetime) -> None:
        """Look, unless that was done a short while ago. Raises StoreError."""
        if self._looked_at is not None and abs(at - self._looked_at) < LOOK_EVERY:
            return
        for subject, purpose, end, early in chain(self._ends(), self._lists()):
            if end - at < early:
                self._log.record(
                    Event.CERTIFICATE_EXPIRING,
                    subject,
                    Outcome.FAILURE,
                    at=at,
                    purpose=purpose,
                    valid_until=format_instant(end),
                )
        self._looked_at = at

    def _lists(self) -> Iterator[_End]:
        """Authority and end of the newest revocation list of each."""
        newest: dict[str, _End] = {}
        for crl in self._trust().crls:
            begin, end, authority = crl.last_update_utc, crl.next_update_utc, crl.issuer.rfc4514_string()[:MAXIMUM_NAME]
            if end is not None and (authority not in newest or newest[authority][2] < end):
                newest[authority] = (authority, "CRL", end, min(EARLY_LIST, (end - begin) / 3))
        yield from newest.values()

    def _ends(self) -> Iterator[_End]:
        """Subject, purpose and end of each certificate that something rests on."""
        identity, profiles = self._identity(), self._profiles()
        for purpose, verified in identity.certificates.by_purpose.items():
            yield identity.gateway.text, purpose.value, verified.certificate.not_valid_after_utc, EARLY
        for administrator in profiles.administrators.values():
            yield from _end(administrator.id, "TLS", administrator.tls_certificate)
            yield from _end(administrator.id, "SIG", administrator.signature_certificate)
        for party in profiles.communications.values():
            yield from _end(party.id, "TLS", party.tls_certificate)
            yield from _end(party.id, "ENC", party.encryption_certificate)


def _end(subject: str, purpose: str, der: bytes) -> Iterator[_End]:
    try:
        yield subject, purpose, load_certificate(der).not_valid_after_utc, EARLY
    except CertificateError:
        return  # what cannot be read is refused where it is used, and logged there
