"""Covers, and the deliveries of all use cases: acknowledged and numbered alike (FPR_CON.1)."""

from dataclasses import replace
from io import StringIO

import pytest
import sqlalchemy as sa

from datacenter import database, queries, schema
from datacenter.errors import RefusalReason, RefusedError
from datacenter.export import Verifier, write_csv
from datacenter.queries import Selection
from datacenter.readings import StoreResult
from datacenter.sequence import Gap
from pki.inner import sign_reading
from tests.datacenter.world import GATEWAY, IMPORT, METER, NOW, World
from wire.cosem_xml import Content, render
from wire.profiles import UseCase
from wire.reading import DeviceId, Reading, Register, Unit


def cover(world: World, sequence: int = 1, *, use_case: UseCase = UseCase.TAF_10) -> Content:
    full = world.gateway.content(sequence, count=1)
    return replace(full, use_case=use_case, readings=())


def test_a_cover_is_acknowledged_numbered_and_nothing_else(world: World, any_database: sa.URL) -> None:
    """FPR_CON.1: the gateway hears the same word as for values, and so does whoever measures the answer."""
    world.url = any_database
    ingest, content = world.ingest(), cover(world)
    receipt = world.deliver(ingest, world.seal(content))
    assert (receipt.result, receipt.sequence, receipt.readings) == (StoreResult.STORED, 1, 0)
    assert world.deliver(ingest, world.seal(content)).result is StoreResult.DUPLICATE
    assert (world.count(schema.reading), world.count(schema.delivery)) == (0, 1)
    with world.engine.connect() as connection:
        assert connection.execute(sa.select(schema.delivery.c.readings)).scalar_one() == 0


def test_a_cover_closes_no_gap_but_its_own(world: World) -> None:
    ingest = world.ingest()
    for sequence in (1, 2, 4):
        world.deliver(ingest, world.seal(cover(world, sequence)))
    with database.reading(world.engine) as connection:
        assert [gap.gap for gap in queries.sequence_gaps(connection)] == [Gap(3, 3, 1)]
        assert list(queries.raster_gaps(connection, {})) == []
        assert list(queries.readings(connection, Selection())) == []
        assert queries.deliveries(connection) == {GATEWAY: (3, int(NOW.timestamp()))}


def test_a_cover_does_not_take_the_place_of_what_came_before(world: World) -> None:
    """A gateway that lost unstored values repeats their number as a cover; what arrived before stays."""
    ingest = world.ingest()
    values = replace(cover(world), readings=world.gateway.content(count=1).readings)
    world.deliver(ingest, world.seal(values))
    with pytest.raises(RefusedError) as caught:
        world.deliver(ingest, world.seal(cover(world)))
    assert caught.value.reason is RefusalReason.CONFLICTING_DELIVERY
    assert world.count(schema.reading) == 1


def test_a_document_of_another_length_than_it_says_is_refused_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FPR_CON.1: a gateway whose lengths tell of digits is not accepted."""
    monkeypatch.setattr("tests.datacenter.world.render", lambda content: render(content) + b"\n")
    with pytest.raises(RefusedError) as caught:
        world.deliver(world.ingest(), world.seal(world.gateway.content()))
    assert caught.value.reason is RefusalReason.CONTENT


@pytest.mark.parametrize("use_case", UseCase)
def test_every_use_case_is_taken(world: World, use_case: UseCase) -> None:
    content = replace(world.gateway.content(count=2), use_case=use_case)
    assert world.deliver(world.ingest(), world.seal(content)).readings == 2


def test_the_registers_of_a_tariff_are_rows_of_their_profile(world: World, any_database: sa.URL) -> None:
    """TR-03109-1, TAF-2: total, stages and error register share device and time; a measured value stands beside."""
    world.url = any_database
    ingest, gateway, device = world.ingest(), world.gateway, DeviceId(GATEWAY)
    for profile, first in (("house", 100), ("heat-pump", 40)):
        registers = [
            sign_reading(
                Reading(device, replace(IMPORT, e=stage), Register(first + stage, 0, Unit.WH), NOW),
                device,
                gateway.signature.key,
            )
            for stage in (0, 1, 2, 63)
        ]
        content = replace(gateway.content_of(registers, profile=profile), use_case=UseCase.TAF_2)
        assert world.deliver(ingest, world.seal(content)).readings == 4
    world.deliver(ingest, world.seal(replace(gateway.content(count=1, profile="present"), use_case=UseCase.TAF_14)))
    with database.reading(world.engine) as connection:
        rows = list(queries.readings(connection, Selection()))
        written = StringIO()
        assert write_csv(rows, Verifier(world.trust().current(), world.now).require, written) == 9
    assert [(row.profile, row.signed.reading.obis.e) for row in rows if row.signed.reading.device == device] == [
        (profile, stage)
        for stage in (0, 1, 2, 63)
        for profile in sorted(("house", "heat-pump"), key=lambda name: name != "house")
    ]
    assert [row.profile for row in rows if row.signed.reading.device == METER] == [""]
