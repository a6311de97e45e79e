"""What the main loop does for the logs: checkpoints, how full the calibration log is, and whom the others concern.

Decides when the logs are sealed, and what follows where they cannot be or hold no more: an altered log stops operation,
a token that does not sign is tried again, a nearly full calibration log is told to the administrator, a full one stops
operation (FAU_STG.4/CAL; ``smgw/secure_states.py`` says what still works then). Whom a device concerns changes with the
time too, when a profile begins or ends, and is looked at each time (FAU_GEN.1/CON). Never raises: what a disk or a
token may do must not end the loop.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pki.errors import TrustError
from smgw.logs.errors import LogIntegrityError
from smgw.logs.sealing import Sealer
from smgw.secure_states import Condition, Conditions
from smgw.store.calibration_log import WARN_PERCENT, CalibrationLog
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog

_logger = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 6 * 3600.0
"""From one checkpoint to the next: each costs a signature, and an entry for each thing that repeats."""
RETRY_SECONDS: Final = 600.0
"""After an attempt that failed."""
FILL_SECONDS: Final = 60.0
"""Between two looks at the calibration log; it may be beyond its capacity for so long, never beyond its reserve."""
FULL: Final = 100


@dataclass(slots=True)
class LogWatch:
    """Looks after the logs of one gateway; used by one thread."""

    gateway: str
    sealer: Sealer
    log: SystemLog
    calibration: CalibrationLog
    conditions: Conditions
    time_valid: Callable[[datetime], bool]
    concerns: Callable[[datetime], Collection[tuple[str, str]]]
    """Who is concerned at a moment by what, (consumer, subject), by the profiles that hold."""
    _concerned: Collection[tuple[str, str]] | None = field(default=None, init=False)
    _seal_at: float | None = field(default=None, init=False)
    _fill_at: float | None = field(default=None, init=False)

    def look(self, at: datetime, monotonic: float) -> None:
        """Do what is due at the moment ``at``; ``monotonic`` are seconds that only grow."""
        self.concern(at)
        if self._fill_at is None or monotonic >= self._fill_at:
            self._fill_at = monotonic + FILL_SECONDS
            self.fill(at)
        if self._seal_at is None or monotonic >= self._seal_at:
            sealed = self.seal(at)
            self._seal_at = monotonic + (INTERVAL_SECONDS if sealed else RETRY_SECONDS)

    def concern(self, at: datetime) -> None:
        """From now on those are told whom the devices and profiles concern at the moment ``at``."""
        wanted = self.concerns(at)
        if wanted == self._concerned:
            return
        try:
            self.log.concern(wanted)
        except StoreError as error:
            _logger.warning("whom the logs concern: %s", error)
        else:
            self._concerned = wanted

    def seal(self, at: datetime) -> bool:
        """Make a checkpoint; whether one was made. Also what is done last before the end."""
        try:
            self.sealer.seal(at, time_valid=self.time_valid(at))
        except LogIntegrityError as error:
            self._altered(error, at)
        except (StoreError, TrustError) as error:
            _logger.warning("no checkpoint of the logs: %s", error)
        else:
            return True
        return False

    def fill(self, at: datetime) -> None:
        """FAU_STG.4/CAL: warn while there is room, stop operation when there is none."""
        try:
            percent = self.calibration.percent()
            if percent < FULL:
                self.conditions.clear(Condition.CALIBRATION_LOG_FULL, at)
                if percent >= WARN_PERCENT:
                    self._tell(Event.CALIBRATION_LOG_FILLING, at, percent=percent)
                return
            # First the stop, then its entry: it must hold even where nothing can be written any more.
            self.conditions.set(Condition.CALIBRATION_LOG_FULL, "the calibration log is full", at)
            after = self.calibration.entries(after=self.calibration.capacity)
            if not any(entry.event is Event.CALIBRATION_LOG_FULL for entry in after):
                self._tell(Event.CALIBRATION_LOG_FULL, at, capacity=self.calibration.capacity)
        except StoreError as error:
            _logger.warning("calibration log: %s", error)

    def _altered(self, error: LogIntegrityError, at: datetime) -> None:
        _logger.warning("logs: %s", error)
        if any(one.condition is Condition.LOG_CHAIN_BROKEN for one in self.conditions.active):
            return
        self.conditions.set(Condition.LOG_CHAIN_BROKEN, str(error), at)
        try:
            self._tell(Event.LOG_ALTERED, at, reason=error.reason.value)
        except StoreError as failure:
            _logger.warning("system log: %s", failure)

    def _tell(self, event: Event, at: datetime, **parameters: str | int) -> None:
        self.log.record(event, self.gateway, Outcome.FAILURE, at=at, times=1, **parameters)
