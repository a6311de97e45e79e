"""A small SM-PKI with software keys: root, sub-CA, revocation lists, and certificates on demand.

For the in-memory world and for tests. Keys follow from the seed, so that two runs hold the same certificates; nothing
outside the testbed may ever believe them.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.issue import Hierarchy, Issuer, Order, build_hierarchy, prepare, serial_number
from pki.plan import Plan
from pki.revoke import Revocation, build_crl

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
GATEWAY = "EABC0012345678"


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
        """Build root and sub-CA."""
        self.random = random.Random(self.seed)
        root, sub_ca = self.key(ec.BrainpoolP512R1()), self.key(ec.BrainpoolP384R1())
        self.hierarchy = build_hierarchy(root, sub_ca, plan=self.plan, now=self.now, random=self.random.randbytes)

    def key(self, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        """The next key of the seed; a bit short of the group's order, which is enough for a testbed."""
        return ec.derive_private_key(self.random.getrandbits(curve.key_size - 8) + 1, curve)

    def holder(self, role: Role, purpose: Purpose, name: str = "Netz") -> Holder:
        """A new key and its certificate."""
        key = self.key(ec.BrainpoolP256R1())
        return Holder(self.certify(key.public_key(), role, purpose, name), key)

    def certify(
        self,
        public_key: ec.EllipticCurvePublicKey,
        role: Role,
        purpose: Purpose,
        name: str,
        issuer: Issuer | None = None,
    ) -> x509.Certificate:
        """A certificate for a key that the caller holds."""
        order = Order(public_key, role, name, purpose)
        serial = serial_number(self.random.randbytes)
        chosen = issuer or self.hierarchy.sub_ca
        return prepare(order, issuer=chosen, plan=self.plan, serial=serial, now=self.now).issue()

    def crls(
        self, *, root: tuple[Revocation, ...] = (), sub_ca: tuple[Revocation, ...] = (), now: datetime | None = None
    ) -> list[x509.CertificateRevocationList]:
        """Revocation lists of root and sub-CA."""
        at = now or self.now
        return [
            build_crl(self.hierarchy.root, root, number=1, now=at, days=30),
            build_crl(self.hierarchy.sub_ca, sub_ca, number=1, now=at, days=7),
        ]

    def trust(self, *, sub_ca: tuple[Revocation, ...] = (), now: datetime | None = None) -> TrustStore:
        """What everybody believes who knows this root."""
        crls = self.crls(sub_ca=sub_ca, now=now)
        return TrustStore([self.hierarchy.root.certificate], [self.hierarchy.sub_ca.certificate], crls)

    def verified(self, holder: Holder, role: Role, purpose: Purpose, at: datetime | None = None) -> VerifiedCertificate:
        """The certificate of ``holder``, verified against this hierarchy."""
        pinned = {fingerprint(holder.certificate)}
        return self.trust().verify(holder.certificate, role=role, purpose=purpose, at=at or self.now, pinned=pinned)
