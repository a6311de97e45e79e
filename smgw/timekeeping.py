"""The clock of one gateway with everything that looks after it, and after what has an end.

Decides nothing: it starts and stops the time service, the notifier and the keeper of the secure states, lets the clock
be compared when the machine's jumped, and tells how the clock goes and which states hold.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from smgw.certificate_watch import CertificateWatch
from smgw.clock import GatewayClock
from smgw.secure_states import SecureState, SecureStates, in_effect
from smgw.state_keeper import StateKeeper
from smgw.store.clock_records import milliseconds
from smgw.store.errors import StoreError
from smgw.wan.notifier import Notifier
from smgw.wan.time_service import TimeService
from wire.canonical_json import JsonObject, JsonValue
from wire.instant import format_instant

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Timekeeping:
    """What looks after the time of one gateway; :meth:`look` is for one thread, everything else for any."""

    system: Callable[[], datetime]
    """The machine's clock."""
    clock: GatewayClock
    states: SecureStates
    certificates: CertificateWatch
    service: TimeService
    notifier: Notifier
    keeper: StateKeeper

    @contextmanager
    def running(self) -> Iterator[None]:
        """Compare and tell until the end of the block."""
        with ExitStack() as running:
            for part in (self.keeper, self.service, self.notifier):
                running.callback(part.stop)
                part.start()
            yield

    def look(self) -> None:
        """What wants to be looked at now and then, by one thread; never raises for what the store may do."""
        at = self.clock().replace(microsecond=0)
        try:
            self.keeper.look(at)
            self.certificates.look(at)
        except StoreError as error:
            _logger.warning("system log: %s", error)

    def compare_soon(self) -> None:
        """The machine's clock jumped, and ours with it. From any thread."""
        self.service.nudge()

    def tunnel_ended(self) -> None:
        """The administrator was there a moment ago: what waits for him need not wait longer. From any thread."""
        self.service.nudge()
        self.notifier.nudge()

    @property
    def deviation(self) -> timedelta | None:
        """By how much the administrator's clock was ahead at the last comparison, before any correction."""
        last = self.service.last
        if last is not None:
            return last.deviation
        memory = self.clock.memory
        return memory.deviation if memory.deviating else None

    def report(self) -> JsonObject:
        """How the clock goes, for the owner and for the administrator."""
        trusted_at, deviation = self.clock.memory.trusted_at, self.deviation
        return {
            "state": self.clock.state.value,
            "deviation_milliseconds": None if deviation is None else milliseconds(deviation),
            "tolerance_milliseconds": milliseconds(self.service.tolerance),
            "offset_milliseconds": milliseconds(self.clock.memory.offset),
            "compared_at": None if trusted_at is None else format_instant(trusted_at.replace(microsecond=0)),
        }

    def report_states(self) -> JsonObject:
        """Which states hold and why, for the owner and for the administrator; nothing in it is measured."""
        at = self.clock()
        holding = self.states.holding(at)
        conditions: list[JsonValue] = [
            {
                "condition": one.condition.value,
                "state": one.state.value,
                "in_effect": in_effect(one, at),
                "since": format_instant(one.since.replace(microsecond=0)),
                "detail": one.detail,
            }
            for one in self.states.active(at)
        ]
        return {
            "state": self.states.at(at).value,
            "states": [state.value for state in SecureState if state in holding],
            "conditions": conditions,
        }


def describe_clock(told: JsonObject) -> str:
    """What the status says of the clock, in one line."""
    deviation = told["deviation_milliseconds"]
    measured = "" if deviation is None else f", deviation {deviation} ms"
    compared = "never compared" if told["compared_at"] is None else f"last compared {told['compared_at']}"
    return f"clock {told['state']}: {compared}{measured}"


def describe_states(told: Mapping[str, Any]) -> Iterator[str]:
    """What the status says of the secure states, a line for each thing that is wrong."""
    yield f"state {told['state']}"
    for one in told["conditions"]:
        later = "" if one["in_effect"] else " (not yet in effect)"
        yield f"{one['condition']} since {one['since']}: {one['state']}{later} {one['detail']}".rstrip()
