"""Whom a machine believes follows the folder."""

import errno
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import CertificateError, CertificateReason
from pki.revoke import Revocation
from pki.trust_folder import TrustFolder
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


def test_new_revocation_lists_count_at_once(tmp_path: Path) -> None:
    pki = SmallPki()
    holder = pki.holder(Role.EMT, Purpose.TLS)
    write(tmp_path, pki)
    trust = TrustFolder(tmp_path)
    first = trust()
    verify(first, holder)
    assert trust() is first, "nothing changed: nothing is read"
    write(tmp_path, pki, holder)
    with pytest.raises(CertificateError) as refusal:
        verify(trust(), holder)
    assert refusal.value.reason is CertificateReason.REVOKED


def test_a_folder_that_breaks_leaves_the_former_store(tmp_path: Path) -> None:
    pki = SmallPki()
    write(tmp_path, pki)
    trust = TrustFolder(tmp_path)
    first = trust()
    (tmp_path / "sub.crl").write_bytes(b"half a list")
    assert trust() is first
    (tmp_path / "root.pem").unlink()
    assert trust() is first


def test_a_moment_that_was_bad_hides_no_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors just when a revocation arrived: the next call reads what this one could not."""
    pki = SmallPki()
    holder = pki.holder(Role.EMT, Purpose.TLS)
    write(tmp_path, pki)
    trust = TrustFolder(tmp_path)
    first = trust()
    write(tmp_path, pki, holder)

    def out_of_descriptors(_: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", out_of_descriptors)
        assert trust() is first
    with pytest.raises(CertificateError) as refusal:
        verify(trust(), holder)
    assert refusal.value.reason is CertificateReason.REVOKED


def test_a_slow_reader_does_not_bring_former_lists_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pki = SmallPki()
    holder = pki.holder(Role.EMT, Purpose.TLS)
    write(tmp_path, pki)
    trust = TrustFolder(tmp_path)
    (tmp_path / "new").write_bytes(b"")  # something to read the folder again for
    has_read, may_go_on = threading.Event(), threading.Event()
    real = TrustStore.from_folder

    def slow(folder: Path) -> TrustStore:
        store = real(folder)
        has_read.set()
        may_go_on.wait(60)
        return store

    monkeypatch.setattr(TrustStore, "from_folder", slow)
    first = threading.Thread(target=trust)
    first.start()
    assert has_read.wait(60)
    monkeypatch.setattr(TrustStore, "from_folder", real)
    write(tmp_path, pki, holder)
    second = threading.Thread(target=trust)
    second.start()
    second.join(0.3)  # done by now, were it not made to wait for the first
    may_go_on.set()
    first.join()
    second.join()
    with pytest.raises(CertificateError):
        verify(trust(), holder)


def test_nobody_starts_without_a_root(tmp_path: Path) -> None:
    with pytest.raises(CertificateError):
        TrustFolder(tmp_path)
