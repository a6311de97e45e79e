"""What may be asked for, and under which name and type it comes."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from proof.bundle import Bundle, Derived
from smgw.han.consumer_log import ConsumerLogs
from smgw.han.export import Exports, export_for
from smgw.han.port import ExportForm, HanError, HanReason
from tests.smgw.access.cases import SECOND_METER, SERIES, at, reading
from tests.smgw.access.use_cases.worlds import FAST, TIME
from tests.smgw.han.house import NOW, House
from tests.smgw.han.takeaway import AT, TinySource
from wire.ar2418 import parse

NOON = at("12:00:00")
LATER = NOON + timedelta(days=3)
DERIVED = tuple(Derived(name, 1, "grid", 1, NOON, NOON, (reading(NOON, 9),)) for name in (SERIES.id, "z-other"))
SOURCE = TinySource([reading(NOON), reading(NOON, device=SECOND_METER)], [SERIES, FAST, TIME], DERIVED)


@pytest.mark.parametrize(
    ("form", "contract", "name", "media_type"),
    [
        (ExportForm.CSV, None, "house-2026-06-01-2026-06-04.csv", "text/csv; charset=utf-8"),
        (ExportForm.JSON, None, "house-2026-06-01-2026-06-04.json", "application/json"),
        (ExportForm.XML, SERIES.id, f"house-{SERIES.id}-2026-06-01-2026-06-04.xml", "application/xml"),
        (ExportForm.TARIFF, TIME.id, f"house-{TIME.id}-2026-06-01-2026-06-04-tariff.xml", "application/xml"),
        (ExportForm.PROOF, None, "house-2026-06-01-2026-06-04-proof.json", "application/json"),
    ],
)
def test_each_form_has_its_name_and_type(form: ExportForm, contract: str | None, name: str, media_type: str) -> None:
    """TR-03109-1, consumer: her data in every form."""
    found = export_for(SOURCE, form, AT, NOON, LATER, contract)
    assert (found.name, found.media_type) == (name, media_type)
    assert found.data


def test_a_contract_narrows_every_form() -> None:
    table = export_for(SOURCE, ExportForm.CSV, AT, NOON, LATER, SERIES.id).data.decode()
    assert SECOND_METER.text not in table
    content = json.loads(export_for(SOURCE, ExportForm.JSON, AT, NOON, LATER, SERIES.id).data)
    assert [one["meter"] for one in content["lists"]] == [meter.text for meter in SERIES.meters]
    proof = Bundle.from_bytes(export_for(SOURCE, ExportForm.PROOF, AT, NOON, LATER, SERIES.id).data)
    assert [one.contract for one in proof.derived] == [SERIES.id]
    whole = Bundle.from_bytes(export_for(SOURCE, ExportForm.PROOF, AT, NOON, LATER).data)
    assert (len(whole.derived), len(whole.measured)) == (2, 2)


def test_a_contract_is_exported_within_its_own_time() -> None:
    ending = replace(SERIES, valid_until=NOON + timedelta(hours=1))
    readings = [reading(NOON + hour * timedelta(hours=1)) for hour in range(3)]
    source = TinySource(readings, [ending])
    found = parse(export_for(source, ExportForm.XML, AT, NOON - timedelta(days=9), LATER, ending.id).data)
    (one,) = found.meter_readings
    assert len(one.blocks[0].readings) == 2


@pytest.mark.parametrize(
    ("form", "contract", "begin", "reason"),
    [
        (ExportForm.XML, None, NOON, HanReason.BAD_QUESTION),
        (ExportForm.XML, "nobody", NOON, HanReason.NOT_FOUND),
        (ExportForm.TARIFF, None, NOON, HanReason.BAD_QUESTION),
        (ExportForm.TARIFF, SERIES.id, NOON, HanReason.BAD_QUESTION),
        (ExportForm.TARIFF, TIME.id, LATER, HanReason.BAD_QUESTION),
        (ExportForm.CSV, "nobody", NOON, HanReason.NOT_FOUND),
        (ExportForm.JSON, FAST.id, NOON, HanReason.NOT_FOUND),
        (ExportForm.XML, SERIES.id, LATER + timedelta(seconds=1), HanReason.BAD_QUESTION),
        (ExportForm.CSV, None, LATER + timedelta(seconds=1), HanReason.BAD_QUESTION),
        (ExportForm.CSV, None, LATER, HanReason.NOT_FOUND),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(
    form: ExportForm, contract: str | None, begin: object, reason: HanReason
) -> None:
    with pytest.raises(HanError) as refusal:
        export_for(SOURCE, form, AT, begin, LATER, contract)  # type: ignore[arg-type]
    assert refusal.value.reason is reason
    assert str(refusal.value)


def test_before_a_contract_there_is_nothing_of_it() -> None:
    long_ago = SERIES.valid_from - timedelta(days=9)
    with pytest.raises(HanError) as refusal:
        export_for(SOURCE, ExportForm.XML, AT, long_ago, long_ago + timedelta(days=1), SERIES.id)
    assert refusal.value.reason is HanReason.NOT_FOUND


def test_she_has_one_file_made_at_a_time(house: House) -> None:
    """Each takes much memory; but that somebody else has one made is told to nobody (FDP_ACF.1)."""
    exports = Exports(house.database, ConsumerLogs(house.database, house.system_log), house.facts)
    asked = (ExportForm.CSV, NOW, NOW - timedelta(days=1), NOW, None)
    assert exports(house.visitor("house"), *asked).data
    with exports.making["house"]:
        with pytest.raises(HanError) as refusal:
            exports(house.visitor("house"), *asked)
        assert refusal.value.reason is HanReason.TOO_SOON
        assert exports(house.visitor("flat"), *asked).data
    for _ in range(2):  # one that is refused leaves the way free
        with pytest.raises(HanError) as refusal:
            exports(house.visitor("house"), *asked[:-1], "nobody")
        assert refusal.value.reason is HanReason.NOT_FOUND
