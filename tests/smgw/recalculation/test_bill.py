"""Bills from made-up files: directions, meters, what fails. The published cases are in test_published.py."""

import contextlib
import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.recalculation.bill import Bill, recalculate
from tests.wire.ar2418.files import (
    EXPORT,
    LOW_HIGH_LOW,
    METER,
    TWO_STAGES,
    Reading,
    block,
    days,
    gateway_file,
    quarter_hours,
    supplier_file,
    table,
    value_list,
)
from wire.ar2418 import parse
from wire.errors import Ar2418Error

DAY_LIST = value_list(block(quarter_hours()))
SHORT = gateway_file(value_list(block(quarter_hours()[::12])))
JUNE = {
    "taf": 1,
    "duration": 30 * 86400,
    "stages": TWO_STAGES[:1],
    "tables": table(1, (0, 1)),
    "listing": days(30),
}
DAILY = [quarter_hours(1, begin=date(2026, 6, 1) + timedelta(days=day), first=day * 7)[0] for day in range(31)]


def bill(gateway: bytes, supplier: bytes, taf: int = 2, turnover: int | None = None) -> Bill:
    return recalculate(parse(gateway), parse(supplier), taf, turnover=turnover)


def registers(*lists: str, taf: int = 2, turnover: int | None = None, **tariff: object) -> dict[str, int]:
    made = bill(gateway_file(*lists), supplier_file(taf=taf, **tariff), taf, turnover)  # type: ignore[arg-type]
    return {str(obis): amount for obis, amount in made.registers.items()}


def one_tariff(*lists: str, **differing: object) -> dict[str, int]:
    return registers(*lists, **{**JUNE, **differing})  # type: ignore[arg-type]


def refused(*lists: str, **tariff: object) -> TariffReason:
    with pytest.raises(TariffError) as refusal:
        registers(*lists, **tariff)  # type: ignore[arg-type]
    return refusal.value.reason


def test_stages_and_error_are_billed() -> None:
    assert registers(DAY_LIST) == {"1-0:1.8.1*255": 320, "1-0:1.8.2*255": 640, "1-0:1.8.63*255": 0}


def test_one_tariff_is_billed_without_an_error_register() -> None:
    assert one_tariff(value_list(block(DAILY), period=86400)) == {"1-0:1.8.1*255": 210}


def test_two_directions_have_their_own_stages() -> None:
    both = {
        "stages": (*TWO_STAGES, (7, "0100020801ff")),
        "tables": LOW_HIGH_LOW + table(2, (0, 7)),
        "listing": days(1) + days(1, 2),
    }
    exported = value_list(block(quarter_hours(each=3)), obis=EXPORT)
    assert registers(DAY_LIST, exported, **both) == {  # type: ignore[arg-type]
        "1-0:1.8.1*255": 320,
        "1-0:1.8.2*255": 640,
        "1-0:2.8.1*255": 288,
        "1-0:1.8.63*255": 0,
        "1-0:2.8.63*255": 0,
    }


def test_the_same_number_may_stand_for_a_stage_of_each_direction() -> None:
    both = {"stages": (*TWO_STAGES, (1, "0100020801ff"), (2, "0100020802ff"))}
    exported = value_list(block(quarter_hours(each=1)), obis=EXPORT)
    found = registers(DAY_LIST, exported, **both)  # type: ignore[arg-type]
    assert (found["1-0:1.8.2*255"], found["1-0:2.8.2*255"]) == (640, 64)


def test_a_list_that_the_supplier_does_not_bill_is_told_of() -> None:
    exported = value_list(block(quarter_hours()), obis=EXPORT)
    made = bill(gateway_file(DAY_LIST, exported), supplier_file())
    assert [str(obis) for obis in made.registers] == ["1-0:1.8.1*255", "1-0:1.8.2*255", "1-0:1.8.63*255"]
    assert "1-0:2.8.0*255" in made.notes[0]
    assert refused(exported) is TariffReason.NO_STAGE


