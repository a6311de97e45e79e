"""What comes back is what was stored, in order; what is missing is said exactly."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from datacenter import database, queries
from datacenter.queries import Selection
from datacenter.sequence import Gap
from pki.inner import sign_reading
from tests.datacenter.world import GATEWAY, IMPORT, METER, NOW, RASTER, World
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, Unit

OTHER = "EXYZ0087654321"


@pytest.fixture
def filled(make_world: Callable[..., World], any_database: sa.URL) -> World:
    """Quarter hours of two days with a hole, over a month's end, of two gateways; deliveries 1, 2 and 5."""
    world = make_world(url=any_database, now=NOW + timedelta(days=18))
    ingest = world.ingest()
    for sequence, until in ((1, NOW), (2, NOW + RASTER * 10), (5, NOW + RASTER * 20 + timedelta(seconds=7))):
        world.deliver(ingest, world.seal(world.gateway.content(sequence, count=5, until=until)))
    other = world.add_gateway(OTHER)
    late = world.seal(other.content(1, count=5, until=world.now), signer=other.signature)
    world.deliver(world.ingest(), late, tunnel=other.tunnel)
    return world


def test_selections(filled: World) -> None:
    def found(**selection: object) -> list[queries.StoredReading]:
        with database.reading(filled.engine) as connection:
            return list(queries.readings(connection, Selection(**selection)))  # type: ignore[arg-type]

    assert len(found()) == 20
    assert [stored.signed.reading.captured_at for stored in found(gateway=GATEWAY, limit=2)] == [
        NOW - RASTER * 4,
        NOW - RASTER * 3,
    ]
    assert len(found(gateway=OTHER)) == 5
    assert len(found(since=NOW, until=NOW + RASTER * 7)) == 2
    assert found(gateway="ENIX0000000000") == found(device="1NIX0000000000") == found(obis="1-0:9.9.9*255") == []
    assert len(found(device=METER.text, obis="1-0:1.8.0*255")) == 20
    expected = filled.gateway.content(count=1).readings[0].reading
    assert [stored.signed.reading for stored in found(since=NOW, limit=1)] == [expected]
    assert expected.obis == Obis.parse("1-0:1.8.0*255")


def test_gaps(filled: World) -> None:
    with database.reading(filled.engine) as connection:
        assert [(gap.gateway, gap.profile, gap.gap) for gap in queries.sequence_gaps(connection)] == [
            (GATEWAY, "grid", Gap(3, 4, 2))
        ]
        assert list(queries.sequence_gaps(connection, OTHER)) == []
        holes = list(queries.raster_gaps(connection, {}))
        assert {(hole.gateway, hole.raster_seconds, hole.inferred) for hole in holes} == {(GATEWAY, 900, True)}
        start = int(NOW.timestamp())
        assert [hole.gap for hole in holes] == [
            Gap(start + 900, start + 900 * 5, 5),
            Gap(start + 900 * 11, start + 900 * 15, 5),
        ]
        agreed = list(queries.raster_gaps(connection, {"grid": 1800}, GATEWAY))
        assert {(hole.raster_seconds, hole.inferred, hole.gap.count) for hole in agreed} == {(1800, False, 2)}


def test_gaps_of_two_derived_series_do_not_fill_one_another(make_world: Callable[..., World]) -> None:
    """Each has the points that the other one lacks."""
    world = make_world()
    ingest, device = world.ingest(), DeviceId(GATEWAY)
    for profile, points in (("house", (0, 1, 2, 3, 5, 6)), ("heat-pump", (0, 1, 2, 3, 4, 6))):
        times = [NOW - RASTER * (6 - point) for point in points]
        readings = [Reading(device, IMPORT, Register(1, 0, Unit.WH), at) for at in times]
        signed = [sign_reading(each, device, world.gateway.signature.key) for each in readings]
        world.deliver(ingest, world.seal(world.gateway.content_of(signed, profile=profile)))
    with database.reading(world.engine) as connection:
        holes = [hole.gap.first for hole in queries.raster_gaps(connection, {})]
        assert [stored.profile for stored in queries.readings(connection, Selection())] == ["house"] * 6 + [
            "heat-pump"
        ] * 6
    start = int((NOW - RASTER * 6).timestamp())
    assert sorted(holes) == [start + 900 * 4, start + 900 * 5]


def test_deliveries(filled: World) -> None:
    with database.reading(filled.engine) as connection:
        now = int(filled.now.timestamp())
        assert queries.deliveries(connection) == {GATEWAY: (3, now), OTHER: (1, now)}
