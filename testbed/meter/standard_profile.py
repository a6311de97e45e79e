"""A year of the BDEW standard load profile H25 as small integers, written to standard output by a process of its own.

``demandlib`` and its pandas cost some 60 MB and a second, so :mod:`testbed.meter.load` runs this file once for a year
of simulated time and keeps the 140 kB that come out.
"""

import sys
import warnings
from array import array
from datetime import date, timedelta

WEIGHT_TYPE = "I"
"""Unsigned 32-bit: H25 stays below 400 kW for a consumption of 1 GWh a year, written in watts."""

_AFTER_EASTER_SUNDAY = (-2, 1, 39, 50)
"""Days of Good Friday, Easter Monday, Ascension Day and Whit Monday."""
_FIXED_HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))


def quarter_hours(year: int) -> "array[int]":
    """Weights of all quarter hours from 1 January 00:00 to 31 December 24:00 local time; about 35,040 of them.

    The index is local time, Europe/Berlin: H25 is defined in legal time, and an index in UTC is two hours off in summer
    (oemof-demand issue 80). Holidays of the whole of Germany count as Sundays, as BDEW has it.
    """
    import pandas as pd  # noqa: PLC0415 - only the process that needs it pays for it
    from dateutil.easter import easter  # type: ignore[import-untyped] # noqa: PLC0415
    from demandlib import bdew  # noqa: PLC0415

    holidays = [easter(year) + timedelta(days=days) for days in _AFTER_EASTER_SUNDAY]
    holidays += [date(year, month, day) for month, day in _FIXED_HOLIDAYS]
    index = pd.date_range(str(year), str(year + 1), freq="15min", tz="Europe/Berlin", inclusive="left")
    with warnings.catch_warnings():
        # demandlib 0.2.2 uses calls that pandas 3 announces to drop; they still do what they did.
        warnings.simplefilter("ignore")
        profile = bdew.H25(index, holidays=holidays)
    return array(WEIGHT_TYPE, (round(kilowatts * 1000) for kilowatts in profile))


if __name__ == "__main__":
    sys.stdout.buffer.write(quarter_hours(int(sys.argv[1])).tobytes())
