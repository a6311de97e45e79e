"""FPR_CON.1: whoever looks at the wire cannot tell an empty house from a full one.

Two houses with the same names, keys and schedule; in one the registers stand still and nothing happens, in the other
much is used, thresholds are crossed and loads are controlled. The observer has every TLS record of both: time,
direction, type and length. Each test says what it took away from the gateway, and that the observer then knows.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from datacenter import schema
from pki.certificates import Purpose, Role
from pki.token import Token
from pki.token_tls import StunnelBackend, TokenAddress
from smgw.wan import sealing, sender
from smgw.wan.concealment import look_of
from testbed.observer import APPLICATION_DATA, HANDSHAKE, Record
from testbed.world import GATEWAY, World
from tests.e2e.house import House, Life, Tunnels, now
from tests.softhsm import MODULE, PIN, fresh_token, shared_configuration
from wire.cosem_xml import render
from wire.profiles import UseCase

EMPTY = Life(annual_watt_hours=0)
FULL = Life(annual_watt_hours=60_000_000, events=(3, 0, 1, 20, 0, 2))
ALL = (UseCase.TAF_1, UseCase.TAF_3, UseCase.TAF_7, UseCase.TAF_10, UseCase.TAF_11, UseCase.TAF_12)
START = (datetime.now(UTC) - timedelta(hours=5)).replace(minute=0, second=0, microsecond=0)
"""In the past by the machine's clock, by which OpenSSL looks at certificates in a handshake."""
CHANCE = 8
"""Octets by which the ECDSA signatures of a handshake may differ in DER: two of one, as a third is very rare."""

AROUND = 24
"""RFC 5288: the explicit nonce and the tag of AES-128-GCM in each record."""

Houses = Callable[..., tuple[House, House]]


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Houses]:
    made: list[House] = []

    def live(*use_cases: UseCase, quarters: int = 4, tunnels: Tunnels | None = None) -> tuple[House, House]:
        for name, life in (("empty", EMPTY), ("full", FULL)):
            made.append(House(tmp_path / name, life, START, use_cases, tunnels))
            made[-1].live(quarters)
        return made[0], made[1]

    yield live
    for house in made:
        house.close()


def applications(house: House) -> list[Record]:
    """All records that carry HTTP, to the octet."""
    return [record for record in house.observer.seen if record.kind == APPLICATION_DATA]


def moments(house: House) -> list[tuple[datetime, bool]]:
    """When something of that passed, and whereto."""
    return [(record.at, record.outward) for record in applications(house)]


def octets(house: House) -> Counter[tuple[datetime, int, bool]]:
    """How much HTTP passed at each moment, by connection and direction, however it was cut into records."""
    passed: Counter[tuple[datetime, int, bool]] = Counter()
    for record in applications(house):
        passed[record.at, record.connection, record.outward] += record.size - AROUND
    return passed


def told(house: House) -> int:
    """Readings that the party found in all deliveries."""
    with house.world.datacenter.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.sum(schema.delivery.c.readings))) or 0


def answers(house: House) -> set[int]:
    return {status for status, _ in house.world.datacenter.answers}


def test_an_empty_house_looks_like_a_full_one(houses: Houses) -> None:
    """FPR_CON.1: frequency, load, size and absence of traffic are the same."""
    empty, full = houses(*ALL, quarters=6)
    assert answers(empty) == answers(full) == {200}
    assert applications(empty) == applications(full)
    bodies = [len(house.world.datacenter.bodies) for house in (empty, full)]
    assert bodies[0] == bodies[1] >= 4 * 6 + 2
    others = [[record for record in house.observer.seen if record.kind != APPLICATION_DATA] for house in (empty, full)]
    assert [(record.at, record.outward, record.kind) for record in others[0]] == [
        (record.at, record.outward, record.kind) for record in others[1]
    ]
    assert {record.kind for record in others[0]} >= {HANDSHAKE}
    assert all(abs(one.size - other.size) <= CHANCE for one, other in zip(*others, strict=True))
    assert told(empty) + 20 < told(full), "the party reads what the observer cannot see"


@pytest.mark.token
@pytest.mark.peer
def test_it_does_so_through_stunnel_with_the_key_in_the_token(houses: Houses) -> None:
    """FPR_CON.1: how stunnel cuts what it reads into records is its own affair; how much it is, is not."""
    label = fresh_token()
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
        public_key = token.generate_key("TLS", ec.BrainpoolP256R1()).public_key()
    address = TokenAddress(MODULE, label, {"SOFTHSM2_CONF": str(shared_configuration())})

    def tunnels(world: World) -> StunnelBackend:
        certificate = world.pki.certify(public_key, Role.SMGW, Purpose.TLS, GATEWAY.text)
        chain = (certificate, world.pki.hierarchy.sub_ca.certificate)
        return StunnelBackend(address, PIN, chain, world.trust, clock=now)

    empty, full = houses(UseCase.TAF_10, UseCase.TAF_11, tunnels=tunnels)
    assert answers(empty) == answers(full) == {200}
    assert octets(empty) == octets(full)
    assert told(empty) < told(full)


def test_without_padding_the_digits_of_a_register_show(houses: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    """FPR_CON.1, taken away: documents as long as what they say. The datacenter refuses them besides."""
    monkeypatch.setattr(sealing, "render", lambda content: render(content).rstrip(b"\n") + b"\n")
    empty, full = houses(UseCase.TAF_7)
    assert answers(empty) == answers(full) == {422}
    assert moments(empty) == moments(full)
    assert applications(empty) != applications(full)


def test_without_room_for_events_their_number_shows(houses: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    """FPR_CON.1, taken away: documents that are padded only for what is in them."""
    monkeypatch.setattr(sealing, "size_of", lambda *_: 0)
    empty, full = houses(UseCase.TAF_10)
    assert answers(empty) == answers(full) == {200}
    assert moments(empty) == moments(full)
    assert applications(empty) != applications(full)


def test_without_covers_it_shows_that_something_happened(houses: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    """FPR_CON.1, taken away: deliveries only where there is something to say."""
    monkeypatch.setattr(sender, "look_of", lambda *terms: replace(look_of(*terms), always=False))
    empty, full = houses(UseCase.TAF_11)
    assert answers(empty) == set()
    assert answers(full) == {200}
    assert moments(empty) == []
