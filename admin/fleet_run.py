"""A fleet is given its profiles: every gateway its own, so many at a time, and again where it was cut short.

Decides which gateways have something to do by what the books say, never by what an earlier run remembers: whoever holds
its profiles by a confirmed order is left alone, whoever has an open order is woken for that one, and an order is queued
for all others. So a run may end at any moment, in any way, and be started again: nothing is ordered twice. It carries
nothing out itself: the server runs the tunnels.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from admin.errors import AdminError, FleetError, LineFault
from admin.life_cycle import OrderState
from admin.office import Office
from admin.wake import POLL_SECONDS, Postman, Timing, likely_reasons
from pki.errors import CertificateError
from wire.orders import BreakUp, ChangeProfiles
from wire.reading import DeviceId


@dataclass(frozen=True, slots=True)
class Wish:
    """What one gateway is to hold: profiles by the names of their drafts. ``line`` is where it stands in its file."""

    gateway: DeviceId
    tables: Mapping[str, Mapping[str, Any]]
    line: int = 0


class Outcome(StrEnum):
    """What became of one gateway; only the first two are success."""

    HELD = "held"
    """It held all that before this run."""
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    """The gateway refused, or the order failed."""
    UNANSWERED = "unanswered"
    """It came, and did not answer in time; the order stays open."""
    SILENCE = "silence"
    """It did not come; the order stays open."""
    NOT_WOKEN = "not-woken"
    """Something here kept it from being woken."""
    CUT_SHORT = "cut-short"
    """The run ended before it was its turn, or while it was."""


SUCCESS = frozenset({Outcome.HELD, Outcome.CONFIRMED})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one gateway, and why."""

    gateway: DeviceId
    outcome: Outcome
    order: int | None = None
    milliseconds: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a run is."""

    total: int
    outcomes: Mapping[Outcome, int]
    states: Mapping[OrderState, int]
    """Of the gateways whose turn it is, and of those that wait (queued)."""
    elapsed: timedelta
    woken_for: timedelta
    """Of that, since the first gateway was woken: queuing is quick, and says nothing about the rest."""

    @property
    def finished(self) -> int:
        """Gateways of which the run knows what became."""
        return sum(self.outcomes.values())

    @property
    def remaining(self) -> timedelta | None:
        """How long the rest takes if it goes on like this; None while nothing is known."""
        worked = self.finished - self.outcomes.get(Outcome.HELD, 0)
        return self.woken_for / worked * (self.total - self.finished) if worked else None

    @property
    def sentence(self) -> str:
        """All of it for people."""
        parts = [f"{self.finished} of {self.total}"]
        parts += [f"{count} {state}" for state in OrderState if (count := self.states.get(state, 0))]
        parts += [f"{count} {outcome}" for outcome in Outcome if (count := self.outcomes.get(outcome, 0))]
        if self.remaining is not None and self.finished < self.total:
            parts.append(f"about {self.remaining.total_seconds():.0f} s left")
        return ", ".join(parts)


def check(office: Office, wishes: Sequence[Wish]) -> None:
    """Raise FleetError, with a sentence for each gateway that cannot be given what is wished; nothing is queued."""
    faults: list[LineFault] = []
    for wish in wishes:
        try:
            office.inventory.require_reachable(wish.gateway)
            office.drafts.check_tables(wish.tables, wish.gateway)
        except AdminError as error:
            faults.append(LineFault(wish.line, f"{wish.gateway}: {error}"))
    if faults:
        raise FleetError("nothing was queued", faults)


@dataclass(slots=True)
class _Turn:
    """One gateway whose turn it is."""

    wish: Wish
    number: int
    postman: Postman
    began: float
    began_at: datetime
    sent: int = 0
    state: OrderState = OrderState.QUEUED


@dataclass
class FleetRun:
    """One run. ``results`` grows while :meth:`go` runs, and is whole after it, however it ended."""

    office: Office
    wishes: Sequence[Wish]
    timing: Timing
    by: str
    parallel: int
    results: list[Result] = field(default_factory=list)
    _waiting: deque[tuple[Wish, int]] = field(default_factory=deque)
    _turns: dict[int, _Turn] = field(default_factory=dict)
    _begun: float = 0.0
    _waking: float | None = None

    @property
    def counts(self) -> Counts:
        """How far it is."""
        states = Counter(turn.state for turn in self._turns.values())
        queued = len(self.wishes) - len(self.results) - len(self._turns)
        if queued:
            states[OrderState.QUEUED] += queued
        now = self.timing.monotonic()
        elapsed = timedelta(seconds=now - self._begun)
        woken_for = timedelta(seconds=0 if self._waking is None else now - self._waking)
        return Counts(len(self.wishes), Counter(result.outcome for result in self.results), states, elapsed, woken_for)

    def go(self, progress: Callable[[Counts], None] = lambda _: None) -> None:
        """Queue what is missing, wake so many at a time, wait for what each says. Raises FleetError (:func:`check`)."""
        self._begun = self.timing.monotonic()
        check(self.office, self.wishes)
        with ExitStack() as ending:
            ending.callback(self._cut_short)
            for wish in self.wishes:
                self._queue(wish)
                progress(self.counts)
            self._waking = self.timing.monotonic()
            while self._waiting or self._turns:
                while self._waiting and len(self._turns) < self.parallel:
                    self._begin(*self._waiting.popleft())
                self.timing.sleep(POLL_SECONDS)
                states = self.office.orders.states(self._turns)
                for number, turn in list(self._turns.items()):
                    turn.state = states[number]
                    self._look(turn)
                progress(self.counts)

    def _queue(self, wish: Wish) -> None:
        """Order what ``wish`` lacks, unless it is ordered already, and the tunnel's end behind it."""
        gateway, orders, now = wish.gateway, self.office.orders, self.timing.clock()
        try:
            number = self.office.drafts.issue_tables(wish.tables, gateway, self.by, now)
            waiting = orders.open(gateway)
            if number is None:
                number = max((one.number for one in waiting if one.kind == ChangeProfiles.KIND), default=None)
            if number is None:
                self.results.append(Result(gateway, Outcome.HELD))
                return
            # The gateways behind it need its place; a tunnel that somebody else keeps open is none of ours to end.
            ends = any(one.kind == BreakUp.KIND and one.number > number for one in waiting)
            if not ends and self.office.tunnels.open(gateway, now) is None:
                orders.queue(gateway, BreakUp(), self.by, now)
        except AdminError as error:
            self.results.append(Result(gateway, Outcome.NOT_WOKEN, reason=str(error)))
            return
        self._waiting.append((wish, number))

    def _begin(self, wish: Wish, number: int) -> None:
        began_at = self.timing.clock()
        turn = _Turn(wish, number, Postman(), self.timing.monotonic(), began_at)
        self._turns[number] = turn
        if self.office.tunnels.open(wish.gateway, began_at) is None:
            self._wake(turn)
        else:
            turn.sent = 1  # the server sees the order within a second; woken only where it does not

    def _wake(self, turn: _Turn) -> None:
        try:
            turn.postman.send(self.office.letter(turn.wish.gateway, self.timing.clock(), self.by))
        except (AdminError, CertificateError) as error:
            self._end(turn, Outcome.NOT_WOKEN, str(error))
            return
        turn.sent += 1

    def _look(self, turn: _Turn) -> None:
        waited = self.timing.monotonic() - turn.began
        turn.postman.look()
        match turn.state:
            case OrderState.CONFIRMED:
                self._end(turn, Outcome.CONFIRMED)
            case OrderState.FAILED:
                self._end(turn, Outcome.REFUSED, self.office.orders.get(turn.number).reason)
            case OrderState.DELIVERED if waited >= self.timing.timeout.total_seconds():
                self._end(turn, Outcome.UNANSWERED, "it came and did not answer in time; the order stays open")
            case _ if waited >= self.timing.timeout.total_seconds():
                now, gateway = self.timing.clock(), turn.wish.gateway
                likely = likely_reasons(self.office, gateway, turn.postman, turn.began_at, now)
                self._end(turn, Outcome.SILENCE, "; ".join(one.sentence for one in likely))
            # An order that was delivered is not enough: its tunnel may have broken before the answer.
            case _ if waited >= turn.sent * self.timing.resend.total_seconds():
                if self.office.tunnels.open(turn.wish.gateway, self.timing.clock()) is None:
                    self._wake(turn)
                else:
                    turn.sent += 1

    def _end(self, turn: _Turn, outcome: Outcome, reason: str = "") -> None:
        turn.postman.close()
        del self._turns[turn.number]
        milliseconds = int(1000 * (self.timing.monotonic() - turn.began))
        self.results.append(Result(turn.wish.gateway, outcome, turn.number, milliseconds, reason))

    def _cut_short(self) -> None:
        """Whoever is left gets a result too; after an orderly end nobody is."""
        for turn in list(self._turns.values()):
            self._end(turn, Outcome.CUT_SHORT, "the run ended; start it again")
        self._waiting.clear()
        known = {result.gateway for result in self.results}
        left = (wish.gateway for wish in self.wishes if wish.gateway not in known)
        self.results += [Result(gateway, Outcome.CUT_SHORT, reason="the run ended; start it again") for gateway in left]
