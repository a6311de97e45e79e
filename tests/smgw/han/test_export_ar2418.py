"""The form of the display software: both files together give the bill that the gateway itself calculates."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import xmlschema
from click.testing import CliRunner

from smgw.han.consumer_log import ShownEntry
from smgw.han.export_ar2418 import MAXIMUM_ENTRIES, gateway_file, tariff_of
from smgw.han.export_lists import lists
from smgw.han.port import HanError, HanReason
from smgw.metering.status import GatewayStatus, TextForm, combined
from smgw.recalculation.bill import recalculate
from smgw.recalculation.command import tariff
from smgw.store.events import Event, Level, Log, Outcome
from smgw.store.log_entry import Entry
from tests.smgw.access.cases import METER_DEVICE, SECOND_METER, SERIES, reading, walked
from tests.smgw.access.use_cases.worlds import BILLED, LOAD, TIME, of, registers
from tests.smgw.han.takeaway import AT, TinySource, certificate
from tests.vectors import vectors_folder
from wire.ar2418 import Certificate, CertificateKind, Form, UsagePoint, parse
from wire.ar2418.rules import require_gateway_file, require_same_contract, require_tariff_file
from wire.profiles import BillingPeriod, BillingUnit, DayProfile, EvaluationProfile, TariffSwitch, TimeStages
from wire.reading import SignedReading, Unit

ENTRY = Entry(
    log=Log.CONSUMER,
    owner="house",
    record_number=1,
    event=Event.CONSUMER_ACCESS,
    event_id=1,
    event_sub_id=1,
    vendor_id="",
    level=Level.INFO,
    outcome=Outcome.SUCCESS,
    subject="",
    user="house",
    first_at=AT,
    seconds_index=0,
    parameters={},
)
BEGIN = datetime(2026, 10, 24, 22, tzinfo=UTC)
"""Local midnight of the day with 25 hours."""
END = datetime(2026, 10, 25, 23, tzinfo=UTC)
SWITCH, MANY = 28, 7
GOOD, CRITICAL = combined(GatewayStatus(0)), combined(GatewayStatus.MANIPULATION)


def file(
    source: TinySource, contract: EvaluationProfile, begin: datetime = BEGIN, end: datetime = END, **options: object
) -> bytes:
    period = int(begin.timestamp()), int(end.timestamp())
    return gateway_file(source, lists(source, *period, contract), contract, AT, period, **options)  # type: ignore[arg-type]


def tariff_file(source: TinySource, contract: EvaluationProfile, begin: datetime = BEGIN, end: datetime = END) -> bytes:
    return tariff_of(source, contract, int(begin.timestamp()), int(end.timestamp()))


def quarter_hours(random: Random, *, missing: int, unusable: int) -> list[SignedReading]:
    """The day's readings, some a few seconds late, some missing, some that no bill may rest on; never the ends.

    Of many that are missing one is that of the switch at 06:00.
    """
    shown, found = 1000, []
    inner = range(1, 100)
    left, bad = random.sample(inner, missing), random.sample(inner, unusable)
    left += [SWITCH] if missing > MANY else []
    for slot in range(101):
        shown += random.randrange(0, 50)
        if slot in left:
            continue
        late = timedelta(seconds=random.choice((0, 0, 2, 9)) if slot else 0)
        status = CRITICAL if slot in bad else GOOD
        found.append(reading(BEGIN + slot * timedelta(minutes=15) + late, shown, scaler=-1, status=status))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_bill_is_the_one_that_the_gateway_calculates(seed: int) -> None:
    """PTB-A 50.8, display; TR-03109-1, TAF-2: gaps, unusable readings, late ones, and the hour that comes twice."""
    readings = quarter_hours(Random(seed), missing=seed * 2, unusable=seed)
    (grant,) = of(TIME, walked(readings, TIME))
    source = TinySource(readings)
    bill = recalculate(parse(file(source, TIME)), parse(tariff_file(source, TIME)), 2)
    booked = registers(grant)
    assert {f"{obis.c}.{obis.d}.{obis.e}": amount for obis, amount in bill.registers.items()} == {
        name: amount for name, amount in booked.items() if name != "1.8.0"
    }
    assert sum(bill.registers.values()) == booked["1.8.0"] > 0
    assert booked["1.8.63"] > 0 or seed * 2 <= MANY


def test_two_meters_of_two_scalers_come_to_one_bill_by_the_command(tmp_path: Path) -> None:
    """TR-03109-1, TAF-1: ``smgw tariff`` reads both files as they are exported."""
    begin, end = datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)
    month = replace(
        BILLED, billing=BillingPeriod(1, BillingUnit.MONTH), meters=(METER_DEVICE, SECOND_METER), period_seconds=3600
    )
    readings = [
        reading(begin, 100, scaler=0),
        reading(begin, 70, scaler=-1, device=SECOND_METER),
        reading(end, 150, scaler=0),
        reading(end, 75, scaler=-1, device=SECOND_METER),
    ]
    (grant,) = walked(readings, month)
    (computed,) = grant.derived
    source = TinySource(readings)
    data, supplier = tmp_path / "data.xml", tmp_path / "tariff.xml"
    data.write_bytes(file(source, month, begin, end))
    supplier.write_bytes(tariff_file(source, month, begin, end))
    run = CliRunner().invoke(tariff, [f"--data={data}", f"--supplier={supplier}", "--taf=1", "--json"])
    assert json.loads(run.stdout) == {"registers": {"1-0:1.8.0*255": 505}}
    assert (computed.register.value, computed.register.scaler) == (505, -1)


def exported(**options: object) -> UsagePoint:
    return parse(file(TinySource(quarter_hours(Random(1), missing=2, unusable=1)), SERIES, BEGIN, END, **options))


def test_a_file_is_whole_by_the_rules_of_the_display_software() -> None:
    found = exported()
    require_gateway_file(found)
    assert (found.identifier, found.customer, found.invoicing_party) == (SERIES.id, "house", SERIES.party)
    (one,) = found.meter_readings
    assert one.is_original
    assert one.kind.period == SERIES.period_seconds
    (block,) = one.blocks
    assert {reading.target is not None and reading.status_ptb in {0, 3} for reading in block.readings} == {True}
    assert {reading.signature for reading in block.readings} == {"00" * 64}
    assert len(block.readings) == 99  # what is missing is not invented


def test_both_files_are_valid_by_the_schema_and_speak_of_one_contract() -> None:
    folder = vectors_folder("trudi") / "schemata"
    schema = xmlschema.XMLSchema(
        str(folder / "AR_2418-6.xsd"),
        uri_mapper=lambda uri: str(folder / "xml.xsd") if uri == "http://www.w3.org/2001/xml.xsd" else uri,
        allow="local",
    )
    source = TinySource(quarter_hours(Random(1), missing=2, unusable=1), told=[ShownEntry(ENTRY, "gelesen")])
    both = file(source, TIME, status_word=TextForm.LATER), tariff_file(source, TIME)
    for data in both:
        schema.validate(data.decode())
    gateway, supplier = map(parse, both)
    require_tariff_file(supplier)
    require_same_contract(gateway, supplier)


def test_a_status_word_stands_there_only_if_it_is_asked_for() -> None:
    (one,) = exported().meter_readings
    assert {reading.status_fnn for reading in one.blocks[0].readings} == {None}
    (one,) = exported(status_word=TextForm.EARLY).meter_readings
    assert {reading.status_fnn for reading in one.blocks[0].readings} == {f"{GOOD:016X}", f"{CRITICAL:016X}"}


def test_the_earlier_form_has_the_certificate_in_use_and_the_later_one_all() -> None:
    source = TinySource([reading(BEGIN)], held=[certificate(), certificate()])
    (only,) = parse(file(source, SERIES)).certificates
    assert isinstance(only, Certificate)
    assert only.kind is CertificateKind.SIGNATURE
    assert len(parse(file(source, SERIES, form=Form.LATER)).certificates) == 2


def test_her_log_goes_with_it_up_to_a_bound() -> None:
    """FAU_SAR.1/CON."""
    told = [
        ShownEntry(replace(ENTRY, record_number=number), "an Netz\ngesendet <1>\x00\x1b[\uffff")
        for number in range(1, MAXIMUM_ENTRIES + 3)
    ]
    found = file(TinySource([reading(BEGIN)], told=told), SERIES)
    assert parse(found).log_entries == MAXIMUM_ENTRIES
    assert b"<recordNumber>3</recordNumber>" in found
    assert b"<recordNumber>2</recordNumber>" not in found
    assert b"<text>an Netz gesendet &lt;1&gt;??[?</text>" in found


def test_a_contract_of_hours_holds_its_hours_and_what_stands_for_no_point() -> None:
    hours = replace(SERIES, period_seconds=3600, dispatch_seconds=3600)
    minutes = (0, 15, 30, 37, 60)
    found = parse(file(TinySource([reading(BEGIN + timedelta(minutes=one)) for one in minutes]), hours))
    (one,) = found.meter_readings
    shown = [row.captured_at - int(BEGIN.timestamp()) for row in one.blocks[0].readings]
    assert shown == [0, 37 * 60, 3600]


def test_what_the_form_has_no_unit_for_is_not_in_it() -> None:
    warm = reading(BEGIN, unit=Unit.CELSIUS)
    with pytest.raises(HanError) as refusal:
        file(TinySource([warm]), SERIES)
    assert refusal.value.reason is HanReason.NOT_FOUND


def test_a_value_that_the_form_cannot_hold_is_refused_in_a_sentence() -> None:
    with pytest.raises(HanError, match="48 bits") as refusal:
        file(TinySource([reading(BEGIN, 2**48)]), SERIES)
    assert refusal.value.reason is HanReason.BAD_QUESTION


def test_tariffs_that_the_form_cannot_say_are_refused() -> None:
    assert isinstance(TIME.rule, TimeStages)
    odd = DayProfile(1, (TariffSwitch(0, 2), TariffSwitch(365, 1)))
    calendar = replace(TIME.rule.calendar, day_profiles=(odd,))
    between = replace(TIME, period_seconds=300, dispatch_seconds=300, rule=replace(TIME.rule, calendar=calendar))
    subtracting = replace(TIME, meters=(METER_DEVICE, SECOND_METER), subtracted=(SECOND_METER,))
    for contract in (between, subtracting, LOAD, SERIES):
        with pytest.raises(HanError) as refusal:
            tariff_file(TinySource(), contract)
        assert refusal.value.reason is HanReason.BAD_QUESTION


def test_day_profiles_are_numbered_anew_because_theirs_may_be_larger_than_the_form_has() -> None:
    assert isinstance(TIME.rule, TimeStages)
    (day,) = TIME.rule.calendar.day_profiles
    calendar = replace(TIME.rule.calendar, day_profiles=(replace(day, id=10**6),), week=(10**6,) * 7)
    found = parse(tariff_file(TinySource(), replace(TIME, rule=replace(TIME.rule, calendar=calendar))))
    assert found.analysis is not None
    assert {one.number for one in found.analysis.tables} == {one.table for one in found.analysis.days} == {1}


def test_a_tariff_lists_the_days_of_a_billing_period_and_not_those_of_a_century() -> None:
    with pytest.raises(HanError) as refusal:
        tariff_file(TinySource(), TIME, BEGIN, BEGIN + timedelta(days=4 * 366))
    assert refusal.value.reason is HanReason.TOO_MUCH
