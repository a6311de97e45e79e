"""A newer tunnel counts once it answers, and no sooner: a look at whether somebody is there disturbs nobody."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from admin.conversation import End, EndedError
from admin.live_tunnels import Live, LiveTunnels
from admin.orders import OrderState
from pki.certificates import Purpose
from pki.errors import TunnelError, TunnelReason
from pki.tls import InProcessTunnel
from tests.admin.server_world import GATEWAY, Gateway, World, until, world
from wire.orders import BreakUp, Order, Reply, RunSelfTest


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def gateway(here: World, **how: object) -> Gateway:
    keys = here.keys()
    here.add(keys)
    return Gateway(here, keys, **how)  # type: ignore[arg-type]


def ended(tunnel: InProcessTunnel) -> bool:
    """Whether the server has ended this tunnel, once it has asked what it asks first."""
    try:
        while data := tunnel.receive(1024, 0.05):
            assert data.startswith(b"GET /status ")
    except TunnelError as error:
        return error.reason is not TunnelReason.TIMEOUT
    return True


def test_the_newest_counts_and_the_older_gives_way() -> None:
    tunnels, older, newer = LiveTunnels(), Live(7), Live(9)
    tunnels.take_over(GATEWAY, older)
    assert (tunnels.numbers, tunnels.has(GATEWAY)) == ([7], True)
    older.gone.set()
    tunnels.take_over(GATEWAY, newer)
    assert older.give_way.is_set()
    tunnels.leave(GATEWAY, older)
    assert tunnels.numbers == [9]
    tunnels.leave(GATEWAY, newer)
    assert (tunnels.numbers, tunnels.has(GATEWAY)) == ([], False)


def test_one_that_does_not_end_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.live_tunnels.GIVE_WAY_SECONDS", 0.01)
    tunnels = LiveTunnels()
    tunnels.take_over(GATEWAY, Live(1))
    with pytest.raises(EndedError) as ended:
        tunnels.take_over(GATEWAY, Live(2))
    assert ended.value.end is End.OURS


def test_who_knocks_replaces_who_knocked_before_and_nobody_that_counts() -> None:
    tunnels, there, first, second = LiveTunnels(), Live(1), Live(), Live()
    tunnels.take_over(GATEWAY, there)
    with tunnels.knocking(GATEWAY, first):
        assert not first.give_way.is_set()
        with tunnels.knocking(GATEWAY, second):
            assert first.give_way.is_set()
    with tunnels.knocking(GATEWAY, Live()):
        pass
    assert not second.give_way.is_set()
    assert not there.give_way.is_set()
    assert tunnels.numbers == [1]


@pytest.mark.token
def test_an_order_is_answered_on_its_tunnel_although_the_gateway_tried_the_same_server(here: World) -> None:
    server = here.server()
    port, _ = server.ports

    def tries(order: Order) -> Reply | None:
        if isinstance(order.command, RunSelfTest):
            here.dial(port, device.keys.holders[Purpose.TLS]).close()
            # The server looks at it while the tunnel is there, and not when it is over already.
            until(lambda: server._workers[0].busy == 1)
        return None

    device: Gateway = gateway(here, reply=tries)
    number, last = here.order(RunSelfTest()), here.order(BreakUp())
    device.come(port).wait()
    assert here.finished(number).state is here.finished(last).state is OrderState.CONFIRMED
    assert here.why().startswith("break-up")
    only = here.office.tunnels.last(GATEWAY)
    assert only is not None
    assert only.number == 1, "who only looks is no tunnel"


@pytest.mark.token
def test_while_a_newer_one_says_nothing_the_older_one_works(here: World) -> None:
    device = gateway(here)
    port, _ = here.server().ports
    device.come(port)
    until(lambda: device.requests == [("GET", "/status")])
    with ExitStack() as open_ones:
        holder = device.keys.holders[Purpose.TLS]
        silent = [open_ones.enter_context(closing(here.dial(port, holder))) for _ in range(3)]
        assert here.finished(here.order(RunSelfTest())).state is OrderState.CONFIRMED
        # A place for one of them: with the next that knocks, the one before is sent away. Which of them knocks last is
        # the threads' affair.
        until(lambda: [ended(tunnel) for tunnel in silent].count(True) == 2)
    device.leave()
    assert here.why().startswith("ended-by-gateway")
    assert [order.command for order in device.orders] == [RunSelfTest()]
