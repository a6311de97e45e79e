"""Which readings are stored at all: where a meter is read more often than registered, only what is registered.

Decides that of the readings of such a meter only the first one for each point of its registration period is kept; all
others are believed, signed, decided on and forgotten, so that no value ever touches the disk for a use case of which
nothing is stored (TR-03109-1, TAF-9, TAF-10 and TAF-14; PP-0073 T.ResidentData).
"""

from smgw.access import schedule
from smgw.access.history import History
from wire.profiles import MeterProfile
from wire.reading import Reading


def is_recorded(reading: Reading, profile: MeterProfile, history: History) -> bool:
    """Whether ``reading`` of the meter of ``profile`` is stored; the same one once more is, once more."""
    if profile.store_seconds == profile.interval_seconds:
        return True
    point = schedule.served_point(reading.captured_at, profile.store_seconds)
    if point is None:
        return False
    window = schedule.tolerance(profile.store_seconds)
    return history.reading_at(reading.device, reading.obis, point, window) in (None, reading)
