"""The secure states: what a gateway still does when something is not as it must be, as data.

Decides which state follows from which condition, and what works in each; nothing here acts. Every duty is asked for
where it is done. Several conditions hold at once, and so do several states: a duty is done only where every one of them
lets it be done. Whatever is wrong, the administrator is heard, served and told, because nobody else can put it right:
no state can lock the gateway out of its administration (TR-03109-1, secure states; PP-0073 FPT_FLS.1).

The conditions of the clock follow from the clock itself, at the moment in question; the others are held by
:class:`Conditions` until whoever found them finds them gone.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from types import MappingProxyType
from typing import Final

from smgw.clock import ClockState, GatewayClock

LONGEST_DETAIL: Final = 200
"""Characters of a sentence about a condition."""
MAXIMUM_CHANGES: Final = 256
"""Changes that wait to be written down; of a condition that comes and goes faster than that the oldest are given up."""


class SecureState(StrEnum):
    """What state the gateway is in, the graver the later (sicherer Zustand)."""

    NORMAL = "normal"
    MEASUREMENT = "measurement"
    """No valid time: values are recorded and delivered, each with the status bit "system time invalid"."""
    CONNECTIVITY = "connectivity"
    """Who is outside cannot be judged or kept out: meters are read, and nobody but the administrator is served."""
    APPLICATION = "application"
    """What would be recorded now could not be relied on: only administration remains."""
    BOOT = "boot"
    """The program itself, or what it must record for good, is not as it must be: only what mends it remains."""


class Duty(StrEnum):
    """What a gateway does."""

    READ_METERS = "read-meters"
    CLAIM_VALID_TIME = "claim-valid-time"
    """Record values without the status bit "system time invalid"."""
    DELIVER = "deliver"
    HEAR_WAKE_UPS = "hear-wake-ups"
    SERVE_ADMINISTRATOR = "serve-administrator"
    SYNCHRONISE = "synchronise"
    NOTIFY = "notify"
    CHANGE_PROFILES = "change-profiles"
    UPDATE_FIRMWARE = "update-firmware"
    SERVE_CONSUMER = "serve-consumer"
    SERVE_CLS = "serve-cls"
    """Let a controllable local system and its operator speak through the gateway."""


class Condition(StrEnum):
    """What is wrong."""

    NO_VALID_TIME = "no-valid-time"
    """Nobody compared the clock for too long, or it shows a time in which this software did not exist."""
    CLOCK_DEVIATION = "clock-deviation"
    """The clock deviates by more than may be corrected (FPT_STM.1)."""
    CERTIFICATES_BAD = "certificates-bad"
    """A certificate of the gateway's own is not good now, or cannot be judged by the revocation lists held."""
    FIREWALL_NOT_APPLIED = "firewall-not-applied"
    SECURITY_MODULE_FAILED = "security-module-failed"
    DATABASE_DAMAGED = "database-damaged"
    """Pages of the store or its structure are not what was written (FDP_SDI.2)."""
    LOG_CHAIN_BROKEN = "log-chain-broken"
    """Entries of a log are missing or altered (FAU_STG.2)."""
    DISK_FULL = "disk-full"
    """What is left is for the logs and for the administration."""
    CALIBRATION_LOG_FULL = "calibration-log-full"
    """The log that is never overwritten has no room (FAU_STG.4/CAL)."""
    PROGRAM_ALTERED = "program-altered"
    """The program's files are not those that were installed."""
    UPDATE_FAILED = "update-failed"
    """A program that failed its trial lies in its slot, and nobody has put another there."""


FOLLOWS: Final[Mapping[Condition, SecureState]] = MappingProxyType(
    {
        Condition.NO_VALID_TIME: SecureState.MEASUREMENT,
        Condition.CERTIFICATES_BAD: SecureState.CONNECTIVITY,
        Condition.FIREWALL_NOT_APPLIED: SecureState.CONNECTIVITY,
        # By a wrong clock neither a value can be dated nor a certificate be judged: only administration remains.
        Condition.CLOCK_DEVIATION: SecureState.APPLICATION,
        Condition.SECURITY_MODULE_FAILED: SecureState.APPLICATION,
        Condition.DATABASE_DAMAGED: SecureState.APPLICATION,
        Condition.LOG_CHAIN_BROKEN: SecureState.APPLICATION,
        Condition.DISK_FULL: SecureState.APPLICATION,
        Condition.CALIBRATION_LOG_FULL: SecureState.BOOT,
        Condition.PROGRAM_ALTERED: SecureState.BOOT,
        Condition.UPDATE_FAILED: SecureState.BOOT,
    }
)
"""The state that follows from each condition. Which device is in which state is public of certified ones only in part
(docs/deviations.md)."""

GRACE: Final[Mapping[Condition, timedelta]] = MappingProxyType({Condition.UPDATE_FAILED: timedelta(days=30)})
"""How long a condition is told before its state follows: a program that works need not stop for one that does not."""

_MENDING: Final = frozenset(
    {Duty.HEAR_WAKE_UPS, Duty.SERVE_ADMINISTRATOR, Duty.SYNCHRONISE, Duty.NOTIFY, Duty.UPDATE_FIRMWARE}
)
_MEASURING: Final = frozenset({Duty.READ_METERS, Duty.CLAIM_VALID_TIME})
WORKS: Final[Mapping[SecureState, frozenset[Duty]]] = MappingProxyType(
    {
        SecureState.NORMAL: frozenset(Duty),
        # An administrator who is away for a day must not stop every market process: receivers see the status.
        SecureState.MEASUREMENT: frozenset(Duty) - {Duty.CLAIM_VALID_TIME},
        # A value that was not read is lost for ever; one that waits is delivered later.
        SecureState.CONNECTIVITY: _MENDING | _MEASURING | {Duty.CHANGE_PROFILES},
        SecureState.APPLICATION: _MENDING | {Duty.CHANGE_PROFILES},
        # A change of profiles would have to be recorded where nothing can be, or rest on a program nobody knows.
        SecureState.BOOT: _MENDING,
    }
)
"""What works in each state; what does not stand here does not work."""

