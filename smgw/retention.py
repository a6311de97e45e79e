"""How long the gateway keeps what it need not keep for ever: the administrator's order, and the sweep that enforces it.

Decides when a sweep is made and what it must leave alone because a billing period still needs it. What may go at all
stands in ``smgw/store/ages.py``, and the database itself refuses every earlier deletion (FAU_STG.2). A sweep is made
only under a clock that was compared with the administrator's and agreed, in a gateway with nothing to complain about
(FPT_STM.1); even then the time by which age is counted goes ahead by a day at most for each hour that truly passed, so
that a clock that is wrong in spite of all does not delete everything. What was deleted is overwritten, in the file and
in its write-ahead log (FDP_RIP.2). TR-03109-1; MsbG section 60.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Final

from smgw.administration.errors import CommandRefusedError, Done
from smgw.contract_end import ContractEnd
from smgw.metering.tariffs.calendar import billing_period
from smgw.store.ages import LONGEST_READINGS_DAYS, Kind
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.settings import Setting, Settings
from smgw.store.sweep import Sweeper
from wire.canonical_json import JsonObject
from wire.instant import format_instant
from wire.orders import SetRetention
from wire.profiles import EvaluationProfile
from wire.reading import DeviceId

_logger = logging.getLogger(__name__)

SUBJECT: Final = "retention"
SWEEP_SECONDS: Final = 3600.0
"""How often what became old is deleted, by a clock that nobody can set; also how long after the start first."""
SWEEP_BATCHES: Final = 100
"""Transactions of one sweep: 20,000 rows. What is left over is taken up at the next look, a minute later."""
PAUSE_SECONDS: Final = 0.05
"""Between two transactions: who waits for the write lock tries again sooner than that."""
SETTLING: Final = timedelta(days=7)
"""How long after its end the values of a billing period are kept for whoever still has to sum them."""
OPENING: Final = timedelta(days=1)
"""How long before its begin they are kept: what stands for the opening may be a value of the day before."""


class RetentionReason(StrEnum):
    """Why an order is refused."""

    TOO_LONG = "too-long"


@dataclass(slots=True)
class Told:
    """What the status says of the sweeps of this run."""

    deleted: dict[Kind, int] = field(default_factory=dict)
    waits_for: str = ""
    """Why no sweep was made at the last look; empty where one was."""


class Retention:
    """The handler of SetRetention, the sweep, and what there is to tell (Aufbewahrung und Loeschung)."""

    def __init__(
        self,
        settings: Settings,
        log: SystemLog,
        sweeper: Sweeper,
        contracts: ContractEnd,
        *,
        profiles: Callable[[], ProfileSet],
        trusted: Callable[[datetime], bool],
    ) -> None:
        """``settings`` keeps the order, ``log`` records it and each sweep.

        ``profiles`` are those that hold, ``trusted`` says whether a time may be relied upon for deleting.
        """
        self._settings = settings
        self._log = log
        self._sweeper = sweeper
        self._contracts = contracts
        self._profiles = profiles
        self._trusted = trusted
        self._told = Told()
        self._ordered = False
        self._unfinished = False
        self._looked: float | None = None
        self._sweeping = Lock()

    def __call__(self, command: SetRetention, at: datetime) -> Done:
        """Keep what is ordered; the next look sweeps. A log that takes no entry undoes nothing.

        Raises CommandRefusedError TOO_LONG for more than MsbG section 60 (6) allows, StoreError: nothing was changed.
        """
        if command.readings_days > LONGEST_READINGS_DAYS:
            sentence = f"values are kept for {LONGEST_READINGS_DAYS} days at most, not {command.readings_days}"
            raise CommandRefusedError(RetentionReason.TOO_LONG, sentence)
        self._settings.set_retention(command.readings_days, command.system_log_days, at)
        self._ordered = True
        try:
            self._log.record(
                Event.RETENTION_SET,
                SUBJECT,
                Outcome.SUCCESS,
                at=at,
                readings_days=command.readings_days,
                system_log_days=command.system_log_days,
            )
        except StoreError as error:
            _logger.warning("system log: %s", error)
        return Done()

    def look(self, at: datetime, passed: float, pause: Callable[[float], bool]) -> None:
        """Sweep where it is time to; never raises for what the store may do.

        ``passed`` is a monotonic clock in seconds. ``pause`` waits for so many seconds between two transactions, that
        others may write, and says whether to stop.
        """
        if self._looked is None:
            self._looked = passed
        hour = passed - self._looked >= SWEEP_SECONDS
        if not (hour or self._ordered or self._unfinished):
            return
        if hour:
            self._looked = passed
        try:
            self.sweep(at, pause, advance=hour)
        except StoreError as error:
            _logger.warning("retention: %s", error)

    def sweep(self, at: datetime, pause: Callable[[float], bool], *, advance: bool = True) -> dict[Kind, int]:
        """Delete what is old by now, as far as one sweep goes; gives how many rows of each kind.

        1. The time is trusted. 2. The clock of retention goes towards it, where ``advance`` says so or it stands still.
        3. What billing periods need is noted where the database looks. 4. Batch by batch. 5. What belongs to contracts
        that have ended is erased, whatever its age. 6. What was deleted is overwritten. 7. The log tells how many rows
        of which kind went, and nothing of whom (OSP.Log). 8. A contract has ended: the store comes under a new key.
        Raises StoreError: what was deleted before it stays so.
        """
        with self._sweeping:
            # 1
            if not self._trusted(at):
                self._told.waits_for = "a trusted time"
                return {}
            self._told.waits_for = ""
            # 2
            reached = self._sweeper.reached()
            if reached is None or advance:
                reached = self._sweeper.advance(at)
            # 3
            needed = needed_since(self._profiles().evaluations.values(), reached)
            self._sweeper.need(needed, reached)
            # 4
            deleted, unfinished = self._delete(pause)
            # 5
            unfinished |= not self._end_contracts(at, reached, needed, pause)
            # 6
            unfinished |= not self._sweeper.finish(at)
            # 7
            for kind, count in deleted.items():
                self._told.deleted[kind] = self._told.deleted.get(kind, 0) + count
                self._log.record(Event.DATA_ERASED, kind.value, Outcome.SUCCESS, at=at, times=count)
            # 8
            unfinished |= not self._contracts.change_key(at)
            self._unfinished, self._ordered = unfinished, False
            return deleted

    def _end_contracts(
        self, at: datetime, reached: datetime, needed: Mapping[DeviceId, datetime], pause: Callable[[float], bool]
    ) -> bool:
        """Whether nothing is left to do before the next hour: what the store refuses is tried again then."""
        try:
            return self._contracts.sweep(at, reached, needed, lambda: pause(PAUSE_SECONDS))
        except StoreError as error:
            _logger.warning("the end of a contract: %s", error)
            return True

    def _delete(self, pause: Callable[[float], bool]) -> tuple[dict[Kind, int], bool]:
        """What was deleted, and whether there may be more."""
        deleted: dict[Kind, int] = {}
        kinds = iter(Kind)
        kind = next(kinds)
        for _ in range(SWEEP_BATCHES):
            if count := self._sweeper.delete(kind):
                deleted[kind] = deleted.get(kind, 0) + count
                if pause(PAUSE_SECONDS):
                    return deleted, True
                continue
            following = next(kinds, None)
            if following is None:
                return deleted, False
            kind = following
        return deleted, True

    def report(self) -> JsonObject:
        """What was ordered, since when, and what came of it. Raises StoreError."""
        reached = self._sweeper.reached()
        deleted: JsonObject = {kind.value: self._told.deleted.get(kind, 0) for kind in Kind}
        return {
            "readings_days": self._settings.get(Setting.READINGS_DAYS),
            "system_log_days": self._settings.get(Setting.SYSTEM_LOG_DAYS),
            "set_at": _instant(self._settings.get(Setting.RETENTION_SET_AT)),
            "swept_at": _instant(self._settings.get(Setting.RETENTION_SWEPT_AT)),
            "age_is_counted_by": None if reached is None else format_instant(reached),
            "waits_for": self._told.waits_for,
            "deleted": deleted,
        }


def needed_since(evaluations: Iterable[EvaluationProfile], reached: datetime) -> dict[DeviceId, datetime]:
    """From when on the readings of each meter are needed for a billing period that runs, or has just ended.

    TR-03109-1, TAF-1 to TAF-5, TAF-8, TAF-12: what is billed over months is computed from the whole value list.
    """
    found: dict[DeviceId, datetime] = {}
    settled = reached - SETTLING
    for evaluation in evaluations:
        if evaluation.billing is None or evaluation.valid_until <= settled:
            continue
        begin, _ = billing_period(evaluation.billing, to_seconds(settled))
        since = from_seconds(begin) - OPENING
        for meter in evaluation.meters:
            found[meter] = min(since, found.get(meter, since))
    return found


def _instant(seconds: int | None) -> str | None:
    return None if seconds is None else format_instant(from_seconds(seconds))
