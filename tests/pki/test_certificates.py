"""Every step of verification refuses what it guards against, with its own reason; the valid certificate passes."""

from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier

from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from testbed.small_pki import GATEWAY, NOW, Holder, SmallPki
from tests.pki import forge


@pytest.fixture(scope="module")
def emt(small_pki: SmallPki) -> Holder:
    return small_pki.holder(Role.EMT, Purpose.SIG)


@pytest.fixture(scope="module")
def sub_ca_key(small_pki: SmallPki) -> ec.EllipticCurvePrivateKey:
    return small_pki.hierarchy.sub_ca.key


def reason_of(
    trust: TrustStore,
    certificate: x509.Certificate,
    role: Role = Role.EMT,
    purpose: Purpose = Purpose.SIG,
    at: datetime = NOW,
) -> Reason:
    with pytest.raises(CertificateError) as caught:
        trust.verify(certificate, role=role, purpose=purpose, at=at, pinned={fingerprint(certificate)})
    return caught.value.reason


@pytest.mark.parametrize(
    ("role", "name"), [(Role.EMT, "Netz Betreiber"), (Role.GWA, "Admin"), (Role.GWH, "Werk"), (Role.SMGW, GATEWAY)]
)
@pytest.mark.parametrize("purpose", Purpose)
def test_every_role_and_purpose_verifies(small_pki: SmallPki, role: Role, name: str, purpose: Purpose) -> None:
    """FIA_ATD.1, FIA_USB.1: what was verified carries identity, role and purpose."""
    holder = small_pki.holder(role, purpose, name)
    verified = small_pki.verified(holder, role, purpose)
    assert (verified.role, verified.purpose, verified.identity) == (role, purpose, name)
    assert verified.public_key == holder.key.public_key()


# 1. Readable, and of the profile.


@pytest.mark.parametrize("data", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x00"])
def test_what_is_no_certificate_is_malformed(data: bytes) -> None:
    with pytest.raises(CertificateError) as caught:
        load_certificate(data)
    assert caught.value.reason is Reason.MALFORMED


def test_pem_and_der_load_the_same(emt: Holder) -> None:
    pem, der = (emt.certificate.public_bytes(encoding) for encoding in (Encoding.PEM, Encoding.DER))
    assert load_certificate(pem) == load_certificate(der) == emt.certificate


USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x05\x00")
PROFILE_DEVIATIONS: dict[str, dict[str, Any]] = {
    "unknown extension": {"replace": ((UNKNOWN, False),)},
    "unknown critical extension": {"replace": ((UNKNOWN, True),)},
    "basic constraints not critical": {"replace": ((x509.BasicConstraints(ca=False, path_length=None), False),)},
    "a CA": {"replace": ((x509.BasicConstraints(ca=True, path_length=0), True),)},
    "no basic constraints": {"drop": (ExtensionOID.BASIC_CONSTRAINTS,)},
    "no policy": {"drop": (ExtensionOID.CERTIFICATE_POLICIES,)},
    "no alternative name": {"drop": (ExtensionOID.SUBJECT_ALTERNATIVE_NAME,)},
    "no distribution point": {"drop": (ExtensionOID.CRL_DISTRIBUTION_POINTS,)},
    "private key usage period": {"replace": ((x509.PrivateKeyUsagePeriod(NOW, None), False),)},
    "another curve": {"public_key": ec.generate_private_key(ec.SECP256R1()).public_key()},
    "a bigger curve": {"public_key": ec.generate_private_key(ec.BrainpoolP384R1()).public_key()},
    "no elliptic curve": {"public_key": ed25519.Ed25519PrivateKey.generate().public_key()},
    "a weak hash": {"algorithm": hashes.SHA224()},
}


@pytest.mark.parametrize("changes", PROFILE_DEVIATIONS.values(), ids=PROFILE_DEVIATIONS.keys())
def test_deviation_from_the_profile(
    small_pki: SmallPki, emt: Holder, sub_ca_key: ec.EllipticCurvePrivateKey, changes: dict[str, Any]
) -> None:
    assert reason_of(small_pki.trust(), forge.rebuild(emt.certificate, sub_ca_key, **changes)) is Reason.PROFILE


def test_a_gateway_has_no_alternative_name(small_pki: SmallPki, sub_ca_key: ec.EllipticCurvePrivateKey) -> None:
    gateway = small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)
    name = x509.SubjectAlternativeName([x509.DNSName("gateway.example")])
    forged = forge.rebuild(gateway.certificate, sub_ca_key, replace=((name, False),))
    assert reason_of(small_pki.trust(), forged, Role.SMGW) is Reason.PROFILE


# 2. Pinned; empty denies.


