import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from admin.inventory import LifeCycle
from admin.orders import OrderState
from admin.packages import Packages
from admin.reports import Reports, Subject
from pki.certificates import Purpose
from tests.admin.firmware import package
from tests.admin.server_world import BY, GATEWAY, PATIENCE, Gateway, World, until, world
from wire.canonical_json import JsonObject, JsonValue, encode
from wire.http_server import Request
from wire.orders import (
    BreakUp,
    Order,
    Reply,
    RunSelfTest,
    SetRetention,
    StoreFirmware,
    SynchroniseClock,
)

pytestmark = pytest.mark.token


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def gateway(here: World, **how: object) -> Gateway:
    keys = here.keys()
    here.add(keys)
    return Gateway(here, keys, **how)  # type: ignore[arg-type]


def test_orders_are_carried_out_oldest_first_and_their_replies_kept(here: World) -> None:
    device = gateway(here)
    numbers = [here.order(command) for command in (RunSelfTest(), SetRetention(30, 30), BreakUp())]
    port, _ = here.server().ports
    device.come(port).wait()
    assert [type(order.command) for order in device.orders] == [RunSelfTest, SetRetention, BreakUp]
    assert [order.sequence for order in device.orders] == [1, 2, 3]
    assert [here.finished(number).state for number in numbers] == [OrderState.CONFIRMED] * 3
    assert here.why() == f"break-up: ordered by {BY}"


def test_the_status_is_read_when_the_tunnel_comes_up(here: World) -> None:
    device = gateway(here)
    device.come(here.server().ports[0])
    until(lambda: here.office.reports.status(GATEWAY) is not None)
    device.leave()
    status = here.office.reports.status(GATEWAY)
    assert status is not None
    assert status.document == {"version": "1.0"}
    assert here.why().startswith("ended-by-gateway")


