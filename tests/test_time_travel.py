"""Losses of power and a clock that goes astray, for three days: what was counted arrives once, under one time.

The meter and the party go by the right time. The gateway's clock jumps to where the seed says, also back, is set right
again, and whatever it is, the power may go.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from datacenter import queries
from datacenter.queries import Selection
from smgw.access import schedule
from smgw.store.rows import signed_reading
from smgw.store.schema import readings
from testbed.world import QUARTER_HOUR, SERIES, World
from wire.reading import Reading

QUARTERS = 300
ASTRAY = tuple(timedelta(seconds=each) for each in (40, 900, 2700, 10_800, -900, -7200))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = World(tmp_path)
    yield built
    built.close()


def test_three_days_of_losses_of_power_and_of_a_clock_that_goes_astray(world: World) -> None:
    """FPT_STM.1, FPT_FLS.1: no jump of the clock and no loss of power loses, doubles or alters a value."""
    generator = random.Random(20261025)
    counted: dict[datetime, Reading] = {}
    went_astray = 0
    for _ in range(QUARTERS):
        world.advance(QUARTER_HOUR)
        if generator.random() < 0.1:
            world.astray = generator.choice(ASTRAY)
        elif generator.random() < 0.3:
            world.astray = timedelta()
        if generator.random() < 0.2:
            world.restart()
        for reading in world.poll():
            assert counted.setdefault(reading.captured_at, reading) == reading
            went_astray += reading.captured_at != world.now
        if generator.random() < 0.7:
            world.deliver()
    world.astray = timedelta()
    # A clock that was ahead left readings of a time that comes: it passes.
    for _ in range(20):
        world.advance(QUARTER_HOUR)
        for reading in world.poll():
            counted[reading.captured_at] = reading
        world.deliver()
    stored, held = in_the_gateway(world), at_the_party(world)
    assert stored == [counted[instant] for instant in sorted(counted)]
    balance = world.gateway_side.outbox.balance(SERIES)
    assert (balance.owed, balance.open) == (0, 0)
    with world.gateway_side.database.read() as connection:
        refused = connection.exec_driver_sql(
            "SELECT captured_at FROM readings JOIN grant_readings ON reading_id = readings.id "
            "JOIN grants ON grants.id = grant_id JOIN deliveries USING (profile, sequence) "
            "WHERE set_aside_at IS NOT NULL"
        ).scalars()
        set_aside = set(refused)
    # Every value of a raster point is at the party once, or was refused for good as one of the future, for all to see.
    on_raster = [one for one in stored if schedule.served_point(one.captured_at, 900) is not None]
    assert held == [one for one in on_raster if one.captured_at.timestamp() not in set_aside]
    # And time goes on: the end is as current as it can be.
    assert held[-1].captured_at == world.now
    assert len(held) > QUARTERS / 3
    assert went_astray > QUARTERS / 50


def in_the_gateway(world: World) -> list[Reading]:
    with world.gateway_side.database.read() as connection:
        rows = connection.execute(sa.select(readings).order_by(readings.c.captured_at)).all()
    return [signed_reading(row).reading for row in rows]


def at_the_party(world: World) -> list[Reading]:
    with world.datacenter.engine.connect() as connection:
        return [one.signed.reading for one in queries.readings(connection, Selection())]
