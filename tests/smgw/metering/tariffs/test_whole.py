"""What every stage tariff rests on."""

import pytest

from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.values import Value, ValueList
from smgw.metering.tariffs.whole import account, usable_values
from tests.smgw.metering.tariffs.house import BEGIN, RASTER, quarter_hours


def test_one_instant_is_no_advance() -> None:
    for values in ((), (Value(BEGIN, 1),), (Value(BEGIN, 1), Value(BEGIN + RASTER, 2, usable=False))):
        with pytest.raises(TariffError) as refusal:
            usable_values(ValueList(values), BEGIN, BEGIN + 10 * RASTER)
        assert refusal.value.reason is TariffReason.NO_READINGS


def test_a_booking_says_what_it_covers() -> None:
    usable = usable_values(quarter_hours(5, 7), BEGIN, BEGIN + 2 * RASTER)
    booking = account({1: 5, 63: 7}, usable)
    assert (booking.total, booking.begin, booking.end) == (12, BEGIN, BEGIN + 2 * RASTER)
