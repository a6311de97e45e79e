"""Both real ends of the management tunnel: what the administrator's server asks, the gateway's desk answers."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from admin.orders import OrderRecord, OrderState
from admin.reports import Subject
from pki.certificates import Purpose
from pki.tls import InProcessBackend, TlsIdentity
from smgw.administration.errors import CommandRefusedError, Done, Handler
from smgw.store.logs import Event, Outcome
from smgw.wan.management import ManagementPorts, ManagementTunnel, TunnelState
from tests.admin.server_world import GATEWAY, World, clock, until, world
from tests.smgw.administration.house import House
from tests.smgw.store import samples
from wire.http_server import Request
from wire.management import ORDERS
from wire.orders import BreakUp, Command, Restart, RunSelfTest, SetRetention

pytestmark = pytest.mark.token


class Why(StrEnum):
    TOO_SHORT = "too-short"


def too_short(_: Any, at: datetime) -> Done:
    raise CommandRefusedError(Why.TOO_SHORT, "the law says more")


@dataclass
class Pair:
    """An administrator and one gateway of its inventory."""

    office: World
    folder: Path
    tested: list[datetime] = field(default_factory=list)
    restarts: int = 0
    handlers: dict[type[Any], Handler[Any]] = field(default_factory=dict)
    stage: Handler[bytes] | None = None

    def __post_init__(self) -> None:
        keys = self.office.keys()
        self.office.add(keys)
        handlers = {RunSelfTest: self.run_self_test, SetRetention: too_short, **self.handlers}
        self.house = House(self.office.pki, self.folder, handlers=handlers, stage=self.stage, status={"version": "1"})
        port, _ = self.office.server().ports
        self.house.change(
            management_port=port,
            tls_certificate=self.office.tls.certificate.public_bytes(Encoding.DER),
            signature_certificate=self.office.signature_certificate.public_bytes(Encoding.DER),
        )
        own = keys.holders[Purpose.TLS]
        identity = TlsIdentity((own.certificate, self.office.pki.hierarchy.sub_ca.certificate), own.key)
        self.tunnel = ManagementTunnel(
            ManagementPorts(
                administrator=lambda: self.house.profile,
                trust=lambda: self.house.trust,
                backend=InProcessBackend(identity, self.house.trust, clock=clock),
                desk=self.house.desk,
                log=self.house.log,
                clock=clock,
                monotonic=time.monotonic,
                restart=self.restart,
            )
        )
        self.tunnel.start()

    def run_self_test(self, _: Any, at: datetime) -> Done:
        self.tested.append(at)
        return Done({"found": len(self.tested)})

    def restart(self) -> None:
        self.restarts += 1

    def carry_out(self, *commands: Command) -> list[OrderRecord]:
        """Queue, wake, and wait for what became of each."""
        numbers = [self.office.order(command) for command in commands]
        self.tunnel.wake()
        return [self.office.finished(number) for number in numbers]

    def read(self, subject: Subject) -> list[dict[str, Any]]:
        wish = self.office.office.reports.ask(GATEWAY, subject, "erika", clock())
        self.tunnel.wake()
        until(lambda: (found := self.office.office.reports.inquiry(wish)) is not None and found.answered_at is not None)
        return self.office.office.reports.entries(GATEWAY, subject, limit=1000)

    def wait(self) -> None:
        until(lambda: self.tunnel.state is TunnelState.WAITING)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    for name in ("administrator", "gateway"):
        (tmp_path / name).mkdir()
    with world(tmp_path / "administrator") as office:
        made = Pair(office, tmp_path / "gateway")
        yield made
        made.tunnel.stop()
        made.house.close()


def test_orders_go_one_way_and_replies_the_other(pair: Pair) -> None:
    done, refused, last = pair.carry_out(RunSelfTest(), SetRetention(1, 1), BreakUp())
    assert (done.state, last.state) == (OrderState.CONFIRMED, OrderState.CONFIRMED)
    assert (refused.state, refused.reason) == (OrderState.FAILED, "too-short: the law says more")
    pair.wait()
    ended = pair.house.logged()[-1]
    assert (ended.event, ended.parameters) == (Event.TUNNEL_ENDED, {"reason": "break-up"})
    assert pair.office.why() == "break-up: ordered by erika"


def test_a_restart_is_confirmed_before_it_happens(pair: Pair) -> None:
    (record,) = pair.carry_out(Restart())
    assert record.state is OrderState.CONFIRMED
    pair.wait()
    pair.tunnel.stop()
    assert pair.restarts == 1


def test_status_and_logs_are_read_to_their_ends(pair: Pair) -> None:
    for number in range(501):
        pair.house.log.record(Event.LINE_STATE, f"line-{number}", Outcome.SUCCESS, at=samples.START)
    pair.house.log.record(Event.CLOCK_DEVIATION, "clock", Outcome.FAILURE, at=samples.START)
    assert len(pair.read(Subject.SYSTEM_LOG)) >= 502  # with the opening of this very tunnel
    assert [entry["subject"] for entry in pair.read(Subject.CALIBRATION_LOG)] == ["clock"]
    status = pair.office.office.reports.status(GATEWAY)
    assert status is not None
    assert status.document == {"version": "1"}


def test_a_reply_that_was_lost_is_given_to_the_same_document(pair: Pair) -> None:
    """The store of the gateway is the memory of both: what was done is confirmed, and not done again."""
    number = pair.office.order(RunSelfTest())
    office = pair.office.office
    document = office.orders.sign_next(number, office.sign_order, clock())
    office.orders.delivered(number, clock())
    opened = pair.house.desk.handle(Request("POST", ORDERS, (), document), clock().replace(microsecond=0))
    assert opened.status == 200
    pair.tunnel.wake()
    record = pair.office.finished(number)
    assert record.state is OrderState.CONFIRMED
    assert len(pair.tested) == 1


def test_a_locked_out_administrator_stays_out(pair: Pair) -> None:
    pair.office.revoke(pair.office.signature_certificate)
    pair.house.trust = pair.office.pki.trust(sub_ca=tuple(pair.office.revoked))
    pair.tunnel.wake()
    pair.wait()
    assert [entry.parameters["reason"] for entry in pair.house.logged()] == ["administrator-certificate"]
