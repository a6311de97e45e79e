import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from admin.config import Listen
from admin.errors import ConfigError
from admin.inventory import LifeCycle
from admin.serve import Server
from pki.certificates import Purpose
from pki.errors import TunnelError
from tests.admin.server_world import BY, GATEWAY, PATIENCE, TIMEOUT, Gateway, World, until, world

pytestmark = pytest.mark.token


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def built(here: World) -> Server:
    return Server(here.office, clock=here.clock, monotonic=time.monotonic)


def test_both_ports_until_it_is_told_to_stop(here: World) -> None:
    server, stopping = built(here), Event()
    thread = Thread(target=server.run, args=(stopping,))
    thread.start()
    until(lambda: here.office.tunnels.running(here.clock()))
    keys = here.keys()
    here.add(keys)
    for port in server.ports:
        here.dial(port, keys.holders[Purpose.TLS]).close()
    stopping.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not here.office.tunnels.running(here.clock())
    for port in server.ports:
        with pytest.raises(TunnelError):
            here.dial(port, keys.holders[Purpose.TLS])


def test_a_tunnel_that_an_earlier_server_left_open_is_over(here: World) -> None:
    here.add(here.keys())
    here.office.tunnels.opened(GATEWAY, here.clock())
    here.server()
    assert here.why() == "the server ended without closing it"


def test_somebody_who_is_not_let_in_is_told_of(here: World) -> None:
    server = here.server()
    stranger = here.keys()
    for _ in range(2):
        device = Gateway(here, stranger)
        with suppress(TunnelError):
            device.come(server.ports[0]).wait()
    until(
        lambda: [each.times for each in here.office.tunnels.refusals_since(here.clock() - timedelta(minutes=1))] == [2]
    )
    (refused,) = here.office.tunnels.refusals_since(here.clock() - timedelta(minutes=1))
    assert refused.peer == "127.0.0.1"
    assert "not in the inventory" in refused.why


def test_a_stranger_who_knocks_without_end_keeps_nobody_from_the_database(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin.serve.REFUSALS_IN_A_SECOND", 2)
    server = Server(here.office, clock=here.clock, monotonic=lambda: 0.0)
    server.start()
    try:
        stranger = here.keys()
        for _ in range(4):
            with suppress(TunnelError), closing(here.dial(server.ports[0], stranger.holders[Purpose.TLS])) as tunnel:
                tunnel.receive(1, TIMEOUT)
    finally:
        server.stop()
    (refused,) = here.office.tunnels.refusals_since(here.clock() - timedelta(minutes=1))
    assert refused.times == 2


def test_a_revoked_certificate_makes_no_tunnel(here: World) -> None:
    keys = here.keys()
    here.add(keys)
    server = here.server()
    here.revoke(keys.holders[Purpose.TLS].certificate)
    with pytest.raises(TunnelError):
        here.dial(server.ports[0], keys.holders[Purpose.TLS]).receive(1, TIMEOUT)
    assert here.office.tunnels.last(GATEWAY) is None


def test_a_seal_comes_in_only_before_the_gateway_operates(here: World) -> None:
    seal = here.keys(seal=True)
    here.add(seal, LifeCycle.DELIVERED, seal=True)
    server = here.server()
    device = Gateway(here, seal).come(server.ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    device.leave()
    operational = here.keys()
    here.office.inventory.change(GATEWAY, LifeCycle.INSTALLED, BY, here.clock())
    here.office.inventory.set_certificates(GATEWAY, operational.der, seal=False, by=BY, at=here.clock())
    with pytest.raises(TunnelError):
        here.dial(server.ports[0], seal.holders[Purpose.TLS]).receive(1, TIMEOUT)


@pytest.mark.parametrize("damage", ["port", "key", "certificate", "mode"])
def test_a_server_that_cannot_serve_does_not_start(here: World, damage: str) -> None:
    configuration = here.office.configuration
    taken = socket.create_server(("127.0.0.1", 0))
    if damage == "port":
        here.office.configuration = replace(configuration, service=Listen("127.0.0.1", taken.getsockname()[1]))
    elif damage == "key":
        here.office.configuration = replace(
            configuration, keys=replace(configuration.keys, tls_certificate=configuration.keys.signature_certificate)
        )
    elif damage == "certificate":
        configuration.keys.tls_certificate.write_bytes(b"")
    else:
        configuration.keys.tls_key.chmod(0o644)
    with taken, pytest.raises(ConfigError):
        built(here)


def test_signs_of_life_tell_of_the_tunnels_that_are_there(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.serve.SIGN_OF_LIFE_SECONDS", 0.05)
    keys = here.keys()
    here.add(keys)
    server = here.server()
    device = Gateway(here, keys).come(server.ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    here.shift = timedelta(hours=1)
    until(lambda: here.office.tunnels.open(GATEWAY, here.clock()) is not None)
    device.leave()
