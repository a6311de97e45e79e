"""The simulated past: what the meters would have shown, signed, and owed to nobody."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise

import pytest
import sqlalchemy as sa

from pki.certificates import Purpose
from pki.inner import check_reading
from smgw.metering.tariffs.calendar import midnight
from smgw.store.contracts import measured_by
from smgw.store.daily_values import DailyValues
from smgw.store.profiles import ProfileStore
from smgw.store.rows import signed_reading, to_seconds
from smgw.store.schema import grants, readings
from testbed.demo import templates
from testbed.demo.drafts import drafts
from testbed.demo.past import EVIDENCE, Past, lay, lives
from testbed.world import GATEWAY, IMPORT, METER, START, World
from wire.reading import Reading, SignedReading

PAST = Past((METER.text,), days=20, quarter_hour_days=1)
NOW = START.replace(minute=7, second=3)
PLAN = {
    "lines": [{"name": "rs485", "speed": 9600, "top_speed": "none", "echo": True}],
    "meters": [
        {"meter": METER.text, "consumer": "house", "line": "rs485", "address": "1", "interval": "10 s"},
        {"meter": "1ISK0000471101", "consumer": "house", "line": "rs485", "address": "2", "interval": "10 s"},
    ],
    "evaluations": [],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Its meter has a past of twenty days."""
    folder = tmp_path_factory.mktemp("world")
    world = World(folder, start=NOW)
    for part in ("drafts", "lines"):
        (folder / part).mkdir()
    for name, text in drafts(PLAN, (), NOW):
        (folder / "drafts" / f"{name}.toml").write_text(text)
    values = {"serial": METER.text[-8:], "address": "1", "top_speed": '"none"', "seed": 1, "load": "flat"}
    line = templates.METER.format(energy=world.meter.settings.annual_watt_hours, **values)
    (folder / "lines" / "rs485.toml").write_text(f"speed = 9600\n{line}")
    some = lives(PAST, folder / "drafts", folder / "lines", NOW)
    assert [one.profile.meter for one in some] == [METER], "and of no other meter"
    database, key = world.gateway_side.database, world.gateway_holders[Purpose.SIG].key
    assert lay(database, key, GATEWAY, some, PAST.instants(NOW)) == len(PAST.instants(NOW))
    assert lay(database, key, GATEWAY, some, PAST.instants(NOW)) == 0, "once"
    yield world
    world.close()


@pytest.fixture(scope="module")
def next_reading(world: World) -> Reading:
    """The first after the past, of today."""
    world.advance(START + timedelta(minutes=15) - NOW)
    (reading,) = world.poll()
    return reading


def stored(world: World) -> list[SignedReading]:
    with world.gateway_side.database.read() as connection:
        rows = connection.execute(sa.select(readings).order_by(readings.c.captured_at)).all()
    return [signed_reading(row) for row in rows]


def test_days_first_and_then_quarters_of_an_hour_in_legal_time() -> None:
    after_the_change = datetime(2026, 10, 25, 1, 20, tzinfo=UTC)
    found = Past((), days=3, quarter_hour_days=1).instants(after_the_change)
    days = [midnight(datetime(2026, 10, day, tzinfo=UTC).date()) for day in (22, 23, 24)]
    assert found[:3] == days
    assert {later - former for former, later in pairwise(found[3:])} == {900}
    assert found[-1] == to_seconds(datetime(2026, 10, 25, 1, 15, tzinfo=UTC))


def test_a_plan_may_have_no_past() -> None:
    assert Past.of({}) is None
    plan = tomllib.loads(resources.files("testbed.demo").joinpath("demo.toml").read_text("utf-8"))
    past = Past.of(plan)
    assert past is not None
    assert past.backdated_days > past.days > 365, "this month is compared with the same month of last year"


def test_the_gateway_goes_on_where_the_past_ends(world: World, next_reading: Reading) -> None:
    """Its checks of continuity hold (TR-03109-1, consumer): the same household, the same register, the same form."""
    *past, last = stored(world)
    assert last.reading == next_reading
    now = next_reading
    assert (now.device, now.obis, now.register.scaler, now.register.unit) == (
        METER,
        IMPORT,
        0,
        past[-1].reading.register.unit,
    )
    values = [one.reading.register.value for one in past]
    assert values == sorted(values)
    assert 0 <= now.register.value - values[-1] < 500
    assert now.status == past[-1].reading.status


def test_every_reading_has_a_genuine_signature(world: World) -> None:
    key = world.gateway_holders[Purpose.SIG].certificate.public_key()
    for one in stored(world):
        check_reading(one, GATEWAY, key)  # type: ignore[arg-type]


def test_nothing_of_it_is_owed_and_all_of_it_is_hers(world: World, next_reading: Reading) -> None:
    past = [one.reading.captured_at for one in stored(world) if one.reading.captured_at < NOW]
    with world.gateway_side.database.read() as connection:
        (owed,) = connection.execute(sa.select(grants.c.period_end)).scalars()
        assert owed == to_seconds(next_reading.captured_at), "the one reading of today"
        (hers,) = measured_by(connection, "house")
    assert hers.since <= to_seconds(past[0])
    daily = DailyValues(world.gateway_side.database).between(METER, IMPORT, past[0], past[-1])
    assert daily == [], "who asks for daily values is not given the past"
    assert ProfileStore(world.gateway_side.database).holds(EVIDENCE)
    assert not ProfileStore(world.gateway_side.database).load().current(NOW), "its profile holds no more"
