"""How long the gateway keeps what it need not keep for ever: the administrator's order, and what the status says of it.

Decides only that an order is kept whole and survives a restart. Nothing is deleted by its age, and the status says so:
readings are append-only in this version, and the system log is a ring. Retention must never take what is still owed to
somebody, so whatever deletes has to know about that first (TR-03109-1; section 60 MsbG).
"""

import logging
from datetime import datetime

from smgw.administration.errors import Done
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.rows import from_seconds
from smgw.store.settings import Setting, Settings
from wire.canonical_json import JsonObject
from wire.instant import format_instant
from wire.orders import SetRetention

_logger = logging.getLogger(__name__)

SUBJECT = "retention"
ENFORCED = False
"""Whether this version deletes anything by age."""


class Retention:
    """The handler of SetRetention, and what there is to tell."""

    def __init__(self, settings: Settings, log: SystemLog) -> None:
        """``settings`` keeps it, ``log`` records each change."""
        self._settings = settings
        self._log = log

    def __call__(self, command: SetRetention, at: datetime) -> Done:
        """Keep what is ordered; a log that takes no entry undoes nothing. Raises StoreError: nothing was changed."""
        self._settings.set_retention(command.readings_days, command.system_log_days, at)
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
        return Done(result={"enforced": ENFORCED})

    def report(self) -> JsonObject:
        """What was ordered, since when, and whether it is enforced. Raises StoreError."""
        since = self._settings.get(Setting.RETENTION_SET_AT)
        return {
            "readings_days": self._settings.get(Setting.READINGS_DAYS),
            "system_log_days": self._settings.get(Setting.SYSTEM_LOG_DAYS),
            "set_at": None if since is None else format_instant(from_seconds(since)),
            "enforced": ENFORCED,
        }
