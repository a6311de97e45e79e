"""Lists reach a gateway without anybody's doing: newer ones, first of all, and each of them once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from admin import revocation_lists
from admin.audit import Action
from admin.management import BY as SERVER
from admin.orders import OrderState
from admin.revocation_lists import ListCourier, told
from pki.certificates import Purpose
from pki.revocation_lists import mark_and_number
from pki.revoke import Revocation
from pki.store import write_atomically
from tests.admin.server_world import BY, GATEWAY, Gateway, World, until, world
from wire.canonical_json import JsonObject, JsonValue, encode
from wire.orders import BreakUp, InstallRevocationLists, Order, Reply, RunSelfTest

pytestmark = pytest.mark.token


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def publish(here: World, number: int, *, days_ago: int = 0) -> list[bytes]:
    """New lists in the administrator's trust folder, as DER: of the root, the sub-CA and the manufacturer's sub-CA."""
    crls = here.pki.trust(number=number, now=here.clock() - timedelta(days=days_ago, minutes=1)).crls
    for name, crl in enumerate(crls):
        write_atomically(here.trust / f"{name}.crl", crl.public_bytes(Encoding.PEM), mode=0o644)
    return [crl.public_bytes(Encoding.DER) for crl in crls]


def status(lists: list[bytes], number: int | None = 1) -> JsonObject:
    """What a gateway tells that knows the authorities of ``lists``."""
    shown: JsonValue = None if number is None else f"{number:x}"
    return {"revocation_lists": {mark_and_number(each)[0]: {"number": shown, "next_update": None} for each in lists}}


class Desk:
    """A courier over an office, without a server; ``brought`` is what it queued at one look, by number of the list."""

    def __init__(self, here: World) -> None:
        self.here = here
        here.add(here.keys())
        self.lists = publish(here, 1)
        self.courier = ListCourier(here.office, SERVER, lambda: self.now)
        self.now = 0.0
        self.seen = 0

    def tells(self, document: JsonObject) -> None:
        self.here.office.reports.keep_status(GATEWAY, document, self.here.clock())

    def brought(self) -> list[list[int]]:
        self.now += 1
        self.courier.bring(GATEWAY, self.here.clock())
        queued = self.here.office.orders.all(GATEWAY)[self.seen :]
        self.seen += len(queued)
        commands = [each.command for each in queued]
        assert {each.by for each in queued} <= {SERVER}
        assert all(isinstance(each, InstallRevocationLists) for each in commands)
        return [[mark_and_number(one)[1] for one in each.lists] for each in commands]  # type: ignore[union-attr]


@pytest.fixture
def desk(here: World) -> Desk:
    return Desk(here)


def test_what_is_newer_is_brought_once_and_entered(desk: Desk) -> None:
    desk.tells(status(desk.lists))
    assert desk.brought() == []
    publish(desk.here, 2)
    assert desk.brought() == [[2, 2, 2]]
    assert desk.brought() == []
    entry = desk.here.office.audit.entries()[-1]
    assert (entry.action, entry.by) == (Action.ORDER_QUEUED, SERVER)


def test_a_gateway_that_refuses_is_not_asked_again_before_the_next_lists(desk: Desk) -> None:
    desk.tells(status(desk.lists))
    for number in (2, 3):
        publish(desk.here, number)
        assert desk.brought() == [[number] * 3]
        (last,) = desk.here.office.orders.open(GATEWAY)
        desk.here.office.orders.failed(last.number, "list-not-proven", desk.here.clock())
        assert desk.brought() == []


def test_only_of_authorities_that_the_gateway_knows(desk: Desk) -> None:
    publish(desk.here, 2)
    assert desk.brought() == [], "it tells nothing"
    desk.tells(status(desk.lists[:1]))
    assert desk.brought() == [[2]]
    desk.tells(status(desk.lists[:2], None))
    assert desk.brought() == [[2]], "the other one has no list at all"


def test_what_a_person_orders_is_given(desk: Desk) -> None:
    desk.tells(status(desk.lists))
    lists = publish(desk.here, 2)
    orders, at = desk.here.office.orders, desk.here.clock()
    by_hand = orders.queue(GATEWAY, InstallRevocationLists((*lists, b"\x30\x40" + bytes(64))), BY, at)
    desk.seen = 1
    assert desk.brought() == []
    orders.cancel(by_hand, BY, at)
    assert desk.brought() == [[2, 2, 2]], "what was taken back is given to nobody"


def test_what_the_gateway_would_refuse_is_not_brought(desk: Desk) -> None:
    desk.tells(status(desk.lists))
    publish(desk.here, 2, days_ago=8)
    assert desk.brought() == [[2]], "the root's list alone is longer than a week"
    publish(desk.here, 3)
    (desk.here.trust / "9.crl").write_text("rubbish")
    assert desk.brought() == [], "what was believed before goes on"
    (desk.here.trust / "9.crl").unlink()
    assert desk.brought() == [[3, 3, 3]]


def test_large_lists_go_in_several_orders(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.tells(status(desk.lists))
    lists = publish(desk.here, 2)
    monkeypatch.setattr(revocation_lists, "MAXIMUM_OCTETS", len(lists[0]) + len(lists[1]))
    assert desk.brought() == [[2, 2], [2]]
    monkeypatch.setattr(revocation_lists, "MAXIMUM_REVOCATION_LIST_BYTES", 10)
    publish(desk.here, 3)
    assert desk.brought() == []


@pytest.mark.parametrize(
    "document",
    [
        {}, {"revocation_lists": []}, {"revocation_lists": {"ab": 1}}, {"revocation_lists": {"ab": {}}},
        {"revocation_lists": {"ab": {"number": 1}}}, {"revocation_lists": {"ab": {"number": "-1"}}},
        {"revocation_lists": {"ab": {"number": "xy"}}}, {"revocation_lists": {"ab": {"number": "f" * 41}}},
    ],
)  # fmt: skip
def test_what_cannot_be_read_was_not_told(document: JsonObject) -> None:
    assert told(document) == {}


def test_numbers_are_hexadecimal() -> None:
    assert told({"revocation_lists": {"ab": {"number": "1f"}, "cd": {"number": None}}}) == {"ab": 31, "cd": -1}


# Through tunnels.


def test_lists_go_before_what_was_ordered_earlier_and_come_while_the_tunnel_is_open(here: World) -> None:
    keys, lists = here.keys(), publish(here, 2)
    here.add(keys)
    device = Gateway(here, keys, status=(200, encode(status(lists))))
    waiting = here.order(RunSelfTest())
    device.come(here.server().ports[0])
    here.finished(waiting)
    assert device.orders[0].command == InstallRevocationLists(tuple(lists))
    assert device.orders[1].command == RunSelfTest()
    publish(here, 3)

    def brought() -> list[int]:
        return [
            mark_and_number(each)[1]
            for order in device.orders[2:]
            if isinstance(order.command, InstallRevocationLists)
            for each in order.command.lists
        ]

    # A folder is not changed at once: a look in between finds some of the lists, and the next one the others.
    until(lambda: len(brought()) >= 3)
    here.finished(here.order(BreakUp()))
    device.wait()
    assert brought() == [3, 3, 3]
    assert type(device.orders[-1].command) is BreakUp
    assert {type(order.command) for order in device.orders[2:-1]} == {InstallRevocationLists}


def test_lists_that_revoke_the_gateway_itself_are_not_brought_to_it(here: World) -> None:
    keys, lists = here.keys(), publish(here, 1)
    here.add(keys)
    device = Gateway(here, keys, status=(200, encode(status(lists))))
    device.come(here.server().ports[0])
    until(lambda: device.requests == [("GET", "/status")])
    gone = Revocation(keys.holders[Purpose.TLS].certificate.serial_number, here.clock())
    revoking = here.pki.trust(sub_ca=(gone,), number=2).crls[1]
    write_atomically(here.trust / "1.crl", revoking.public_bytes(Encoding.PEM), mode=0o644)
    device.wait()
    assert here.why().startswith("certificate: revoked")
    assert here.office.orders.all(GATEWAY) == []


def test_a_gateway_that_refuses_hears_of_them_once_in_any_tunnel(here: World) -> None:
    def refuse(order: Order) -> Reply | None:
        ours = isinstance(order.command, InstallRevocationLists)
        return Reply.refusal(order.sequence, "list-not-proven", "its clock is wrong") if ours else None

    keys, lists = here.keys(), publish(here, 2)
    here.add(keys)
    device = Gateway(here, keys, status=(200, encode(status(lists))), reply=refuse)
    port, _ = here.server().ports
    for _ in range(2):
        here.order(BreakUp())
        device.come(port).wait()
        here.why()
    assert [type(order.command) for order in device.orders] == [InstallRevocationLists, BreakUp, BreakUp]
    (refused,) = here.office.orders.all(GATEWAY, OrderState.FAILED)
    assert refused.reason == "list-not-proven: its clock is wrong"