def test_a_direction_whose_days_are_not_listed_is_all_error() -> None:
    exported = value_list(block(quarter_hours()), obis=EXPORT)
    both = {"stages": (*TWO_STAGES, (7, "0100020801ff"))}
    found = registers(DAY_LIST, exported, **both)  # type: ignore[arg-type]
    assert (found["1-0:2.8.1*255"], found["1-0:2.8.63*255"]) == (0, 960)


def test_a_suppliers_error_register_of_one_direction_is_completed_where_it_is_needed() -> None:
    exported = value_list(block(quarter_hours()), obis=EXPORT)
    both = {"stages": (*TWO_STAGES, (9, "010001083fff"), (7, "0100020801ff"))}
    assert registers(DAY_LIST, exported, **both)["1-0:2.8.63*255"] == 960  # type: ignore[arg-type]
    assert "1-0:2.8.63*255" not in registers(DAY_LIST, **both)  # type: ignore[arg-type]


def test_a_list_without_a_usable_reading_is_told_of_and_the_others_are_billed() -> None:
    fatal = DAY_LIST.replace("<statusPTB>0<", "<statusPTB>4<")
    both = bill(gateway_file(DAY_LIST, fatal), supplier_file())
    assert both.registers == bill(gateway_file(DAY_LIST), supplier_file()).registers
    assert both.notes == ("no reading of the list of 1-0:1.8.0*255 is usable: nothing of it is billed",)
    assert refused(fatal) is TariffReason.NO_READINGS


def test_after_a_change_of_meter_both_lists_make_the_bill() -> None:
    rows = quarter_hours()
    old = value_list(block(rows[:30]), meter="old")
    new = value_list(block([Reading(row.at, row.value - 1000) for row in rows[30:]]), meter="new")
    assert sum(registers(old, new).values()) == 290 + 660
    monthly = value_list(block(DAILY[:9]), meter="old"), value_list(block(DAILY[9:]), meter="new")
    assert one_tariff(*monthly) == {"1-0:1.8.1*255": 210 - 7}
    assert one_tariff(*monthly[::-1]) == {"1-0:1.8.1*255": 210 - 7}


def test_two_lists_of_one_meter_for_the_same_time_are_told_of() -> None:
    """Both are billed, as the display software does; halves that meet at one reading are the whole."""
    rows = quarter_hours()
    made = bill(gateway_file(DAY_LIST, value_list(block(rows[39:]))), supplier_file())
    assert [note for note in made.notes if METER in note and "both are billed" in note]
    halves = value_list(block(rows[40:])), value_list(block(rows[:41]))
    for lists, total in ((halves, 960), ((DAY_LIST, value_list(block(rows), meter="other")), 1920)):
        made = bill(gateway_file(*lists), supplier_file())
        assert (sum(made.registers.values()), made.notes) == (total, ())


def test_a_register_that_begins_again_is_billed_as_the_gateway_bills_it() -> None:
    """Its digits tell where, as long as it comes from the last tenth and stands in the first: TAF-2 and TAF-1."""
    turned = value_list(block([Reading(row.at, (row.value + 98_500) % 100_000) for row in quarter_hours()]))
    assert registers(turned, turnover=100_000) == registers(turned) == registers(DAY_LIST)
    made = bill(gateway_file(turned), supplier_file())
    assert [note for note in made.notes if "begins again at 0 at 2026-06-01T12:30:00+02:00" in note]
    monthly = [Reading(row.at, (row.value + 9_900) % 10_000) for row in DAILY]
    assert monthly[-1].value < monthly[0].value
    assert one_tariff(value_list(block(monthly))) == one_tariff(value_list(block(DAILY)))


def test_a_register_that_was_set_back_runs_backwards() -> None:
    back = [Reading(row.at, row.value - (300 if place > 40 else 0)) for place, row in enumerate(quarter_hours())]
    made = bill(gateway_file(value_list(block(back))), supplier_file())
    assert sum(made.registers.values()) == 960 - 300
    assert "runs backwards" in made.notes[0]


def test_the_period_of_a_bill_is_that_of_the_readings_or_of_the_contract() -> None:
    made = bill(gateway_file(value_list(block(quarter_hours()[4:]))), supplier_file())
    assert (made.begin, made.end) == (1780264800 + 3600, 1780264800 + 86400)


