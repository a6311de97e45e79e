"""The world is valid as it stands, and its helpers deviate only where they are told to."""

from pathlib import Path

import pytest

from pki.certificates import Purpose, Role, fingerprint
from pki.errors import CertificateError, CertificateReason, TunnelError, TunnelReason
from pki.tunnel import TunnelPeer
from testbed.world import QUARTER_HOUR, START, MemoryBackend, World


def test_time_passes_only_when_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.now == START
    world.advance(QUARTER_HOUR)
    assert world.now - START == QUARTER_HOUR
    assert world.seconds() == world.now.timestamp()
    world.close()


def test_a_revocation_reaches_everybody(tmp_path: Path) -> None:
    world = World(tmp_path)
    holder = world.party_holders[Purpose.TLS]
    peer = TunnelPeer("127.0.0.1", 8443, holder.certificate)
    MemoryBackend(world).open(peer, timeout=1).close()
    world.revoke(holder)
    with pytest.raises(TunnelError) as refused:
        MemoryBackend(world).open(peer, timeout=1)
    assert refused.value.reason is TunnelReason.PEER_CERTIFICATE
    with pytest.raises(CertificateError) as why:
        world.trust.verify(
            holder.certificate,
            role=Role.EMT,
            purpose=Purpose.TLS,
            at=world.now,
            pinned={fingerprint(holder.certificate)},
        )
    assert why.value.reason is CertificateReason.REVOKED
    world.close()


def test_a_tunnel_to_another_certificate_is_not_opened(tmp_path: Path) -> None:
    world = World(tmp_path)
    stranger = world.pki.holder(Role.EMT, Purpose.TLS, "Fremd")
    with pytest.raises(TunnelError):
        MemoryBackend(world).open(TunnelPeer("127.0.0.1", 8443, stranger.certificate), timeout=1)
    world.close()
