"""Second opinion on a certificate before a CA signs it: does it keep to the SM-PKI's profile?

Written from the profile's description (spec: TR-03109-4, SM-PKI certificate policy) and not from ``profiles.py``, on
another parser (asn1crypto), so that one wrong table does not both build and approve a certificate. It checks form only;
it never decides trust. Each rule yields its findings as sentences; none means clean.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha1
from typing import Any, Final

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

BSI_POLICY: Final = "0.4.0.127.0.7.3.4.1.1.1"
SEAL_POLICY: Final = "1.3.6.1.4.1.32473.3109.4.2"
"""Quality seals (Gütesiegel): an arc for examples, the real one is not public."""
CURVES: Final = {
    "root": {"1.3.36.3.3.2.8.1.1.11": 97, "1.3.36.3.3.2.8.1.1.13": 129},
    "sub-ca": {"1.3.36.3.3.2.8.1.1.7": 65, "1.3.36.3.3.2.8.1.1.11": 97, "1.3.36.3.3.2.8.1.1.13": 129},
    "end": {"1.3.36.3.3.2.8.1.1.7": 65},
}
"""Named brainpool curves by object identifier, with the length of an uncompressed point on each."""
YEARS: Final = {"root": 7, "sub-ca": 5, "end": 2}
"""Longest validity; the root's figure is not confirmed by a public text (docs/deviations.md)."""
NAME_ORDER: Final = (
    "common_name",
    "organization_name",
    "organizational_unit_name",
    "country_name",
    "serial_number",
    "street_address",
    "postal_code",
    "locality_name",
    "state_or_province_name",
)
CRITICAL: Final = ("key_usage", "basic_constraints", "extended_key_usage")
ALWAYS: Final = ("key_identifier", "key_usage", "basic_constraints", "authority_key_identifier", "certificate_policies")


@dataclass(frozen=True, slots=True)
class _Issuer:
    """What rules ask of the issuing certificate."""

    subject: bytes
    begin: datetime
    end: datetime
    key_identifier: bytes | None
    policies: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Case:
    """One certificate under the lens: its parts, what kind it claims to be, and who is to issue it."""

    tbs: asn1.TbsCertificate
    outer: str
    kind: str
    role: str
    extensions: dict[str, Any]
    issuer: _Issuer | None

    def value(self, name: str) -> Any:
        """Native value of an extension, or None."""
        found = self.extensions.get(name)
        return None if found is None else found["extn_value"].parsed.native


def lint(certificate: x509.Certificate, issuer: x509.Certificate | None) -> list[str]:
    """Findings about ``certificate``, to be issued by ``issuer`` (None: a root, by itself); empty when it is clean."""
    return lint_der(
        certificate.public_bytes(Encoding.DER), None if issuer is None else issuer.public_bytes(Encoding.DER)
    )


def lint_der(certificate: bytes, issuer: bytes | None) -> list[str]:
    """As :func:`lint`, on the octets: ValueError where they are no certificate at all."""
    parsed = asn1.Certificate.load(certificate, strict=True)
    above = None if issuer is None else _issuer(issuer)
    tbs = parsed["tbs_certificate"]
    named = [extension["extn_id"].native for extension in tbs["extensions"]]
    if len(set(named)) != len(named):
        return ["an extension stands twice"]
    kind, role = _kind(tbs, above)
    extensions = dict(zip(named, tbs["extensions"], strict=True))
    case = _Case(tbs, parsed["signature_algorithm"]["algorithm"].native, kind, role, extensions, above)
    return [finding for rule in RULES for finding in rule(case)]


@lru_cache(8)
def _issuer(certificate: bytes) -> _Issuer:
    """An authority issues many: what stands in its own certificate is read once."""
    parsed = asn1.Certificate.load(certificate, strict=True)
    policies = parsed.certificate_policies_value
    return _Issuer(
        parsed.subject.dump(),
        parsed.not_valid_before,
        parsed.not_valid_after,
        parsed.key_identifier,
        frozenset(_policies(None if policies is None else policies.native)),
    )


def _kind(tbs: asn1.TbsCertificate, above: _Issuer | None) -> tuple[str, str]:
    common_name = str(tbs["subject"].native.get("common_name", ""))
    if common_name.endswith(".CA"):
        return ("root", "CA") if above is None else ("sub-ca", "CA")
    for role in ("EMT", "GWA", "GWH", "SMGW"):
        if re.search(rf"\.{role}(\.|$)", common_name):
            return "end", role
    return "end", ""


