"""Certificate profiles of the SM-PKI as data: names, what each key is for, which extensions stand where.

Decides what a certificate of a role must look like (spec: TR-03109-4 and the SM-PKI certificate policy, as far as they
are public). Both sides use it: issuing builds from it and verification compares with it, so it never becomes
configurable; what a particular hierarchy is called and how long it lives stands in ``hierarchy.toml``. The linter
(``pki/lint.py``) does not use this file on purpose: it is the second opinion.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier

from pki.errors import CertificateError, CertificateReason
from wire.errors import ReadingError
from wire.reading import DeviceId


class Role(StrEnum):
    """Who holds a certificate (Teilnehmer der SM-PKI). PP-0073 FMT_SMR.1."""

    ROOT = "ROOT"
    SUB_CA = "SUB-CA"
    GWA = "GWA"
    EMT = "EMT"
    GWH = "GWH"
    SMGW = "SMGW"


END_ROLES: Final = (Role.GWA, Role.EMT, Role.GWH, Role.SMGW)
"""Roles whose certificates are shown on the wire; the others only sign."""


class Purpose(StrEnum):
    """What the key of an end-user certificate is for; each holder has one of each (Zertifikatstripel)."""

    TLS = "TLS"
    SIG = "SIG"
    ENC = "ENC"


QUALITY_SEAL_POLICY: Final = ObjectIdentifier("1.3.6.1.4.1.32473.3109.4.2")
"""Marks the quality-seal certificates (Gütesiegelzertifikate) that a gateway has from its manufacturer, and the CA that
issues them; under the arc that RFC 5612 reserves for examples, because the real one is not public (docs/deviations.md).
"""

KEY_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
"""The bits that may be asked of any key usage (encipher-only and decipher-only are never set)."""

CA_KEY_USAGE: Final = frozenset({"key_cert_sign", "crl_sign"})
PURPOSE_KEY_USAGE: Final = {
    Purpose.TLS: frozenset({"digital_signature"}),
    Purpose.SIG: frozenset({"digital_signature"}),
    Purpose.ENC: frozenset({"key_encipherment", "key_agreement"}),
}

CRITICAL: Final = {
    ExtensionOID.KEY_USAGE: True,
    ExtensionOID.BASIC_CONSTRAINTS: True,
    ExtensionOID.EXTENDED_KEY_USAGE: True,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: False,
    ExtensionOID.CERTIFICATE_POLICIES: False,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME: False,
    ExtensionOID.ISSUER_ALTERNATIVE_NAME: False,
    ExtensionOID.CRL_DISTRIBUTION_POINTS: False,
    ExtensionOID.PRIVATE_KEY_USAGE_PERIOD: False,
}
"""Every extension that an SM-PKI certificate may carry, with its criticality."""

_ROOT_REQUIRED: Final = frozenset(
    {ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS}
)
_ISSUED_REQUIRED: Final = _ROOT_REQUIRED | {
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.ISSUER_ALTERNATIVE_NAME,
    ExtensionOID.CRL_DISTRIBUTION_POINTS,
}

CA_CURVES: Final = (ec.BrainpoolP256R1, ec.BrainpoolP384R1, ec.BrainpoolP512R1)
END_CURVES: Final = (ec.BrainpoolP256R1,)
"""TR-03116-3: end-user keys of the SM-PKI are always on brainpoolP256r1; CAs have moved upwards, so sizes mix."""

SUBJECT_ORDER: Final = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COUNTRY_NAME,
    NameOID.SERIAL_NUMBER,
    NameOID.STREET_ADDRESS,
    NameOID.POSTAL_CODE,
    NameOID.LOCALITY_NAME,
    NameOID.STATE_OR_PROVINCE_NAME,
)
"""Order of the relative distinguished names, as real end-user certificates have it."""

SUBJECT_REQUIRED: Final = frozenset(
    {NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.COUNTRY_NAME, NameOID.SERIAL_NUMBER}
)

_ORGANISATION = r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,38}[A-Za-z0-9])?"
_PARTIES = "EMT|GWA|GWH"
_PARTY = re.compile(
    rf"(?P<name>{_ORGANISATION})\.(?P<role>{_PARTIES})(?:\.(?!{_PARTIES}|SMGW|CA)[A-Za-z0-9-]{{1,12}})?"
)
_GATEWAY = re.compile(r"(?P<name>E[A-Z0-9]{13})\.SMGW")
_SUB_CA = re.compile(rf"(?P<name>{_ORGANISATION})\.CA")
_ROOT = re.compile(r"(?P<name>SM(?:-Test)?-Root)\.CA")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate of one role and purpose must carry."""

    ca: bool
    curves: tuple[type[ec.EllipticCurve], ...]
    key_usage: frozenset[str]
    required: frozenset[ObjectIdentifier]
    allowed: frozenset[ObjectIdentifier]


