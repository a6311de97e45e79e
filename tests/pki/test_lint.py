"""The second opinion: clean certificates are clean, and each rule has a certificate that breaks it alone."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier

from pki.certificates import Purpose, Role
from pki.lint import lint, lint_der
from testbed.small_pki import GATEWAY, NOW, SmallPki
from tests.pki import forge


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize(
    ("role", "name"), [(Role.EMT, "Netz"), (Role.GWA, "Admin"), (Role.GWH, "Werk"), (Role.SMGW, GATEWAY)]
)
def test_what_we_issue_is_clean(small_pki: SmallPki, role: Role, name: str, purpose: Purpose) -> None:
    sub_ca = small_pki.hierarchy.sub_ca.certificate
    assert lint(small_pki.holder(role, purpose, name).certificate, sub_ca) == []


def test_our_authorities_are_clean(small_pki: SmallPki) -> None:
    root, sub_ca = small_pki.hierarchy.root.certificate, small_pki.hierarchy.sub_ca.certificate
    assert (lint(root, None), lint(sub_ca, root)) == ([], [])


def name(**parts: str) -> x509.Name:
    given = {"CN": "Netz.EMT", "O": "SM-Test-PKI-DE", "C": "DE", "N": "1", **parts}
    kinds = {"CN": "COMMON_NAME", "O": "ORGANIZATION_NAME", "C": "COUNTRY_NAME", "N": "SERIAL_NUMBER"}
    return x509.Name([x509.NameAttribute(getattr(NameOID, kinds[kind]), value) for kind, value in given.items()])


def usage(*bits: str) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every = (*names, "key_cert_sign", "crl_sign")
    return x509.KeyUsage(**{bit: bit in bits for bit in every}, encipher_only=False, decipher_only=False)


def policy(oid: str, *qualifiers: str) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(oid), qualifiers or None)])


OWN = "1.3.6.1.4.1.32473.3109.4.1"
END = x509.BasicConstraints(ca=False, path_length=None)
MAIL, URI = x509.RFC822Name("a@b.example"), x509.UniformResourceIdentifier("https://b.example")
FTP = x509.DistributionPoint([x509.UniformResourceIdentifier("ftp://b.example/crl")], None, None, None)
DEVIATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "ECDSA over": ("SIG", {"algorithm": hashes.SHA224()}),
    "issuer's name": ("SIG", {"issuer": name(CN="Other.CA")}),
    "organisation is neither": ("SIG", {"subject": name(O="Elsewhere")}),
    "country is not": ("SIG", {"subject": name(C="FR")}),
    "decimal generation": ("SIG", {"subject": name(N="01")}),
    "no role": ("SIG", {"subject": name(CN="Netz")}),
    "not in the order": ("SIG", {"subject": x509.Name(list(reversed(list(name()))))}),
    "several values": ("SIG", {"subject": x509.Name([*name(), x509.NameAttribute(NameOID.SERIAL_NUMBER, "2")])}),
    "named elliptic curve": ("SIG", {"public_key": ed25519.Ed25519PrivateKey.generate().public_key()}),
    "23:59:59": ("SIG", {"end": NOW.replace(hour=13)}),
    "between nothing and 2 years": ("SIG", {"end": (NOW + timedelta(days=740)).replace(hour=23, minute=59, second=59)}),
    "shell model": ("SIG", {"begin": NOW - timedelta(days=1)}),
    "brainpool curve": ("SIG", {"public_key": ec.generate_private_key(ec.SECP256R1()).public_key()}),
    "subject key identifier": ("SIG", {"replace": ((x509.SubjectKeyIdentifier(b"\0" * 20), False),)}),
    "authority key identifier": (
        "SIG",
        {"replace": ((x509.AuthorityKeyIdentifier(b"\0" * 20, None, None), False),)},
    ),
    "issuer_alt_name is missing": ("SIG", {"drop": (ExtensionOID.ISSUER_ALTERNATIVE_NAME,)}),
    "subject_alt_name is missing": ("SIG", {"drop": (ExtensionOID.SUBJECT_ALTERNATIVE_NAME,)}),
    "is forbidden here": ("SIG", {"replace": ((x509.PrivateKeyUsagePeriod(NOW, None), False),)}),
    "wrong criticality": ("SIG", {"replace": ((END, False),)}),
    "no purpose": ("SIG", {"replace": ((usage("digital_signature", "key_agreement"), True),)}),
    "not exactly TLS": ("TLS", {"replace": ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), True),)}),
    "contradict each other": ("SIG", {"replace": ((x509.BasicConstraints(ca=True, path_length=None), True),)}),
    "end user has a path length": ("SIG", {"replace": ((x509.BasicConstraints(ca=True, path_length=3), True),)}),
    "BSI's policy": ("SIG", {"replace": ((policy("0.4.0.127.0.7.3.4.1.1.1", "http://c.example"), False),)}),
    "practice statement": ("SIG", {"replace": ((policy(OWN), False),)}),
    "DNS name for TLS": (
        "SIG",
        {"replace": ((x509.SubjectAlternativeName([MAIL, URI, x509.DNSName("b.example")]), False),)},
    ),
    "neither HTTP nor LDAP": ("SIG", {"replace": ((x509.CRLDistributionPoints([FTP]), False),)}),
}


@pytest.mark.parametrize(("finding", "case"), DEVIATIONS.items(), ids=DEVIATIONS.keys())
def test_deviations_are_found(small_pki: SmallPki, finding: str, case: tuple[str, dict[str, Any]]) -> None:
    purpose, changes = case
    sub_ca = small_pki.hierarchy.sub_ca
    certificate = small_pki.holder(Role.EMT, Purpose(purpose)).certificate
    findings = lint(forge.rebuild(certificate, sub_ca.key, **changes), sub_ca.certificate)
    assert [sentence for sentence in findings if finding in sentence], findings


def test_a_gateway_has_no_address(small_pki: SmallPki) -> None:
    sub_ca = small_pki.hierarchy.sub_ca
    certificate = small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY).certificate
    address = x509.SubjectAlternativeName([MAIL, URI])
    findings = lint(forge.rebuild(certificate, sub_ca.key, replace=((address, False),)), sub_ca.certificate)
    assert findings == ["extension subject_alt_name is forbidden here"]
    findings = lint(forge.rebuild(certificate, sub_ca.key, subject=name(CN="EABC1.SMGW")), sub_ca.certificate)
    assert any("DIN 43863-5" in sentence for sentence in findings)


def test_authorities_that_deviate(small_pki: SmallPki) -> None:
    root, sub_ca = small_pki.hierarchy.root, small_pki.hierarchy.sub_ca
    for finding, changes in (
        ("path length of a sub-CA", {"replace": ((x509.BasicConstraints(ca=True, path_length=1), True),)}),
        ("not that of a CA", {"replace": ((usage("key_cert_sign"), True),)}),
        ("outside the validity", {"replace": ((x509.PrivateKeyUsagePeriod(NOW - timedelta(days=9), None), False),)}),
    ):
        forged = forge.rebuild(sub_ca.certificate, root.key, algorithm=hashes.SHA512(), **changes)
        findings = lint(forged, root.certificate)
        assert len(findings) == 1
        assert finding in findings[0]
    findings = lint(forge.rebuild(root.certificate, root.key, subject=name(CN="Our-Root.CA")), None)
    assert any("not the name of the root" in sentence for sentence in findings)


def test_a_negative_serial_number_and_an_old_version(small_pki: SmallPki) -> None:
    sub_ca = small_pki.hierarchy.sub_ca.certificate
    der = small_pki.holder(Role.EMT, Purpose.SIG).certificate.public_bytes(Encoding.DER)
    version = der.index(b"\xa0\x03\x02\x01\x02")
    serial = version + 7
    for position, value, finding in ((serial, 0x81, "serial number"), (version + 4, 1, "not version 3")):
        changed = bytearray(der)
        changed[position] = value
        findings = lint_der(bytes(changed), sub_ca.public_bytes(Encoding.DER))
        assert [sentence for sentence in findings if finding in sentence], findings


def test_a_point_that_is_not_uncompressed(small_pki: SmallPki) -> None:
    holder = small_pki.holder(Role.EMT, Purpose.SIG)
    der = bytearray(holder.certificate.public_bytes(Encoding.DER))
    der[der.index(b"\x04" + holder.key.public_key().public_numbers().x.to_bytes(32, "big"))] = 0x02
    findings = lint_der(bytes(der), small_pki.hierarchy.sub_ca.certificate.public_bytes(Encoding.DER))
    assert any("uncompressed" in sentence for sentence in findings)