def test_an_order_that_comes_while_the_tunnel_is_open_goes_out(here: World) -> None:
    device = gateway(here)
    device.come(here.server().ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    assert here.finished(here.order(RunSelfTest())).state is OrderState.CONFIRMED
    assert here.finished(here.order(BreakUp())).state is OrderState.CONFIRMED
    device.wait()


def test_a_refusal_is_the_orders_failure_and_the_next_goes_out(here: World) -> None:
    def refuse(order: Order) -> Reply | None:
        ours = isinstance(order.command, SetRetention)
        return Reply.refusal(order.sequence, "too-short", "the law says more") if ours else None

    device = gateway(here, reply=refuse)
    first, second = here.order(SetRetention(1, 1)), here.order(BreakUp())
    device.come(here.server().ports[0]).wait()
    assert here.finished(first).state is OrderState.FAILED
    assert here.finished(first).reason == "too-short: the law says more"
    assert here.finished(second).state is OrderState.CONFIRMED


def test_the_same_document_comes_again_after_a_broken_tunnel(here: World) -> None:
    device: Gateway = gateway(here, cut=lambda _: len(device.documents) == 1)
    number, last = here.order(RunSelfTest()), here.order(BreakUp())
    port, _ = here.server().ports
    device.come(port).wait()
    here.why()
    assert here.office.orders.get(number).state is OrderState.DELIVERED
    device.come(port).wait()
    assert here.finished(number).state is OrderState.CONFIRMED
    assert here.finished(last).state is OrderState.CONFIRMED
    assert device.documents[0] == device.documents[1] != device.documents[2]


@pytest.mark.parametrize("linger", [0, 1])
def test_with_nothing_left_to_do_the_server_orders_break_up(tmp_path: Path, linger: int) -> None:
    with world(tmp_path, linger=linger) as here:
        device = gateway(here)
        device.come(here.server().ports[0]).wait()
        assert here.why() == "break-up: ordered by smgw-admin serve"
        assert [type(order.command) for order in device.orders] == [BreakUp]


def test_a_break_up_that_was_not_answered_ends_no_later_tunnel(tmp_path: Path) -> None:
    with world(tmp_path, linger=0) as here:
        device: Gateway = gateway(here, cut=lambda _: len(device.documents) == 1)
        port, _ = here.server().ports
        device.come(port).wait()
        here.why()
        (left,) = here.office.orders.all(GATEWAY)
        assert (left.state, left.reason) == (OrderState.FAILED, "the tunnel ended before its answer")


def test_revocation_cuts_a_running_tunnel(here: World) -> None:
    device = gateway(here)
    device.come(here.server().ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    here.revoke(device.keys.holders[Purpose.TLS].certificate)
    device.wait()
    assert here.why().startswith("certificate: revoked")


def test_revocation_cuts_a_tunnel_that_waits_for_an_answer(here: World) -> None:
    def slowly(order: Order) -> Reply | None:
        here.revoke(device.keys.holders[Purpose.TLS].certificate)
        until(lambda: here.office.tunnels.open(GATEWAY, here.clock()) is None)
        return None

    device = gateway(here, reply=slowly)
    number = here.order(RunSelfTest())
    device.come(here.server().ports[0]).wait()
    assert here.why().startswith("certificate: revoked")
    assert here.office.orders.get(number).state is OrderState.DELIVERED


def test_a_lock_cuts_a_running_tunnel(here: World) -> None:
    device = gateway(here)
    device.come(here.server().ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    here.office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, here.clock())
    device.wait()
    assert here.why().startswith("certificate: not-pinned")


def test_a_newer_tunnel_takes_over(here: World) -> None:
    older = gateway(here)
    port, _ = here.server().ports
    older.come(port)
    until(lambda: older.requests == [("GET", "/status")])
    first = here.office.tunnels.last(GATEWAY)
    newer = Gateway(here, older.keys).come(port)
    older.wait()
    assert here.finished(here.order(BreakUp())).state is OrderState.CONFIRMED
    newer.wait()
    assert [type(order.command) for order in newer.orders] == [BreakUp]
    last = here.office.tunnels.last(GATEWAY)
    assert first is not None
    assert last is not None
    assert last.number > first.number


def test_the_server_ends_tunnels_in_order_when_it_stops(here: World) -> None:
    device = gateway(here)
    server = here.server()
    device.come(server.ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    server.stop()
    device.wait()
    assert here.why().startswith("server-stopped")
    assert not here.office.tunnels.running(here.clock())


def test_logs_are_read_page_by_page_and_kept(here: World) -> None:
    entries: list[JsonObject] = [{"record_number": number, "event": "x"} for number in range(1, 8)]

    def pages(request: Request) -> tuple[int, bytes]:
        after = int(request.query.removeprefix("after="))
        page: list[JsonValue] = [one for one in entries if int(str(one["record_number"])) > after]
        return 200, encode({"entries": page[:3]})

    device = gateway(here, other=pages)
    wish = here.office.reports.ask(GATEWAY, Subject.SYSTEM_LOG, BY, here.clock())
    device.come(here.server().ports[0])
    until(lambda: (found := here.office.reports.inquiry(wish)) is not None and found.answered_at is not None)
    device.leave()
    assert here.office.reports.entries(GATEWAY, Subject.SYSTEM_LOG) == entries
    assert ("GET", "/logs/system?after=0") in device.requests


def test_a_wish_that_the_gateway_does_not_grant_is_answered_with_the_reason(here: World) -> None:
    device = gateway(here, other=lambda _: (403, b"{}"))
    wish = here.office.reports.ask(GATEWAY, Subject.CALIBRATION_LOG, BY, here.clock())
    device.come(here.server().ports[0])
    until(lambda: (found := here.office.reports.inquiry(wish)) is not None and found.answered_at is not None)
    device.leave()
    found = here.office.reports.inquiry(wish)
    assert found is not None
    assert found.failure == "answered with status 403"


def test_a_package_goes_before_the_order_that_names_it(here: World) -> None:
    content = package(wheel=bytes(range(256)) * 2000)
    packages = Packages(here.office.engine, here.office.audit)
    sha256 = packages.keep(content, BY, here.clock()).sha256
    bodies: list[bytes] = []

    def stage(request: Request) -> tuple[int, bytes]:
        bodies.append(request.body)
        return 200, b"{}"

    device = gateway(here, other=stage)
    number, last = here.order(StoreFirmware(sha256)), here.order(BreakUp())
    device.come(here.server().ports[0]).wait()
    assert bodies == [content]
    assert device.requests.index(("PUT", "/firmware")) < device.requests.index(("POST", "/orders"))
    assert here.finished(number).state is here.finished(last).state is OrderState.CONFIRMED


@pytest.mark.parametrize(("status", "state"), [(404, OrderState.FAILED), (503, OrderState.QUEUED)])
def test_a_package_that_is_not_taken(here: World, status: int, state: OrderState) -> None:
    sha256 = Packages(here.office.engine, here.office.audit).keep(package(), BY, here.clock()).sha256
    device = gateway(here, other=lambda _: (status, b"{}"))
    number = here.order(StoreFirmware(sha256))
    device.come(here.server().ports[0])
    until(lambda: ("PUT", "/firmware") in device.requests)
    device.leave()
    here.why()
    assert here.office.orders.get(number).state is state
    assert device.orders == []


def test_a_package_that_nobody_kept_fails_its_order(here: World) -> None:
    device = gateway(here)
    number = here.order(StoreFirmware("0" * 64))
    device.come(here.server().ports[0])
    assert here.finished(number).state is OrderState.FAILED
    device.leave()
    assert ("PUT", "/firmware") not in device.requests


def test_what_is_no_reply_leaves_the_order_open_and_ends_the_tunnel(here: World) -> None:
    device = gateway(here, reply=lambda order: Reply.refusal(order.sequence + 5, "mixed-up", "another order's"))
    number = here.order(SynchroniseClock())
    device.come(here.server().ports[0]).wait()
    assert here.why().startswith("broken-answer")
    assert here.office.orders.get(number).state is OrderState.DELIVERED


def test_an_order_that_came_too_late_is_signed_anew_in_the_same_tunnel(here: World) -> None:
    def late(order: Order) -> Reply | None:
        expired = order.valid_until < here.clock()
        return Reply.refusal(order.sequence, "expired", "its time is over") if expired else None

    device: Gateway = gateway(here, reply=late, cut=lambda _: len(device.documents) == 1)
    number, last = here.order(RunSelfTest()), here.order(BreakUp())
    port, _ = here.server().ports
    device.come(port).wait()
    here.why()
    here.shift = timedelta(hours=2)
    device.come(port).wait()
    assert device.documents[0] == device.documents[1] != device.documents[2]
    assert here.finished(number).state is here.finished(last).state is OrderState.CONFIRMED
    assert [order.sequence for order in device.orders] == [1, 2, 3]


@pytest.mark.parametrize("status", [400, 403, 500])
def test_an_answer_that_is_no_reply_by_its_status_fails_the_order(here: World, status: int) -> None:
    device = gateway(here, instead=lambda order: (status, b"{}") if order.sequence == 1 else None)
    number, last = here.order(RunSelfTest()), here.order(BreakUp())
    device.come(here.server().ports[0]).wait()
    assert here.finished(number).state is OrderState.FAILED
    assert here.finished(number).reason == f"answered with status {status}"
    assert here.finished(last).state is OrderState.CONFIRMED


@pytest.mark.parametrize(("answer", "why"), [((503, b"{}"), "ended-by-gateway"), ((200, b"{}"), "broken-answer")])
def test_an_answer_that_says_nothing_leaves_the_order_for_the_next_tunnel(
    here: World, answer: tuple[int, bytes], why: str
) -> None:
    device: Gateway = gateway(here, instead=lambda _: answer if len(device.documents) == 1 else None)
    number, last = here.order(RunSelfTest()), here.order(BreakUp())
    port, _ = here.server().ports
    device.come(port).wait()
    assert here.why().startswith(why)
    assert here.office.orders.get(number).state is OrderState.DELIVERED
    device.come(port).wait()
    assert here.finished(number).state is here.finished(last).state is OrderState.CONFIRMED
    assert device.documents[0] == device.documents[1]


@pytest.mark.parametrize("status", [(500, b"{}"), (200, b"?"), (200, b"[]")])
def test_a_gateway_without_a_status_is_served_all_the_same(here: World, status: tuple[int, bytes]) -> None:
    device = gateway(here, status=status)
    number, last = here.order(RunSelfTest()), here.order(BreakUp())
    device.come(here.server().ports[0]).wait()
    assert here.finished(number).state is here.finished(last).state is OrderState.CONFIRMED
    assert here.office.reports.status(GATEWAY) is None


@pytest.mark.parametrize("page", [b"{}", b'{"entries":3}', b"?"])
def test_what_is_no_page_of_a_log(here: World, page: bytes) -> None:
    device = gateway(here, other=lambda _: (200, page))
    wish = here.office.reports.ask(GATEWAY, Subject.SYSTEM_LOG, BY, here.clock())
    device.come(here.server().ports[0])
    until(lambda: (found := here.office.reports.inquiry(wish)) is not None and found.answered_at is not None)
    device.leave()
    found = here.office.reports.inquiry(wish)
    assert found is not None
    assert found.failure.startswith("the answer ")


def test_a_log_that_never_ends(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.management.MAXIMUM_PAGES", 3)

    def page(request: Request) -> tuple[int, bytes]:
        return 200, encode({"entries": [{"record_number": int(request.query.removeprefix("after=")) + 1}]})

    device = gateway(here, other=page)
    wish = here.office.reports.ask(GATEWAY, Subject.SYSTEM_LOG, BY, here.clock())
    device.come(here.server().ports[0])
    until(lambda: (found := here.office.reports.inquiry(wish)) is not None and found.answered_at is not None)
    device.leave()
    found = here.office.reports.inquiry(wish)
    assert found is not None
    assert "ask again" in found.failure
    assert len(here.office.reports.entries(GATEWAY, Subject.SYSTEM_LOG)) == 3


def test_trouble_of_ours_ends_the_tunnel_and_loses_no_order(here: World) -> None:
    device = gateway(here)
    number = here.order(RunSelfTest())
    with here.office.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE statuses RENAME TO gone")
    port, _ = here.server().ports
    device.come(port).wait()
    assert here.why().startswith("trouble-of-ours: StorageError")
    with here.office.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO statuses")
    device.come(port)
    assert here.finished(number).state is OrderState.CONFIRMED
    device.leave()


def test_a_newer_tunnel_need_not_wait_for_an_answer_that_will_not_come(here: World) -> None:
    """The line broke without a word while an order was on its way; the gateway came back."""
    silent = threading.Event()
    older = gateway(here, instead=lambda _: (silent.wait(PATIENCE) and None) or None)
    port, _ = here.server().ports
    number = here.order(RunSelfTest())
    older.come(port)
    until(lambda: bool(older.orders))
    newer = Gateway(here, older.keys).come(port)
    assert here.finished(number).state is OrderState.CONFIRMED
    assert newer.documents == older.documents, "the very document: the gateway may have done it before"
    silent.set()
    older.leave()
    newer.leave()


def test_an_older_tunnel_that_does_not_give_way_is_not_joined(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.live_tunnels.GIVE_WAY_SECONDS", 0.2)
    busy, held_up, keep = threading.Event(), threading.Event(), Reports.keep_status

    def slow(*arguments: Any) -> None:
        busy.set()
        held_up.wait(PATIENCE)
        keep(*arguments)

    monkeypatch.setattr(Reports, "keep_status", slow)
    older = gateway(here)
    port, _ = here.server().ports
    older.come(port)
    assert busy.wait(PATIENCE)
    newer = Gateway(here, older.keys).come(port)
    newer.wait()
    assert here.why().startswith("trouble-of-ours: the gateway's older tunnel")
    assert newer.requests == [("GET", "/status")]
    held_up.set()
    older.leave()