@dataclass(frozen=True, slots=True)
class Subject:
    """Role and identity as the common name tells them."""

    role: Role
    identity: str


def profile_of(role: Role, purpose: Purpose | None = None) -> Profile:
    """The profile of ``role``; ``purpose`` is needed for end roles and meaningless for CAs."""
    if role not in END_ROLES:
        required = _ROOT_REQUIRED if role is Role.ROOT else _ISSUED_REQUIRED
        return Profile(True, CA_CURVES, CA_KEY_USAGE, required, frozenset(CRITICAL) - {ExtensionOID.EXTENDED_KEY_USAGE})
    if purpose is None:
        message = f"a certificate of the role {role} has a purpose"
        raise RuntimeError(message)
    required = _ISSUED_REQUIRED
    if purpose is Purpose.TLS:
        required |= {ExtensionOID.EXTENDED_KEY_USAGE}
    if role is not Role.SMGW:
        # Mandatory for EMT, GWA and GWH (how to reach them), forbidden for gateways (nobody calls a gateway).
        required |= {ExtensionOID.SUBJECT_ALTERNATIVE_NAME}
    return Profile(False, END_CURVES, PURPOSE_KEY_USAGE[purpose], required, required)


def subject_name(
    role: Role, name: str, *, organisation: str, country: str, generation: int, unit: str | None = None
) -> x509.Name:
    """Distinguished name of ``name`` in ``role``; ``generation`` counts the certificates of one holder (serialNumber).

    ``name`` is the organisation's, the gateway's identification, or for CAs what stands before ``.CA``.

    Raises:
        CertificateError: WRONG_NAME where the name cannot be one of this role.
    """
    suffix = "CA" if role in (Role.ROOT, Role.SUB_CA) else role.value
    parts = {
        NameOID.COMMON_NAME: f"{name}.{suffix}",
        NameOID.ORGANIZATION_NAME: organisation,
        NameOID.ORGANIZATIONAL_UNIT_NAME: unit,
        NameOID.COUNTRY_NAME: country,
        NameOID.SERIAL_NUMBER: str(generation),
    }
    try:
        attributes = [x509.NameAttribute(oid, parts[oid] or "") for oid in SUBJECT_ORDER if parts.get(oid) is not None]
        built = x509.Name(attributes)
    except ValueError as error:
        raise CertificateError(CertificateReason.WRONG_NAME, f"not a name for a certificate: {error}") from error
    if read_subject(built) != Subject(role, name):
        raise CertificateError(CertificateReason.WRONG_NAME, f"{name!r} is not the name of a {role}")
    return built


def read_subject(name: x509.Name) -> Subject:
    """Role and identity of a distinguished name.

    Raises:
        CertificateError: WRONG_NAME where the parts, their order or the common name are not those of the SM-PKI.
    """
    if any(len(list(rdn)) != 1 for rdn in name.rdns):
        raise CertificateError(CertificateReason.WRONG_NAME, "the subject has a relative name of several values")
    kinds = [attribute.oid for attribute in name]
    if len(set(kinds)) != len(kinds) or not SUBJECT_REQUIRED.issubset(kinds) or not set(kinds).issubset(SUBJECT_ORDER):
        raise CertificateError(CertificateReason.WRONG_NAME, f"the subject's parts are not the SM-PKI's: {_text(name)}")
    common_name = str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    if match := _ROOT.fullmatch(common_name):
        return Subject(Role.ROOT, match["name"])
    if match := _SUB_CA.fullmatch(common_name):
        return Subject(Role.SUB_CA, match["name"])
    # Only end-user names have this order for sure; a real sub-CA puts its unit after the serial number.
    if kinds != [oid for oid in SUBJECT_ORDER if oid in kinds]:
        raise CertificateError(CertificateReason.WRONG_NAME, f"the subject's parts are out of order: {_text(name)}")
    if match := _PARTY.fullmatch(common_name):
        return Subject(Role(match["role"]), match["name"])
    if match := _GATEWAY.fullmatch(common_name):
        try:
            return Subject(Role.SMGW, DeviceId(match["name"]).text)
        except ReadingError as error:
            raise CertificateError(CertificateReason.WRONG_NAME, f"not a gateway's name: {common_name}") from error
    raise CertificateError(CertificateReason.WRONG_NAME, f"no role of the SM-PKI is called {common_name!r}")


def _text(name: x509.Name) -> str:
    return name.rfc4514_string()[:120]
