"""A package goes from the manufacturer over the administrator's server into a slot, each end the real one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from admin.orders import OrderState
from admin.packages import Packages
from smgw.administration.errors import Handler
from smgw.firmware.slots import Phase, Slot
from testbed.manufacturer import build_wheel, sign_package, wheel_name
from tests.admin.server_world import clock, world
from tests.smgw.firmware.world import World, manufacturer_of
from tests.smgw.wan.test_management_administrator import Pair
from wire.orders import ActivateFirmware, StoreFirmware

pytestmark = pytest.mark.token


@dataclass
class Update:
    """An administrator with its packages, and a gateway with its slots."""

    pair: Pair
    gateway: World
    packages: Packages

    def keep(self, package: bytes) -> str:
        return self.packages.keep(package, "erika", clock()).sha256


@pytest.fixture
def update(tmp_path: Path) -> Iterator[Update]:
    for name in ("administrator", "gateway"):
        (tmp_path / name).mkdir()
    with world(tmp_path / "administrator") as office:
        gateway = World(tmp_path / "slots", office.pki, manufacturer_of(office.pki))
        handlers: dict[type[Any], Handler[Any]] = {
            StoreFirmware: gateway.orders.store,
            ActivateFirmware: gateway.orders.activate,
        }
        pair = Pair(office, tmp_path / "gateway", handlers=handlers, stage=gateway.orders.stage)
        yield Update(pair, gateway, Packages(office.office.engine, office.office.audit))
        pair.tunnel.stop()
        pair.house.close()
        gateway.database.close()


def test_a_package_is_brought_stored_and_chosen(update: Update) -> None:
    """FMT_SMF.1: firmware."""
    signer = update.gateway.manufacturer
    wheels = {wheel_name("7.1"): build_wheel("7.1")}
    package = sign_package(
        "7.1", wheels, certificate=signer.certificate, key=signer.key, created_at=clock().replace(microsecond=0)
    )
    stored, activated = update.pair.carry_out(StoreFirmware(update.keep(package)), ActivateFirmware("7.1"))
    assert (stored.state, activated.state) == (OrderState.CONFIRMED, OrderState.CONFIRMED)
    assert stored.reply is not None
    assert stored.reply.result == {"slot": "A", "version": "7.1"}
    update.pair.wait()
    assert update.pair.restarts == 1
    assert update.gateway.slots.read().slots[Slot.A].phase is Phase.CHOSEN


def test_a_package_of_another_manufacturer_is_refused_where_it_arrives(update: Update) -> None:
    foreign = update.gateway.package("7.1", manufacturer_of(update.gateway.pki))
    (refused,) = update.pair.carry_out(StoreFirmware(update.keep(foreign)))
    assert refused.state is OrderState.FAILED
    assert refused.reason.startswith("signature: ")
    assert update.gateway.slots.read().slots[Slot.A].phase is Phase.EMPTY
