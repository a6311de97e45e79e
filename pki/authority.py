"""What the certification authority does: set itself up, certify, renew, take back, publish lists.

Joins the parts: keys in the CA's token, the state folder, prepare -> lint -> issue. Every operation changes the index
under its lock and before anything leaves the CA, so that no certificate exists that could not be revoked. Time is an
argument; random numbers are the token's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import IssueError, IssueReason
from pki.issue import Issuer, Order, build_hierarchy, prepare, serial_number
from pki.plan import CURVES
from pki.profiles import END_ROLES
from pki.requests import Triple, common_name_of, read_renewal
from pki.revoke import REASONS, build_crl
from pki.store import Entry, Index, Store, key_mark
from pki.token import Token

ROOT_LABEL: Final = "ROOT"
SUB_CA_LABEL: Final = "SUB-CA"
"""Labels of the CA keys in the token."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who gets certificates: an end role, a name, and DNS names for the TLS certificate of an EMT or GWA."""

    role: Role
    name: str
    hosts: tuple[str, ...] = ()

    @property
    def common_name(self) -> str:
        """What requests of this holder say."""
        return common_name_of(self.role, self.name)


@dataclass(frozen=True, slots=True)
class Issued:
    """The result of :meth:`Authority.issue` and :meth:`Authority.renew`."""

    holder: Holder
    generation: int
    certificates: Mapping[Purpose, x509.Certificate]


class Authority:
    """Root and sub-CA of one state folder, with their keys in one token."""

    def __init__(self, store: Store, token: Token) -> None:
        """Work on ``store`` with the keys of ``token``."""
        self._store = store
        self._token = token
        self._plan = store.plan

    def set_up(self, now: datetime) -> None:
        """Generate the CA keys in the token, certify root and sub-CA, publish both and their first lists.

        Raises:
            IssueError: STATE where it was done before. TokenError: KEY_EXISTS where the token has such keys.
        """
        with self._store.changing() as index:
            if index.entries:
                raise IssueError(IssueReason.STATE, f"{self._store.folder} has a certification authority already")
            root_key = self._token.generate_key(ROOT_LABEL, CURVES[self._plan.root.curve])
            sub_ca_key = self._token.generate_key(SUB_CA_LABEL, CURVES[self._plan.sub_ca.curve])
            hierarchy = build_hierarchy(root_key, sub_ca_key, plan=self._plan, now=now, random=self._token.random)
            order = Order(sub_ca_key.public_key(), Role.SUB_CA, self._plan.sub_ca.name)
            index.add(hierarchy.sub_ca.certificate, order)
            self._store.save_certificate(hierarchy.sub_ca.certificate)
            self._store.publish("root", hierarchy.root.certificate)
            self._store.publish("sub-ca", hierarchy.sub_ca.certificate)
            self._publish_lists(index, now, root=True)

    def issue(self, triple: Triple, holder: Holder, now: datetime) -> Issued:
        """Certify the first triple of a holder, or the next after its certificates are over or revoked.

        Raises:
            IssueError: HOLDER_EXISTS where the holder has good certificates (it renews with its own key, or they are
                revoked first: two devices of one identity must not happen by accident); LINT, ISSUER, STATE.
            CertificateError: WRONG_NAME.
        """
        if holder.role not in END_ROLES:
            raise IssueError(IssueReason.REQUEST, f"certificates of the role {holder.role} are not issued on request")
        with self._store.changing() as index:
            if good := index.good(holder.role, holder.name, now):
                sentence = f"{holder.common_name} has good certificates ({good[0].serial}, …): renew or revoke them"
                raise IssueError(IssueReason.HOLDER_EXISTS, sentence)
            return self._certify(index, triple, holder, now)

    def renew(self, document: bytes, now: datetime) -> Issued:
        """Certify a new triple that the holder of a good SIG certificate of this CA has signed.

        Raises:
            IssueError: REQUEST, POSSESSION, UNKNOWN_CERTIFICATE; CertificateError where the signing certificate is
                not good now (expired, revoked, ...).
        """
        renewal = read_renewal(document)
        with self._store.changing() as index:
            entry = index.find(renewal.signer.hex())
            current = self._store.certificate(entry)
            holder = Holder(Role(entry.role), entry.name, tuple(entry.hosts.split()))
            trust = TrustStore.from_folder(self._store.trust)
            pinned = {fingerprint(current)}
            trust.verify(current, role=holder.role, purpose=Purpose.SIG, at=now, pinned=pinned)
            return self._certify(index, renewal.verify(current, holder.common_name), holder, now)

    def revoke(self, handles: Iterable[str], reason: str, now: datetime) -> list[Entry]:
        """Take back certificates (by serial number or fingerprint) and publish new lists.

        Raises:
            IssueError: UNKNOWN_CERTIFICATE, ALREADY_REVOKED, STATE where the reason is unknown.
        """
        if reason not in REASONS:
            raise IssueError(IssueReason.STATE, f"{reason!r} is not a reason to revoke ({', '.join(REASONS)})")
        with self._store.changing() as index:
            entries = [index.find(handle) for handle in handles]
            for entry in entries:
                index.revoke(entry, now, reason)
        # Kept before it is told: had this failed half way with the list published and the index not, the next list
        # would take the revocation back.
        with self._store.changing() as index:
            self._publish_lists(index, now, root=any(entry.role == Role.SUB_CA for entry in entries))
        return entries

    def publish_lists(self, now: datetime) -> None:
        """Publish new lists of both CAs, before the current ones are over."""
        with self._store.changing() as index:
            self._publish_lists(index, now, root=True)

    def _certify(self, index: Index, triple: Triple, holder: Holder, now: datetime) -> Issued:
        issuer = Issuer(self._store.authority("sub-ca"), self._token.key(SUB_CA_LABEL))
        used = {entry.key for entry in index.entries}
        generation = index.next_generation(holder.role, holder.name)
        orders: list[Order] = []
        for purpose in Purpose:
            key = triple.public_key(purpose)
            if key_mark(key) in used:
                raise IssueError(IssueReason.REQUEST, f"the key for {purpose} was certified before; generate a new one")
            orders.append(Order(key, holder.role, holder.name, purpose, generation, holder.hosts))
        # All three are linted before the first is signed, so that a triple is issued whole or not at all.
        waiting = [
            prepare(order, issuer=issuer, plan=self._plan, serial=serial_number(self._token.random), now=now)
            for order in orders
        ]
        certificates: dict[Purpose, x509.Certificate] = {}
        for purpose, order, prepared in zip(Purpose, orders, waiting, strict=True):
            certificate = certificates[purpose] = prepared.issue()
            index.add(certificate, order)
            self._store.save_certificate(certificate)
        return Issued(holder, generation, certificates)

    def _publish_lists(self, index: Index, now: datetime, *, root: bool) -> None:
        if root:
            index.root_crl += 1
            issuer = Issuer(self._store.authority("root"), self._token.key(ROOT_LABEL))
            gone = index.revocations(of_sub_ca=False)
            self._store.publish(
                "root", build_crl(issuer, gone, number=index.root_crl, now=now, days=self._plan.root.crl_days)
            )
        index.sub_ca_crl += 1
        issuer = Issuer(self._store.authority("sub-ca"), self._token.key(SUB_CA_LABEL))
        gone = index.revocations(of_sub_ca=True)
        days = self._plan.sub_ca.crl_days
        self._store.publish("sub-ca", build_crl(issuer, gone, number=index.sub_ca_crl, now=now, days=days))
