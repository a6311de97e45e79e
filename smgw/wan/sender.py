"""Steps 6 and 7 of the walk: what is owed to one party is sealed and delivered, until the party has it.

Decides when a delivery leaves and when it is done. It never seals for a certificate that is not good at that moment
(``party``), never counts anything but the receiver's word as delivered, holds one delivery in memory however much is
owed, and sends oldest first. It owns no clock: :meth:`Sender.step` does at most one delivery and says when it wants to
be called again. One sender serves one party over one kept tunnel; only its own thread calls it. TR-03109-1,
INFO-REPORT.

FPR_CON.1: under a profile whose values come from events, exactly one delivery leaves at each dispatch time, a cover
where nothing is owed, and what does not fit waits for the next (``concealment``). Repetitions, refusals and failures
follow from the line and the receiver, and a cover meets them like any other delivery.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pki.certificates import TrustStore, VerifiedCertificate
from pki.tunnel import TunnelBackend
from smgw.access import schedule
from smgw.access.volatile import VolatileStore
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.outbox import WITHDRAWN, Delivery, Outbox
from smgw.store.profiles import ProfileSet
from smgw.wan import party, relay, retry, sealing
from smgw.wan.concealment import Look, is_covered, look_of
from smgw.wan.exchange import FROM_THE_FUTURE, Acknowledged, Deferral, DeferredError, RefusedForGood, exchange
from smgw.wan.kept import KeptTunnel
from smgw.wan.sealing import SenderIdentity
from smgw.wan.service import ServicePorts
from smgw.wan.unstored import Unstored, Volatile
from wire.cosem_xml import MEDIA_TYPE
from wire.errors import HttpError
from wire.http import host_field
from wire.instant import format_instant
from wire.profiles import CommunicationProfile, EvaluationProfile

__all__ = ["LONGEST_WAIT", "SECURE_STATE", "ProfileProgress", "Sender", "SenderIdentity", "SenderPorts"]

LONGEST_WAIT = timedelta(minutes=1)
"""A sender looks at the clock at least this often, so that a clock that was set is noticed."""
SECURE_STATE = "not sent: the gateway is in a secure state"


@dataclass(slots=True)
class ProfileProgress:
    """How the deliveries of one profile go (since the start of the gateway)."""

    sealed: int = 0
    shortest: int = 0
    """Octets of the shortest message that was sealed; with ``longest``, what lengths could tell on the line."""
    longest: int = 0
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
    volatile: Volatile = field(default_factory=VolatileStore)
    """The values that are never stored."""


@dataclass(slots=True)
class Sender:
    """Delivers to one party, named by the id of its communication profile."""

    party: str
    identity: Callable[[], SenderIdentity]
    """Who seals at this moment: keys and certificates are renewed while a sender runs."""
    ports: SenderPorts
    progress: dict[str, ProfileProgress] = field(default_factory=dict)
    _kept: KeptTunnel = field(init=False)
    _unstored: Unstored = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is open yet."""
        self._kept = KeptTunnel(self.ports.backend, self.ports.monotonic)
        self._unstored = Unstored(self.ports.outbox, self.ports.volatile)

    def step(self, now: datetime) -> datetime:
        """Make at most one delivery; returns when to be called again (``now``: at once, there is more)."""
        profiles = self.ports.profiles()
        communication = profiles.communications.get(self.party)
        evaluations = [profile for profile in profiles.evaluations.values() if profile.party == self.party]
        self._unstored.retain({profile.id for profile in evaluations})
        self._end_session(communication, now)
        wanted, allowed = now + LONGEST_WAIT, self.ports.may_deliver(now)
        if not allowed:
            self.close()
        ready: list[tuple[datetime, EvaluationProfile]] = []
        for evaluation in evaluations:
            progress = self._progress_of(evaluation)
            closed = party.not_valid(evaluation, communication, now) if allowed else SECURE_STATE
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
        """One delivery of ``evaluation``, or the finding that nothing is owed and nothing to be covered."""
        progress, look = self._progress_of(evaluation), look_of(evaluation, self.ports.profiles().evaluations)
        try:
            recipient, peer = party.verify(evaluation, communication, self.ports.trust(), now)
            if evaluation.pseudonym is None and (
                is_covered(evaluation, look, now) or self.ports.outbox.owes(evaluation.id)
            ):
                # Before sealing, which costs more than finding out that nobody is there.
                self._kept.opened(communication, peer, self.ports.trust(), self.identity().certificate)
            delivery = self._next(evaluation, look, now)
            if delivery is None:
                progress.last_dispatch, progress.retry_at, progress.failures = now, None, 0
                return
            octets = sealing.seal(
                delivery,
                evaluation,
                communication,
                look=look,
                recipient=recipient,
                identity=self.identity(),
                random=self.ports.random,
            )
            progress.shortest = min(progress.shortest or len(octets), len(octets))
            progress.longest = max(progress.longest, len(octets))
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
            if look.always:  # FPR_CON.1: that was the one delivery of this dispatch time, whatever it carried
                progress.last_dispatch = now
        except DeferredError as error:
            self._defer(evaluation, progress, error.reason, str(error), now)
        except StoreError as error:
            self._defer(evaluation, progress, Deferral.STORE, str(error), now)

    def _next(self, evaluation: EvaluationProfile, look: Look, now: datetime) -> Delivery | None:
        """What leaves now: the open delivery, else a new one of what is owed. Raises StoreError."""
        covered = is_covered(evaluation, look, now)
        if evaluation.unstored:
            wanted = covered or self.ports.outbox.owes(evaluation.id)
            return self._unstored.delivery(evaluation.id, now, look.readings) if wanted else None
        if look.always:
            return self.ports.outbox.open_delivery(evaluation.id, now, readings_limit=look.readings, cover=covered)
        return self.ports.outbox.open_delivery(evaluation.id, now)

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
        self._unstored.forget(delivery.profile)
        if not self.ports.outbox.is_open(delivery.profile, delivery.sequence):
            # Withdrawn while it was on its way: it stays set aside, and the log says what became of it.
            self._tell(
                Event.DELIVERY_SET_ASIDE,
                Outcome.FAILURE,
                delivery,
                now,
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
            self._tell(
                Event.DELIVERY_ACKNOWLEDGED,
                Outcome.SUCCESS,
                delivery,
                now,
                party=self.party,
                values=len(delivery.readings),
                period_begin=format_instant(delivery.period_begin),
                period_end=format_instant(delivery.period_end),
            )
        else:
            self.ports.outbox.set_aside(delivery.profile, delivery.sequence, outcome.reason, now)
            progress.set_aside += 1
            progress.last_error = f"set aside: {outcome.reason}"
            self._tell(
                Event.DELIVERY_SET_ASIDE,
                Outcome.FAILURE,
                delivery,
                now,
                party=self.party,
                sequence=delivery.sequence,
                reason=outcome.reason,
            )

    def _tell(self, event: Event, outcome: Outcome, delivery: Delivery, now: datetime, **parameters: str | int) -> None:
        """What became of ``delivery``, in the log of her whose values it carries, whoever is measured by now.

        FAU_GEN.1/CON: the last values of a contract leave after its end, and are nobody else's business.
        """
        profiles = self.ports.profiles()
        evaluation = profiles.evaluations.get(delivery.profile)
        period = (delivery.period_begin, delivery.period_end)
        whose = None if evaluation is None else profiles.consumers_during(evaluation, *period)
        self.ports.log.record_for(
            event, delivery.profile, outcome, at=now, consumers=whose or None, parameters=parameters
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


def _require_future(delivery: Delivery, now: datetime) -> None:
    """Raise DeferredError unless ``delivery`` is from the future by our own clock too.

    If it is not, one of the two clocks is wrong, and time or its correction makes the delivery welcome: a receiver
    whose clock is behind must not make ten thousand gateways set their readings aside. If it is, our clock was ahead
    when the readings were made; they would be refused until that time, and hold back all that is owed after them.
    """
    if max(delivery.created_at, delivery.period_end) <= now:
        raise DeferredError(Deferral.REFUSED_FOR_NOW, "the receiver's clock is behind ours, or ours is ahead")
