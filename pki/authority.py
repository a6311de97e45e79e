"""What the certification authority does: set itself up, certify, renew, take back, publish lists.

Joins the parts: keys in the CA's token, the state folder, prepare -> lint -> issue. Every operation changes the index
under its lock and before anything leaves the CA, so that no certificate exists that could not be revoked. Time is an
argument; random numbers are the token's.

Beside the sub-CA for what is in operation there is the manufacturer's for quality seals: gateways are delivered with
its certificates and renew them into operational ones, signed with the seal's SIG key (TR-03109-4, Gütesiegel).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import IssueError, IssueReason
from pki.issue import Issuer, Order, build_hierarchy, prepare, serial_number
from pki.plan import CURVES, AuthorityPlan
from pki.profiles import END_ROLES
from pki.requests import Triple, common_name_of, read_renewal
from pki.revoke import REASONS, build_crl
from pki.store import ROOT, SEAL_CA, SUB_CA, Entry, Index, Store, key_mark
from pki.token import Token

ROOT_LABEL: Final = "ROOT"
SUB_CA_LABEL: Final = "SUB-CA"
SEAL_CA_LABEL: Final = "SEAL-CA"
"""Labels of the CA keys in the token."""
_LABELS: Final = {ROOT: ROOT_LABEL, SUB_CA: SUB_CA_LABEL, SEAL_CA: SEAL_CA_LABEL}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who gets certificates: an end role, a name, and DNS names for the TLS certificate of an EMT, GWA or GWH."""

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
    """Root and sub-CAs of one state folder, with their keys in one token."""

    def __init__(self, store: Store, token: Token) -> None:
        """Work on ``store`` with the keys of ``token``."""
        self._store = store
        self._token = token
        self._plan = store.plan

    def set_up(self, now: datetime) -> None:
        """Generate the CA keys in the token, certify root and sub-CAs, publish them and their first lists.

        Raises:
            IssueError: STATE where it was done before. TokenError: KEY_EXISTS where the token has such keys.
        """
        with self._store.changing() as index:
            if index.entries:
                raise IssueError(IssueReason.STATE, f"{self._store.folder} has a certification authority already")
            root_key = self._token.generate_key(ROOT_LABEL, CURVES[self._plan.root.curve])
            sub_ca_key = self._token.generate_key(SUB_CA_LABEL, CURVES[self._plan.sub_ca.curve])
            seal_ca = self._plan.seal_ca
            seal_ca_key = None if seal_ca is None else self._token.generate_key(SEAL_CA_LABEL, CURVES[seal_ca.curve])
            hierarchy = build_hierarchy(
                root_key, sub_ca_key, plan=self._plan, now=now, random=self._token.random, seal_ca_key=seal_ca_key
            )
            self._store.publish(ROOT, hierarchy.root.certificate)
            for name, issuer in ((SUB_CA, hierarchy.sub_ca), (SEAL_CA, hierarchy.seal_ca)):
                if issuer is not None:
                    key, seal = issuer.key.public_key(), name == SEAL_CA
                    index.add(issuer.certificate, Order(key, Role.SUB_CA, self._plan_of(name).name, seal=seal))
                    self._store.save_certificate(issuer.certificate)
                    self._store.publish(name, issuer.certificate)
            self._publish_lists(index, now, root=True)

    def issue(self, triple: Triple, holder: Holder, now: datetime, *, seal: bool = False) -> Issued:
        """Certify the first triple of a holder, or the next after its certificates are over or revoked.

        ``seal`` gives a gateway quality-seal certificates, of the manufacturer's CA: good for its enrolment only.

        Raises:
            IssueError: HOLDER_EXISTS where the holder has good certificates (it renews with its own key, or they are
                revoked first: two devices of one identity must not happen by accident); LINT, ISSUER, STATE.
            CertificateError: WRONG_NAME.
        """
        if holder.role not in END_ROLES:
            raise IssueError(IssueReason.REQUEST, f"certificates of the role {holder.role} are not issued on request")
        if seal and holder.role is not Role.SMGW:
            raise IssueError(IssueReason.REQUEST, f"a quality seal is of a gateway, not of a {holder.role}")
        with self._store.changing() as index:
            if good := index.good(holder.role, holder.name, now):
                sentence = f"{holder.common_name} has good certificates ({good[0].serial}, …): renew or revoke them"
                raise IssueError(IssueReason.HOLDER_EXISTS, sentence)
            return self._certify(index, triple, holder, now, seal=seal)

    def renew(self, document: bytes, now: datetime) -> Issued:
        """Certify a new triple that the holder of a good SIG certificate of this CA has signed.

        The new certificates are operational ones, also where the old one is a quality seal; the seal stays good.

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
            trust.verify(current, role=holder.role, purpose=Purpose.SIG, at=now, pinned=pinned, seal=True)
            return self._certify(index, renewal.verify(current, holder.common_name), holder, now, seal=False)

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
        """Publish new lists of all CAs, before the current ones are over."""
        with self._store.changing() as index:
            self._publish_lists(index, now, root=True)

    def _certify(self, index: Index, triple: Triple, holder: Holder, now: datetime, *, seal: bool) -> Issued:
        issuer = self._issuer(SEAL_CA if seal else SUB_CA)
        used = {entry.key for entry in index.entries}
        generation = index.next_generation(holder.role, holder.name)
        orders: list[Order] = []
        for purpose in Purpose:
            key = triple.public_key(purpose)
            if key_mark(key) in used:
                raise IssueError(IssueReason.REQUEST, f"the key for {purpose} was certified before; generate a new one")
            orders.append(Order(key, holder.role, holder.name, purpose, generation, holder.hosts, seal))
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
        sub_cas = [SUB_CA] if self._plan.seal_ca is None else [SUB_CA, SEAL_CA]
        for name in [ROOT, *sub_cas] if root else sub_cas:
            number, days = index.next_list(name), self._plan_of(name).crl_days
            gone = index.revocations(name)
            self._store.publish(name, build_crl(self._issuer(name), gone, number=number, now=now, days=days))

    def _issuer(self, name: str) -> Issuer:
        self._plan_of(name)  # refuses an authority that the plan does not have
        return Issuer(self._store.authority(name), self._token.key(_LABELS[name]))

    def _plan_of(self, name: str) -> AuthorityPlan:
        plan = {ROOT: self._plan.root, SUB_CA: self._plan.sub_ca, SEAL_CA: self._plan.seal_ca}[name]
        if plan is None:
            raise IssueError(IssueReason.STATE, "this authority issues no quality seals: it was made without [seal_ca]")
        return plan
