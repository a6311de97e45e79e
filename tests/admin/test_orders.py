"""The order book: who is signed when, under which number, and what may become of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from admin.audit import verify
from admin.errors import InventoryError, InventoryReason, OrderBookError, OrderReason
from admin.inventory import LifeCycle
from admin.management import BY as SERVER
from admin.office import Office
from admin.orders import CLOCK_ALLOWANCE, REMAINDER, TOO_LATE, VALIDITY, OrderState
from pki import cms
from pki.errors import TokenError, TokenReason
from tests.admin.bureau import BY, GATEWAY, NOW, OTHER, SECOND, Bureau
from tests.admin.other_process import run_several, sign
from tests.admin.samples import COMMUNICATION
from wire.orders import (
    MAX_VALIDITY,
    BreakUp,
    ChangeProfiles,
    InstallRevocationLists,
    Order,
    ProfileReference,
    Reply,
    ReplyOutcome,
    RunSelfTest,
)

pytestmark = pytest.mark.token
KEY = (COMMUNICATION.KIND, COMMUNICATION.id)


def deliver(office: Office, number: int) -> int:
    """Sign and send; gives the sequence."""
    office.orders.sign_next(number, office.sign_order, NOW)
    office.orders.delivered(number, NOW)
    sequence = office.orders.get(number).sequence
    assert sequence is not None
    return sequence


def test_an_order_comes_back_as_it_was_queued(office: Office) -> None:
    command = ChangeProfiles((COMMUNICATION,), ())
    number = office.orders.queue(GATEWAY, command, BY, NOW)
    record = office.orders.get(number)
    assert (record.gateway, record.kind, record.command) == (GATEWAY, "change-profiles", command)
    assert (record.state, record.by, record.queued_at) == (OrderState.QUEUED, BY, NOW)
    assert (record.sequence, record.document, record.reply) == (None, None, None)
    assert (
        office.orders.open(GATEWAY) == office.orders.all() == office.orders.all(GATEWAY, OrderState.QUEUED) == [record]
    )
    assert office.orders.all(OTHER) == office.orders.all(state=OrderState.FAILED) == []


def test_lists_that_the_server_brings_go_before_what_has_no_number_yet(office: Office, bureau: Bureau) -> None:
    lists = InstallRevocationLists((b"\x30\x40" + bytes(64),))
    begun, waiting = bureau.queue(office), bureau.queue(office)
    office.orders.sign_next(begun, office.sign_order, NOW)
    by_hand = office.orders.queue(GATEWAY, lists, BY, NOW)
    brought = office.orders.queue(GATEWAY, lists, SERVER, NOW)
    assert [each.number for each in office.orders.open(GATEWAY)] == [begun, brought, waiting, by_hand]
    assert [each.number for each in office.orders.latest(GATEWAY, lists.KIND, 9)] == [brought, by_hand]
    with pytest.raises(OrderBookError) as refusal:
        office.orders.sign_next(brought, office.sign_order, NOW)
    assert refusal.value.reason is OrderReason.NOT_NEXT


def test_the_whole_way(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    office.orders.woken(GATEWAY, NOW)
    office.orders.woken(GATEWAY, NOW + SECOND)
    assert office.orders.get(number).woken_at == NOW + SECOND
    sequence = deliver(office, number)
    reply = Reply(sequence, ReplyOutcome.DONE, result={"passed": True})
    office.orders.confirmed(number, reply, NOW + 2 * SECOND)
    record = office.orders.get(number)
    assert (record.state, record.reply, record.reason) == (OrderState.CONFIRMED, reply, "")
    assert record.finished_at == NOW + 2 * SECOND
    assert office.orders.open(GATEWAY) == []
    actions = [entry.action for entry in office.audit.entries() if entry.action.startswith("order")]
    assert actions == ["order-queued", "order-signed", "order-confirmed"]


def test_what_is_signed_is_the_order_for_this_gateway_now(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    document = office.orders.sign_next(number, office.sign_order, NOW + timedelta(microseconds=999_999))
    opened = cms.open_document(document, signers=[bureau.office_certificate()])
    order = Order.from_bytes(opened.content)
    assert (order.gateway, order.sequence, order.command) == (GATEWAY, 1, RunSelfTest())
    assert (order.valid_from, order.valid_until) == (NOW - CLOCK_ALLOWANCE, NOW + VALIDITY)
    assert order.valid_until - order.valid_from <= MAX_VALIDITY


def test_the_same_bytes_are_sent_again_while_they_are_valid(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    first = office.orders.sign_next(number, office.sign_order, NOW)
    office.orders.delivered(number, NOW)
    late = NOW + VALIDITY - REMAINDER - SECOND
    assert office.orders.sign_next(number, office.sign_order, late) == first
    office.orders.delivered(number, late)
    assert office.inventory.get(GATEWAY).next_sequence == 2


def test_what_expired_is_signed_anew_under_a_new_number(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    first = office.orders.sign_next(number, office.sign_order, NOW)
    second = office.orders.sign_next(number, office.sign_order, NOW + VALIDITY - REMAINDER)
    assert first != second
    assert office.orders.get(number).sequence == 2


def test_what_may_have_been_done_is_never_signed_anew(office: Office, bureau: Bureau) -> None:
    """The reply may be all that was lost: the same bytes get the same answer, other bytes would be done again."""
    number = bureau.queue(office)
    first = office.orders.sign_next(number, office.sign_order, NOW)
    office.orders.delivered(number, NOW)
    assert office.orders.sign_next(number, office.sign_order, NOW + 10 * VALIDITY) == first


def test_what_came_too_late_is_queued_again(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    first = office.orders.sign_next(number, office.sign_order, NOW)
    office.orders.delivered(number, NOW)
    late = NOW + VALIDITY
    office.orders.confirmed(number, Reply.refusal(1, TOO_LATE, "The order has ended."), late)
    record = office.orders.get(number)
    assert (record.state, record.sequence, record.document, record.finished_at) == (OrderState.QUEUED, None, None, None)
    assert office.orders.sign_next(number, office.sign_order, late) != first
    assert office.orders.get(number).sequence == 2
    assert "order-expired" in [entry.action for entry in office.audit.entries()]


def test_a_gateway_whose_clock_is_wrong_is_not_asked_for_ever(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    sequence = deliver(office, number)
    office.orders.confirmed(number, Reply.refusal(sequence, TOO_LATE, "The order has ended."), NOW)
    assert office.orders.get(number).state is OrderState.FAILED


def test_the_oldest_order_is_the_next(office: Office, bureau: Bureau) -> None:
    first, second = bureau.queue(office), bureau.queue(office)
    assert refused(lambda: office.orders.sign_next(second, office.sign_order, NOW)) is OrderReason.NOT_NEXT
    assert office.inventory.get(GATEWAY).next_sequence == 1
    office.orders.failed(first, "not wanted", NOW)
    office.orders.sign_next(second, office.sign_order, NOW)


def test_sequences_are_each_gateways_own(bureau: Bureau) -> None:
    with bureau.office(GATEWAY, OTHER) as office:
        assert [deliver(office, bureau.queue(office, gateway)) for gateway in (GATEWAY, OTHER)] == [1, 1]


def test_a_signature_that_fails_uses_up_no_number(office: Office, bureau: Bureau) -> None:
    def fail(_: Order) -> bytes:
        raise TokenError(TokenReason.LOST, "the token is gone")

    number = bureau.queue(office)
    with pytest.raises(TokenError):
        office.orders.sign_next(number, fail, NOW)
    assert office.inventory.get(GATEWAY).next_sequence == 1
    assert office.orders.get(number).document is None


def test_no_number_is_given_twice_between_processes(bureau: Bureau) -> None:
    with bureau.office(GATEWAY) as office:
        run_several(sign, bureau.file, 8, processes=2)
        sequences = [record.sequence for record in office.orders.all() if record.sequence is not None]
        assert len(set(sequences)) == len(sequences)
        assert office.inventory.get(GATEWAY).next_sequence == max(sequences) + 1
        assert verify(office.engine, [bureau.certificate]) > 0


def test_a_refusal_of_the_gateway_is_a_failure_with_its_reason(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    sequence = deliver(office, number)
    office.orders.confirmed(number, Reply(sequence, ReplyOutcome.REFUSED, "busy", "A self-test runs."), NOW)
    record = office.orders.get(number)
    assert (record.state, record.reason) == (OrderState.FAILED, "busy: A self-test runs.")


def test_a_gateway_that_could_not_read_the_order_names_no_sequence(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    deliver(office, number)
    office.orders.confirmed(number, Reply(0, ReplyOutcome.REFUSED, "signature", "Not signed."), NOW)
    assert office.orders.get(number).state is OrderState.FAILED


@pytest.mark.parametrize("outcome", [ReplyOutcome.DONE, ReplyOutcome.REFUSED])
def test_a_reply_to_another_order_confirms_nothing(office: Office, bureau: Bureau, outcome: ReplyOutcome) -> None:
    number = bureau.queue(office)
    sequence = deliver(office, number)
    reason = "" if outcome is ReplyOutcome.DONE else "busy"
    assert (
        refused(lambda: office.orders.confirmed(number, Reply(sequence + 1, outcome, reason), NOW)) is OrderReason.REPLY
    )
    assert office.orders.get(number).state is OrderState.DELIVERED


def test_done_without_a_sequence_confirms_nothing(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    deliver(office, number)
    assert refused(lambda: office.orders.confirmed(number, Reply(0, ReplyOutcome.DONE), NOW)) is OrderReason.REPLY


def test_what_was_never_delivered_cannot_be_confirmed(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    with pytest.raises(OrderBookError, match="possible: delivered, failed, woken") as caught:
        office.orders.confirmed(number, Reply(1, ReplyOutcome.DONE), NOW)
    assert caught.value.reason is OrderReason.TRANSITION


def test_what_is_over_stays_over(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    office.orders.failed(number, "no", NOW)
    for again in (
        lambda: office.orders.delivered(number, NOW),
        lambda: office.orders.failed(number, "no", NOW),
        lambda: office.orders.cancel(number, BY, NOW),
        lambda: office.orders.sign_next(number, office.sign_order, NOW),
    ):
        assert refused(again) is OrderReason.TRANSITION


def test_an_order_is_taken_back_until_it_was_delivered(office: Office, bureau: Bureau) -> None:
    first, second = bureau.queue(office), bureau.queue(office)
    office.orders.cancel(first, "berta", NOW)
    assert office.orders.get(first).reason == "cancelled by berta"
    deliver(office, second)
    assert refused(lambda: office.orders.cancel(second, BY, NOW)) is OrderReason.STATE


def test_an_order_that_is_not_there(office: Office) -> None:
    with pytest.raises(OrderBookError, match="orders list") as caught:
        office.orders.get(99)
    assert caught.value.reason is OrderReason.UNKNOWN


def test_only_who_may_be_reached_gets_orders(office: Office, bureau: Bureau) -> None:
    number = bureau.queue(office)
    office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, NOW)
    for ask in (lambda: bureau.queue(office), lambda: office.orders.sign_next(number, office.sign_order, NOW)):
        with pytest.raises(InventoryError) as caught:
            ask()
        assert caught.value.reason is InventoryReason.STATE
    with pytest.raises(InventoryError):
        bureau.queue(office, OTHER)


def test_a_wake_up_moves_what_waits_and_nothing_else(office: Office, bureau: Bureau) -> None:
    first, second, third = (bureau.queue(office) for _ in range(3))
    office.orders.failed(first, "no", NOW)
    deliver(office, second)
    office.orders.woken(GATEWAY, NOW)
    states = [office.orders.get(number).state for number in (first, second, third)]
    assert states == [OrderState.FAILED, OrderState.DELIVERED, OrderState.WOKEN]


def test_confirmed_changes_of_profiles_are_what_the_gateway_holds(office: Office) -> None:
    def change(command: ChangeProfiles, outcome: ReplyOutcome = ReplyOutcome.DONE) -> None:
        number = office.orders.queue(GATEWAY, command, BY, NOW)
        reason = "" if outcome is ReplyOutcome.DONE else "contradiction"
        office.orders.confirmed(number, Reply(deliver(office, number), outcome, reason), NOW)

    change(ChangeProfiles((COMMUNICATION,), ()), ReplyOutcome.REFUSED)
    assert office.orders.holding(GATEWAY).profiles == {}
    change(ChangeProfiles((COMMUNICATION,), ()))
    assert office.orders.holding(GATEWAY).profiles == {KEY: COMMUNICATION}
    change(ChangeProfiles((), (ProfileReference(*KEY),)))
    assert office.orders.holding(GATEWAY).profiles == {}
    assert office.orders.holding(GATEWAY).versions == {KEY: 1}


def test_the_latest_orders_are_listed_oldest_first(office: Office) -> None:
    numbers = [office.orders.queue(GATEWAY, BreakUp(), BY, NOW) for _ in range(5)]
    assert [record.number for record in office.orders.all(limit=2)] == numbers[-2:]


def refused(action: Callable[[], object]) -> OrderReason:
    with pytest.raises(OrderBookError) as caught:
        action()
    return caught.value.reason


def test_many_orders_are_counted_in_one_question(office: Office, bureau: Bureau) -> None:
    office.inventory.add(bureau.record(OTHER), BY, NOW)
    numbers = [bureau.queue(office), bureau.queue(office), bureau.queue(office, OTHER)]
    assert office.orders.counts() == {GATEWAY: 2, OTHER: 1}
    deliver(office, numbers[0])
    office.orders.failed(numbers[2], "no", NOW)
    assert office.orders.counts() == {GATEWAY: 2}
    expected = dict(zip(numbers, (OrderState.DELIVERED, OrderState.QUEUED, OrderState.FAILED), strict=True))
    assert office.orders.states(numbers) == expected
    assert office.orders.states([]) == {}
