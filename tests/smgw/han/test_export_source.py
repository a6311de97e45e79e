"""A real house takes its data away: hers and nobody else's, and the proof holds."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from proof.bundle import Bundle
from proof.checkpoint import Checkpoint
from proof.log_export import Export
from proof.verify import verify
from smgw.han.export import SEALED_AGAIN
from smgw.han.export_source import StoredSource
from smgw.han.port import ExportForm, HanError, HanReason
from smgw.han.shown import Billed
from smgw.recalculation.bill import Bill, recalculate
from smgw.store.consumer_log import ConsumerLog
from smgw.store.events import Event
from tests.smgw.han.house import FIRST, FLAT, NOW, SECOND, House, house, instant
from tests.smgw.han.house_profiles import MOVED
from tests.smgw.han.house_readings import ALTERED
from wire.ar2418 import parse
from wire.obis import Obis

__all__ = ["house"]
SEPTEMBER, OCTOBER = instant("2026-09-01T00:00+02:00"), instant("2026-10-01T00:00+02:00")
BEGIN, END = instant("2026-10-22T00:00+02:00"), instant("2026-10-27T00:00+01:00")


def exported(  # noqa: PLR0917 - as ``ConsumerView.export`` has them
    house: House, form: ExportForm, begin: datetime, end: datetime, contract: str | None = None, name: str = "house"
) -> bytes:
    return house.view(name).export(form, NOW, begin, end, contract).data


def lines(house: House, begin: datetime, end: datetime, name: str = "house") -> Iterator[dict[str, str]]:
    data = exported(house, ExportForm.CSV, begin, end, name=name).decode("utf-8-sig")
    return csv.DictReader(io.StringIO(data, newline=""), delimiter=";")


def source(house: House, name: str = "house") -> StoredSource:
    parts = house.port.consumer.args[0]  # type: ignore[attr-defined]
    return StoredSource(house.visitor(name).reader, house.database, parts.logs, parts.facts, lambda _: None)


def test_everybody_gets_her_own_meters_and_no_other(house: House) -> None:
    """FDP_ACF.1: whatever period is asked for."""
    of = {name: {one["meter"] for one in lines(house, BEGIN, END, name)} for name in ("house", "flat")}
    assert of == {"house": {FIRST.text, SECOND.text}, "flat": {FLAT.text}}


def test_a_meter_that_measured_somebody_else_before_is_hers_from_then_on(house: House) -> None:
    """FDP_ACF.1: the moment of the move belongs to one of both."""
    begin, end = instant("2025-03-01T00:00+01:00"), instant("2025-05-01T00:00+02:00")
    before = [one for one in lines(house, begin, end, "attic") if one["meter"] == SECOND.text]
    after = [one for one in lines(house, begin, end) if one["meter"] == SECOND.text]
    moved = MOVED.isoformat()[:19] + "Z"
    assert (len(before), len(after)) == (31, 31)
    assert max(one["captured_utc"] for one in before) < moved == min(one["captured_utc"] for one in after)


@pytest.mark.parametrize("contract", ["flat-series", "nobody", "house-live"])
@pytest.mark.parametrize("form", ExportForm)
def test_a_contract_of_others_is_none(house: House, form: ExportForm, contract: str) -> None:
    """FDP_ACF.1: refused as one that does not exist is."""
    with pytest.raises(HanError) as refusal:
        exported(house, form, BEGIN, END, contract)
    assert refusal.value.reason is HanReason.NOT_FOUND


def bill(house: House, contract: str, taf: int) -> Bill:
    data, supplier = (
        exported(house, form, SEPTEMBER, OCTOBER, contract) for form in (ExportForm.XML, ExportForm.TARIFF)
    )
    return recalculate(parse(data), parse(supplier), taf)


def shown(house: House, contract: str) -> Billed:
    """September, as the page has it."""
    billed = house.view("house").billed(contract, NOW, limit=3)
    return next(one for one in billed if one.end == int(OCTOBER.timestamp()))


def test_a_month_is_billed_alike_from_the_file_and_on_the_page(house: House) -> None:
    """PTB-A 50.8, display; TR-03109-1, TAF-2."""
    page, found = shown(house, "house-stages"), bill(house, "house-stages", 2)
    assert {Obis.parse(stage.register): stage.amount.value for stage in page.stages} == found.registers
    assert sum(found.registers.values()) == page.total.value > 0


def test_two_meters_are_billed_together(house: House) -> None:
    """PTB-A 50.8, display; TR-03109-1, TAF-1: their registers have two scalers."""
    assert list(bill(house, "house-sum", 1).registers.values()) == [shown(house, "house-sum").total.value]


def test_a_proof_proves_all_but_what_was_altered(house: House) -> None:
    """FCO_NRO.2, FAU_SAR.1/CON: with the root certificate alone."""
    day = instant("2026-10-24T00:00+02:00"), instant("2026-10-25T00:00+02:00")
    data = exported(house, ExportForm.PROOF, *day)
    report = verify(data, house.trust.roots)
    refused = [failure for one in report.measured for failure in one.failures]
    assert [(one.device, int(one.at.timestamp())) for one in refused] == [(FIRST.text, ALTERED)]
    assert report.log is not None
    assert not report.log.reason
    (log,) = Export.from_bytes(Bundle.from_bytes(data).log or b"").logs
    assert log.state.owner == "house"


def checkpoint(house: House, at: datetime) -> int:
    data = house.view("house").export(ExportForm.PROOF, at, BEGIN, BEGIN, None).data
    return Checkpoint.from_bytes(Export.from_bytes(Bundle.from_bytes(data).log or b"").checkpoint.content).number


def test_proof_upon_proof_makes_a_checkpoint_an_hour(house: House) -> None:
    """FAU_STG.2: the older ones, of which some hundred are kept, are not pushed out."""
    first = checkpoint(house, NOW)
    assert checkpoint(house, NOW + SEALED_AGAIN - timedelta(seconds=1)) == first
    assert checkpoint(house, NOW + SEALED_AGAIN) == first + 1


def test_a_revocation_list_that_is_younger_than_the_checkpoint_asks_for_another(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lists of a proof are the newest: by them nobody can believe the signer at a moment before they were made."""
    first = checkpoint(house, NOW + SEALED_AGAIN)
    listed = NOW + SEALED_AGAIN + timedelta(minutes=1)
    monkeypatch.setattr(house, "trust", house.pki.trust(now=listed, number=2))
    assert checkpoint(house, listed + timedelta(minutes=1)) == first + 1
    assert checkpoint(house, listed + timedelta(minutes=2)) == first + 1, "once"


def test_derived_values_are_in_it_where_they_are_hers_alone(house: House) -> None:
    """FDP_ACF.1: from a sum with others and her own share the others' could be told."""
    found = Bundle.from_bytes(exported(house, ExportForm.PROOF, SEPTEMBER, OCTOBER))
    assert [(one.contract, one.delivery, len(one.values)) for one in found.derived] == [
        ("house-stages", 1, 1),
        ("house-stages", 2, 1),
        ("house-sum", 1, 1),
        ("house-sum", 2, 1),
    ]
    assert source(house).delivered(0, int(NOW.timestamp()), limit=2) == list(found.derived[:3])


def test_to_take_her_log_away_is_an_entry_of_it(house: House) -> None:
    """FAU_GEN.1/CON."""
    log = ConsumerLog(house.database, "house")
    exported(house, ExportForm.XML, BEGIN, END, "house-series")
    newest = log.entries()[-1]
    assert newest.event is Event.CONSUMER_ACCESS
    shown = source(house).entries(BEGIN, END, datetime(2026, 10, 29, 13, tzinfo=UTC), limit=2)
    assert len(shown) == 2
    assert all(BEGIN <= one.entry.first_at <= END for one in shown)
