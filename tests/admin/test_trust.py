"""Whom the administrator believes follows the folder."""

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest

from admin.trust import TrustFolder
from pki.certificates import Purpose, Role, fingerprint
from pki.errors import CertificateError, CertificateReason
from pki.revoke import Revocation
from tests.admin.bureau import NOW, Bureau

pytestmark = pytest.mark.token


def test_a_new_list_counts_at_the_next_look(bureau: Bureau) -> None:
    trust = TrustFolder(bureau.folder / "trust")
    certificate = bureau.certificate

    def verify() -> None:
        trust().verify(certificate, role=Role.GWA, purpose=Purpose.SIG, at=NOW, pinned={fingerprint(certificate)})

    verify()
    gone = Revocation(certificate.serial_number, NOW - timedelta(hours=1), "key-compromise")
    bureau.write_trust(*bureau.pki.crls(sub_ca=(gone,)))
    with pytest.raises(CertificateError) as caught:
        verify()
    assert caught.value.reason is CertificateReason.REVOKED


def test_a_folder_that_cannot_be_read_changes_nothing(bureau: Bureau) -> None:
    trust = TrustFolder(bureau.folder / "trust")
    before = trust()
    (bureau.folder / "trust" / "broken.pem").write_text("no certificate")
    os.sync()
    assert trust() is before


def test_a_moment_that_was_bad_hides_no_list(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors just when a list arrived: the next call reads what this one could not."""
    trust = TrustFolder(bureau.folder / "trust")
    before = trust()
    bureau.write_trust(*bureau.pki.crls(sub_ca=(Revocation(bureau.certificate.serial_number, NOW),)))

    def out_of_descriptors(_: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", out_of_descriptors)
        assert trust() is before
    assert trust() is not before


def test_an_office_without_a_root_trusts_nobody(bureau: Bureau) -> None:
    (bureau.folder / "empty").mkdir()
    with pytest.raises(CertificateError):
        TrustFolder(bureau.folder / "empty")
