"""The published cases of the display software: what its own tests assert, for every bill and every refusal of one."""

import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from smgw.metering.tariffs.calendar import LocalDay
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.recalculation.bill import recalculate
from smgw.recalculation.certificates import require_certificates
from smgw.recalculation.preparation import aligned, matching_period, measurement_period, target_time, value_list
from smgw.recalculation.tariff import direction, error_registers
from tests.vectors import vectors_folder
from wire.ar2418 import Analysis, DayTable, Interval, Stage, UsagePoint, parse
from wire.ar2418.rules import require_gateway_file
from wire.obis import Obis

FOLDER = vectors_folder("trudi")
CASES: list[dict[str, Any]] = [
    json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "cases").glob("*.json"))
]
HOUR_AFTER_THE_LAST_DAY = "taf2_TestImportExportDirections"
"""Where the display software errs (docs/deviations.md): it loses an hour."""
READ_ONLY = {
    # Asks for a list with the code of eleven digits in a tariff that nobody calculates with: ours refuses the file.
    "validation_TestIsOriginalValueListGasZeroMeasurementPeriod",
}
REASONS = {
    "no_usable_reading_at_period_end": TariffReason.NO_VALUE_AT_END,
    "billing_period_length_unsupported": TariffReason.PERIOD_LENGTH,
    "special_day_count_not_multiple_of_days": TariffReason.DAY_COUNT,
    "more_tariff_stages_than_value_lists": TariffReason.TOO_MANY_STAGES,
}


def of(check: str) -> list[Any]:
    return [
        pytest.param(case, id=case["id"]) for case in CASES if case["check"] == check and case["id"] not in READ_ONLY
    ]


@cache
def file(name: str) -> UsagePoint:
    data = Path(FOLDER / name).read_bytes()
    return parse(gzip.decompress(data) if name.endswith(".gz") else data)


def seconds(text: str) -> int:
    read = datetime.fromisoformat(text)
    return int((read if read.tzinfo else read.astimezone()).timestamp())


@pytest.mark.parametrize("case", of("calculate"))
def test_every_published_bill_is_ours(case: dict[str, Any]) -> None:
    """TR-03109-1, TAF-1 and TAF-2: both come to the same, and refuse the same; registers sum to the meter's advance."""
    files = file(case["result_xml"]), file(case["supplier_xml"])
    taf, expected = int(case["kind"].removeprefix("taf")), case["expected"]
    if "error" in expected:
        with pytest.raises(TariffError) as refused:
            recalculate(*files, taf)
        assert refused.value.reason is REASONS[expected["error"]["class"]]
        return
    bill = recalculate(*files, taf)
    registers = {str(obis): amount for obis, amount in bill.registers.items()}
    if case["id"] == HOUR_AFTER_THE_LAST_DAY:
        assert registers == expected["registers"] | {"1-0:1.8.63*255": 40} != expected["registers"]
    else:
        assert registers == expected["registers"]
    assert list(registers) == [one["obis"] for one in expected["register_list"]]
    assert (bill.begin, bill.end) == (seconds(case["period"]["begin"]), seconds(case["period"]["end"]))
    lists = [value_list(one).usable_between(bill.begin, bill.end) for one in files[0].meter_readings]
    assert sum(registers.values()) == sum(usable[-1].value - usable[0].value for usable in lists)


@pytest.mark.parametrize("case", of("han_file"))
def test_every_accepted_file_is_accepted(case: dict[str, Any]) -> None:
    found, expected = file(case["result_xml"]), case["expected"]
    if case["context"]["taf"] == 7:
        require_gateway_file(found)
    require_certificates(found.certificates)
    if "meter_reading_count" in expected:
        assert len(found.meter_readings) == expected["meter_reading_count"]
    for wanted in expected.get("readings", ()):
        one = found.meter_readings[wanted["meter_reading"]]
        period = measurement_period(one)
        block = sorted(one.blocks, key=lambda block: block.interval.start)[wanted["block"]]
        rows = sorted(block.readings, key=lambda reading: reading.target or reading.captured_at)
        reading = rows[wanted["index"]]
        assert reading.value == wanted["value"]
        assert reading.captured_at == seconds(wanted["capture_time"])
        if one.is_original:
            assert target_time(reading, period) == seconds(wanted["target_time"])


@pytest.mark.parametrize("case", of("match_measurement_period"))
def test_distances_are_known_periods(case: dict[str, Any]) -> None:
    assert [matching_period(span) for span in case["inputs"]["spans_s"]] == case["expected"]["period_s"]


@pytest.mark.parametrize("case", of("align_timestamp"))
def test_times_are_moved_onto_the_raster(case: dict[str, Any]) -> None:
    for given, wanted in zip(case["inputs"]["timestamps"], case["expected"]["aligned"], strict=True):
        if given["kind"] == "local":
            at, meant = (seconds_local(text) for text in (given["time"], wanted))
            assert aligned(at, case["inputs"]["period_s"]) == meant


def seconds_local(text: str) -> int:
    read = datetime.fromisoformat(text)
    today = LocalDay.of(read.date())
    return today.instant(read.hour * 3600 + read.minute * 60 + read.second)


@pytest.mark.parametrize("case", of("register_list"))
def test_a_tariff_has_the_published_registers(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    found = analysis(inputs["tariff_stages"])
    named = [stage.obis for stage in found.stages]
    codes = [*named, *(error_registers(found) if inputs["tariff_use_case"] == 2 else ())]
    wanted = [expected["registers"][str(number)] for number in range(expected["register_count"])]
    assert [code.to_bytes().hex().upper() for code in codes] == [one["obis_hex"] for one in wanted]


@pytest.mark.parametrize(
    "case", [case for case in of("day_profiles_of_value_list") if "error" not in case.values[0]["expected"]]
)
def test_a_list_has_the_published_day_profiles(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    found = analysis(inputs["tariff_stages"], inputs["day_profiles"])
    billed = direction(found, Obis.from_bytes(bytes.fromhex(inputs["obis_hex"])))
    assert [table.number for table in (billed.tables if billed else ())] == case["expected"]["day_ids"]


def analysis(stages: Sequence[dict[str, Any]], tables: Sequence[dict[str, Any]] = ()) -> Analysis:
    return Analysis(
        2,
        "",
        Interval(0, 1),
        tuple(Stage(one["tariff_number"], Obis.from_bytes(bytes.fromhex(one["obis_hex"]))) for one in stages),
        1,
        tuple(
            DayTable(one["day_id"], tuple((row["from_hour"] * 3600, row["tariff_number"]) for row in one["switching"]))
            for one in tables
        ),
        (),
    )
