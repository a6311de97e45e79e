"""A small SM-PKI with software keys: root, sub-CAs, revocation lists, and certificates on demand.

For the in-memory world and for tests. Keys follow from the seed, so that two runs hold the same certificates; nothing
outside the testbed may ever believe them. What was made once in a process is not made again: the same numbers drawn for
the same request are the same certificate.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.issue import SERIAL_OCTETS, Hierarchy, Issuer, Order, build_hierarchy, prepare, serial_number
from pki.plan import Plan
from pki.revoke import Revocation, build_crl

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
GATEWAY = "EABC0012345678"
ROOT_LIST_DAYS = 30
LIST_DAYS = 7
"""How long a revocation list of the root, and of a sub-CA, is current."""
REMEMBERED = 4096
"""Certificates that a process keeps: more than the tests ask for twice, few megabytes."""


@dataclass(frozen=True)
class Holder:
    """A certificate and its software key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass
class SmallPki:
    """Issue with ``holder``; ``trust`` gives the store with current revocation lists."""

    seed: int = 1
    now: datetime = NOW
    plan: Plan = field(default_factory=Plan.default)
    hierarchy: Hierarchy = field(init=False)

    def __post_init__(self) -> None:
        """Build root and sub-CAs."""
        self.random = random.Random(self.seed)
        keys = tuple(self.key(curve) for curve in (ec.BrainpoolP512R1(), *[ec.BrainpoolP384R1()] * 2))
        octets = tuple(self.random.randbytes(SERIAL_OCTETS) for _ in keys)
        self.hierarchy = _hierarchy(keys, octets, self.plan, self.now)

    def key(self, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        """The next key of the seed; a bit short of the group's order, which is enough for a testbed."""
        return _key(self.random.getrandbits(curve.key_size - 8) + 1, type(curve))

    def holder(self, role: Role, purpose: Purpose, name: str = "Netz", *, seal: bool = False) -> Holder:
        """A new key and its certificate; with ``seal`` a quality seal of the manufacturer's CA."""
        key = self.key(ec.BrainpoolP256R1())
        return Holder(self.certify(key.public_key(), role, purpose, name, seal=seal), key)

    @property
    def seal_ca(self) -> Issuer:
        """The manufacturer's CA for quality seals."""
        if self.hierarchy.seal_ca is None:
            raise RuntimeError("this hierarchy has no CA for quality seals")
        return self.hierarchy.seal_ca

    def certify(
        self,
        public_key: ec.EllipticCurvePublicKey,
        role: Role,
        purpose: Purpose,
        name: str,
        issuer: Issuer | None = None,
        *,
        seal: bool = False,
    ) -> x509.Certificate:
        """A certificate for a key that the caller holds."""
        serial = serial_number(self.random.randbytes)
        chosen = issuer or (self.seal_ca if seal else self.hierarchy.sub_ca)
        point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        wanted = _Wanted(type(public_key.curve), point, role, name, purpose, seal, serial, self.now)
        return _certificate(wanted, chosen, self.plan)

    def crls(
        self,
        *,
        root: tuple[Revocation, ...] = (),
        sub_ca: tuple[Revocation, ...] = (),
        now: datetime | None = None,
        number: int = 1,
    ) -> list[x509.CertificateRevocationList]:
        """Revocation lists of root and sub-CA; :meth:`seal_crl` is the third."""
        at = now or self.now
        return [
            _crl(self.hierarchy.root, root, number, at, ROOT_LIST_DAYS),
            _crl(self.hierarchy.sub_ca, sub_ca, number, at, LIST_DAYS),
        ]

    def seal_crl(
        self, *revoked: Revocation, now: datetime | None = None, number: int = 1
    ) -> x509.CertificateRevocationList:
        """The revocation list of the CA for quality seals."""
        return _crl(self.seal_ca, revoked, number, now or self.now, LIST_DAYS)

    def trust(
        self,
        *,
        root: tuple[Revocation, ...] = (),
        sub_ca: tuple[Revocation, ...] = (),
        seal: tuple[Revocation, ...] = (),
        now: datetime | None = None,
        number: int = 1,
    ) -> TrustStore:
        """What everybody believes who knows this root."""
        lists = [
            *self.crls(root=root, sub_ca=sub_ca, now=now, number=number),
            self.seal_crl(*seal, now=now, number=number),
        ]
        authorities = [self.hierarchy.sub_ca.certificate, self.seal_ca.certificate]
        return TrustStore([self.hierarchy.root.certificate], authorities, lists)

    def verified(
        self, holder: Holder, role: Role, purpose: Purpose, at: datetime | None = None, *, seal: bool = False
    ) -> VerifiedCertificate:
        """The certificate of ``holder``, verified against this hierarchy."""
        pinned = {fingerprint(holder.certificate)}
        moment = at or self.now
        return self.trust().verify(holder.certificate, role=role, purpose=purpose, at=moment, pinned=pinned, seal=seal)


@lru_cache(REMEMBERED)
def _key(number: int, curve: type[ec.EllipticCurve]) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, curve())


@lru_cache(REMEMBERED)
def _hierarchy(
    keys: tuple[ec.EllipticCurvePrivateKey, ...], octets: tuple[bytes, ...], plan: Plan, now: datetime
) -> Hierarchy:
    """The authorities of these keys; ``octets`` are what each serial number is made from."""
    root, sub_ca, seal_ca = keys
    drawn = iter(octets)
    return build_hierarchy(root, sub_ca, plan=plan, now=now, random=lambda _: next(drawn), seal_ca_key=seal_ca)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a certificate follows from, beside issuer and plan; keys of others are not hashable, so their points are."""

    curve: type[ec.EllipticCurve]
    point: bytes
    role: Role
    name: str
    purpose: Purpose
    seal: bool
    serial: int
    now: datetime


@lru_cache(REMEMBERED)
def _certificate(wanted: _Wanted, issuer: Issuer, plan: Plan) -> x509.Certificate:
    public_key = ec.EllipticCurvePublicKey.from_encoded_point(wanted.curve(), wanted.point)
    order = Order(public_key, wanted.role, wanted.name, wanted.purpose, seal=wanted.seal)
    return prepare(order, issuer=issuer, plan=plan, serial=wanted.serial, now=wanted.now).issue()


@lru_cache(REMEMBERED)
def _crl(
    issuer: Issuer, revocations: tuple[Revocation, ...], number: int, now: datetime, days: int
) -> x509.CertificateRevocationList:
    return build_crl(issuer, revocations, number=number, now=now, days=days)
