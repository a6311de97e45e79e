"""Whose connections may stay open while nothing is said on them.

Every request is verified anew (``ingest`` step 1), but a tunnel that rests between two deliveries asks nothing. Decides
when the resting ones are looked at, and which must end: those whose certificate would be refused if it asked now.
Trouble that is ours (stale revocation lists, files that cannot be read) cuts nobody off: a request would be told 503.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from datacenter.errors import ConfigError, RefusalReason, RefusedError
from datacenter.ingest import admit
from datacenter.trust import Ground, Grounds
from pki.certificates import load_certificate
from pki.errors import CertificateError

LOOK_SECONDS = 1.0
"""How often somebody asks whether anything changed; the trust files themselves are looked at as often."""
ROUND_SECONDS = 60.0
"""Without a change only time ends a certificate, and that is noticed within this; its requests are refused at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One look at everybody who rests; who was judged in it needs no second look (compare with ``is``)."""

    ground: Ground
    begun: float


class Door:
    """Decides about resting connections; thread-safe."""

    def __init__(self, trust: Grounds, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """``clock`` gives aware UTC; ``monotonic`` seconds."""
        self._trust = trust
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._asked = monotonic()
        self._round: Round | None = None

    def due(self) -> bool:
        """Whether to ask for :meth:`round` again; costs nothing, for a loop that turns at every event."""
        now = self._monotonic()
        with self._lock:
            if now - self._asked < LOOK_SECONDS:
                return False
            self._asked = now
            return True

    def round(self) -> Round | None:
        """The round of now: another one after every change of the trust files, and after ROUND_SECONDS without.

        None while the files cannot be read: then nobody is judged.
        """
        try:
            ground = self._trust.current()
        except ConfigError as error:
            _log.error("resting connections are not judged: %s", error)
            return None
        now = self._monotonic()
        with self._lock:
            known = self._round
            if known is None or ground is not known.ground or now - known.begun >= ROUND_SECONDS:
                known = self._round = Round(ground, now)
            return known

    def refuses(self, shown: bytes, ground: Ground) -> bool:
        """Whether the connection of this certificate (DER) must end."""
        try:
            admit(load_certificate(shown), ground, self._clock())
        except CertificateError as error:
            _log.warning("a resting connection ends: %s", error.reason.value)
            return True
        except RefusedError as refused:
            if refused.reason is not RefusalReason.TUNNEL_CERTIFICATE:
                return False
            _log.warning("a resting connection of %s ends: %s", refused.gateway or "nobody registered", refused.detail)
            return True
        return False
