"""The single checks where verification as a whole cannot reach them: broken parts of certificates and lists."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from pki import checks
from pki.certificates import Purpose, Role
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from testbed.small_pki import NOW, SmallPki
from tests.pki import forge


def refused(reason: Reason) -> "pytest.RaisesExc[CertificateError]":
    return pytest.raises(CertificateError, check=lambda error: error.reason is reason)


def test_a_key_of_another_kind(small_pki: SmallPki) -> None:
    certificate = small_pki.holder(Role.EMT, Purpose.SIG).certificate
    assert checks.elliptic_key(certificate) == certificate.public_key()
    other = ed25519.Ed25519PrivateKey.generate().public_key()
    with refused(Reason.PROFILE):
        checks.elliptic_key(forge.rebuild(certificate, small_pki.hierarchy.sub_ca.key, public_key=other))


def test_an_extension_that_cannot_be_read(small_pki: SmallPki) -> None:
    certificate = small_pki.holder(Role.EMT, Purpose.SIG).certificate
    der = bytearray(certificate.public_bytes(Encoding.DER))
    usage = der.index(bytes.fromhex("0603551d0f0101ff0404"))
    der[usage + 10] = 0x05
    with refused(Reason.MALFORMED):
        checks.check_readable(x509.load_der_x509_certificate(bytes(der)))


def test_a_point_that_is_not_on_the_curve(small_pki: SmallPki) -> None:
    holder = small_pki.holder(Role.EMT, Purpose.SIG)
    der = bytearray(holder.certificate.public_bytes(Encoding.DER))
    number = holder.key.public_key().public_numbers().x.to_bytes(32, "big")
    der[der.index(number)] ^= 1
    with refused(Reason.MALFORMED):
        checks.check_readable(x509.load_der_x509_certificate(bytes(der)))


def test_identifiers_may_be_absent(small_pki: SmallPki) -> None:
    certificate = small_pki.holder(Role.EMT, Purpose.SIG).certificate
    kinds = (ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    bare = forge.rebuild(certificate, small_pki.hierarchy.sub_ca.key, drop=kinds)
    assert checks.authority_key_identifier(bare) is None
    assert checks.subject_key_identifier(bare) is None
    assert checks.authority_key_identifier(certificate) == checks.subject_key_identifier(
        small_pki.hierarchy.sub_ca.certificate
    )


def test_a_certificate_without_key_usage_has_no_purpose(small_pki: SmallPki) -> None:
    certificate = small_pki.holder(Role.EMT, Purpose.SIG).certificate
    with refused(Reason.WRONG_PURPOSE):
        checks.purpose_of(forge.rebuild(certificate, small_pki.hierarchy.sub_ca.key, drop=(ExtensionOID.KEY_USAGE,)))


def test_a_list_without_an_end_or_not_in_its_time(small_pki: SmallPki) -> None:
    issuer = small_pki.hierarchy.sub_ca
    crl = forge.crl(issuer, NOW, NOW + timedelta(days=1))
    assert checks.check_crl(crl, issuer.certificate, NOW) == NOW + timedelta(days=1)
    for at in (NOW - timedelta(seconds=1), NOW + timedelta(days=1)):
        with refused(Reason.CRL_STALE):
            checks.check_crl(crl, issuer.certificate, at)


def test_a_revoked_serial_counts_whatever_its_date(small_pki: SmallPki) -> None:
    certificate = small_pki.holder(Role.EMT, Purpose.SIG).certificate
    issuer = small_pki.hierarchy.sub_ca
    crl = forge.crl(issuer, NOW, NOW + timedelta(days=1), serials=(certificate.serial_number,))
    with refused(Reason.REVOKED):
        checks.check_not_revoked(crl, certificate)
    checks.check_not_revoked(forge.crl(issuer, NOW, NOW + timedelta(days=1)), certificate)


def test_who_signed_a_list(small_pki: SmallPki) -> None:
    issuer, root = small_pki.hierarchy.sub_ca, small_pki.hierarchy.root
    crl = forge.crl(issuer, NOW, NOW + timedelta(days=1))
    assert checks.signed_by(crl, issuer.certificate)
    assert not checks.signed_by(crl, root.certificate)
    other = ec.generate_private_key(ec.BrainpoolP256R1())
    assert not checks.signed_by(crl, forge.rebuild(issuer.certificate, root.key, public_key=other.public_key()))
