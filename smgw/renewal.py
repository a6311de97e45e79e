"""The administrator's two orders about keys: make the next ones, and put them into use with their certificates.

Decides what certificates must show before the gateway lets go of the keys it has: every check is made before anything
changes, and the change itself is the table of ``smgw/keys/state.py``. A certificate of the manufacturer is never taken
for a key that was made here. Spec: TR-03109-1 (certificate management by the administrator), SM-PKI certificate policy
(a renewal has new keys and is signed by the current SIG key).
"""

import base64
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.checks import authority_key_identifier, check_readable, subject_key_identifier
from pki.errors import CertificateError, TokenError, TrustError
from pki.requests import build_renewal, build_triple, common_name_of
from pki.revocation_lists import ProvenList, newer, with_lists
from smgw.administration.errors import CommandRefusedError, Done, FollowUp
from smgw.identity import Identity, prove_own
from smgw.keys.ring import KeyRing
from smgw.store.errors import StoreError
from smgw.store.logs import Outcome, SystemLog
from smgw.trust import TrustFolder, note_lists
from wire.orders import InstallCertificates, RenewKeys

_logger = logging.getLogger(__name__)


class RenewalReason(StrEnum):
    """Why an order about keys is refused."""

    NOTHING_WAITS = "nothing-waits"
    AUTHORITY = "authority"
    REVOCATION_LIST = "revocation-list"
    CERTIFICATE = "certificate"
    SECURITY_MODULE = "security-module"
    STORAGE = "storage"


class KeyOrders:
    """The handlers of RenewKeys and InstallCertificates."""

    def __init__(self, ring: KeyRing, trust: TrustFolder, log: SystemLog) -> None:
        """What a start did with keys (``KeyRing.happened``) is written into ``log`` with the first order or note."""
        self._ring = ring
        self._trust = trust
        self._log = log

    def renew(self, command: RenewKeys, at: datetime) -> Done:  # noqa: ARG002 - the command says nothing more
        """Make the keys of the next generation and ask for their certificates.

        The result is ``{"renewal": base64, "generation": number}``: three requests, each signed by its own key, all
        signed by the SIG key in use. Keys of an earlier request that got no certificates are destroyed: what a CA may
        have certified in the meantime will never be used. Raises CommandRefusedError; the keys in use stay.
        """
        try:
            waiting = self._ring.renew()
            identity = self._ring.current()
            name = common_name_of(Role.SMGW, identity.gateway.text)
            document = build_renewal(
                build_triple(waiting, name),
                identity.certificates[Purpose.SIG].certificate,
                identity.keys[Purpose.SIG],
            )
            generation = self._ring.state.other or 0
        except (TrustError, OSError) as error:
            raise _broken(error) from error
        finally:
            self.note(at)
        return Done({"renewal": base64.b64encode(document).decode("ascii"), "generation": generation})

    def install(self, command: InstallCertificates, at: datetime) -> Done:
        """Install the certificates of the waiting keys, switch to them, destroy the former keys.

        1. The very triple that is in use is not installed again: the answer to the order was lost, not the order.
        2. Keys wait for certificates.
        3. Every certificate can be read.
        4. Revocation lists that come along are proven and not older than held ones.
        5. An authority that is not known yet stands right below a root that is, is good with a current list, and
           issued one of the three.
        6. Each of the three is good now for its purpose, a gateway's, this gateway's, certifies the key that waits for
           it, and is no quality-seal certificate.
        7. Authorities and lists are kept; then the switch: the keys prove themselves once more, with the certificates
           as they were read back from the disk.

        Authorities and lists that were kept stay if the switch then fails: they were proven by themselves. The tunnel
        in which the order came ends after the answer, so that the next one shows the new certificate.
        Raises CommandRefusedError; the keys in use stay.
        """
        given = {Purpose.TLS: command.tls, Purpose.SIG: command.sig, Purpose.ENC: command.enc}
        try:
            # 3, for what 1 compares
            certificates = {purpose: _read(data) for purpose, data in given.items()}
            authorities = [_read(data) for data in command.authorities]
            # 1
            if _is_in_use(self._ring.current(), certificates):
                return _installed(self._ring.current())
            # 2
            waiting = self._ring.pending()
            if waiting is None:
                sentence = "no keys wait for certificates; order new keys first"
                raise CommandRefusedError(RenewalReason.NOTHING_WAITS, sentence)
            # 4 and 5
            new, lists, store = self._ground(authorities, command.lists, certificates, at)
            # 6
            for purpose, certificate in certificates.items():
                key = waiting[purpose].public_key()
                prove_own(certificate, purpose, self._ring.current().gateway, key, store, at, seal=False)
            # 7
            self._trust.keep(new, lists)
            note_lists(self._log, lists, at)
            return _installed(self._ring.install(certificates, self._trust(), at))
        except CertificateError as error:
            raise CommandRefusedError(RenewalReason.CERTIFICATE, f"{error.reason.value}: {error}") from error
        except (TrustError, OSError) as error:
            raise _broken(error) from error
        finally:
            self.note(at)

    def note(self, at: datetime) -> None:
        """Write what happened to keys into the system log; a log that takes no entry undoes nothing."""
        subject = self._ring.current().gateway.text
        for event, good, generation in self._ring.happened():
            outcome = Outcome.SUCCESS if good else Outcome.FAILURE
            try:
                self._log.record(event, subject, outcome, at=at, generation=generation)
            except StoreError as error:
                _logger.warning("system log: %s", error)

    def _ground(
        self,
        authorities: Sequence[x509.Certificate],
        lists: Sequence[bytes],
        certificates: Mapping[Purpose, x509.Certificate],
        at: datetime,
    ) -> tuple[list[x509.Certificate], Sequence[ProvenList], TrustStore]:
        """Steps 4 and 5: what is new, and the store that would follow from it."""
        held = self._trust()
        known = {fingerprint(each) for each in held.authorities}
        new = [each for each in authorities if fingerprint(each) not in known]
        candidate = TrustStore(held.roots, (*held.authorities[len(held.roots) :], *new), held.crls)
        # 4
        proven: Sequence[ProvenList] = ()
        if lists:
            try:
                proven = newer(candidate, lists, at, self._trust.highest())
            except CertificateError as error:
                raise CommandRefusedError(RenewalReason.REVOCATION_LIST, f"{error.reason.value}: {error}") from error
        store = with_lists(candidate, proven)
        # 5
        for authority in new:
            _prove_authority(authority, store, certificates, at)
        return new, proven, store


