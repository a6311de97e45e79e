"""What ``show`` prints is what stands in the thing, and nothing it cannot read breaks it."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pki.certificates import Purpose, Role, fingerprint
from pki.errors import TrustError
from pki.revoke import Revocation
from pki.show import show
from testbed.small_pki import GATEWAY, NOW, SmallPki
from tests.pki import forge


def test_a_certificate(small_pki: SmallPki, tmp_path: Path) -> None:
    certificate = small_pki.holder(Role.SMGW, Purpose.TLS, GATEWAY).certificate
    path = tmp_path / "TLS.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    text = show(path)
    for part in (
        f"{GATEWAY} (SMGW, for TLS)",
        f"{certificate.serial_number:x}",
        "brainpoolP256r1, signed with sha384",
        "valid      2026-01-15 12:00:00 UTC to 2028-01-14 23:59:59 UTC",
        "! KeyUsage: digital signature",
        "! BasicConstraints: no CA",
        fingerprint(certificate),
    ):
        assert part in text


def test_a_name_of_nobody(small_pki: SmallPki, tmp_path: Path) -> None:
    holder = small_pki.holder(Role.EMT, Purpose.SIG)
    path = tmp_path / "x.pem"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")])
    forged = forge.rebuild(holder.certificate, holder.key, subject=subject)
    path.write_bytes(forged.public_bytes(Encoding.PEM))
    assert "not of the SM-PKI" in show(path)


def test_an_extension_that_cannot_be_read(small_pki: SmallPki, tmp_path: Path) -> None:
    der = bytearray(small_pki.holder(Role.EMT, Purpose.SIG).certificate.public_bytes(Encoding.DER))
    der[der.index(bytes.fromhex("0603551d0f0101ff0404")) + 10] = 0x05
    (tmp_path / "x.der").write_bytes(der)
    with pytest.raises(TrustError):
        show(tmp_path / "x.der")


def test_a_list_without_a_number(small_pki: SmallPki, tmp_path: Path) -> None:
    crl = forge.crl(small_pki.hierarchy.sub_ca, NOW, NOW + timedelta(days=1))
    (tmp_path / "x.crl").write_bytes(crl.public_bytes(Encoding.PEM))
    assert "number     none" in show(tmp_path / "x.crl")


def test_a_trust_folder(small_pki: SmallPki, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="neither"):
        show(tmp_path)
    for number, authority in enumerate(small_pki.trust().authorities):
        (tmp_path / f"{number}.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    crl = small_pki.crls(sub_ca=(Revocation(0xABC, NOW, "key-compromise"), Revocation(0xDEF, NOW)))[1]
    (tmp_path / "sub-ca.crl").write_bytes(crl.public_bytes(Encoding.PEM))
    text = show(tmp_path)
    assert "CA, path length 0" in text
    assert "revoked    2" in text
    assert "abc  2026-01-15 12:00:00 UTC  keyCompromise" in text
    assert "def  2026-01-15 12:00:00 UTC  unspecified" in text


@pytest.mark.parametrize("data", [b"", b"garbage", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_what_it_cannot_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(TrustError):
        show(tmp_path / "x")
    with pytest.raises(TrustError):
        show(tmp_path / "absent")
