"""Waiting for what a gateway says."""

import pytest

from admin.execute import Ending, execute, inquire
from admin.life_cycle import OrderState
from admin.reports import Subject
from admin.wake import WakeOutcome
from tests.admin.bureau import BY, GATEWAY, NOW, Bureau, FakeTime, fake_timing, real_timing
from tests.admin.listener import Listener, serve_orders
from wire.orders import Reply, ReplyOutcome

pytestmark = pytest.mark.token


def test_an_order_that_is_done(bureau: Bureau) -> None:
    with Listener(bureau) as listener, bureau.office(GATEWAY, port=listener.port) as office:
        listener.react = serve_orders(office)
        execution = execute(office, bureau.queue(office), real_timing(), BY)
    assert (execution.ending, execution.order.state) == (Ending.DONE, OrderState.CONFIRMED)
    assert execution.wake.outcome is WakeOutcome.CAME


def test_an_order_that_the_gateway_refuses(bureau: Bureau) -> None:
    with Listener(bureau) as listener, bureau.office(GATEWAY, port=listener.port) as office:
        listener.react = serve_orders(office, lambda sequence: Reply.refusal(sequence, "busy", "A self-test runs."))
        execution = execute(office, bureau.queue(office), real_timing(), BY)
    assert (execution.ending, execution.order.reason) == (Ending.REFUSED, "busy: A self-test runs.")


def test_a_gateway_that_does_not_come_leaves_the_order_for_later(bureau: Bureau) -> None:
    with bureau.office(GATEWAY, port=9) as office:
        execution = execute(office, bureau.queue(office), fake_timing(FakeTime()), BY)
    assert (execution.ending, execution.order.state) == (Ending.SILENCE, OrderState.WOKEN)


def test_a_gateway_that_comes_and_says_nothing(bureau: Bureau) -> None:
    with bureau.office(GATEWAY) as office:
        office.tunnels.opened(GATEWAY, NOW)
        fake = FakeTime()
        execution = execute(office, bureau.queue(office), fake_timing(fake), BY)
    assert (execution.ending, execution.order.state) == (Ending.UNANSWERED, OrderState.QUEUED)
    assert fake.slept >= 20


def test_nobody_is_woken_for_an_order_that_was_done_before_anybody_waited(bureau: Bureau) -> None:
    with bureau.office(GATEWAY) as office:
        number = bureau.queue(office)
        office.orders.sign_next(number, office.sign_order, NOW)
        office.orders.delivered(number, NOW)
        office.orders.confirmed(number, Reply(1, ReplyOutcome.DONE), NOW)
        fake = FakeTime()
        execution = execute(office, number, fake_timing(fake), BY)
    assert (execution.ending, execution.wake.wake_ups, fake.slept) == (Ending.DONE, 0, 0)


def test_a_status_that_is_read_anew(bureau: Bureau) -> None:
    with Listener(bureau) as listener, bureau.office(GATEWAY, port=listener.port) as office:
        listener.react = serve_orders(office)
        inquiry = office.reports.inquiry(office.reports.ask(GATEWAY, Subject.STATUS, BY, NOW))
        assert inquiry is not None
        answer = inquire(office, inquiry, real_timing(), BY)
        assert (answer.ending, answer.inquiry.answered_at) == (Ending.DONE, NOW)


def test_a_status_that_is_not_given(bureau: Bureau) -> None:
    with bureau.office(GATEWAY, port=9) as office:
        inquiry = office.reports.inquiry(office.reports.ask(GATEWAY, Subject.STATUS, BY, NOW))
        assert inquiry is not None
        assert inquire(office, inquiry, fake_timing(FakeTime()), BY).ending is Ending.SILENCE
        office.tunnels.opened(GATEWAY, NOW)
        assert inquire(office, inquiry, fake_timing(FakeTime()), BY).ending is Ending.UNANSWERED
        office.reports.answered(inquiry.number, NOW, "403")
        answer = inquire(office, inquiry, fake_timing(FakeTime()), BY)
        assert (answer.ending, answer.inquiry.failure) == (Ending.REFUSED, "403")
