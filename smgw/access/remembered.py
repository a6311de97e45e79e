"""The history of readings together with the newest of them all, which may never have been stored.

Decides that the newest reading of a register is known however it ended: a register that ran backwards since a reading
that was not stored ran backwards all the same. Nothing here is on a disk; after a restart the store alone answers.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from threading import Lock

from smgw.access.history import History
from smgw.metering.tariffs.taf5 import TariffEvent
from wire.obis import Obis
from wire.reading import DeviceId, Reading


class Remembered:
    """A :class:`History` that also knows the newest reading of each register; safe to use from several threads."""

    def __init__(self, stored: History) -> None:
        """``stored`` answers for everything that was recorded."""
        self._stored = stored
        self._lock = Lock()
        self._newest: dict[tuple[DeviceId, Obis], Reading] = {}

    def note(self, reading: Reading) -> None:
        """``reading`` was believed and decided on."""
        place = (reading.device, reading.obis)
        with self._lock:
            known = self._newest.get(place)
            if known is None or reading.captured_at >= known.captured_at:
                self._newest[place] = reading

    def newest(self) -> datetime | None:
        """When the newest reading of all registers was captured, as far as memory goes."""
        with self._lock:
            return max((reading.captured_at for reading in self._newest.values()), default=None)

    def noted(self, device: DeviceId, obis: Obis) -> Reading | None:
        """The newest reading that was noted; nobody else is asked."""
        with self._lock:
            return self._newest.get((device, obis))

    def latest(self, device: DeviceId, obis: Obis) -> Reading | None:
        """The newest reading by its own time, stored or not."""
        noted = self.noted(device, obis)
        stored = self._stored.latest(device, obis)
        if noted is None or stored is None:
            return noted or stored
        return noted if noted.captured_at >= stored.captured_at else stored

    def reading_at(self, device: DeviceId, obis: Obis, point: datetime, tolerance: timedelta) -> Reading | None:
        """As stored."""
        return self._stored.reading_at(device, obis, point, tolerance)

    def before(self, device: DeviceId, obis: Obis, instant: datetime, *, usable: bool = False) -> Reading | None:
        """As stored."""
        return self._stored.before(device, obis, instant, usable=usable)

    def usable_since(self, device: DeviceId, obis: Obis, instant: datetime) -> Reading | None:
        """As stored."""
        return self._stored.usable_since(device, obis, instant)

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> Sequence[Reading]:
        """As stored."""
        return self._stored.between(device, obis, begin, end)

    def events(self, names: Collection[str], until: datetime) -> Sequence[TariffEvent]:
        """As stored."""
        return self._stored.events(names, until)
