"""The end of a contract, carried out: everything of hers is erased, and the key under which it lay is destroyed.

Decides the order: what is under way is brought to its end before another is begun, rows go before the key does, and the
key is changed only when nothing of hers is left. Whose contract has ended, and what is hers, is decided in
``smgw/store/contracts.py``. Nothing that is written down here names her (OSP.Log). FDP_RIP.2, FCS_CKM.4.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pki.errors import TrustError
from smgw.logs.errors import LogIntegrityError
from smgw.logs.sealing import Sealer
from smgw.store.contracts import Contracts
from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.settings import Setting, Settings
from smgw.store.sweep import BATCH
from wire.reading import DeviceId

_logger = logging.getLogger(__name__)

SUBJECT: Final = "store"
CONTRACT: Final = "contract"
"""Kind of data that the log names: all of one consumer."""
BATCHES: Final = 200
"""Transactions of one go: 40,000 rows. What is left over is taken up a minute later."""


@dataclass(frozen=True, slots=True)
class ContractEnd:
    """The ends of contracts of one gateway (Vertragsende)."""

    database: Database
    log: SystemLog
    sealer: Sealer
    """Makes the checkpoint with which her log goes."""
    begun: Callable[[], object]
    """Called once an erasure has begun: her account holds no more, and who asks for profiles must be told others."""

    def sweep(
        self,
        at: datetime,
        reached: datetime,
        needed: Mapping[DeviceId, datetime],
        pause: Callable[[], bool],
    ) -> bool:
        """Erase what belongs to contracts that had ended at ``reached``; whether nothing is left to do.

        ``needed`` is from when on a billing period needs the readings of a device; ``pause`` lets others write, and
        says whether to stop. Raises StoreError: what is left is taken up again.
        """
        contracts = Contracts(self.database)
        if not contracts.pending():
            for consumer in contracts.ended(reached, needed):
                contracts.begin(consumer, at)
                self.begun()
        if contracts.pending():
            if not (self._erase(contracts, pause) and self._sealed(at)):
                return False
            ended = contracts.finish()
            if ended is None:
                return False
            self.log.record(Event.DATA_ERASED, CONTRACT, Outcome.SUCCESS, at=at, times=ended)
        return True

    def change_key(self, at: datetime) -> bool:
        """Put the store under a new key if a contract has ended since it got its own; whether that is done.

        Raises StoreError where neither the key nor what is due can be told.
        """
        settings = Settings(self.database)
        if not settings.get(Setting.STORE_KEY_DUE):
            return True
        try:
            destroyed = self.database.change_key()
        except (StoreError, TrustError, OSError) as error:
            if isinstance(error, StoreError) and error.reason is StoreReason.BUSY:
                _logger.info("the store's key is changed later: %s", error)
            else:
                _logger.warning("the store's key was not changed: %s", error)
                self.log.record(Event.KEYS_DESTROYED, SUBJECT, Outcome.FAILURE, at=at, generation=0)
            return False
        settings.put({Setting.STORE_KEY_DUE: 0})
        for generation in destroyed:
            self.log.record(Event.KEYS_DESTROYED, SUBJECT, Outcome.SUCCESS, at=at, generation=generation)
        return True

    def _erase(self, contracts: Contracts, pause: Callable[[], bool]) -> bool:
        for _ in range(BATCHES):
            if not contracts.erase(BATCH):
                return True
            if pause():
                return False
        return False

    def _sealed(self, at: datetime) -> bool:
        """Whether a checkpoint was made: logs end only with one, or an erasure could not be told from a cut."""
        try:
            self.sealer.seal(at, time_valid=True)
        except LogIntegrityError as error:
            # Whoever looks after the logs (smgw/logs/watch.py) stops the gateway for it; nothing more goes meanwhile.
            _logger.warning("the log of a contract that ended: %s", error)
            return False
        except TrustError as error:
            _logger.warning("no checkpoint of the logs: %s", error)
            return False
        return True
