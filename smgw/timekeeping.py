"""The clock of one gateway with everything that looks after it, and after what has an end.

Decides nothing: it starts and stops the time service and the notifier, lets the machine's clock be compared when it
jumped, and tells how the clock goes.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from smgw.certificate_watch import CertificateWatch
from smgw.clock import GatewayClock
from smgw.secure_states import SecureStates
from smgw.store.clock_records import milliseconds
from smgw.store.errors import StoreError
from smgw.wan.notifier import Notifier
from smgw.wan.time_service import TimeService
from wire.canonical_json import JsonObject
from wire.instant import format_instant

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """The parts."""

    system: Callable[[], datetime]
    """The machine's clock."""
    clock: GatewayClock
    states: SecureStates
    certificates: CertificateWatch
    service: TimeService
    notifier: Notifier

    @contextmanager
    def running(self) -> Iterator[None]:
        """Compare and tell until the end of the block."""
        with ExitStack() as running:
            for part in (self.service, self.notifier):
                running.callback(part.stop)
                part.start()
            yield

    def look(self) -> None:
        """What wants to be looked at now and then; never raises for what the store may do."""
        try:
            self.certificates.look(self.clock().replace(microsecond=0))
        except StoreError as error:
            _logger.warning("system log: %s", error)

    def compare_soon(self) -> None:
        """The machine's clock jumped, and ours with it; or a management tunnel ended. From any thread."""
        self.service.nudge()

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
            "secure_state": self.states.at(self.clock()).value,
            "deviation_milliseconds": None if deviation is None else milliseconds(deviation),
            "tolerance_milliseconds": milliseconds(self.service.tolerance),
            "offset_milliseconds": milliseconds(self.clock.memory.offset),
            "compared_at": None if trusted_at is None else format_instant(trusted_at.replace(microsecond=0)),
        }


def describe_clock(told: JsonObject) -> str:
    """What the status says of the clock, in one line."""
    deviation = told["deviation_milliseconds"]
    measured = "" if deviation is None else f", deviation {deviation} ms"
    compared = "never compared" if told["compared_at"] is None else f"last compared {told['compared_at']}"
    return f"clock {told['state']}: {compared}{measured}; state {told['secure_state']}"
