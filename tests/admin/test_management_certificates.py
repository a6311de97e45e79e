"""Certificates on their way to a gateway: whatever breaks, it is let in again with what it has. And their ends."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from admin.orders import OrderState
from pki.certificates import Purpose
from testbed.small_pki import Holder
from tests.admin.server_world import GATEWAY, Gateway, Keys, World, until, world
from tests.pki.forge import rebuild
from wire.orders import BreakUp, InstallCertificates, Order, Reply

pytestmark = pytest.mark.token


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def gateway(here: World, **how: object) -> Gateway:
    keys = here.keys()
    here.add(keys)
    return Gateway(here, keys, **how)  # type: ignore[arg-type]


def installing(keys: Keys) -> InstallCertificates:
    return InstallCertificates(keys.der[Purpose.TLS], keys.der[Purpose.SIG], keys.der[Purpose.ENC])


def test_new_certificates_are_in_the_inventory_and_end_the_tunnel(here: World) -> None:
    device = gateway(here)
    new = here.keys()
    number = here.order(installing(new))
    port, _ = here.server().ports
    device.come(port).wait()
    assert here.finished(number).state is OrderState.CONFIRMED
    assert here.why().startswith("certificates-replaced")
    assert here.office.inventory.get(GATEWAY).certificates == new.der
    device.keys = new
    device.come(port)
    assert here.finished(here.order(BreakUp())).state is OrderState.CONFIRMED
    device.wait()


def test_a_gateway_that_switched_before_its_answer_comes_in_with_the_new_certificate(here: World) -> None:
    """The line is cut after the gateway switched: only the order on its way tells which certificate it has now."""
    device: Gateway = gateway(here, cut=lambda _: len(device.documents) == 1)
    new = here.keys()
    number = here.order(installing(new))
    port, _ = here.server().ports
    device.come(port).wait()
    here.why()
    device.keys = new
    device.come(port).wait()
    assert here.finished(number).state is OrderState.CONFIRMED
    assert here.office.inventory.get(GATEWAY).certificates == new.der


def test_a_gateway_that_switched_and_does_not_know_better_is_let_in_again(here: World) -> None:
    """Power failed after the switch: it shows the new certificate, and answers the repeated order "interrupted"."""

    def interrupted(order: Order) -> Reply | None:
        ours = isinstance(order.command, InstallCertificates)
        return Reply.refusal(order.sequence, "interrupted", "look for yourself") if ours else None

    device: Gateway = gateway(here, cut=lambda _: len(device.documents) == 1, reply=interrupted)
    new = here.keys()
    number = here.order(installing(new))
    port, _ = here.server().ports
    device.come(port).wait()
    here.why()
    device.keys = new
    device.come(port)
    assert here.finished(number).state is OrderState.FAILED
    assert here.office.inventory.get(GATEWAY).certificates == new.der
    assert here.finished(here.order(BreakUp())).state is OrderState.CONFIRMED
    device.wait()
    device.come(port).leave()


def test_one_that_did_not_switch_keeps_its_place(here: World) -> None:
    device = gateway(here, reply=lambda order: Reply.refusal(order.sequence, "certificate", "not good"))
    number = here.order(installing(here.keys()))
    port, _ = here.server().ports
    device.come(port)
    assert here.finished(number).state is OrderState.FAILED
    device.leave()
    assert here.office.inventory.get(GATEWAY).certificates == device.keys.der
    device.come(port).leave()


def test_a_certificate_that_ends_cuts_a_running_tunnel(here: World) -> None:
    end, ca = here.clock().replace(microsecond=0) + timedelta(hours=1), here.pki.hierarchy.sub_ca.key
    made = here.keys().holders.items()
    device = Gateway(here, Keys({one: Holder(rebuild(each.certificate, ca, end=end), each.key) for one, each in made}))
    here.add(device.keys)
    device.come(here.server().ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    here.shift = timedelta(hours=1)
    device.wait()
    assert here.why().startswith("certificate: expired")
