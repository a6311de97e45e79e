"""Many gateways at once: each gets its own orders, once each, and nobody waits for the whole fleet."""

import threading
from pathlib import Path

import pytest

from admin.orders import OrderState
from tests.admin.server_world import PATIENCE, Gateway, world
from wire.orders import BreakUp, RunSelfTest, SetRetention
from wire.reading import DeviceId

pytestmark = pytest.mark.token

FLEET = 50


def test_fifty_gateways_come_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Both ends of all tunnels share one process here, and perhaps a part of one processor.
    monkeypatch.setattr("admin.workers.HANDSHAKE_SECONDS", PATIENCE)
    with world(tmp_path) as here:
        devices = []
        for number in range(FLEET):
            gateway = DeviceId(f"EABC{number:010}")
            keys = here.keys(gateway)
            here.add(keys, gateway=gateway)
            devices.append(Gateway(here, keys, gateway))
        numbers = {
            device.gateway: [
                here.order(command, device.gateway) for command in (RunSelfTest(), SetRetention(30, 30), BreakUp())
            ]
            for device in devices
        }
        server = here.server()
        dialling = [threading.Thread(target=device.come, args=(server.ports[0],)) for device in devices]
        for thread in dialling:
            thread.start()
        for thread in dialling:
            thread.join()
        for device in devices:
            device.wait()
        for device in devices:
            states = {here.finished(number).state for number in numbers[device.gateway]}
            assert states == {OrderState.CONFIRMED}
            assert [type(order.command) for order in device.orders] == [RunSelfTest, SetRetention, BreakUp]
            assert {order.gateway for order in device.orders} == {device.gateway}
            assert [order.sequence for order in device.orders] == [1, 2, 3]
            assert here.why(device.gateway).startswith("break-up")
        assert server.management.live == []
