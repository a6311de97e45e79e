from datetime import date

import pytest

from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.taf2 import NOT_LISTED
from smgw.recalculation.tariff import direction, error_registers, require_listed
from tests.wire.ar2418.files import DAY, LOW_HIGH_LOW, TWO_STAGES, days, listed, supplier_file, table
from wire.ar2418 import Analysis, parse
from wire.obis import Obis

IMPORT, EXPORT = Obis.parse("1-0:1.8.0*255"), Obis.parse("1-0:2.8.0*255")
BOTH = (*TWO_STAGES, (7, "0100020801ff"))
TWO_TABLES = LOW_HIGH_LOW + table(2, (0, 7))


def tariff(**differing: object) -> Analysis:
    found = parse(supplier_file(**differing)).analysis  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_direction_has_its_own_stages_and_day_profiles() -> None:
    found = tariff(stages=BOTH, tables=TWO_TABLES, listing=days(1) + days(1, 2))
    into, out = direction(found, IMPORT), direction(found, EXPORT)
    assert into is not None
    assert out is not None
    assert [one.number for one in into.stages] == [1, 2]
    assert [one.number for one in into.tables] == [1]
    assert [one.number for one in out.stages] == [7]
    assert [one.number for one in out.tables] == [2]
    assert str(out.error) == "1-0:2.8.63*255"
    assert into.plans(found)(DAY) == ((0, 1), (6 * 3600, 2), (22 * 3600, 1))
    assert out.plans(found)(DAY) == ((0, 1),)  # the place of the stage, not its number
    assert direction(found, Obis.parse("1-0:3.8.0*255")) is None


def test_a_day_that_is_not_listed_has_no_stage() -> None:
    found = tariff()
    into = direction(found, IMPORT)
    assert into is not None
    assert into.plans(found)(date(2026, 6, 2)) is NOT_LISTED


def test_a_day_profile_of_both_directions_is_one_of_neither() -> None:
    mixed = tariff(stages=BOTH, tables=table(1, (0, 1), (6, 7)))
    assert [found.tables for code in (IMPORT, EXPORT) if (found := direction(mixed, code))] == [(), ()]


def test_a_table_that_ends_early_holds_on_and_one_that_begins_late_has_no_stage_before() -> None:
    found = tariff(tables=table(1, (0, 1), (6, 2), entries=40, first=8))
    into = direction(found, IMPORT)
    assert into is not None
    assert into.plans(found)(DAY) == ((0, 63), (2 * 3600, 1), (6 * 3600, 2))


def test_a_suppliers_own_error_register_is_used() -> None:
    found = tariff(stages=(*TWO_STAGES, (9, "010001083fff")), tables=table(1, (0, 1), (6, 9)))
    into = direction(found, IMPORT)
    assert into is not None
    assert into.plans(found)(DAY) == ((0, 1), (6 * 3600, 63))
    assert error_registers(found) == ()
    assert [str(one) for one in error_registers(tariff(stages=BOTH))] == ["1-0:1.8.63*255", "1-0:2.8.63*255"]


def test_a_day_listed_twice_for_one_direction_is_refused() -> None:
    found = tariff(listing=days(1) + days(1))
    into = direction(found, IMPORT)
    assert into is not None
    with pytest.raises(TariffError) as refused:
        into.plans(found)
    assert refused.value.reason is TariffReason.DAY_TWICE


def test_every_whole_day_of_the_period_is_listed() -> None:
    require_listed(tariff(duration=3 * 86400, listing=days(3)))
    require_listed(tariff(duration=3 * 86400 + 3600, listing=days(3)))
    require_listed(tariff(duration=18 * 3600, begin="2026-06-01T04:00:00+02:00"))
    autumn = {"begin": "2026-10-25T00:00:00+02:00", "listing": listed(date(2026, 10, 25))}
    require_listed(tariff(duration=25 * 3600, **autumn))
    for differing in (
        {"duration": 3 * 86400, "listing": days(2)},
        {"duration": 3600, "listing": days(1, begin=date(2026, 6, 2))},
        {"duration": 86400, "listing": days(1, begin=date(2027, 6, 1))},
    ):
        with pytest.raises(TariffError) as refused:
            require_listed(tariff(**differing))
        assert refused.value.reason is TariffReason.DAY_MISSING