CLOCK: Final = frozenset({Condition.NO_VALID_TIME, Condition.CLOCK_DEVIATION})
"""What follows from the clock and is never set: its own memory survives a restart (``smgw/clock.py``)."""
STORED: Final = frozenset(Condition) - CLOCK - {Condition.CALIBRATION_LOG_FULL, Condition.FIREWALL_NOT_APPLIED}
"""What survives a restart, because finding it again takes a whole self-test, in which nothing may be measured; the rest
is found again at the start, before anything runs."""


@dataclass(frozen=True, slots=True)
class Active:
    """A condition that holds; ``detail`` is a sentence for people and holds nothing measured."""

    condition: Condition
    since: datetime
    detail: str = ""

    @property
    def state(self) -> SecureState:
        """The state that follows from it."""
        return FOLLOWS[self.condition]


@dataclass(frozen=True, slots=True)
class Change:
    """A condition began to hold at ``at``, or ceased to."""

    active: Active
    at: datetime
    began: bool


class Conditions:
    """What is wrong with one gateway but for its clock; safe to use from any thread, within any transaction."""

    def __init__(self, found: Iterable[Active] = ()) -> None:
        """``found`` is what an earlier run of the gateway left."""
        self._lock = Lock()
        self._active = {one.condition: one for one in found if one.condition not in CLOCK}
        self._changes: deque[Change] = deque(maxlen=MAXIMUM_CHANGES)
        self._changed: Callable[[], None] = lambda: None

    @property
    def active(self) -> tuple[Active, ...]:
        """What holds now, the oldest first."""
        with self._lock:
            return tuple(sorted(self._active.values(), key=lambda one: (one.since, one.condition)))

    def set(self, condition: Condition, detail: str, at: datetime) -> None:
        """``condition`` was found at ``at``; one that holds already goes on holding since when it did."""
        if condition in CLOCK:
            raise ValueError(f"{condition.value} follows from the clock and is never set")
        with self._lock:
            if condition in self._active:
                return
            found = Active(condition, at, "".join(c if c.isprintable() else "?" for c in detail)[:LONGEST_DETAIL])
            self._active[condition] = found
            self._changes.append(Change(found, at, began=True))
        self._changed()

    def clear(self, condition: Condition, at: datetime) -> None:
        """``condition`` was looked for at ``at`` and does not hold."""
        with self._lock:
            gone = self._active.pop(condition, None)
            if gone is None:
                return
            self._changes.append(Change(gone, at, began=False))
        self._changed()

    def take_changes(self) -> tuple[Change, ...]:
        """Every change that nobody took yet, in order."""
        with self._lock:
            changes = tuple(self._changes)
            self._changes.clear()
            return changes

    def follow(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change, in the thread that made it: it must return at once."""
        self._changed = changed


@dataclass(frozen=True, slots=True)
class SecureStates:
    """The states of one gateway; everyone who has a duty asks here."""

    clock: GatewayClock
    conditions: Conditions = field(default_factory=Conditions)

    def active(self, at: datetime) -> tuple[Active, ...]:
        """What is wrong at ``at``: what the clock says, then the rest."""
        return (*self._clock(at), *self.conditions.active)

    def holding(self, at: datetime) -> frozenset[SecureState]:
        """The states that count for what happens at ``at``; NORMAL alone, or any of the others."""
        return states_of(self.active(at), at)

    def at(self, at: datetime) -> SecureState:
        """The gravest of them."""
        return gravest(self.holding(at))

    def beside_the_clock(self, at: datetime) -> SecureState:
        """The gravest of those that do not follow from the clock."""
        return gravest(states_of(self.conditions.active, at))

    def works(self, duty: Duty, at: datetime) -> bool:
        """Whether ``duty`` is done at ``at``: every state that holds lets it be done."""
        return all(duty in WORKS[state] for state in self.holding(at))

    def allows(self, duty: Duty) -> Callable[[datetime], bool]:
        """:meth:`works` for one duty."""
        return lambda at: self.works(duty, at)

    def _clock(self, at: datetime) -> tuple[Active, ...]:
        trusted_at = self.clock.memory.trusted_at
        # Since it was last known to be right.
        if self.clock.state is ClockState.DEVIATING:
            return (Active(Condition.CLOCK_DEVIATION, trusted_at or at),)
        return () if self.clock.valid(at) else (Active(Condition.NO_VALID_TIME, trusted_at or at),)


def in_effect(one: Active, at: datetime) -> bool:
    """Whether its state follows from it at ``at``. A clock that jumped may end a grace early, never prolong it."""
    return abs(at - one.since) >= GRACE.get(one.condition, timedelta())


def states_of(active: Iterable[Active], at: datetime) -> frozenset[SecureState]:
    """The states that follow at ``at``; NORMAL alone where none does."""
    return frozenset({one.state for one in active if in_effect(one, at)} or {SecureState.NORMAL})


def gravest(states: Collection[SecureState]) -> SecureState:
    """The one that leaves the least."""
    return max(states, key=list(SecureState).index, default=SecureState.NORMAL)
