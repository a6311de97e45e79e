"""The order that changes profiles: which set of profiles may hold, and the one transaction that makes it hold.

Decides on the whole set that would result, before anything changes: a gateway never runs half of an order. It installs
what is newer, withdraws what is named, and what was withdrawn owes nothing from that moment on. A new administrator is
tried before it holds, because only whoever the gateway reaches can ever order anything again. Who may order is
decided in ``smgw/administration/order_gate.py``; what a version may change, in ``smgw/store/profiles.py``. Each change
stands in the system log and in the calibration log, in the same transaction (TR-03109-1: Zaehler-, Auswertungs- and
Kommunikationsprofile are the administrator's to manage). What an account brings sealed is opened before anything is
stored and stored with it, or the whole order is refused.
PP-0073: FMT_MSA.1/MTR, FMT_MSA.1/AC, FIA_ATD.1.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address

import sqlalchemy as sa
from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.checks import check_validity
from pki.errors import CertificateError, SealError, TokenError, TunnelError
from smgw.administration.errors import CommandRefusedError, Done, FollowUp
from smgw.han import credentials
from smgw.identity import Identity
from smgw.store import logs
from smgw.store.errors import StoreError, StoreReason
from smgw.store.logs import Event, Outcome
from smgw.store.profiles import ProfileSet, ProfileStore
from wire.orders import ChangeProfiles
from wire.profiles import (
    AccountProfile,
    AdministratorProfile,
    CommunicationProfile,
    Finding,
    MeterProfile,
    Profile,
    ProxyProfile,
    check_set,
)


class ChangeReason(StrEnum):
    """Why a change of profiles is refused; findings between profiles are refused under their own reasons too."""

    NOT_HELD = "not-held"
    """What shall be withdrawn does not hold."""
    VERSION = "version"
    IDENTITY = "identity"
    ADMINISTRATOR = "administrator"
    """There would not be exactly one administrator whose profile holds now."""
    UNREACHABLE = "unreachable"
    """Where the new profile of the administrator leads, he does not answer with its certificate."""
    UNKNOWN_LINE = "unknown-line"
    NAMED_HOST = "named-host"
    """A host that is a name leads nowhere: the firewall opens addresses only (ADR 0014)."""
    CERTIFICATE = "certificate"
    UNKNOWN_CONSUMER = "unknown-consumer"
    """An account of somebody whom no meter here measures: it would outlive every contract."""
    VERIFIER = "verifier"
    """What an account brings sealed is not for this gateway's ENC key in use, or holds no verifier."""
    SECURITY_MODULE = "security-module"
    INCONSISTENT = "inconsistent"


_OF_THE_STORE = {
    StoreReason.NOT_OPEN: ChangeReason.NOT_HELD,
    StoreReason.PROFILE_VERSION: ChangeReason.VERSION,
    StoreReason.PROFILE_IDENTITY: ChangeReason.IDENTITY,
}


