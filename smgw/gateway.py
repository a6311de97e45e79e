"""THE WALK of a reading through the gateway, steps 1 to 5, in one place.

    bytes -> Frame -> Telegram -> Reading -> (stored) -> Grant

Decides nothing itself: each step is decided in the file that the step names, and has a type of its own, so that no step
can be left out. What this file guarantees is the order, that every reading is signed before it is stored, that a
reading and what it owes are stored together, that what must not be stored is not, and that every refusal is counted and
logged with its reason.
Steps 6 and 7 begin at the store and are walked by ``smgw/wan/sender.py``.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock

from cryptography.hazmat.primitives.asymmetric import ec

from pki.errors import TrustError
from pki.inner import sign_reading
from smgw.access.decision import decide
from smgw.access.grants import Decision, Grant, RefusalReason
from smgw.access.recording import is_recorded
from smgw.access.remembered import Remembered
from smgw.access.requested import Daily, decide_request, standing
from smgw.access.volatile import VolatileStore
from smgw.clock import EARLIEST_VALID_TIME
from smgw.counters import Counters
from smgw.lmn.errors import LineEvent, LineState
from smgw.lmn.telegram import Telegram
from smgw.metering.errors import VerificationError
from smgw.metering.verify import verify
from smgw.store.errors import ConflictError, StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet
from smgw.store.readings import ReadingStore, Recorded
from wire.obis import Obis
from wire.profiles import MeterProfile
from wire.reading import DeviceId, Reading


class WalkReason(StrEnum):
    """Why a verified reading is not stored; steps 1 to 3 have reasons of their own."""

    SECURITY_MODULE = "security-module"
    CONFLICT = "conflict"
    STORE = "store"


_ROUTINE = frozenset(
    {
        RefusalReason.WRONG_METER,
        RefusalReason.WRONG_REGISTER,
        RefusalReason.ON_REQUEST_ONLY,
        RefusalReason.NOT_RECORDED,
        RefusalReason.OFF_RASTER,
        RefusalReason.NO_EVENT,
        RefusalReason.ALREADY_SERVED,
        RefusalReason.PERIOD_OPEN,
    }
)
"""Refusals that every party meets all day, because a profile asks for some registers at some instants. They are counted
but are no events: the ring of the system log would hold nothing else."""


_GOOD_NEWS = frozenset({LineState.OPEN.value, "answers-again"})


class Gateway:
    """One Smart Meter Gateway, from a meter's bytes to what is owed. Lines call it from their threads."""

    def __init__(
        self,
        identity: DeviceId,
        key: ec.EllipticCurvePrivateKey,
        readings: ReadingStore,
        log: SystemLog,
        profiles: ProfileSet,
        *,
        clock: Callable[[], datetime],
        clock_valid: Callable[[datetime], bool] = lambda at: at >= EARLIEST_VALID_TIME,
    ) -> None:
        """``key`` is the SIG key, which may live in a token; ``clock`` gives aware UTC.

        ``clock_valid`` says whether a value of that moment may claim a valid time (``smgw/secure_states.py``).
        """
        self.identity = identity
        self.profiles = profiles
        self.counters = Counters()
        self.volatile = VolatileStore()
        self._key = key
        self._clock = clock
        self._clock_valid = clock_valid
        self._readings = readings
        self._known = Remembered(readings)
        self._requests: dict[str, datetime] = {}
        self._log = log
        self._deciding = Lock()

    def change_profiles(self, change: Callable[[], ProfileSet]) -> ProfileSet:
        """Let ``change`` store another set of profiles and go on with it; nothing is granted meanwhile.

        So nothing can be owed under a profile after it was withdrawn. What ``change`` raises leaves all as it was.
        """
        with self._deciding:
            self.profiles = change()
            self.volatile.retain(self.profiles.evaluations)
            self._requests = {name: at for name, at in self._requests.items() if name in self.profiles.evaluations}
            return self.profiles

    def request(self, profile: str, at: datetime, daily: Daily) -> RefusalReason | int:
        """Give the party of the evaluation profile ``profile`` what waits for a request, if the profile releases it.

        Returns how many values are owed now; for TAF-9 none is until the next reading. Raises StoreError.
        """
        with self._deciding:
            decided = decide_request(
                profile,
                at,
                evaluations=self.profiles.evaluations,
                communications=self.profiles.communications,
                daily=daily,
            )
            if isinstance(decided, RefusalReason):
                return decided
            self._readings.owe(decided)
            self._requests[profile] = standing(self.profiles.evaluations[profile], self._requests.get(profile), at)
            return len(decided)

    def happened(self, at: datetime, note: Callable[[datetime], bool]) -> bool:
        """Let ``note`` keep an event of ``at``, or of a second later than every reading that was decided on already.

        So no reading that the event precedes is decided without it. What ``note`` raises, this raises.
        """
        with self._deciding:
            newest = self._known.newest()
            return note(at if newest is None else max(at, newest + timedelta(seconds=1)))

    def heard(self, device: DeviceId, obis: Obis) -> Reading | None:
        """The newest reading of a register that was believed since the start, stored or not; asks no store."""
        return self._known.noted(device, obis)

    def accept(self, profile: MeterProfile, telegram: Telegram) -> list[Reading]:
        """Walk what the meter of ``profile`` said; returns the readings that were decided on.

        Never raises for what a meter, a disk or the security module may do: the line goes on with its next meter.
        """
        meter, captured_at = profile.meter.text, telegram.captured_at
        # Steps 1 and 2, bytes -> Frame -> Telegram, were the line's (smgw/lmn/poll.py, smgw/lmn/telegram.py).
        self.counters.add(meter, frames=1, telegrams=1)
        # Step 3, Telegram -> Reading: smgw/metering/verify.py.
        try:
            readings = verify(
                telegram,
                profile,
                captured_at=captured_at,
                previous=self._known.latest,
                clock_valid=self._clock_valid(captured_at),
            )
        except VerificationError as error:
            register = "" if error.obis is None else str(error.obis)
            self._refuse(Event.READING_REFUSED, meter, error.reason.value, captured_at, register=register)
            return []
        except StoreError as error:
            self._refuse(Event.STORE_FAILED, meter, WalkReason.STORE, captured_at, cause=error.reason.value)
            return []
        self.counters.add(meter, readings=len(readings))
        return [reading for reading in readings if self._keep(profile, reading)]

    def report(self, event: LineEvent, subject: str, **parameters: str | int) -> None:
        """What a line has to say: its own state, or why a meter did not come through step 1 or 2."""
        good = parameters.get("reason", parameters.get("state")) in _GOOD_NEWS
        if event is LineEvent.TELEGRAM_REFUSED:  # a whole frame was read, and it made no sense
            self.counters.add(subject, frames=1)
        if event is LineEvent.LINE_STATE:
            self.counters.line(subject, str(parameters.get("state", "")))
        elif not good:
            self.counters.refused(subject, str(parameters.get("reason", "")))
        outcome = Outcome.SUCCESS if good else Outcome.FAILURE
        self._write(Event(event.value), subject, self._clock(), outcome, **parameters)

    def _keep(self, profile: MeterProfile, reading: Reading) -> bool:
        """Steps 4 and 5: Reading -> stored, with its grants, in one transaction.

        What ``smgw/access/recording.py`` keeps nothing of is decided on and not stored: what it owes is volatile
        (TR-03109-1, TAF-9, TAF-10 and TAF-14).
        """
        meter, register = reading.device.text, str(reading.obis)
        try:
            # The inner signature is made when the reading is recorded, inside the security module.
            signed = sign_reading(reading, self.identity, self._key)
            # Sums look at other meters' readings: without the lock two lines that close the same period at the same
            # moment would each miss the other's reading, and the sum would never be owed.
            with self._deciding:
                # Step 5, Reading x profiles -> Grants: smgw/access/decision.py.
                stored = is_recorded(reading, profile, self._known, self.profiles.evaluations.values())
                decision = self._signed(
                    decide(
                        signed,
                        evaluations=tuple(self.profiles.evaluations.values()),
                        communications=tuple(self.profiles.communications.values()),
                        history=self._known,
                        gateway=self.identity,
                        meters=self.profiles.meters.values(),
                        requests=self._requests,
                        recorded=stored,
                    )
                )
                # Step 4 with what step 5 found: smgw/store/readings.py.
                recorded = self._readings.record(signed, decision) if stored else None
                for grant in decision.volatile:
                    self.volatile.put(grant)
                self._known.note(reading)
        except TrustError as error:
            reason = WalkReason.SECURITY_MODULE
            self._refuse(Event.READING_REFUSED, meter, reason, reading.captured_at, register=register, cause=str(error))
            return False
        except ConflictError:
            self._refuse(Event.READING_REFUSED, meter, WalkReason.CONFLICT, reading.captured_at, register=register)
            return False
        except StoreError as error:
            self._refuse(Event.STORE_FAILED, meter, WalkReason.STORE, reading.captured_at, cause=error.reason.value)
            return False
        if recorded is None:
            self.counters.unstored(meter, reading.captured_at)
        elif recorded is Recorded.DUPLICATE:
            self.counters.add(meter, duplicates=1)
        else:
            self.counters.stored(meter, reading.captured_at)
        self._tell(decision, reading)
        return True

    def _signed(self, decision: Decision) -> Decision:
        """The decision with every derived value signed as if it had been measured."""
        grants, volatile = (tuple(map(self._signed_grant, part)) for part in (decision.grants, decision.volatile))
        return replace(decision, grants=grants, volatile=volatile)

    def _signed_grant(self, grant: Grant) -> Grant:
        signed = tuple(sign_reading(derived, self.identity, self._key) for derived in grant.derived)
        return replace(grant, readings=(*grant.readings, *signed), derived=())

    def _tell(self, decision: Decision, reading: Reading) -> None:
        """Count what step 5 granted and refused; write down the refusals that somebody should look at."""
        for grant in (*decision.grants, *decision.volatile):
            self.counters.granted(grant.profile)
        for refusal in decision.refusals:
            self.counters.access_refused(refusal.party, refusal.reason.value)
            if refusal.reason not in _ROUTINE:
                self._write(
                    Event.ACCESS_REFUSED,
                    refusal.party,
                    reading.captured_at,
                    Outcome.FAILURE,
                    reason=refusal.reason.value,
                    profile=refusal.profile or "",
                    meter=reading.device.text,
                )

    def _refuse(self, event: Event, meter: str, reason: str, at: datetime, **parameters: str | int) -> None:
        self.counters.refused(meter, str(reason))
        self._write(event, meter, at, Outcome.FAILURE, reason=str(reason), **parameters)

    def _write(
        self,
        event: Event,
        subject: str,
        at: datetime,
        outcome: Outcome,
        **parameters: str | int,
    ) -> None:
        try:
            self._log.record(event, subject, outcome, at=at, times=1, **parameters)
        except StoreError:
            # A full disk takes no log entry; the refusal itself is counted, and the status shows this count too.
            self.counters.refused(subject, "not-logged")
