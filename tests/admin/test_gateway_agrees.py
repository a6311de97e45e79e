"""What the office signs, judged by the real gateway: wake-ups and orders, in time, late, twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from admin.office import Office
from admin.orders import CLOCK_ALLOWANCE, TOO_LATE, VALIDITY, OrderState
from pki.certificates import Purpose, Role
from smgw.administration.order_gate import Admitted, OrderGate, OrderReason, OrderRefusedError, Repeated
from smgw.store.database import Database
from smgw.store.orders import OrderStore
from smgw.store.wake_ups import WakeUpMemory
from smgw.wan.wakeup import WakeUpGate, WakeUpReason, WakeUpRefusedError
from testbed.small_pki import Holder
from tests.admin.bureau import GATEWAY, NOW, SECOND, Bureau
from tests.smgw.store.samples import open_database
from tests.smgw.wan.waking import administrator_profile
from wire.orders import Reply, ReplyOutcome, RunSelfTest

pytestmark = pytest.mark.token


@dataclass
class House:
    """The gateway's two gates, on its real database; ``reply`` is what it says to an order that it takes."""

    wake_ups: WakeUpGate
    orders: OrderGate

    def answer(self, document: bytes, at: datetime) -> Reply:
        try:
            opened = self.orders.open(document, at)
        except OrderRefusedError as error:
            return Reply.refusal(error.sequence, error.reason, error.sentence)
        if isinstance(opened, Repeated):
            return Reply.from_bytes(opened.reply)
        assert isinstance(opened, Admitted)
        assert opened.order.command == RunSelfTest()
        reply = Reply(opened.order.sequence, ReplyOutcome.DONE, result={"times": opened.order.sequence})
        self.orders.answer(opened, reply)
        return reply


@pytest.fixture
def house(bureau: Bureau, tmp_path: Path) -> Iterator[House]:
    (tmp_path / "gateway").mkdir()
    database: Database = open_database(tmp_path / "gateway")
    tls = bureau.pki.holder(Role.GWA, Purpose.TLS, bureau.name)
    sig = Holder(bureau.certificate, tls.key)
    profile = administrator_profile(tls, sig, NOW)
    trust = bureau.pki.trust()
    yield House(
        WakeUpGate(GATEWAY, WakeUpMemory(database), lambda: profile, lambda: trust),
        OrderGate(GATEWAY, administrator=lambda: profile, trust=lambda: trust, orders=OrderStore(database)),
    )
    database.close()


def send(office: Office, number: int, at: datetime) -> bytes:
    document = office.orders.sign_next(number, office.sign_order, at)
    office.orders.delivered(number, at)
    return document


def test_every_wake_up_of_ours_wakes_once(office: Office, house: House) -> None:
    for second in range(3):
        at = NOW + second * SECOND
        datagram = office.letter(GATEWAY, at).datagram
        assert house.wake_ups.open(datagram, at).gateway == GATEWAY
        with pytest.raises(WakeUpRefusedError) as caught:
            house.wake_ups.open(datagram, at)
        assert caught.value.reason is WakeUpReason.REPLAYED


def test_an_order_of_ours_is_done(office: Office, bureau: Bureau, house: House) -> None:
    for expected in (1, 2):
        number = bureau.queue(office)
        reply = house.answer(send(office, number, NOW), NOW)
        office.orders.confirmed(number, reply, NOW)
        assert (office.orders.get(number).state, reply.result) == (OrderState.CONFIRMED, {"times": expected})


def test_an_order_holds_for_a_gateway_whose_clock_is_behind(office: Office, bureau: Bureau, house: House) -> None:
    document = send(office, bureau.queue(office), NOW + CLOCK_ALLOWANCE)
    assert house.answer(document, NOW).outcome is ReplyOutcome.DONE


def test_a_reply_that_was_lost_is_fetched_once_more_even_after_the_order_expired(
    office: Office, bureau: Bureau, house: House
) -> None:
    number = bureau.queue(office)
    lost = house.answer(send(office, number, NOW), NOW)
    late = NOW + 3 * VALIDITY
    reply = house.answer(send(office, number, late), late)
    assert reply == lost
    office.orders.confirmed(number, reply, late)
    assert office.orders.get(number).state is OrderState.CONFIRMED


def test_an_order_that_was_lost_on_its_way_is_done_once_it_was_signed_anew(
    office: Office, bureau: Bureau, house: House
) -> None:
    number = bureau.queue(office)
    send(office, number, NOW)
    late = NOW + 3 * VALIDITY
    office.orders.confirmed(number, house.answer(send(office, number, late), late), late)
    assert office.orders.get(number).state is OrderState.QUEUED
    reply = house.answer(send(office, number, late), late)
    office.orders.confirmed(number, reply, late)
    assert (office.orders.get(number).state, reply.result) == (OrderState.CONFIRMED, {"times": 2})


def test_too_late_is_called_alike_on_both_sides() -> None:
    assert OrderReason.EXPIRED.value == TOO_LATE


def test_validity_leaves_room_for_the_allowance() -> None:
    assert timedelta(0) < CLOCK_ALLOWANCE < VALIDITY
