"""The time service: the gateway compares its clock with the administrator's, and corrects it as far as it may.

Decides when to ask, which answer is believed, and what a deviation means: within 3 % of the shortest registration
period the clock is corrected silently, beyond it the gateway enters a secure state and corrects nothing until the
administrator orders it. The time comes over the service connection only, NTP inside TLS (TR-03109-1, NTP-HTTPS; PP-0073
FPT_STM.1); no other source is ever asked.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from smgw.administration.errors import CommandRefusedError, Done
from smgw.clock import ClockEvent, ClockMemory, ClockState, GatewayClock
from smgw.secure_states import FOLLOWS, Condition, SecureState
from smgw.store.clock_records import ClockRecords, milliseconds
from smgw.store.errors import StoreError
from smgw.store.profiles import ProfileSet
from smgw.wan import retry
from smgw.wan.service import ServiceError, ServicePorts, Visit, visit
from wire import ntp
from wire.errors import NtpError
from wire.management import NTP, TIME
from wire.ntp import Measurement
from wire.orders import SynchroniseClock

_logger = logging.getLogger(__name__)

INTERVAL: Final = timedelta(hours=1)
"""Longest time between two comparisons that came about. PP-0073 asks for one in 24 hours; a quartz of 20 ppm drifts
72 ms an hour."""
START_SPREAD: Final = timedelta(seconds=10)
"""The first comparison comes within this, so that gateways which got their power back together do not all ask at once
(docs/deviations.md)."""
TOLERANCE_PERCENT: Final = 3
"""Of the shortest registration period (TR-03109-1, tolerance of time: 27 s of 900 s)."""
LONGEST_PERIOD: Final = timedelta(seconds=900)
"""The registration period of the law, where no profile has a shorter one or none is installed."""
LONGEST_DELAY: Final = timedelta(seconds=2)
"""An exchange may be wrong by half of its delay. A slower one, or one slower than the tolerance, is not believed."""
STOP_SECONDS: Final = 5.0
"""How long :meth:`TimeService.stop` waits for an exchange to end."""


class TimeReason(StrEnum):
    """Why there is no comparison, beside the reasons of ServiceError."""

    REFUSED = "refused"
    """The administrator gave no time."""
    NOT_AN_ANSWER = "not-an-answer"
    """What came is no reply to this very request, or of a clock that does not know the time itself."""
    SLOW = "slow"
    SECURE_STATE = "secure-state"
    """The clock is not compared in the state that the gateway is in."""


class ClockReason(StrEnum):
    """Why an order to synchronise is refused; the sentence tells more."""

    NO_COMPARISON = "no-comparison"


class ComparisonError(Exception):
    """The clock was not compared, and nothing changed."""

    def __init__(self, reason: str, sentence: str) -> None:
        """A reason for programs and a sentence for people."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Comparison:
    """One that came about: the administrator's clock was ``deviation`` ahead; ``state`` is the clock's afterwards."""

    deviation: timedelta
    delay: timedelta
    tolerance: timedelta
    corrected: bool
    state: ClockState


@dataclass(frozen=True, slots=True)
class TimePorts:
    """Everything around the time service. ``changed`` is called when a secure state begins or ends."""

    service: ServicePorts
    clock: GatewayClock
    records: ClockRecords
    profiles: Callable[[], ProfileSet]
    jitter: Callable[[], float]
    changed: Callable[[], None] = lambda: None
    may_ask: Callable[[datetime], bool] = lambda _: True
    """Whether the clock is compared at that moment (``smgw/secure_states.py``: in every state, so far)."""
    otherwise: Callable[[datetime], SecureState] = lambda _: SecureState.NORMAL
    """The state that would hold at that moment if the clock were right."""


def tolerance(profiles: ProfileSet) -> timedelta:
    """How far the clock may deviate under ``profiles`` (FPT_STM.1): by the shortest period at which any registers.

    What is never stored is registered nowhere: how often it is given says nothing about the law's period.
    """
    registering = [one for one in profiles.evaluations.values() if not one.unstored]
    periods = [one.store_seconds for one in profiles.meters.values()] + [one.period_seconds for one in registering]
    return min([LONGEST_PERIOD, *(timedelta(seconds=one) for one in periods)]) * TOLERANCE_PERCENT / 100


