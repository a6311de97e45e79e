"""How a certificate comes into being: prepare, lint, issue.

Nothing is signed by a CA key that was not looked at first: :func:`prepare` signs the certificate with a throwaway key
and hands exactly those octets to the linter; only then :meth:`Prepared.issue` lets the CA's key sign them, once, and
compares what came out with what was linted (the pattern of boulder's issuance). CA keys live in a token or in memory:
both are ``EllipticCurvePrivateKey``. Time, serial numbers and keys are arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from pki.errors import IssueError, IssueReason
from pki.lint import lint
from pki.plan import AuthorityPlan, EndUserPlan, Plan, hash_for
from pki.profiles import KEY_USAGES, QUALITY_SEAL_POLICY, Purpose, Role, profile_of, subject_name

SERIAL_OCTETS: Final = 16
"""Random octets of a serial number: unpredictable (64 bits would do) and inside RFC 5280's twenty."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA that can sign: its certificate and its key, in memory or in a token."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be certified: a key, and who holds it for what.

    ``generation`` counts the holder's certificates (serialNumber in the name). ``hosts`` are DNS names for the TLS
    certificate of an EMT, GWA or GWH beside the planned one. ``seal`` asks for a quality-seal certificate of a gateway,
    or for the CA that issues those.
    """

    public_key: ec.EllipticCurvePublicKey
    role: Role
    name: str
    purpose: Purpose | None = None
    generation: int = 1
    hosts: tuple[str, ...] = ()
    seal: bool = False


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Root and sub-CA with their keys; ``seal_ca`` where there is one for quality seals."""

    root: Issuer
    sub_ca: Issuer
    seal_ca: Issuer | None = None


class Prepared:
    """A linted certificate that waits for its one signature; made by :func:`prepare`."""

    def __init__(self, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, linted: bytes) -> None:
        """Keep what was linted (the to-be-signed octets) beside what will be signed."""
        self._builder: x509.CertificateBuilder | None = builder
        self._key = key
        self._linted = linted

    def issue(self) -> x509.Certificate:
        """Sign with the CA's key; works once.

        Raises:
            IssueError: SPENT the second time, LINT if the signed octets are not the linted ones, ISSUER if the
                signature does not hold under the CA's public key (a broken token).
        """
        if self._builder is None:
            raise IssueError(IssueReason.SPENT, "this certificate was issued already; prepare another")
        builder, self._builder = self._builder, None
        certificate = builder.sign(self._key, hash_for(self._key))
        if certificate.tbs_certificate_bytes != self._linted:
            raise IssueError(IssueReason.LINT, "the signed certificate is not the one that was linted")
        try:
            self._key.public_key().verify(
                certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hash_for(self._key))
            )
        except InvalidSignature as error:
            raise IssueError(IssueReason.ISSUER, "the CA's key made a signature that does not hold") from error
        return certificate


def prepare(order: Order, *, issuer: Issuer, plan: Plan, serial: int, now: datetime) -> Prepared:
    """Build and lint the certificate of ``order`` under ``issuer``.

    Raises:
        IssueError: LINT with every finding, ISSUER where the CA's own signing period is over, STATE where the plan has
            no CA for quality seals.
        CertificateError: WRONG_NAME where the name cannot be one of the role.
    """
    _check_signing_period(issuer.certificate, now)
    builder = _builder(order, plan, serial, now).issuer_name(issuer.certificate.subject)
    signer = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer)
    builder = builder.add_extension(authority, critical=False)
    above = plan.root if order.role is Role.SUB_CA else _sub_ca(plan, seal=order.seal)
    builder = builder.add_extension(x509.IssuerAlternativeName(_contact(above)), critical=False)
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(above.crl_url)], None, None, None)
    builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return _lint(builder, issuer.key, issuer.certificate)


def prepare_root(key: ec.EllipticCurvePrivateKey, *, plan: Plan, serial: int, now: datetime) -> Prepared:
    """Build and lint the self-signed root certificate of ``key``; raises as :func:`prepare`."""
    order = Order(key.public_key(), Role.ROOT, plan.root.name)
    builder = _builder(order, plan, serial, now)
    name = subject_name(
        Role.ROOT, plan.root.name, organisation=plan.organisation, country=plan.country, generation=order.generation
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(order.public_key)
    return _lint(builder.issuer_name(name).add_extension(authority, critical=False), key, None)


def build_hierarchy(
    root_key: ec.EllipticCurvePrivateKey,
    sub_ca_key: ec.EllipticCurvePrivateKey,
    *,
    plan: Plan,
    now: datetime,
    random: Callable[[int], bytes],
    seal_ca_key: ec.EllipticCurvePrivateKey | None = None,
) -> Hierarchy:
    """Root and sub-CA certificates for their keys; one for quality seals where a key for it is given."""
    root = Issuer(prepare_root(root_key, plan=plan, serial=serial_number(random), now=now).issue(), root_key)

    def below(key: ec.EllipticCurvePrivateKey, *, seal: bool) -> Issuer:
        order = Order(key.public_key(), Role.SUB_CA, _sub_ca(plan, seal=seal).name, seal=seal)
        return Issuer(prepare(order, issuer=root, plan=plan, serial=serial_number(random), now=now).issue(), key)

    sub_ca = below(sub_ca_key, seal=False)
    return Hierarchy(root, sub_ca, None if seal_ca_key is None else below(seal_ca_key, seal=True))


def serial_number(random: Callable[[int], bytes]) -> int:
    """A positive serial number of at most 127 bits; ``random(n)`` gives n octets."""
    return int.from_bytes(random(SERIAL_OCTETS), "big") >> 1 or 1


def validity_end(begin: datetime, years: int) -> datetime:
    """23:59:59 UTC of the last day that ends less than ``years`` after ``begin``, as the SM-PKI's certificates end."""
    day = begin.date()
    if (day.month, day.day) == (2, 29):
        day -= timedelta(days=1)
    last = day.replace(year=day.year + years) - timedelta(days=1)
    return datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=UTC)


