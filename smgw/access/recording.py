"""Which readings are stored at all: only what is registered, and nothing for use cases of which nothing is stored.

Decides two things. Where a meter is read more often than registered, only the first reading for each point of its
registration period is kept. And of a register that is named only by use cases of which nothing is stored, nothing is,
but the first meter reading of each local day, because TAF-6 is always on. All other readings are believed, signed,
decided on and forgotten, so that no value touches the disk for a use case of which nothing is stored (TR-03109-1,
TAF-9, TAF-10 and TAF-14; PP-0073 T.ResidentData). A register that no profile names belongs to the meter's list and is
kept as registered.
"""

from collections.abc import Iterable
from datetime import date

from smgw.access import schedule
from smgw.access.history import History
from smgw.metering.tariffs.calendar import day_of
from wire.profiles import EvaluationProfile, MeterProfile
from wire.profiles.tariff import is_meter_reading
from wire.reading import Reading


def is_recorded(
    reading: Reading, profile: MeterProfile, history: History, evaluations: Iterable[EvaluationProfile] = ()
) -> bool:
    """Whether ``reading`` of the meter of ``profile`` is stored; the same one once more is, once more.

    ``evaluations`` are all that are held, over or not: the reading that closes a last period comes after its end.
    """
    using = [one for one in evaluations if reading.device in one.meters and reading.obis in one.registers]
    if using and all(one.unstored for one in using) and not _is_daily_value(reading, history):
        return False
    if profile.store_seconds == profile.interval_seconds:
        return True
    point = schedule.served_point(reading.captured_at, profile.store_seconds)
    if point is None:
        return False
    window = schedule.tolerance(profile.store_seconds)
    return history.reading_at(reading.device, reading.obis, point, window) in (None, reading)


def _is_daily_value(reading: Reading, history: History) -> bool:
    """TR-03109-1, TAF-6: whether it is the first of its local day that is stored (``store/daily_values.py``)."""
    if not is_meter_reading(reading.obis):
        return False
    before = history.before(reading.device, reading.obis, reading.captured_at)
    return before is None or _day(before) != _day(reading)


def _day(reading: Reading) -> date:
    return day_of(int(reading.captured_at.timestamp()))
