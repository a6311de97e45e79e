"""Tunnels, refusals and the server's sign of life."""

import pytest

from admin.office import Office
from admin.tunnels import STALE
from tests.admin.bureau import GATEWAY, NOW, OTHER, SECOND, Bureau

pytestmark = pytest.mark.token


def test_a_tunnel_from_its_beginning_to_its_end(office: Office) -> None:
    tunnels = office.tunnels
    assert tunnels.last(GATEWAY) is tunnels.open(GATEWAY, NOW) is None
    number = tunnels.opened(GATEWAY, NOW)
    there = tunnels.open(GATEWAY, NOW)
    assert there is not None
    assert (there.number, there.gateway, there.opened_at, there.closed_at) == (number, GATEWAY, NOW, None)
    tunnels.closed(number, "broken up", NOW + SECOND)
    tunnels.closed(number, "said twice", NOW + 2 * SECOND)
    last = tunnels.last(GATEWAY)
    assert last is not None
    assert (last.closed_at, last.why) == (NOW + SECOND, "broken up")
    assert tunnels.open(GATEWAY, NOW + SECOND) is None
    assert [entry.action for entry in office.audit.entries()][1:] == ["tunnel-opened", "tunnel-closed"]


def test_a_tunnel_that_nobody_sees_any_more_is_over(office: Office) -> None:
    number = office.tunnels.opened(GATEWAY, NOW)
    assert office.tunnels.open(GATEWAY, NOW + STALE - SECOND) is not None
    assert office.tunnels.open(GATEWAY, NOW + STALE) is None
    office.tunnels.beat(NOW + STALE, [number])
    assert office.tunnels.open(GATEWAY, NOW + STALE) is not None


def test_the_latest_tunnel_counts(office: Office) -> None:
    first = office.tunnels.opened(GATEWAY, NOW)
    second = office.tunnels.opened(GATEWAY, NOW)
    office.tunnels.closed(first, "replaced", NOW)
    there = office.tunnels.open(GATEWAY, NOW)
    assert there is not None
    assert there.number == second


def test_the_server_says_that_it_is_there(office: Office) -> None:
    assert not office.tunnels.running(NOW)
    office.tunnels.start(NOW)
    assert office.tunnels.running(NOW + STALE - SECOND)
    assert not office.tunnels.running(NOW + STALE)
    office.tunnels.beat(NOW + STALE)
    assert office.tunnels.running(NOW + STALE)
    office.tunnels.stop(NOW + STALE)
    assert not office.tunnels.running(NOW + STALE)


def test_a_server_that_starts_ends_what_a_killed_one_left(bureau: Bureau) -> None:
    with bureau.office(GATEWAY, OTHER) as office:
        for gateway in (GATEWAY, OTHER):
            office.tunnels.opened(gateway, NOW)
        office.tunnels.start(NOW + SECOND)
        for gateway in (GATEWAY, OTHER):
            last = office.tunnels.last(gateway)
            assert last is not None
            assert (last.closed_at, last.why) == (NOW + SECOND, "the server ended without closing it")


def test_who_was_not_let_in_is_counted_and_told_once(office: Office) -> None:
    for second in range(5):
        office.tunnels.refused("EXYZ0000000001", "not in the inventory", NOW + second * SECOND)
    office.tunnels.refused("x" * 500, "y" * 5000, NOW)
    found = office.tunnels.refusals_since(NOW + 2 * SECOND)
    assert [(one.peer, one.why, one.times, one.last_at) for one in found] == [
        ("EXYZ0000000001", "not in the inventory", 5, NOW + 4 * SECOND)
    ]
    assert [entry.action for entry in office.audit.entries()].count("tunnel-refused") == 2
