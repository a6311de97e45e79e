"""The table against files: what stands where it must not, or is missing."""

import pytest

from tests.wire.ar2418.files import block, gateway_file, quarter_hours, supplier_file, value_list
from wire.ar2418 import Interval, Service, UnitSymbol, parse
from wire.errors import Ar2418Error
from wire.obis import Obis

GATEWAY = gateway_file(value_list(block(quarter_hours(3))))
SUPPLIER = supplier_file()


def test_what_a_gateway_says_is_read() -> None:
    found = parse(GATEWAY)
    assert (found.service, found.identifier, found.customer) == (Service.ELECTRICITY, "DE001", "customer")
    assert (found.invoicing_party, found.gateway, found.tariff) == ("supplier", "EABC0012345678", "taf7")
    assert found.certificate_numbers == tuple(one.number for one in found.certificates) == (1,)
    (one,) = found.meter_readings
    assert (one.kind.obis, one.kind.unit, one.kind.scaler) == (Obis.parse("1-0:1.8.0*255"), UnitSymbol.WATT_HOUR, -1)
    assert (one.kind.period, one.is_original) == (900, True)
    (only,) = one.blocks
    assert only.interval.duration == 1800
    assert [reading.value for reading in only.readings] == [1000, 1010, 1020]
    assert only.readings[0].captured_at == only.interval.start
    assert only.readings[0].status_ptb == 0


def test_what_a_supplier_says_is_read() -> None:
    found = parse(SUPPLIER).analysis
    assert found is not None
    assert (found.use_case, found.tariff, found.default_stage) == (2, "t", 1)
    assert found.period == Interval(1780264800, 86400)
    assert [(stage.number, str(stage.obis)) for stage in found.stages] == [(1, "1-0:1.8.1*255"), (2, "1-0:1.8.2*255")]
    assert len(found.tables[0].entries) == 96
    assert found.tables[0].entries[24] == (6 * 3600, 2)
    assert [listed.table for listed in found.days] == [1]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ((b"</tariffName>", b"</tariffNames>"), "not well-formed"),
        ((b"<tariffName>taf7</tariffName>", b"<tariffNames>taf7</tariffNames>"), "not known"),
        ((b"<usagePointId>DE001</usagePointId>", b""), ""),
        ((b"<espi:kind>0</espi:kind>", b"<kind>0</kind>"), "not known"),
        ((b"<espi:kind>0</espi:kind>", b"<espi:kind>3</espi:kind>"), "none of the values"),
        ((b"<espi:kind>0</espi:kind>", b""), "has no <espi:kind>"),
        ((b"<tariffName>taf7</tariffName>", b"<tariffName>a</tariffName><tariffName>b</tariffName>"), "second"),
        ((b"<scaler>-1</scaler>", b"<scaler>-1.0</scaler>"), "not an integer"),
        ((b"<scaler>-1</scaler>", b"<scaler>x<b/></scaler>"), "inside a text"),
        ((b"<scaler>-1</scaler>", b'<scaler unit="x">-1</scaler>'), "attribute"),
        ((b"<espi:uom>72</espi:uom>", b"<espi:uom>73000</espi:uom>"), "not an integer"),
        ((b"<espi:uom>72</espi:uom>", b"<espi:uom>1</espi:uom>"), "none of the values"),
        ((b"Multiplier>0<", b"Multiplier>4<"), "power of ten"),
        ((b"<statusPTB>0</statusPTB>", b"<statusPTB>5</statusPTB>"), "not an integer"),
        ((b"<duration>0</duration>", b""), "has no <duration>"),
        ((b"<espi:value>1000</espi:value>", b""), "has no <espi:value>"),
        ((b"<espi:value>1000</espi:value>", b"<espi:value>140737488355329</espi:value>"), "not an integer"),
        ((b"</interval>", b"</interval>text"), "there is text"),
        ((b"<certType>1<", b"<certType>4<"), "none of the values"),
        ((b"</UsagePoint>\n", b"</UsagePoint><UsagePoint></UsagePoint>"), "second <UsagePoint>"),
        ((b"http://vde.de/AR_2418-6.xsd", b"http://vde.de/other"), "not known"),
    ],
)
def test_a_gateway_file_that_breaks_the_table_is_refused(wrong: tuple[bytes, bytes], sentence: str) -> None:
    broken = GATEWAY.replace(*wrong)
    assert broken != GATEWAY
    if not sentence:
        assert parse(broken).identifier == ""
        return
    with pytest.raises(Ar2418Error, match=sentence):
        parse(broken)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ((b"<hour>0</hour>", b"<hour>24</hour>", 1), "not an integer"),
        ((b"<minute>0</minute>", b"<minute>0</minute><second>1</second>", 1), "whole minute"),
        ((b"<minute>0</minute>", b"<minute>60</minute>", 1), "not an integer"),
        ((b"<year>2026</year>", b""), "every day is listed"),
        ((b"<day_of_month>01", b"<day_of_month>31"), "there is no day"),
        ((b"<obisCode>0100010801ff", b"<obisCode>0100010801f"), "twelve hexadecimal"),
        ((b"<dayId>1</dayId><DayTime", b"<dayId>1</dayId><dayId>2</dayId><DayTime"), "second <dayId>"),
        ((b"<defaultTariffNumber>1</defaultTariffNumber>", b""), "has no <defaultTariffNumber>"),
        ((b"<billingPeriod>", b"<description>x</description><billingPeriod>"), "not known"),
    ],
)
def test_a_tariff_file_that_breaks_the_table_is_refused(wrong: tuple[bytes, bytes], sentence: str) -> None:
    broken = SUPPLIER.replace(*wrong)
    assert broken != SUPPLIER
    with pytest.raises(Ar2418Error, match=sentence):
        parse(broken)


@pytest.mark.parametrize("part", [b"<hour>0</hour>", b"<minute>0</minute>", b"<hour>0</hour><minute>0</minute>"])
def test_a_part_of_a_start_time_that_is_not_said_is_0(part: bytes) -> None:
    assert part in SUPPLIER
    assert parse(SUPPLIER.replace(part, b"")) == parse(SUPPLIER)


def test_elements_in_another_order_are_refused() -> None:
    swapped = GATEWAY.replace(
        b"<usagePointId>DE001</usagePointId>\n<Customer><customerId>customer</customerId></Customer>",
        b"<Customer><customerId>customer</customerId></Customer>\n<usagePointId>DE001</usagePointId>",
    )
    with pytest.raises(Ar2418Error, match="<usagePointId> stands too late in <UsagePoint>"):
        parse(swapped)
