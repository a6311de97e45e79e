"""Steps 6 and 7 of the walk: what is owed to one party is sealed and delivered, until the party has it.

Decides when a delivery leaves, for whose eyes it is sealed, and when it is done. It never seals for a certificate that
is not good at that moment, never counts anything but the receiver's word as delivered, holds one delivery in memory
however much is owed, and sends oldest first. It owns no clock: :meth:`Sender.step` does at most one delivery and says
when it wants to be called again. One sender serves one party over one kept tunnel; only its own thread calls it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki import cms
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, load_certificate
from pki.errors import CertificateError, SealError, TokenError
from pki.tunnel import TunnelBackend
from smgw.access import schedule
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.outbox import WITHDRAWN, Delivery, Outbox
from smgw.store.profiles import ProfileSet
from smgw.wan import relay, retry
from smgw.wan.exchange import FROM_THE_FUTURE, Acknowledged, Deferral, DeferredError, RefusedForGood, exchange
from smgw.wan.kept import KeptTunnel
from smgw.wan.service import ServicePorts
from wire.cosem_xml import MEDIA_TYPE, Content, render
from wire.errors import HttpError, WireError
from wire.http import host_field
from wire.profiles import CommunicationProfile, EvaluationProfile
from wire.reading import DeviceId

LONGEST_WAIT = timedelta(minutes=1)
"""A sender looks at the clock at least this often, so that a clock that was set is noticed."""
SECURE_STATE = "not sent: the gateway is in a secure state"


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who seals: the gateway, its signature certificate, and the key that stays in the security module."""

    gateway: DeviceId
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(slots=True)
class ProfileProgress:
    """How the deliveries of one profile go (since the start of the gateway)."""

    sealed: int = 0
    acknowledged: int = 0
    duplicates: int = 0
    set_aside: int = 0
    failures: int = 0
    last_error: str = ""
    last_dispatch: datetime | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SenderPorts:
    """Everything outside that a sender touches."""

    outbox: Outbox
    log: SystemLog
    trust: Callable[[], TrustStore]
    profiles: Callable[[], ProfileSet]
    backend: TunnelBackend
    random: Callable[[int], bytes]
    jitter: Callable[[], float]
    monotonic: Callable[[], float]
    may_deliver: Callable[[datetime], bool] = lambda _: True
    """Whether anything may leave at that moment (``smgw/secure_states.py``)."""
    service: ServicePorts | None = None
    """The way to the administrator, who forwards what goes under a pseudonym; without it nothing of that leaves."""


