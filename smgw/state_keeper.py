"""Who keeps what is wrong with the gateway: writes each change down, and what must survive a restart.

Decides when a condition counts as begun or ended: as soon as its state follows from it (``smgw/secure_states.py``), and
not before it has been told. Conditions are set and cleared from any thread and within any transaction, so whoever does
it only wakes this thread. That a deviation of the clock begins or ends is written down where it is found
(``smgw/wan/time_service.py``). A store that takes nothing keeps no state from holding: it is tried again at each look.
PP-0073 FPT_FLS.1, FAU_ARP.1/SYS.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from smgw.secure_states import GRACE, STORED, Active, Condition, SecureStates, in_effect
from smgw.store.condition_records import ConditionRecords
from smgw.store.errors import StoreError
from smgw.store.events import Outcome

_logger = logging.getLogger(__name__)

STOP_SECONDS: Final = 5.0
"""How long :meth:`StateKeeper.stop` waits for an entry to be written."""


class StateKeeper:
    """Keeps the conditions of one gateway, on its own thread and at :meth:`look`."""

    def __init__(
        self,
        states: SecureStates,
        records: ConditionRecords,
        clock: Callable[[], datetime],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """``changed`` is called after a state began or ended, so that whoever waits looks at once."""
        self._states = states
        self._records = records
        self._clock = clock
        self._changed = changed
        self._looking = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._kept = tuple(one for one in states.conditions.active if one.condition in STORED)
        # What an earlier run left was told by it, but for what only counts since a while.
        self._told = {one.condition: one for one in self._kept if one.condition not in GRACE}
        self._thread = threading.Thread(target=self._run, name="secure states", daemon=True)
        states.conditions.follow(self._woken.set)

    def start(self) -> None:
        """Write down from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after one last look; may be called again and before :meth:`start`."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def look(self, at: datetime) -> None:
        """Write down what began and ended, the shortest things too, then keep what holds. From any thread.

        Told before it is kept: a loss of power in between has it told twice, never not at all. Raises StoreError.
        """
        with self._looking:
            was = dict(self._told)
            try:
                for change in self._states.conditions.take_changes():
                    if change.active.condition not in GRACE:
                        (self._begin if change.began else self._end)(change.active, change.at)
                holding = {one.condition: one for one in self._states.active(at) if in_effect(one, at)}
                holding.pop(Condition.CLOCK_DEVIATION, None)
                for condition, one in holding.items() - self._told.items():
                    if condition not in self._told:
                        self._begin(one, at)
                for condition in self._told.keys() - holding.keys():
                    self._end(self._told[condition], at)
                kept = tuple(one for one in self._states.conditions.active if one.condition in STORED)
                if kept != self._kept:
                    self._records.keep(kept)
                    self._kept = kept
            finally:
                if self._told.keys() != was.keys():
                    self._changed()

    def _begin(self, one: Active, at: datetime) -> None:
        if one.condition not in self._told:
            _logger.warning("%s: secure state %s: %s", one.condition.value, one.state.value, one.detail)
            state = one.state.value
            self._records.tell(one.condition, Outcome.FAILURE, at, state=state, detail=one.detail)
            self._told[one.condition] = one

    def _end(self, one: Active, at: datetime) -> None:
        if one.condition in self._told:
            state = self._states.at(at).value
            _logger.warning("%s no more: state %s", one.condition.value, state)
            self._records.tell(one.condition, Outcome.SUCCESS, at, state=state)
            del self._told[one.condition]

    def _run(self) -> None:
        last = False
        while not last:
            self._woken.wait()
            self._woken.clear()
            last = self._stopping.is_set()  # whoever stops it wakes it after having said so
            try:
                self.look(self._clock().replace(microsecond=0))
            except StoreError as error:
                _logger.warning("secure states: not in the logs yet: %s", error)
            except Exception:  # a defect of ours: the state holds all the same, and is told at a later look
                _logger.exception("secure states")
