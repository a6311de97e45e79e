"""The tunnel that a sender keeps: from its handshake to whichever of its ends comes first.

Decides when a kept tunnel is cut: with its session time, with its party, when its address, its pin or our own keys
changed, and when the certificate at its other end is good no more. The last is looked at whenever somebody brought
other revocation lists and at least every minute, because a tunnel that is kept open outlives the moment at which its
peer was believed (TR-03109-1; TR-03116-3 section 4: 48 h at most). It decides nothing about what goes through.
PP-0073: FIA_UAU.6.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, load_certificate
from pki.errors import CertificateError, TunnelError, TunnelReason
from pki.tunnel import Tunnel, TunnelBackend, TunnelPeer
from smgw.wan.exchange import Deferral, DeferredError
from wire.http import HttpClient
from wire.profiles import CommunicationProfile

HANDSHAKE_TIMEOUT = 30.0
"""Seconds for dialling and the handshake; a token signs in milliseconds, a bad line needs seconds."""
VERIFY_SECONDS = 60.0
"""How long a peer is believed without another look at its certificate."""


@dataclass(slots=True)
class Session:
    """One open tunnel and where it leads (host, port, pin); times by the monotonic clock."""

    tunnel: Tunnel
    client: HttpClient
    leads_to: tuple[str, int, str]
    opened: float
    verified: float
    verified_by: TrustStore
    ours: x509.Certificate
    used: bool = False


@dataclass(slots=True)
class KeptTunnel:
    """The one tunnel of a sender, if there is one; only the sender's thread calls it."""

    backend: TunnelBackend
    monotonic: Callable[[], float]
    session: Session | None = field(default=None, init=False)

    def opened(
        self,
        communication: CommunicationProfile,
        verified: VerifiedCertificate,
        trust: TrustStore,
        ours: x509.Certificate,
    ) -> Session:
        """The session, or a new one to the certificate that ``trust`` verified just now. Raises DeferredError.

        ``ours`` is any certificate of our generation of keys: all of one generation come and go together.
        """
        if self.session is None:
            peer = TunnelPeer(communication.host, communication.port, verified.certificate)
            try:
                tunnel = self.backend.open(peer, timeout=HANDSHAKE_TIMEOUT)
            except TunnelError as error:
                wrong = error.reason is TunnelReason.PEER_CERTIFICATE
                raise DeferredError(
                    Deferral.PEER_CERTIFICATE if wrong else Deferral.TUNNEL, f"{error.reason.value}: {error}"
                ) from error
            now = self.monotonic()
            self.session = Session(tunnel, HttpClient(), address(communication), now, now, trust, ours)
        return self.session

    def end_what_is_over(
        self, communication: CommunicationProfile | None, trust: TrustStore, at: datetime, ours: x509.Certificate
    ) -> str | None:
        """Cut the session if one of its ends has come; returns why if it is the peer's certificate.

        1. the party is there and its profile valid; 2. the session time is not over; 3. it leads where it should and
        shows who we are now; 4. the peer's certificate is good now, where anything may have changed since the last
        look.
        """
        session = self.session
        if session is None:
            return None
        now = self.monotonic()
        # 1 to 3
        if (
            communication is None
            or not communication.valid_from <= at < communication.valid_until
            or now - session.opened >= communication.session_seconds
            or session.leads_to != address(communication)
            or session.ours != ours
        ):
            self.close()
            return None
        # 4
        if trust is session.verified_by and now - session.verified < VERIFY_SECONDS:
            return None
        try:
            trust.verify(
                load_certificate(communication.tls_certificate),
                role=Role.EMT,
                purpose=Purpose.TLS,
                at=at,
                pinned={communication.tls_fingerprint},
            )
        except CertificateError as error:
            self.close()
            return error.reason.value
        session.verified, session.verified_by = now, trust
        return None

    def close(self) -> None:
        """End it; may be called again."""
        if self.session is not None:
            self.session.tunnel.close()
            self.session = None


def address(communication: CommunicationProfile) -> tuple[str, int, str]:
    """Where a party is: host, port, pin."""
    return communication.host, communication.port, communication.tls_fingerprint