class ProfileChange:
    """Carries out ChangeProfiles; called by the thread of the management tunnel."""

    def __init__(
        self,
        store: ProfileStore,
        trust: Callable[[], TrustStore],
        *,
        lines: Collection[str],
        identity: Callable[[], Identity],
        reachable: Callable[[AdministratorProfile], None],
        exchange: Callable[[Callable[[], ProfileSet]], ProfileSet],
        apply: Callable[[ProfileSet], None],
        addresses_only: bool = False,
    ) -> None:
        """``lines`` are the names of the gateway's lines; ``reachable`` dials an administrator or raises TunnelError.

        ``identity`` gives the keys in use, with which what is sealed for this gateway is opened.

        ``exchange`` runs the change while nothing is granted and takes over what it returns
        (``Gateway.change_profiles``); ``apply`` makes lines and senders follow (``Runtime.apply``).
        ``addresses_only`` where a firewall stands, which resolves no names.
        """
        self._store = store
        self._trust = trust
        self._lines = frozenset(lines)
        self._identity = identity
        self._reachable = reachable
        self._exchange = exchange
        self._apply = apply
        self._addresses_only = addresses_only

    def __call__(self, command: ChangeProfiles, at: datetime) -> Done:
        """Do all of ``command``, or nothing.

        1. What is withdrawn holds.
        2. One administrator remains, and its profile holds now: nobody locks himself out.
        3. Every meter hangs on a line that this gateway has, every party has an address where a firewall stands, and
           every consumer who gets an account is measured here.
        4. Every certificate in what is installed is good now, for its role and its purpose, and those of one profile
           belong to the same party.
        5. Nothing in what would hold contradicts what is installed, or lacks what is withdrawn.
        6. What a new version of an account brings sealed opens with this gateway's key.
        7. Another profile of the administrator leads to somebody who answers with its certificate.
        8. Nothing goes back to an older version, or changes whose data it is about (in the transaction itself).

        Raises CommandRefusedError, and StoreError where the store fails; nothing was changed then.
        """
        before = self._store.load()
        after = before
        # 1. What is withdrawn holds.
        for reference in command.withdraw:
            if before.get(reference.kind, reference.id) is None:
                raise _refused(ChangeReason.NOT_HELD, f"{reference.kind} profile {reference.id} does not hold")
            after = after.without(reference.kind, reference.id)
        for profile in command.install:
            after = after.with_profile(profile)
        # 2. One administrator remains, and its profile holds now.
        administrators = tuple(after.administrators.values())
        if len(administrators) != 1 or not administrators[0].valid_from <= at < administrators[0].valid_until:
            raise _refused(ChangeReason.ADMINISTRATOR, "there must be one administrator whose profile holds now")
        for profile in command.install:
            # 3. Every meter hangs on a line that this gateway has.
            if isinstance(profile, MeterProfile) and profile.line not in self._lines:
                raise _refused(ChangeReason.UNKNOWN_LINE, f"{profile.id}: this gateway has no line {profile.line}")
            if isinstance(profile, AccountProfile):
                _require_measured(profile, after)
            if self._addresses_only and isinstance(profile, CommunicationProfile | AdministratorProfile):
                _require_address(profile)
            # 4. Every certificate is good now.
            _require_good_certificates(profile, self._trust(), at)
        # 5. Nothing contradicts or lacks what is changed.
        _require_consistent(before, after, command, at)
        # 6. What is sealed opens; the transaction itself must not wait for the security module.
        opened = self._opened(before, command)
        # 7. Another profile of the administrator leads to him.
        if after.administrators != before.administrators:
            self._require_reachable(administrators[0])
        # 8. Nothing goes back or changes whose data it is about.
        withdrawn = [(reference.kind, reference.id) for reference in command.withdraw]
        noted: list[tuple[Profile, bool]] = []

        def note(connection: sa.Connection, profile: Profile, installed: bool) -> None:
            # Whom it concerned and whom it concerns now: both learn that it changed (FAU_GEN.1/CON).
            consumers = before.concerned(profile, at) | after.concerned(profile, at)
            _note(connection, profile, at, consumers, installed=installed)
            if isinstance(profile, AccountProfile) and installed and profile.id in opened:
                credentials.keep(connection, profile, opened[profile.id])
            noted.append((profile, installed))

        try:
            holding = self._exchange(lambda: self._store.change(command.install, withdrawn, at, note))
        except StoreError as error:
            if error.reason in _OF_THE_STORE:
                raise _refused(_OF_THE_STORE[error.reason], str(error)) from error
            raise
        self._apply(holding)
        return Done(
            result={
                "installed": [profile.id for profile, installed in noted if installed],
                "withdrawn": [profile.id for profile, installed in noted if not installed],
            },
            # The tunnel rests on the administrator's profile: whoever the new one names is dialled at the next call.
            then=FollowUp.NOTHING if before.administrators == holding.administrators else FollowUp.END_TUNNEL,
        )

    def _opened(self, before: ProfileSet, command: ChangeProfiles) -> dict[str, bytes]:
        """The verifiers of the accounts that are new, by their ids. FIA_ATD.1, FIA_UAU.5."""
        found = {}
        for profile in command.install:
            # What stands already was opened when it came; by now another key may be in use.
            if not isinstance(profile, AccountProfile) or before.accounts.get(profile.id) == profile:
                continue
            if profile.verifier is None:
                continue
            try:
                found[profile.id] = credentials.open_verifier(profile.verifier, self._identity(), md5=profile.md5)
            except SealError as error:
                sentence = f"{profile.id}: {error.reason.value}: seal its verifier for the ENC certificate in use"
                raise _refused(ChangeReason.VERIFIER, sentence) from error
            except TokenError as error:
                raise _refused(ChangeReason.SECURITY_MODULE, f"{profile.id}: {error.reason.value}") from error
        return found

    def _require_reachable(self, administrator: AdministratorProfile) -> None:
        try:
            self._reachable(administrator)
        except TunnelError as error:
            sentence = f"{administrator.id}: {error.reason.value}: {error}"
            raise _refused(ChangeReason.UNREACHABLE, sentence) from error