@pytest.mark.parametrize("pinned", [set[str](), {"0" * 64}])
def test_not_pinned(small_pki: SmallPki, emt: Holder, pinned: set[str]) -> None:
    trust = small_pki.trust()
    small_pki_kwargs: dict[str, Any] = {"role": Role.EMT, "purpose": Purpose.SIG, "at": NOW}
    trust.verify(emt.certificate, pinned=[fingerprint(emt.certificate)], **small_pki_kwargs)
    # The second question is answered from memory, but never without the pin.
    with pytest.raises(CertificateError) as caught:
        trust.verify(emt.certificate, pinned=pinned, **small_pki_kwargs)
    assert caught.value.reason is Reason.NOT_PINNED


# 3. Name and role.


@pytest.mark.parametrize("role", [Role.GWA, Role.GWH, Role.SMGW, Role.SUB_CA, Role.ROOT])
def test_wrong_role(small_pki: SmallPki, emt: Holder, role: Role) -> None:
    """FIA_USB.1: nobody acts in a role that is not the certificate's."""
    trust = small_pki.trust()
    assert reason_of(trust, emt.certificate, role) is Reason.WRONG_ROLE
    trust.verify(emt.certificate, role=Role.EMT, purpose=Purpose.SIG, at=NOW, pinned={fingerprint(emt.certificate)})
    assert reason_of(trust, emt.certificate, role) is Reason.WRONG_ROLE


def test_a_ca_is_nobody_on_the_wire(small_pki: SmallPki) -> None:
    for authority in (small_pki.hierarchy.root, small_pki.hierarchy.sub_ca):
        for role in (Role.ROOT, Role.SUB_CA):
            assert reason_of(small_pki.trust(), authority.certificate, role) is Reason.WRONG_ROLE


def name_with(common_name: str, *, order: tuple[ObjectIdentifier, ...] | None = None) -> x509.Name:
    parts = {
        NameOID.COMMON_NAME: common_name,
        NameOID.ORGANIZATION_NAME: "SM-Test-PKI-DE",
        NameOID.COUNTRY_NAME: "DE",
        NameOID.SERIAL_NUMBER: "1",
    }
    return x509.Name([x509.NameAttribute(oid, parts[oid]) for oid in order or parts])


@pytest.mark.parametrize(
    "subject",
    [
        name_with("Netz"),
        name_with("Netz.XYZ"),
        name_with("Netz.EMT.GWA"),
        name_with(".EMT"),
        name_with("EABC001234567.SMGW"),
        name_with("1ABC0012345678.SMGW"),
        name_with(
            "Netz.EMT",
            order=(NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER),
        ),
        name_with("Netz.EMT", order=(NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.COUNTRY_NAME)),
        x509.Name([*name_with("Netz.EMT"), x509.NameAttribute(NameOID.TITLE, "Dr")]),
        x509.Name([*name_with("Netz.EMT"), x509.NameAttribute(NameOID.COMMON_NAME, "Other.EMT")]),
    ],
    ids=lambda subject: subject.rfc4514_string(),
)
def test_wrong_name(
    small_pki: SmallPki, emt: Holder, sub_ca_key: ec.EllipticCurvePrivateKey, subject: x509.Name
) -> None:
    forged = forge.rebuild(emt.certificate, sub_ca_key, subject=subject)
    assert reason_of(small_pki.trust(), forged) is Reason.WRONG_NAME


# 4. Purpose.


@pytest.mark.parametrize("purpose", [Purpose.TLS, Purpose.ENC])
def test_wrong_purpose(small_pki: SmallPki, emt: Holder, purpose: Purpose) -> None:
    assert reason_of(small_pki.trust(), emt.certificate, purpose=purpose) is Reason.WRONG_PURPOSE


def test_key_usage_of_no_purpose(small_pki: SmallPki, emt: Holder, sub_ca_key: ec.EllipticCurvePrivateKey) -> None:
    forged = forge.rebuild(emt.certificate, sub_ca_key, replace=((USAGE, True),))
    assert reason_of(small_pki.trust(), forged) is Reason.WRONG_PURPOSE


@pytest.mark.parametrize(
    "usages",
    [
        [ExtendedKeyUsageOID.CLIENT_AUTH],
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING],
    ],
)
def test_extended_key_usage_is_exactly_tls_both_ways(
    small_pki: SmallPki, sub_ca_key: ec.EllipticCurvePrivateKey, usages: list[ObjectIdentifier]
) -> None:
    tls = small_pki.holder(Role.EMT, Purpose.TLS)
    forged = forge.rebuild(tls.certificate, sub_ca_key, replace=((x509.ExtendedKeyUsage(usages), True),))
    assert reason_of(small_pki.trust(), forged, purpose=Purpose.TLS) is Reason.WRONG_PURPOSE
