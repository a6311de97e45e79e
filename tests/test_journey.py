"""One reading walks all nine steps (docs/journey.md), and a deviation at any step stops it there, with its reason."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from datacenter import queries
from datacenter.queries import Selection
from pki.certificates import Purpose, Role
from pki.inner import verify_reading
from smgw.store.outbox import Outbox
from testbed.faults import Fault
from testbed.world import GATEWAY, PARTY, QUARTER_HOUR, SERIES, ConversationError, World
from wire.cosem_xml import MEDIA_TYPE
from wire.meter.iec62056 import Identification
from wire.reading import SignedReading


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = World(tmp_path)
    yield built
    built.close()


def rows(world: World) -> list[queries.StoredReading]:
    with world.datacenter.engine.connect() as connection:
        return list(queries.readings(connection, Selection()))


def refused(world: World) -> dict[str, int]:
    counted = world.gateway_side.gateway.counters.snapshot()["meters"]["1ISK0000471100"]["refused"]
    return dict(counted)


def last_error(world: World) -> str:
    return world.gateway_side.sender.progress[SERIES].last_error


def test_one_reading_walks_from_the_line_to_the_row(world: World) -> None:
    """TR-03109-1, TAF-7, INFO-REPORT."""
    frame = world.frame()  # 1
    assert frame.block_checked
    assert b"1.8.0(" in frame.message.body
    telegram = world.telegram()  # 2
    assert telegram.manufacturer == "ISK"
    (reading,) = world.poll()  # 3, 4
    assert world.gateway_side.readings.latest(reading.device, reading.obis) == reading
    assert Outbox(world.gateway_side.database).owes(SERIES)  # 5
    world.deliver()  # 6, 7
    assert world.datacenter.answers == [(200, b'{"result":"stored"}\n')]  # 8
    (stored,) = rows(world)  # 9
    assert stored.signed.reading == reading
    assert stored.gateway == GATEWAY
    # The evidence of step 4 has come through all others.
    holder = world.gateway_holders[Purpose.SIG]
    assert isinstance(stored.signed, SignedReading)
    verify_reading(stored.signed, world.pki.verified(holder, Role.SMGW, Purpose.SIG, world.now))
    # What was on the way shows neither the meter nor its value.
    (sealed,) = world.datacenter.bodies
    assert reading.device.text.encode() not in sealed
    assert str(reading.register.value).encode() not in sealed
    # Acknowledged is no longer owed: the next dispatch carries nothing.
    world.advance(QUARTER_HOUR)
    world.deliver()
    assert len(world.datacenter.bodies) == 1


def test_the_same_seed_is_the_same_evidence(tmp_path: Path) -> None:
    values = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name, seed=5)
        (reading,) = world.poll()
        values.append((reading, world.pki.hierarchy.root.key.private_numbers()))
        world.close()
    assert values[0] == values[1]


def test_step_1_a_damaged_read_out_is_asked_for_again_and_never_believed(world: World) -> None:
    assert world.frame(damage=2).block_checked
    with pytest.raises(ConversationError, match="block-check"):
        world.frame(damage=99)


def test_step_3_another_meter_is_refused(world: World) -> None:
    world.meter.foreign = True
    assert world.poll() == []
    assert refused(world) == {"wrong-identity": 1}
    assert rows(world) == []


def test_step_3_another_makers_meter_is_refused(world: World) -> None:
    profile = world.profiles.meters["1ISK0000471100"]
    telegram = replace(world.telegram(), manufacturer=Identification("EMH", "5", "x").manufacturer)
    assert world.gateway_side.gateway.accept(profile, telegram) == []
    assert refused(world) == {"wrong-identity": 1}


def test_step_3_a_register_that_runs_backwards_is_refused(world: World) -> None:
    world.poll()
    world.advance(QUARTER_HOUR)
    world.meter.faults.inject(Fault.RUNS_BACKWARDS)
    assert world.poll() == []
    assert refused(world) == {"runs-backwards": 1}


def test_step_4_the_same_reading_twice_is_one_reading(world: World) -> None:
    world.poll()
    world.poll()
    assert world.gateway_side.gateway.counters.snapshot()["meters"]["1ISK0000471100"]["duplicates"] == 1
    world.deliver()
    assert len(rows(world)) == 1


def test_step_5_nothing_is_owed_without_a_profile(world: World) -> None:
    """FDP_IFC.2/MTR."""
    world.profiles.evaluations.clear()
    world.poll()
    assert world.gateway_side.gateway.counters.snapshot()["refusals"] == {PARTY: {"no-profile": 1}}
    assert not world.gateway_side.outbox.owes(SERIES)


def test_step_6_a_revoked_recipient_is_sent_nothing_and_stays_owed(world: World) -> None:
    """FDP_IFF.1/MTR: for a recipient who is good at that moment only."""
    world.poll()
    world.revoke(world.party_holders[Purpose.ENC])
    world.deliver()
    assert world.datacenter.bodies == []
    assert "RECIPIENT_CERTIFICATE" in last_error(world)
    assert world.gateway_side.outbox.owes(SERIES)


def test_step_7_a_revoked_peer_is_not_dialled_and_it_stays_owed(world: World) -> None:
    """FTP_ITC.1/WAN."""
    world.poll()
    world.revoke(world.party_holders[Purpose.TLS])
    world.deliver()
    assert world.datacenter.bodies == []
    assert "PEER_CERTIFICATE" in last_error(world)
    assert world.gateway_side.outbox.owes(SERIES)


def test_step_8_a_revoked_gateway_is_turned_away_and_it_stays_owed(world: World) -> None:
    world.poll()
    world.revoke(world.gateway_holders[Purpose.TLS])
    world.deliver()
    assert [status for status, _ in world.datacenter.answers] == [403]
    assert rows(world) == []
    assert world.gateway_side.outbox.owes(SERIES)


def test_step_8_another_tunnel_cannot_carry_this_gateways_message(world: World) -> None:
    world.poll()
    stranger = world.pki.holder(Role.SMGW, Purpose.TLS, "ESMG0000000002")
    world.datacenter.client_certificate = stranger.certificate
    world.deliver()
    assert [status for status, _ in world.datacenter.answers] == [403]
    assert rows(world) == []


def test_step_9_a_replayed_delivery_is_acknowledged_and_stored_once(world: World) -> None:
    """FPT_RPL.1."""
    world.poll()
    world.deliver()
    (sealed,) = world.datacenter.bodies
    world.advance(timedelta(hours=1))
    answer = world.datacenter.post("/deliveries", {"Content-Type": MEDIA_TYPE}, sealed)
    assert answer == (200, b'{"result":"duplicate"}\n')
    assert len(rows(world)) == 1