def _builder(order: Order, plan: Plan, serial: int, now: datetime) -> x509.CertificateBuilder:
    begin = now.astimezone(UTC).replace(microsecond=0) - timedelta(days=plan.backdated_days)
    details: AuthorityPlan | EndUserPlan = plan.end_user
    if order.role in (Role.ROOT, Role.SUB_CA):
        details = plan.root if order.role is Role.ROOT else _sub_ca(plan, seal=order.seal)
    profile = profile_of(order.role, order.purpose)
    name = subject_name(
        order.role,
        order.name,
        organisation=plan.organisation,
        country=plan.country,
        generation=order.generation,
    )
    usage = x509.KeyUsage(
        **{bit: bit in profile.key_usage for bit in KEY_USAGES}, encipher_only=False, decipher_only=False
    )
    policies = [ObjectIdentifier(details.policy)]
    if order.seal:
        # The CA for quality seals is marked beside its own policy; what it issues carries the mark alone.
        policies = [*policies, QUALITY_SEAL_POLICY] if profile.ca else [QUALITY_SEAL_POLICY]
    statements = [x509.PolicyInformation(policy, [details.practice_statement]) for policy in policies]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(order.public_key)
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(validity_end(begin, details.years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(order.public_key), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(x509.CertificatePolicies(statements), critical=False)
    )
    if isinstance(details, AuthorityPlan):
        until = validity_end(begin, details.signing_years)
        return (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=details.path_length), critical=True)
            .add_extension(x509.SubjectAlternativeName(_contact(details)), critical=False)
            .add_extension(x509.PrivateKeyUsagePeriod(begin, until), critical=False)
        )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if order.purpose is Purpose.TLS:
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(both, critical=True)
    if order.role is not Role.SMGW:
        builder = builder.add_extension(_addresses(order, details), critical=False)
    return builder


def _sub_ca(plan: Plan, *, seal: bool) -> AuthorityPlan:
    if not seal:
        return plan.sub_ca
    if plan.seal_ca is None:
        raise IssueError(IssueReason.STATE, "this hierarchy has no [seal_ca]: it issues no quality seals")
    return plan.seal_ca


def _addresses(order: Order, details: EndUserPlan) -> x509.SubjectAlternativeName:
    host = f"{order.name.lower().replace(' ', '-').replace('_', '-')}.{order.role.lower()}.{details.domain}"
    names: list[x509.GeneralName] = [
        x509.RFC822Name(f"contact@{host}"),
        x509.UniformResourceIdentifier(f"https://{host}"),
    ]
    if order.purpose is Purpose.TLS:
        names.extend(x509.DNSName(name) for name in (host, *order.hosts))
    return x509.SubjectAlternativeName(names)


def _contact(authority: AuthorityPlan) -> list[x509.GeneralName]:
    return [x509.RFC822Name(authority.mail), x509.UniformResourceIdentifier(authority.url)]


def _lint(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None
) -> Prepared:
    # The to-be-signed octets name the hash but not the curve of the signing key, so a throwaway key will do, on the
    # curve that OpenSSL is fastest with; its certificate is worth nothing, because no CA has that key.
    throwaway = ec.generate_private_key(ec.SECP256R1())
    draft = builder.sign(throwaway, hash_for(key))
    findings = lint(draft, issuer)
    if findings:
        raise IssueError(IssueReason.LINT, "not signed: " + "; ".join(findings))
    return Prepared(builder, key, draft.tbs_certificate_bytes)


def _check_signing_period(certificate: x509.Certificate, now: datetime) -> None:
    period = certificate.extensions.get_extension_for_class(x509.PrivateKeyUsagePeriod).value
    until = period.not_after
    if not certificate.not_valid_before_utc <= now or until is None or now > until.replace(tzinfo=UTC):
        name = certificate.subject.rfc4514_string()
        raise IssueError(IssueReason.ISSUER, f"{name} may sign from {certificate.not_valid_before_utc} to {until} only")
