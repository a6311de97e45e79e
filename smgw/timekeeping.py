"""The clock of one gateway with everything that looks after it, and after what has an end.

Decides nothing: it starts and stops the time service and the notifier, lets the clock be compared when the machine's
jumped, writes down when no time is valid any more, and tells how the clock goes.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from smgw.certificate_watch import CertificateWatch
from smgw.clock import ClockState, GatewayClock
from smgw.secure_states import SecureStates
from smgw.store.clock_records import ClockRecords, milliseconds
from smgw.store.errors import StoreError
from smgw.store.events import Outcome
from smgw.wan.notifier import Notifier
from smgw.wan.time_service import TimeService
from wire.canonical_json import JsonObject
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
    records: ClockRecords
    _timeless: bool = field(default=False, init=False)
    """Whether :meth:`look` found no valid time."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Compare and tell until the end of the block."""
        with ExitStack() as running:
            for part in (self.service, self.notifier):
                running.callback(part.stop)
                part.start()
            yield

    def look(self) -> None:
        """What wants to be looked at now and then, by one thread; never raises for what the store may do."""
        at = self.clock().replace(microsecond=0)
        try:
            self._note_state(at)
            self.certificates.look(at)
        except StoreError as error:
            _logger.warning("system log: %s", error)

    def _note_state(self, at: datetime) -> None:
        """Write down that no time is valid any more, or one is again. Raises StoreError.

        That a deviation begins or ends is written down where it is found (``smgw/wan/time_service.py``); that a time
        becomes too old, or is valid again, happens by itself.
        """
        found = self.clock.state is not ClockState.DEVIATING and not self.clock.valid(at)
        if found is not self._timeless:
            state = self.states.at(at)
            _logger.warning("secure state: %s", state.value)
            self.records.entered(state.value, Outcome.FAILURE if found else Outcome.SUCCESS, at)
        self._timeless = found

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
