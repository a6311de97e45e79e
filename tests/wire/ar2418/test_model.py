from dataclasses import replace

import pytest

from wire.ar2418 import Interval, MeterReading, ReadingType, Stage, UnitSymbol
from wire.obis import Obis

IMPORT = Obis.parse("1-0:1.8.0*255")


def test_an_interval_ends_after_its_duration() -> None:
    assert Interval(100, 900).end == 1000


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("0100010800ff.1isk0012345678.sm", True),
        ("0100020800ff.1isk0012345678.sm", True),  # as published: the code in the name is not looked at
        ("0100010800ff.taf1-1.sm", False),
        ("0100010800ff.1isk0012345678", False),
        ("0100010800ff.1isk0012345678.sm.x", False),
        ("0100010800ff.1ISK0012345678.sm", False),
    ],
)
def test_a_list_is_original_if_its_name_is_that_of_its_meter(name: str, original: bool) -> None:
    kind = ReadingType(0, UnitSymbol.WATT_HOUR, -1, IMPORT, name)
    assert MeterReading("1isk0012345678", "x", kind, ()).is_original is original


def test_an_error_register_is_told_by_its_code() -> None:
    assert Stage(4, replace(IMPORT, e=63)).is_error
    assert not Stage(63, replace(IMPORT, e=1)).is_error