def ask(connection: Visit, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> Measurement:
    """One exchange. Raises ServiceError, ComparisonError.

    The time that it took is the monotonic clock's: one that is set meanwhile would make a slow answer look quick. It is
    looked at first and last, so that whatever holds us up in between counts as delay and never as deviation.
    """
    began = monotonic()
    sent = clock()
    response = connection.post(TIME, NTP, ntp.request(sent).to_bytes())
    arrived = sent + timedelta(seconds=monotonic() - began)
    if response.status != 200:
        raise ComparisonError(TimeReason.REFUSED.value, f"the administrator gave no time: status {response.status}")
    try:
        return ntp.measure(sent, ntp.NtpPacket.from_bytes(response.body), arrived)
    except NtpError as error:
        raise ComparisonError(TimeReason.NOT_AN_ANSWER.value, str(error)) from error


class TimeService:
    """Asks on its own thread, and at once where the administrator orders it."""

    def __init__(self, ports: TimePorts) -> None:
        """Nothing runs before :meth:`start`."""
        self._ports = ports
        self._exchanging = threading.Lock()
        self._nudged = threading.Event()
        self._stopping = threading.Event()
        self._failures = 0
        self._last: Comparison | None = None
        self._thread = threading.Thread(target=self._run, name="time", daemon=True)

    @property
    def last(self) -> Comparison | None:
        """The last comparison since the start, for people to look at."""
        return self._last

    @property
    def tolerance(self) -> timedelta:
        """How far the clock may deviate now."""
        return tolerance(self._ports.profiles())

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def nudge(self) -> None:
        """Let it ask soon: a management tunnel ended, or the machine's clock jumped. From any thread."""
        self._nudged.set()

    def stop(self) -> None:
        """End the thread; may be called again and before :meth:`start`."""
        self._stopping.set()
        self._nudged.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def order(self, command: SynchroniseClock, at: datetime) -> Done:  # noqa: ARG002 - what counts is the moment of asking
        """Compare now because the administrator ordered it, and end the secure state where the clock is right then.

        Raises CommandRefusedError, StoreError; the clock is as it was then.
        """
        try:
            comparison = self.synchronise(ordered=True, accept_any_deviation=command.accept_any_deviation)
        except ComparisonError as error:
            raise CommandRefusedError(ClockReason.NO_COMPARISON, f"{error.reason}: {error}") from error
        return Done(
            {
                "deviation_milliseconds": milliseconds(comparison.deviation),
                "delay_milliseconds": milliseconds(comparison.delay),
                "tolerance_milliseconds": milliseconds(comparison.tolerance),
                "corrected": comparison.corrected,
                "state": comparison.state.value,
            }
        )

    def synchronise(self, *, ordered: bool = False, accept_any_deviation: bool = False) -> Comparison:
        """Compare once, and do what follows from it. Raises ComparisonError (which is logged), StoreError.

        1. The administrator's clock is asked. 2. An answer that was slow is not believed. 3. Within tolerance the clock
        is corrected, by order by any amount. 4. Beyond it, the secure state begins; one that had begun goes on unless
        it was ordered to end.
        """
        with self._exchanging:
            try:
                measured, allowed = self._measured(), self.tolerance
            except ComparisonError as error:
                self._note_failure(error.reason)
                raise
            # 3 and 4
            within = abs(measured.offset) <= allowed
            if ordered and (within or accept_any_deviation):
                event = ClockEvent.SET
            else:
                event = ClockEvent.AGREED if within else ClockEvent.DEVIATED
            # What is smaller than the error of measuring is none: correcting it would only make the clock shake.
            correct = abs(measured.offset) > measured.delay / 2
            comparison = self._conclude(event, measured, allowed, correct=correct)
            self._last = comparison
            return comparison

    def step(self) -> timedelta:
        """One comparison of its own accord; returns the time to the next."""
        try:
            self.synchronise()
        except (ComparisonError, StoreError) as error:
            _logger.info("time service: %s", error)
            self._failures += 1
            return retry.delay(self._failures, self._ports.jitter)
        self._failures = 0
        return INTERVAL * (0.5 + self._ports.jitter() / 2)

    def _measured(self) -> Measurement:
        service = self._ports.service
        if not self._ports.may_ask(self._ports.clock()):
            raise ComparisonError(TimeReason.SECURE_STATE.value, "the clock is not compared in this state")
        # 1
        try:
            with visit(service) as connection:
                measured = ask(connection, self._ports.clock, service.monotonic)
        except ServiceError as error:
            raise ComparisonError(error.reason, str(error)) from error
        # 2
        if measured.delay > min(LONGEST_DELAY, self.tolerance):
            raise ComparisonError(TimeReason.SLOW.value, f"the answer took {measured.delay.total_seconds():.1f} s")
        return measured

    def _conclude(self, event: ClockEvent, measured: Measurement, allowed: timedelta, *, correct: bool) -> Comparison:
        """Keep what follows from ``event``, then let the clock take it."""
        clock, records = self._ports.clock, self._ports.records
        was = clock.state
        memory = clock.after(event, measured.offset, corrected=correct)
        before = clock()
        after = before + (measured.offset if correct else timedelta())
        if memory.deviating and was is ClockState.DEVIATING:
            records.still_deviating(memory)
        elif memory.deviating:
            self._enter(memory, before, allowed)
        elif event is ClockEvent.SET:
            state = self._ports.otherwise(after).value
            records.ordered(memory, before, after, state, ended=was is ClockState.DEVIATING)
        else:
            records.compared(memory, after, corrected=correct)
        clock.take(event, memory)
        if (was is ClockState.DEVIATING) is not memory.deviating:
            self._ports.changed()
        corrected = correct and not memory.deviating
        return Comparison(measured.offset, measured.delay, allowed, corrected, clock.state)

    def _enter(self, memory: ClockMemory, at: datetime, allowed: timedelta) -> None:
        """A store that is full must not keep the gateway out of the secure state."""
        state = FOLLOWS[Condition.CLOCK_DEVIATION].value
        _logger.warning("the clock deviates by %s: secure state", memory.deviation)
        try:
            self._ports.records.deviated(memory, at, allowed, state)
        except StoreError as error:
            _logger.warning("not in the logs: %s", error)

    def _note_failure(self, reason: str) -> None:
        with suppress(StoreError):
            self._ports.records.failed(reason, self._ports.clock())

    def _run(self) -> None:
        wait = START_SPREAD * self._ports.jitter()
        while not self._stopping.is_set():
            self._nudged.wait(wait.total_seconds())
            self._nudged.clear()
            if self._stopping.is_set():
                return
            try:
                wait = self.step()
            except Exception:  # a defect of ours: the clock is compared again all the same
                _logger.exception("time service")
                wait = retry.DELAY_CAP