def _form(case: _Case) -> Iterator[str]:
    if case.tbs["version"].native != "v3":
        yield "not version 3"
    serial = case.tbs["serial_number"]
    if serial.native <= 0 or len(serial.contents) > 20:
        yield "the serial number is not positive or longer than 20 octets (RFC 5280 4.1.2.2)"
    inner = case.tbs["signature"]["algorithm"].native
    if inner != case.outer or inner not in ("sha256_ecdsa", "sha384_ecdsa", "sha512_ecdsa"):
        yield f"signed with {inner}/{case.outer} instead of ECDSA over SHA-256, 384 or 512"


def _names(case: _Case) -> Iterator[str]:
    subject = case.tbs["subject"]
    kinds = [rdn[0]["type"].native for rdn in subject.chosen]
    if any(len(rdn) != 1 for rdn in subject.chosen) or len(set(kinds)) != len(kinds):
        yield "a part of the subject has several values"
        return
    if kinds != [kind for kind in NAME_ORDER if kind in kinds]:
        yield f"the subject's parts are {kinds}, not in the order of the SM-PKI"
    parts = subject.native
    if parts.get("organization_name") not in ("SM-PKI-DE", "SM-Test-PKI-DE"):
        yield "the subject's organisation is neither SM-PKI-DE nor SM-Test-PKI-DE"
    if parts.get("country_name") != "DE":
        yield "the subject's country is not DE"
    if re.fullmatch(r"[1-9][0-9]{0,9}", parts.get("serial_number", "")) is None:
        yield "the subject's serialNumber is not a decimal generation"
    common_name = parts.get("common_name", "")
    if case.kind == "root" and common_name not in ("SM-Root.CA", "SM-Test-Root.CA"):
        yield f"{common_name} is not the name of the root"
    if case.kind == "end" and not case.role:
        yield f"{common_name} ends in no role of the SM-PKI"
    if case.role == "SMGW" and re.fullmatch(r"E[A-Z]{3}[0-9A-F]{2}[0-9]{8}\.SMGW", common_name) is None:
        yield f"{common_name} is not a gateway's identification (DIN 43863-5) and .SMGW"
    wanted = subject.dump() if case.issuer is None else case.issuer.subject
    if case.tbs["issuer"].dump() != wanted:
        yield "the issuer's name is not, octet by octet, that of the issuing certificate"


def _validity(case: _Case) -> Iterator[str]:
    begin, end = (case.tbs["validity"][name].native for name in ("not_before", "not_after"))
    if (end.hour, end.minute, end.second) != (23, 59, 59):
        yield "the validity does not end at 23:59:59 UTC"
    if not begin < end <= begin + timedelta(days=365 * YEARS[case.kind] + 2):
        yield f"the validity is not between nothing and {YEARS[case.kind]} years"
    if case.issuer is not None and not case.issuer.begin <= begin < end <= case.issuer.end:
        yield "the validity reaches outside that of the issuing certificate (shell model)"


def _key(case: _Case) -> Iterator[str]:
    info = case.tbs["subject_public_key_info"]
    if info["algorithm"]["algorithm"].native != "ec" or info["algorithm"]["parameters"].name != "named":
        yield "the key is not one on a named elliptic curve"
        return
    length = CURVES[case.kind].get(info["algorithm"]["parameters"].chosen.dotted)
    if length is None:
        yield "the key is not on a brainpool curve allowed here"
    point = bytes(info["public_key"])
    if len(point) != length or point[:1] != b"\x04":
        yield "the public point is not uncompressed (TR-03116-3)"
    if case.value("key_identifier") != sha1(point).digest():  # noqa: S324 - RFC 5280 4.2.1.2 names keys with SHA-1
        yield "the subject key identifier is not that of the key"
    issuer_key = case.value("key_identifier") if case.issuer is None else case.issuer.key_identifier
    if (case.value("authority_key_identifier") or {}).get("key_identifier") != issuer_key:
        yield "the authority key identifier is not the issuer's key identifier"


