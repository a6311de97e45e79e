from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import CertificateError, CertificateReason, TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.tunnel import Tunnel, TunnelPeer
from smgw.trust import CurrentTrustBackend, TrustFolder
from testbed.small_pki import NOW, Holder, SmallPki


def write(folder: Path, pki: SmallPki, *revoked: Holder) -> None:
    for name, issuer in (("root", pki.hierarchy.root), ("sub", pki.hierarchy.sub_ca)):
        (folder / f"{name}.pem").write_bytes(issuer.certificate.public_bytes(Encoding.PEM))
    entries = tuple(Revocation(holder.certificate.serial_number, NOW) for holder in revoked)
    for name, crl in zip(("root", "sub"), pki.crls(sub_ca=entries), strict=True):
        (folder / f"{name}.crl").write_bytes(crl.public_bytes(Encoding.PEM))


def verify(store: TrustStore, holder: Holder) -> None:
    pinned = {fingerprint(holder.certificate)}
    store.verify(holder.certificate, role=Role.EMT, purpose=Purpose.TLS, at=NOW, pinned=pinned)


class Backend:
    def __init__(self, store: TrustStore) -> None:
        self.store = store

    def open(self, peer: TunnelPeer, *, timeout: float) -> Tunnel:
        raise TunnelError(TunnelReason.UNREACHABLE, str(id(self.store)))


def used(backend: CurrentTrustBackend, peer: TunnelPeer) -> int:
    """The store that a dial goes by."""
    with pytest.raises(TunnelError) as refusal:
        backend.open(peer, timeout=1)
    return int(str(refusal.value))


def test_new_revocation_lists_count_at_once(tmp_path: Path) -> None:
    pki = SmallPki()
    holder = pki.holder(Role.EMT, Purpose.TLS)
    write(tmp_path, pki)
    trust = TrustFolder(tmp_path)
    first = trust()
    verify(first, holder)
    assert trust() is first, "nothing changed: nothing is read"
    backend = CurrentTrustBackend(trust, Backend)
    peer = TunnelPeer("localhost", 1, holder.certificate)
    assert used(backend, peer) == id(first)
    write(tmp_path, pki, holder)
    with pytest.raises(CertificateError) as refusal:
        verify(trust(), holder)
    assert refusal.value.reason is CertificateReason.REVOKED
    assert used(backend, peer) == id(trust())


def test_a_folder_that_breaks_leaves_the_former_store(tmp_path: Path) -> None:
    pki = SmallPki()
    write(tmp_path, pki)
    trust = TrustFolder(tmp_path)
    first = trust()
    (tmp_path / "sub.crl").write_bytes(b"half a list")
    assert trust() is first
    (tmp_path / "root.pem").unlink()
    assert trust() is first


def test_a_gateway_does_not_start_without_trust(tmp_path: Path) -> None:
    with pytest.raises(CertificateError):
        TrustFolder(tmp_path)
