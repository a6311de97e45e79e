"""The gateway's own end of the management tunnel and the administrator's server, each as it runs in earnest."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from admin.orders import OrderState
from admin.reports import Subject
from pki.certificates import Purpose
from smgw.wan.management import TunnelState
from tests.admin.server_world import GATEWAY, World, until, world
from tests.pki.tunnel_world import ends
from tests.smgw.wan.management_world import Place
from wire.orders import BreakUp, Restart, RunSelfTest, SetRetention

pytestmark = pytest.mark.token


@dataclass
class Both:
    """The administrator, and the gateway that knows it."""

    here: World
    place: Place


@contextmanager
def both(folder: Path) -> Iterator[Both]:
    for name in ("admin", "gateway"):
        (folder / name).mkdir()
    with world(folder / "admin", pki=ends().pki) as here:
        keys = here.keys()
        here.add(keys)
        port, service = here.server().ports
        place = Place(folder / "gateway", gateway=keys.holders[Purpose.TLS])
        try:
            place.house.change(
                management_port=port,
                service_port=service,
                party="Admin",
                tls_certificate=here.tls.certificate.public_bytes(Encoding.DER),
                signature_certificate=here.signature_certificate.public_bytes(Encoding.DER),
            )
            place.tunnel.start()
            yield Both(here, place)
        finally:
            place.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Both]:
    with both(tmp_path) as made:
        yield made


def test_orders_status_and_logs_over_a_tunnel_that_only_the_gateway_opens(pair: Both) -> None:
    """TR-03109-1, MANAGEMENT."""
    here, place = pair.here, pair.place
    numbers = [here.order(command) for command in (RunSelfTest(), SetRetention(700, 300))]
    wish = here.office.reports.ask(GATEWAY, Subject.SYSTEM_LOG, "erika", here.clock())
    place.tunnel.wake()
    tested, retained = (here.finished(number) for number in numbers)
    assert (tested.state, tested.reply and tested.reply.result) == (OrderState.CONFIRMED, {"found": 0})
    # This gateway has no handler for it: the refusal is told with its reason.
    assert (retained.state, retained.reason.partition(":")[0]) == (OrderState.FAILED, "unsupported")
    until(lambda: (found := here.office.reports.inquiry(wish)) is not None and found.answered_at is not None)
    found = here.office.reports.inquiry(wish)
    assert found is not None
    assert found.failure == ""
    events = [entry["event"] for entry in here.office.reports.entries(GATEWAY, Subject.SYSTEM_LOG)]
    assert events[:3] == ["TUNNEL_OPENED", "ORDER_DONE", "ORDER_REFUSED"]
    status = here.office.reports.status(GATEWAY)
    assert status is not None
    assert status.document == {"version": "1"}
    assert here.finished(here.order(BreakUp())).state is OrderState.CONFIRMED
    place.wait_for(TunnelState.WAITING)
    assert here.why().startswith("break-up")


def test_revocation_of_the_gateway_cuts_its_tunnel(pair: Both) -> None:
    pair.place.tunnel.wake()
    until(lambda: pair.here.office.reports.status(GATEWAY) is not None)
    pair.here.revoke(pair.place.gateway.certificate)
    assert pair.here.why().startswith("certificate: revoked")
    pair.place.wait_for(TunnelState.WAITING)


def test_revocation_of_the_administrator_ends_the_tunnel_at_the_gateway(pair: Both) -> None:
    pair.place.tunnel.wake()
    until(lambda: pair.here.office.reports.status(GATEWAY) is not None)
    pair.place.revoke(pair.here.tls)
    pair.place.wait_for(TunnelState.WAITING)
    assert pair.here.why().partition(":")[0] in {"ended-by-gateway", "broken"}


def test_a_restart_is_answered_before_the_tunnel_ends(pair: Both) -> None:
    number = pair.here.order(Restart())
    pair.place.tunnel.wake()
    assert pair.here.finished(number).state is OrderState.CONFIRMED
    until(lambda: pair.place.restarts == 1)


def test_the_same_document_after_the_gateway_lost_its_memory_of_everything_but_the_disk(pair: Both) -> None:
    """The tunnel breaks with the answer on its way; the repeated document gets the stored answer, done once only."""
    here, place = pair.here, pair.place
    number = here.order(RunSelfTest())
    place.tunnel.wake()
    assert here.finished(number).state is OrderState.CONFIRMED
    document = here.office.orders.get(number).document
    assert document is not None
    assert here.finished(here.order(BreakUp())).state is OrderState.CONFIRMED
    place.wait_for(TunnelState.WAITING)
    place.house.restart()
    opened = place.house.gate.open(document, here.clock())
    assert getattr(opened, "done", None) is True
    assert len(place.tested) == 1
