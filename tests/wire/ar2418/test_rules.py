"""Rules under which the display software calculates at all, each broken once."""

from datetime import timedelta

import pytest

from tests.wire.ar2418 import files
from tests.wire.ar2418.files import block, certificates, days, gateway_file, quarter_hours, supplier_file, value_list
from wire.ar2418 import parse
from wire.ar2418.rules import require_gateway_file, require_same_contract, require_tariff_file
from wire.errors import Ar2418Error

ROWS = quarter_hours(5)
LIST = value_list(block(ROWS))
GATEWAY = gateway_file(LIST)
SUPPLIER = supplier_file()


def test_whole_files_are_accepted() -> None:
    require_gateway_file(parse(GATEWAY))
    assert require_tariff_file(parse(SUPPLIER)).use_case == 2
    require_same_contract(parse(GATEWAY), parse(SUPPLIER))


def without(data: bytes, begin: bytes, end: bytes) -> bytes:
    first, last = data.index(begin), data.index(end) + len(end)
    return data[:first] + data[last:]


TWO_CERTIFICATES = certificates() + certificates().replace("<certId>1<", "<certId>2<")
BLOCKS = [block(ROWS[:3]), block(ROWS[2:])]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (gateway_file(LIST, point=" "), "names no usage point"),
        (gateway_file(LIST, party=""), "names no invoicing party"),
        (gateway_file(LIST, gateway="\n"), "names no gateway"),
        (gateway_file(LIST, tariff=""), "names no tariff"),
        (without(GATEWAY, b"<Customer>", b"</Customer>"), "names no customer"),
        (without(GATEWAY, b"<Certificate>", b"</Certificate>"), "no certificate of the gateway"),
        (without(GATEWAY, b"<SMGW>", b"</SMGW>"), "names no gateway"),
        (gateway_file(LIST, certificates=TWO_CERTIFICATES), "more or fewer certificates"),
        (gateway_file(LIST, certificates=certificates().replace("<certId>1<", "<certId>2<")), "no certificate 1"),
        (gateway_file(), "no original value list"),
        (SUPPLIER, "it is a tariff"),
        (gateway_file(value_list(block(ROWS), meter=" ")), "no identifier, no meter"),
        (gateway_file(value_list(block(ROWS), name="taf1-1")), "not an original value list"),
        (gateway_file(value_list(block(ROWS[:2]), block(ROWS[2:]))), "a gap between two blocks"),
        (gateway_file(value_list(block(ROWS[:4]), block(ROWS[2:]))), "an overlap of two blocks"),
        (GATEWAY.replace(b"<statusPTB>0</statusPTB>", b"", 1), "a reading without a status"),
        (GATEWAY.replace(b"<duration>3600</duration>", b"<duration>3599</duration>"), "captured outside its block"),
    ],
)
def test_a_gateway_file_that_is_not_whole_is_refused(data: bytes, sentence: str) -> None:
    found = parse(data)
    with pytest.raises(Ar2418Error, match=f"the gateway's file: .*{sentence}"):
        require_gateway_file(found)


def test_blocks_that_abut_may_come_in_any_order() -> None:
    for blocks in (BLOCKS, BLOCKS[::-1]):
        require_gateway_file(parse(gateway_file(value_list(*blocks))))


MANY = [(number, f"01000108{number:02x}ff") for number in range(1, 22)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (GATEWAY, "is not a tariff file"),
        (SUPPLIER.replace(b"</AnalysisProfile>", b"</AnalysisProfile>" + LIST.encode()), "has readings"),
        (supplier_file(stages=MANY), "more than 20 tariff stages"),
        (supplier_file(stages=[(1, "0100010801ff"), (1, "0100010802ff")]), "the same number"),
        (supplier_file(stages=[(1, "0100010801ff")]), "names a tariff stage 2 that there is not"),
        (supplier_file(tables=files.LOW_HIGH_LOW * 2), "two day profiles have the same number"),
        (SUPPLIER.replace(b"<minute>15</minute>", b"<minute>16</minute>", 1), "every 15 minutes"),
        (supplier_file(listing=days(1, 7)), "has a day profile 7 that there is not"),
        (supplier_file(listing=""), "lists no day"),
        (without(SUPPLIER, b"<TariffChangeTrigger>", b"</TariffChangeTrigger>"), "has no day profile"),
        (supplier_file(duration=0), "has no duration"),
        (supplier_file(point=""), "names no usage point"),
    ],
)
def test_a_tariff_file_that_is_not_whole_is_refused(data: bytes, sentence: str) -> None:
    found = parse(data)
    with pytest.raises(Ar2418Error, match=f"the supplier's file: .*{sentence}"):
        require_tariff_file(found)


def test_an_error_register_is_no_stage_more() -> None:
    require_tariff_file(parse(supplier_file(stages=[*MANY[:20], (63, "010001083fff")])))


@pytest.mark.parametrize("name", ["one", "taf", "taf77", "taf1"])
def test_files_of_two_tariffs_are_refused_where_the_gateway_names_one(name: str) -> None:
    gateway = parse(gateway_file(LIST, tariff=name))
    require_same_contract(gateway, parse(supplier_file(tariff=name)))
    with pytest.raises(Ar2418Error, match="two contracts: tariff"):
        require_same_contract(gateway, parse(supplier_file(tariff="another")))


@pytest.mark.parametrize(
    "supplier",
    [
        supplier_file(point="DE002"),
        supplier_file(party="other"),
        supplier_file(kind=1),
        supplier_file(gateway="EABC0012345679"),
    ],
)
def test_files_of_two_contracts_are_refused(supplier: bytes) -> None:
    with pytest.raises(Ar2418Error, match="two contracts"):
        require_same_contract(parse(GATEWAY), parse(supplier))


def test_a_gateways_name_is_the_same_in_small_letters() -> None:
    require_same_contract(parse(GATEWAY), parse(supplier_file(gateway="eabc0012345678", tariff="another")))


def test_a_reading_may_lie_on_both_ends_of_its_block() -> None:
    late = files.Reading(ROWS[-1].at + timedelta(seconds=1), 1)
    inside = value_list(block([*ROWS, late]))
    require_gateway_file(parse(gateway_file(inside)))
