"""Tunnels whose private key never leaves the security module (design D2; TR-03109-1, PP-0073).

Decides how the gateway's TLS key in a PKCS#11 token meets a TLS stack that can use it: stunnel with OpenSSL's pkcs11
engine, one child for each connection. Before a child is started the TrustStore has the word on the peer's pinned
certificate: role, purpose, validity, revocation. The child then checks chain and revocation lists again, and that the
key in the handshake is the pinned certificate's under the same name. TLS 1.2 only: OpenSSL 3.0 cannot sign with
brainpool keys in TLS 1.3.

The child compares keys and not certificates (docs/deviations.md), so a twin passes for its pin: another certificate of
our own CA over the same key and name. That gives nobody anything. Whoever finishes the handshake holds the pinned key;
the pinned certificate itself must be good before we dial, so a pin that was revoked or ended is not saved by its
successor; and the child refuses a twin that is itself revoked or over. ``pki.tls`` compares certificates, and our CA
certifies a key once (``pki.authority``).

Certificates reach the child in anonymous memory, the PIN in a pipe that is read once. Nothing touches a disk.
PP-0073: FCS_COP.1/TLS, FTP_ITC.1/WAN.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki import softhsm
from pki.certificates import Purpose, TrustStore, fingerprint
from pki.errors import CertificateError, TunnelError, TunnelReason
from pki.stunnel import ChildConfiguration, StunnelTunnel, start
from pki.token_module import LOCK
from pki.tunnel import TunnelPeer

PROGRAM: Final = Path("/usr/bin/stunnel")
_MAX_CONNECT_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class TokenAddress:
    """Where the key is: PKCS#11 module, token label, object label.

    ``environment`` is all the environment that a child gets, for a module that needs some (``SOFTHSM2_CONF``).
    """

    module: Path
    token: str
    environment: Mapping[str, str]
    key: str = "TLS"

    def uri(self) -> str:
        """RFC 7512, without a PIN."""
        return f"pkcs11:token={quote(self.token, safe='')};object={quote(self.key, safe='')};type=private"


class StunnelBackend:
    """Makes tunnels with the TLS key of one token (TunnelBackend)."""

    def __init__(
        self,
        address: TokenAddress,
        pin: str,
        chain: Sequence[x509.Certificate],
        trust: TrustStore,
        *,
        clock: Callable[[], datetime],
        program: Path = PROGRAM,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``chain`` is our TLS certificate and the CAs below the root; ``clock`` gives aware UTC."""
        self._address = address
        self._pin = pin
        self._chain = tuple(chain)
        self._trust = trust
        self._clock = clock
        self._program = program
        self._monotonic = monotonic

    def open(self, peer: TunnelPeer, *, timeout: float) -> StunnelTunnel:
        """Verify the pinned certificate, dial, and return once the handshake is done; see TunnelBackend.open.

        Raises TunnelError: PEER_CERTIFICATE, UNREACHABLE, HANDSHAKE (a refused or unusable key of ours included),
        TIMEOUT, PROGRAM_MISSING.
        """
        try:
            self._trust.verify(
                peer.certificate,
                role=peer.role,
                purpose=Purpose.TLS,
                at=self._clock(),
                pinned={fingerprint(peer.certificate)},
            )
        except CertificateError as error:
            raise TunnelError(TunnelReason.PEER_CERTIFICATE, f"the peer's pinned certificate: {error}") from error
        return self._dial(peer, timeout)

    def _dial(self, peer: TunnelPeer, timeout: float) -> StunnelTunnel:
        deadline = self._monotonic() + timeout
        with LOCK, suppress(OSError):  # the child logs in by itself
            softhsm.mend(self._address.module)
        trusted = (peer.certificate, *self._trust.authorities)
        with _memory(self._chain) as chain, _memory(trusted) as authorities, _memory(self._trust.crls) as revocations:
            configuration = ChildConfiguration(
                module=self._address.module,
                pin=self._pin,
                key_uri=self._address.uri(),
                host=peer.host,
                port=peer.port,
                own_chain=chain,
                trusted=authorities,
                revocations=revocations,
                connect_seconds=min(max(int(timeout), 1), _MAX_CONNECT_SECONDS),
                probed=peer.probed,
            )
            inherited = (chain, authorities, revocations)
            process, stream, log = start(
                self._program, configuration.to_text().encode("ascii"), dict(self._address.environment), inherited
            )
        tunnel = StunnelTunnel(process, stream, log, self._clock, pin=self._pin)
        try:
            tunnel.shake_hands(lambda: deadline - self._monotonic())
        except BaseException:
            tunnel.close()
            raise
        return tunnel


@contextmanager
def _memory(items: Sequence[x509.Certificate | x509.CertificateRevocationList]) -> Iterator[int]:
    """A descriptor of anonymous memory with ``items`` in PEM, closed at the end (a child has its own by then)."""
    descriptor = os.memfd_create("public")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(b"".join(item.public_bytes(Encoding.PEM) for item in items))
        yield descriptor
    finally:
        os.close(descriptor)