def _read(data: bytes) -> x509.Certificate:
    certificate = load_certificate(data)
    check_readable(certificate)
    return certificate


def _prove_authority(
    authority: x509.Certificate, store: TrustStore, certificates: Mapping[Purpose, x509.Certificate], at: datetime
) -> None:
    # A self-issued certificate would be a root in the trust folder: roots are never installed over the wire.
    sentence = "no authority that a known root certified, or none of the three is by it"
    if authority.subject == authority.issuer:
        raise CommandRefusedError(RenewalReason.AUTHORITY, f"a new root is not installed by an order: {sentence}")
    # With this authority as the only one between, the verification that decides everything else decides this too.
    alone = TrustStore(store.roots, (authority,), store.crls)
    for purpose, certificate in certificates.items():
        named = certificate.issuer == authority.subject
        if named and authority_key_identifier(certificate) == subject_key_identifier(authority):
            try:
                pinned = {fingerprint(certificate)}
                alone.verify(certificate, role=Role.SMGW, purpose=purpose, at=at, pinned=pinned)
            except CertificateError as error:
                raise CommandRefusedError(RenewalReason.AUTHORITY, f"{error.reason.value}: {error}") from error
            return
    raise CommandRefusedError(RenewalReason.AUTHORITY, f"a new authority is refused: {sentence}")


def _is_in_use(identity: Identity, certificates: Mapping[Purpose, x509.Certificate]) -> bool:
    return all(identity.certificates[purpose].certificate == one for purpose, one in certificates.items())


def _installed(identity: Identity) -> Done:
    prints = {purpose.value: fingerprint(one.certificate) for purpose, one in identity.certificates.by_purpose.items()}
    return Done({"generation": identity.generation, "certificates": {**prints}}, FollowUp.END_TUNNEL)


def _broken(error: TrustError | OSError) -> CommandRefusedError:
    """The security module or the disk failed; the order may be given again."""
    if isinstance(error, TokenError):
        return CommandRefusedError(RenewalReason.SECURITY_MODULE, f"{error.reason.value}: {error}")
    return CommandRefusedError(RenewalReason.STORAGE, str(error))