def certificates_of(profile: Profile) -> tuple[tuple[str, bytes, Role, Purpose], ...]:
    """The SM-PKI certificates in ``profile``: field, DER, and whose for what each must be."""
    match profile:
        case CommunicationProfile():
            return (
                ("tls_certificate", profile.tls_certificate, Role.EMT, Purpose.TLS),
                ("encryption_certificate", profile.encryption_certificate, Role.EMT, Purpose.ENC),
            )
        case AdministratorProfile():
            return (
                ("tls_certificate", profile.tls_certificate, Role.GWA, Purpose.TLS),
                ("signature_certificate", profile.signature_certificate, Role.GWA, Purpose.SIG),
            )
        case _:
            return ()


def _require_address(profile: CommunicationProfile | AdministratorProfile) -> None:
    """FDP_IFF.1/FW: a destination is what the administrator signed, not what a resolver makes of it."""
    try:
        ip_address(profile.host)
    except ValueError as error:
        raise _refused(ChangeReason.NAMED_HOST, f"{profile.id}: {profile.host} is no address") from error


def _require_measured(profile: AccountProfile, after: ProfileSet) -> None:
    """FDP_RIP.2: what is hers goes with her contract, and there is a contract for whom a meter measures."""
    if profile.consumer is not None and profile.consumer not in {one.consumer for one in after.meters.values()}:
        sentence = f"{profile.id}: no meter profile here names the consumer {profile.consumer}"
        raise _refused(ChangeReason.UNKNOWN_CONSUMER, sentence)


def _require_good_certificates(profile: Profile, trust: TrustStore, at: datetime) -> None:
    identities = set()
    for field, der, role, purpose in certificates_of(profile):
        try:
            certificate = load_certificate(der)
            verified = trust.verify(certificate, role=role, purpose=purpose, at=at, pinned={fingerprint(certificate)})
        except CertificateError as error:
            raise _refused(ChangeReason.CERTIFICATE, f"{profile.id}: {field}: {error.reason.value}") from error
        identities.add(verified.identity)
    if len(identities) > 1:
        raise _refused(ChangeReason.CERTIFICATE, f"{profile.id}: its certificates belong to different parties")
    if isinstance(profile, ProxyProfile):
        _require_readable(profile, at)


def _require_readable(profile: ProxyProfile, at: datetime) -> None:
    """A local system's certificate comes from no public-key infrastructure of ours: it is the pin itself."""
    try:
        certificate: x509.Certificate = load_certificate(profile.cls_certificate)
        check_validity(certificate, at)
    except CertificateError as error:
        raise _refused(ChangeReason.CERTIFICATE, f"{profile.id}: cls_certificate: {error.reason.value}") from error


def _require_consistent(before: ProfileSet, after: ProfileSet, command: ChangeProfiles, at: datetime) -> None:
    """Refuse findings that are new, and those about what is installed; others were there and stand as they did."""
    known = set(check_set(before.current(at)))
    installed = {profile.id for profile in command.install}
    for finding in check_set(after.current(at)):
        if finding not in known or not installed.isdisjoint((finding.profile, finding.subject)):
            raise _refused(ChangeReason.INCONSISTENT, _sentence(finding))


def _sentence(finding: Finding) -> str:
    return f"{finding.reason.value}: {finding.profile} against {finding.subject}"


def _note(
    connection: sa.Connection, profile: Profile, at: datetime, consumers: Collection[str], *, installed: bool
) -> None:
    event = Event.PROFILE_INSTALLED if installed else Event.PROFILE_WITHDRAWN
    parameters: dict[str, str | int] = {"kind": profile.KIND, "version": profile.version}
    logs.note(connection, event, profile.id, Outcome.SUCCESS, at=at, parameters=parameters, consumers=consumers)


def _refused(reason: ChangeReason, sentence: str) -> CommandRefusedError:
    return CommandRefusedError(reason, sentence)