def _presence(case: _Case) -> Iterator[str]:
    wanted = set(ALWAYS)
    if case.kind != "root":
        wanted |= {"issuer_alt_name", "crl_distribution_points"}
    if case.kind == "sub-ca" or case.role in ("EMT", "GWA", "GWH"):
        wanted.add("subject_alt_name")
    optional = {"private_key_usage_period"} if case.kind != "end" else {"extended_key_usage"}
    if case.kind == "root":
        optional |= {"subject_alt_name", "issuer_alt_name", "crl_distribution_points"}
    present = set(case.extensions)
    yield from (f"extension {name} is missing" for name in sorted(wanted - present))
    yield from (f"extension {name} is forbidden here" for name in sorted(present - wanted - optional))
    for name, extension in case.extensions.items():
        if extension["critical"].native is not (name in CRITICAL):
            yield f"extension {name} has the wrong criticality"


def _usage(case: _Case) -> Iterator[str]:
    usage, extended = case.value("key_usage") or set(), case.value("extended_key_usage")
    if case.kind == "end":
        allowed = [{"key_encipherment", "key_agreement"}] if extended is None else []
        if usage not in [*allowed, {"digital_signature"}]:
            yield f"key usage {sorted(usage)} is that of no purpose"
        if extended is not None and (set(extended) != {"client_auth", "server_auth"} or len(extended) != 2):
            yield "the extended key usage is not exactly TLS client and server"
    elif usage != {"key_cert_sign", "crl_sign"}:
        yield f"key usage {sorted(usage)} is not that of a CA"
    constraints = case.value("basic_constraints") or {}
    if constraints.get("ca", False) is not (case.kind != "end"):
        yield "basic constraints and role contradict each other"
    if case.kind == "sub-ca" and constraints.get("path_len_constraint") != 0:
        yield "the path length of a sub-CA is not 0"
    if case.kind == "end" and constraints.get("path_len_constraint") is not None:
        yield "an end user has a path length"


def _content(case: _Case) -> Iterator[str]:
    policies = case.value("certificate_policies") or []
    named = _policies(policies)
    if not named or (BSI_POLICY in named) is (case.kind == "end"):
        yield "CAs carry the BSI's policy, end users only the sub-CA's own"
    if any(not policy["policy_qualifiers"] for policy in policies):
        yield "a policy names no certification practice statement"
    names = [(name.name, name.native) for name in _general_names(case, "subject_alt_name")]
    if "subject_alt_name" in case.extensions:
        kinds = {kind for kind, _ in names}
        tls = case.value("extended_key_usage") is not None
        if kinds != {"rfc822_name", "uniform_resource_identifier"} | ({"dns_name"} if tls else set()):
            yield "the subject alternative name is not mail and URI (and DNS name for TLS, and only there)"
    for point in case.value("crl_distribution_points") or []:
        where = point["distribution_point"]
        if not where or not all(str(uri).startswith(("http://", "ldap://", "ldaps://")) for uri in where):
            yield "a CRL distribution point is neither HTTP nor LDAP"
    period = case.value("private_key_usage_period")
    if period is not None:
        begin, end = (case.tbs["validity"][name].native for name in ("not_before", "not_after"))
        bounds = [moment for moment in period.values() if isinstance(moment, datetime)]
        if not all(begin <= moment.astimezone(UTC) <= end for moment in bounds):
            yield "the private key usage period reaches outside the validity"


def _seal(case: _Case) -> Iterator[str]:
    named = _policies(case.value("certificate_policies"))
    above = frozenset[str]() if case.issuer is None else case.issuer.policies
    sealed = SEAL_POLICY in named
    if case.kind == "root" and sealed:
        yield "a root is not for quality seals"
    if case.kind != "end":
        return
    if sealed is not (SEAL_POLICY in above):
        yield "quality seals come from a CA for quality seals, which issues nothing else"
    if sealed and case.role != "SMGW":
        yield "a quality seal is of a gateway"
    if sealed and named != {SEAL_POLICY}:
        yield "a quality seal carries no other policy"


def _policies(native: Any) -> set[str]:
    return {policy["policy_identifier"] for policy in native or []}


def _general_names(case: _Case, extension: str) -> list[Any]:
    found = case.extensions.get(extension)
    return [] if found is None else list(found["extn_value"].parsed)


RULES: Final[tuple[Callable[[_Case], Iterator[str]], ...]] = (
    _form,
    _names,
    _validity,
    _key,
    _presence,
    _usage,
    _content,
    _seal,
)