@dataclass(slots=True)
class Sender:
    """Delivers to one party, named by the id of its communication profile."""

    party: str
    identity: Callable[[], SenderIdentity]
    """Who seals at this moment: keys and certificates are renewed while a sender runs."""
    ports: SenderPorts
    progress: dict[str, ProfileProgress] = field(default_factory=dict)
    _kept: KeptTunnel = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is open yet."""
        self._kept = KeptTunnel(self.ports.backend, self.ports.monotonic)

    def step(self, now: datetime) -> datetime:
        """Make at most one delivery; returns when to be called again (``now``: at once, there is more)."""
        profiles = self.ports.profiles()
        communication = profiles.communications.get(self.party)
        evaluations = [profile for profile in profiles.evaluations.values() if profile.party == self.party]
        self._end_session(communication, now)
        wanted, allowed = now + LONGEST_WAIT, self.ports.may_deliver(now)
        if not allowed:
            self.close()
        ready: list[tuple[datetime, EvaluationProfile]] = []
        for evaluation in evaluations:
            progress = self._progress_of(evaluation)
            closed = _not_valid(evaluation, communication, now) if allowed else SECURE_STATE
            if closed is not None:
                progress.last_error = closed
                continue
            at = self._due_at(evaluation, progress, now)
            if at <= now:
                ready.append((at, evaluation))
            else:
                wanted = min(wanted, at)
        if not ready or communication is None:
            return wanted
        # The longest waiting first: a profile that fails gets a later time and cannot hold back the others.
        _, evaluation = min(ready, key=lambda entry: (entry[0], entry[1].id))
        self._serve(evaluation, communication, now)
        return now

    def close(self) -> None:
        """End the kept tunnel."""
        self._kept.close()

    def _progress_of(self, evaluation: EvaluationProfile) -> ProfileProgress:
        if evaluation.id not in self.progress:
            # A restart goes on with the rhythm that the store remembers, so that gateways which lost their power
            # together do not all dispatch at the moment it returns.
            last = self.ports.outbox.last_created(evaluation.id)
            self.progress[evaluation.id] = ProfileProgress(last_dispatch=last)
        return self.progress[evaluation.id]

    def _due_at(self, evaluation: EvaluationProfile, progress: ProfileProgress, now: datetime) -> datetime:
        if progress.retry_at is not None:
            # A clock that went back must not turn minutes of back-off into months.
            progress.retry_at = min(progress.retry_at, now + retry.DELAY_CAP)
            return progress.retry_at
        # Whoever knows the identity could compute its jitter: what goes by an alias leaves when the alias's does.
        gateway, last = evaluation.pseudonym or self.identity().gateway, progress.last_dispatch
        if schedule.due(evaluation, gateway, last, now):
            return now
        return schedule.next_dispatch(evaluation, gateway, last or evaluation.valid_from)

    def _serve(self, evaluation: EvaluationProfile, communication: CommunicationProfile, now: datetime) -> None:
        """One delivery of ``evaluation``, or the finding that nothing is owed."""
        progress = self._progress_of(evaluation)
        try:
            recipient, peer = self._verify(evaluation, communication, now)
            if evaluation.pseudonym is None and self.ports.outbox.owes(evaluation.id):
                # Before sealing, which costs more than finding out that nobody is there.
                self._kept.opened(communication, peer, self.ports.trust(), self.identity().certificate)
            delivery = self.ports.outbox.open_delivery(evaluation.id, now)
            if delivery is None:
                progress.last_dispatch, progress.retry_at, progress.failures = now, None, 0
                return
            octets = self._seal(delivery, evaluation, communication, recipient)
            progress.sealed += 1
            if not self._still_owed(delivery, evaluation, communication, now):
                # Sealing takes a while, and a withdrawal meanwhile counts at once. The next step decides anew.
                progress.last_error = "not sent: the profiles or the state of the gateway changed while it was sealed"
                return
            if evaluation.pseudonym is None:
                outcome = self._deliver(octets, communication, peer)
            else:
                outcome = relay.forward(octets, self.ports.service)
            self._conclude(delivery, outcome, progress, now)
        except DeferredError as error:
            self._defer(evaluation, progress, error.reason, str(error), now)
        except StoreError as error:
            self._defer(evaluation, progress, Deferral.STORE, str(error), now)

    def _verify(
        self, evaluation: EvaluationProfile, communication: CommunicationProfile, now: datetime
    ) -> tuple[VerifiedCertificate, VerifiedCertificate]:
        """Verify both certificates of the party at this moment.

        1. the encryption certificate is the one that the evaluation profile names, and good (chain, revocation, role);
        2. the TLS certificate is the one that the communication profile names, and good;
        3. both belong to the same party.
        """
        trust = self.ports.trust()
        try:
            recipient = trust.verify(
                _certificate(communication.encryption_certificate, Deferral.RECIPIENT_CERTIFICATE),
                role=Role.EMT,
                purpose=Purpose.ENC,
                at=now,
                pinned={evaluation.recipient},
            )
        except CertificateError as error:
            raise DeferredError(Deferral.RECIPIENT_CERTIFICATE, f"{error.reason.value}: {error}") from error
        try:
            peer = trust.verify(
                _certificate(communication.tls_certificate, Deferral.PEER_CERTIFICATE),
                role=Role.EMT,
                purpose=Purpose.TLS,
                at=now,
                pinned={communication.tls_fingerprint},
            )
        except CertificateError as error:
            raise DeferredError(Deferral.PEER_CERTIFICATE, f"{error.reason.value}: {error}") from error
        if recipient.identity != peer.identity:
            raise DeferredError(
                Deferral.PEER_CERTIFICATE,
                f"the tunnel leads to {peer.identity}, the seal to {recipient.identity}",
            )
        return recipient, peer

    def _seal(
        self,
        delivery: Delivery,
        evaluation: EvaluationProfile,
        communication: CommunicationProfile,
        recipient: VerifiedCertificate,
    ) -> bytes:
        """Step 6: Grants -> Sealed, for the recipient's eyes only, with the gateway's signature around it.

        Under a pseudonym that signature is for the administrator, who takes it off (``relay``).
        """
        identity = self.identity()
        try:
            if evaluation.pseudonym is not None:
                return relay.seal(
                    relay.content_of(delivery, evaluation),
                    communication,
                    recipient=recipient.certificate,
                    signer=identity.certificate,
                    key=identity.key,
                    random=self.ports.random,
                )
            content = render(
                Content(
                    gateway=identity.gateway,
                    profile=delivery.profile,
                    use_case=evaluation.use_case,
                    sequence=delivery.sequence,
                    created_at=delivery.created_at,
                    period_begin=delivery.period_begin,
                    period_end=delivery.period_end,
                    readings=delivery.readings,
                )
            )
            return cms.seal(
                content,
                recipient=recipient.certificate,
                signer=identity.certificate,
                key=identity.key,
                random=self.ports.random,
                key_agreement=communication.key_agreement,
            )
        except WireError as error:
            raise DeferredError(Deferral.CONTENT, str(error)) from error
        except SealError as error:
            raise DeferredError(Deferral.CONTENT, str(error)) from error
        except TokenError as error:
            raise DeferredError(Deferral.OWN_SECURITY_MODULE, str(error)) from error

    def _deliver(
        self, sealed: bytes, communication: CommunicationProfile, verified: VerifiedCertificate
    ) -> Acknowledged | RefusedForGood:
        """Step 7. A kept tunnel that the receiver closed meanwhile is replaced once, at once: that is no outage."""
        while True:
            kept = self._kept.opened(communication, verified, self.ports.trust(), self.identity().certificate)
            was_used, kept.used = kept.used, True
            try:
                host = host_field(communication.host, communication.port)
                request = kept.client.request(communication.path, host, {"Content-Type": MEDIA_TYPE}, sealed)
                return exchange(kept.tunnel, kept.client, request, monotonic=self.ports.monotonic)
            except HttpError as error:
                raise DeferredError(Deferral.CONTENT, f"the request cannot be written: {error}") from error
            except DeferredError as error:
                if not (was_used and error.reason is Deferral.CLOSED):
                    raise
            finally:
                # An answer that was not understood to its end, or one that announced the end, leaves nothing to keep.
                if not kept.client.reusable:
                    self.close()

    def _end_session(self, communication: CommunicationProfile | None, now: datetime) -> None:
        """Cut the kept tunnel where it must not be kept (``kept.py``)."""
        reason = self._kept.end_what_is_over(communication, self.ports.trust(), now, self.identity().certificate)
        if reason is not None:
            self.ports.log.record(Event.TUNNEL_ENDED, self.party, Outcome.FAILURE, at=now, reason=reason)

    def _still_owed(
        self, delivery: Delivery, evaluation: EvaluationProfile, communication: CommunicationProfile, now: datetime
    ) -> bool:
        """Whether the profiles under which ``delivery`` was sealed hold to this moment, it is open and may leave."""
        profiles = self.ports.profiles()
        return (
            profiles.evaluations.get(evaluation.id) == evaluation
            and profiles.communications.get(self.party) == communication
            and self.ports.outbox.is_open(delivery.profile, delivery.sequence)
            and self.ports.may_deliver(now)
        )

    def _conclude(
        self, delivery: Delivery, outcome: Acknowledged | RefusedForGood, progress: ProfileProgress, now: datetime
    ) -> None:
        if isinstance(outcome, RefusedForGood) and outcome.reason == FROM_THE_FUTURE:
            _require_future(delivery, now)
        progress.failures, progress.retry_at = 0, None
        if not self.ports.outbox.is_open(delivery.profile, delivery.sequence):
            # Withdrawn while it was on its way: it stays set aside, and the log says what became of it.
            self.ports.log.record(
                Event.DELIVERY_SET_ASIDE,
                delivery.profile,
                Outcome.FAILURE,
                at=now,
                party=self.party,
                sequence=delivery.sequence,
                reason=WITHDRAWN,
                arrived=int(isinstance(outcome, Acknowledged)),
            )
        elif isinstance(outcome, Acknowledged):
            self.ports.outbox.acknowledge(delivery.profile, delivery.sequence, now)
            progress.acknowledged += 1
            progress.duplicates += outcome.duplicate
            progress.last_error = ""
            self.ports.log.record(
                Event.DELIVERY_ACKNOWLEDGED, delivery.profile, Outcome.SUCCESS, at=now, party=self.party
            )
        else:
            self.ports.outbox.set_aside(delivery.profile, delivery.sequence, outcome.reason, now)
            progress.set_aside += 1
            progress.last_error = f"set aside: {outcome.reason}"
            self.ports.log.record(
                Event.DELIVERY_SET_ASIDE,
                delivery.profile,
                Outcome.FAILURE,
                at=now,
                party=self.party,
                sequence=delivery.sequence,
                reason=outcome.reason,
            )

    def _defer(
        self, evaluation: EvaluationProfile, progress: ProfileProgress, reason: Deferral, sentence: str, now: datetime
    ) -> None:
        progress.failures += 1
        progress.retry_at = now + retry.delay(progress.failures, self.ports.jitter)
        progress.last_error = f"{reason}: {sentence}"
        try:
            self.ports.log.record(
                Event.DELIVERY_DEFERRED, evaluation.id, Outcome.FAILURE, at=now, party=self.party, reason=reason.value
            )
        except StoreError as error:  # a store that is full takes no log entry either; the status shows it
            progress.last_error += f" (not logged: {error.reason})"


def _not_valid(evaluation: EvaluationProfile, communication: CommunicationProfile | None, now: datetime) -> str | None:
    """Why nothing of ``evaluation`` may leave now; what it is owed stays owed.

    An evaluation profile that has ended still delivers what was granted while it held: the last sum of a contract is
    complete only after its end. Nothing new is granted under it (access/decision.py).
    """
    if communication is None:
        return "not sent: the party has no communication profile"
    if now < evaluation.valid_from:
        return "not sent: the evaluation profile is not valid yet"
    if now < communication.valid_from:
        return "not sent: the communication profile is not valid yet"
    if now >= communication.valid_until:
        return "not sent: the communication profile has expired"
    if evaluation.purpose not in communication.purposes:
        return "not sent: the party may not have values for this purpose"
    return None


def _require_future(delivery: Delivery, now: datetime) -> None:
    """Raise DeferredError unless ``delivery`` is from the future by our own clock too.

    If it is not, one of the two clocks is wrong, and time or its correction makes the delivery welcome: a receiver
    whose clock is behind must not make ten thousand gateways set their readings aside. If it is, our clock was ahead
    when the readings were made; they would be refused until that time, and hold back all that is owed after them.
    """
    if max(delivery.created_at, delivery.period_end) <= now:
        raise DeferredError(Deferral.REFUSED_FOR_NOW, "the receiver's clock is behind ours, or ours is ahead")


def _certificate(der: bytes, unreadable: Deferral) -> x509.Certificate:
    try:
        return load_certificate(der)
    except CertificateError as error:
        raise DeferredError(unreadable, "a certificate of the party cannot be read") from error
