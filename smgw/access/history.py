"""What a decision may know beside the reading itself: the readings and events that came before it.

Decides nothing: it is the question that ``decision.py`` and its evaluators put to the store (and, for the newest
reading of all, to memory).
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from smgw.metering.status import ptb_status
from smgw.metering.tariffs.taf5 import TariffEvent
from wire.obis import Obis
from wire.reading import DeviceId, Reading


class History(Protocol):
    """The readings that are stored already; the reading under decision is not among them on its first arrival."""

    def reading_at(self, device: DeviceId, obis: Obis, point: datetime, tolerance: timedelta) -> Reading | None:
        """Of the readings with ``point <= captured_at <= point + tolerance`` the one that was recorded first.

        Recorded, not captured: a clock that goes back must not change which reading stands for a point.
        """

    def latest(self, device: DeviceId, obis: Obis) -> Reading | None:
        """The newest reading by its own time, also one that is never stored."""

    def before(self, device: DeviceId, obis: Obis, instant: datetime, *, usable: bool = False) -> Reading | None:
        """The newest stored reading that was captured before ``instant``; of the usable ones only, if asked."""

    def usable_since(self, device: DeviceId, obis: Obis, instant: datetime) -> Reading | None:
        """The oldest usable stored reading that was captured at or after ``instant``."""

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> Sequence[Reading]:
        """All stored readings with ``begin <= captured_at <= end``, oldest first."""

    def events(self, names: Collection[str], until: datetime) -> Sequence[TariffEvent]:
        """What was raised and withdrawn under these names up to ``until``, oldest first."""


def is_usable(reading: Reading) -> bool:
    """Whether a bill may rest on ``reading`` (PTB-A 50.8, statusPTB 0 to 2)."""
    return ptb_status(reading.status).usable