@pytest.mark.parametrize(
    ("lists", "tariff", "reason"),
    [
        ([DAY_LIST], {"listing": days(2), "duration": 3 * 86400}, TariffReason.DAY_MISSING),
        ([DAY_LIST], {"listing": days(1) * 2}, TariffReason.DAY_TWICE),
        ([value_list()], {}, TariffReason.NO_READINGS),
        ([value_list(block(quarter_hours(1)))], {}, TariffReason.NO_READINGS),
        ([value_list(block(quarter_hours(begin=date(2025, 6, 1))))], {}, TariffReason.NO_READINGS),
        ([value_list(block(DAILY))], {**JUNE, "duration": 29 * 86400}, TariffReason.PERIOD_LENGTH),
        ([value_list(block(DAILY))], {**JUNE, "begin": "2026-06-02T00:00:00+02:00"}, TariffReason.PERIOD_BEGIN),
        ([value_list(block(DAILY[1:]))], JUNE, TariffReason.NO_VALUE_AT_BEGIN),
        ([value_list(block(DAILY[:-1]))], JUNE, TariffReason.NO_VALUE_AT_END),
        ([value_list()], JUNE, TariffReason.NO_VALUE_AT_BEGIN),
        ([value_list(block(DAILY))] * 4, JUNE, TariffReason.TOO_MANY_LISTS),
        ([value_list(block(DAILY))], {**JUNE, "stages": TWO_STAGES}, TariffReason.TOO_MANY_STAGES),
        ([value_list(block(DAILY))], {**JUNE, "listing": days(31)}, TariffReason.DAY_COUNT),
        ([value_list(block(DAILY), obis=EXPORT)], JUNE, TariffReason.NOT_ONE_DAY_PROFILE),
        (
            [value_list(block(DAILY))],
            {**JUNE, "tables": table(1, (0, 1)) + table(2, (0, 1))},
            TariffReason.NOT_ONE_DAY_PROFILE,
        ),
        (
            [value_list(block(DAILY))],
            {**JUNE, "stages": [(1, "010001083fff")], "listing": days(30)},
            TariffReason.NOT_ONE_DAY_PROFILE,
        ),
    ],
)
def test_where_there_is_no_bill_there_is_a_reason(
    lists: list[str], tariff: dict[str, object], reason: TariffReason
) -> None:
    assert refused(*lists, **tariff) is reason


def test_a_tariff_of_the_other_use_case_is_refused() -> None:
    with pytest.raises(TariffError, match="TAF-2, not for TAF-1"):
        bill(gateway_file(DAY_LIST), supplier_file(), 1)


def test_lists_of_two_units_are_refused() -> None:
    other = value_list(block(quarter_hours()), meter="other").replace("<scaler>-1<", "<scaler>0<")
    with pytest.raises(Ar2418Error, match="two units"):
        registers(DAY_LIST, other)


def test_files_that_are_not_whole_are_refused() -> None:
    gateway = gateway_file(DAY_LIST)
    broken = gateway.replace(b"<certContent>30", b"<certContent>00")
    for data, tariff in ((broken, supplier_file()), (gateway, gateway), (gateway, supplier_file(point="DE002"))):
        with pytest.raises(Ar2418Error):
            bill(data, tariff)
    assert bill(gateway, supplier_file(tariff="other")).notes == ("the files name two tariffs: 'taf7' and 'other'",)


NUMBERS = re.compile(rb">(-?\d+)<")
WEIRD = st.sampled_from([b"0", b"-1", b"1", b"2", b"3", b"4", b"63", b"900", b"140737488355328", b"4294967295"])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10**6), WEIRD), min_size=1, max_size=3), st.sampled_from([1, 2])
)
def test_whatever_the_files_say_there_is_a_bill_or_a_reason(changes: list[tuple[bool, int, bytes]], taf: int) -> None:
    files = [SHORT, supplier_file(taf=taf)]
    for which, place, number in changes:
        found = list(NUMBERS.finditer(files[which]))
        begin, end = found[place % len(found)].span(1)
        files[which] = files[which][:begin] + number + files[which][end:]
    with contextlib.suppress(Ar2418Error, TariffError):
        bill(files[0], files[1], taf)
