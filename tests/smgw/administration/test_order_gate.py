from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import cms
from pki.certificates import Purpose, Role
from pki.cms.signed import SignedData
from pki.revoke import Revocation
from smgw.administration.order_gate import (
    CLOCK_TOLERANCE,
    MAXIMUM_LEAP,
    REPEATABLE,
    Admitted,
    OrderReason,
    OrderRefusedError,
    Repeated,
)
from smgw.store.errors import StoreError
from testbed.small_pki import SmallPki
from tests.smgw.administration.house import DAY, HOUR, House, der, reply_of
from wire.management import MAX_SIGNED_ORDER_BYTES
from wire.orders import COMMANDS, Order, RenewKeys, Reply, ReplyOutcome, Restart, RunSelfTest, SetRetention
from wire.reading import DeviceId

SECOND = timedelta(seconds=1)
DONE = Reply(sequence=1, outcome=ReplyOutcome.DONE, result={"found": 0})


def admitted(house: House, document: bytes) -> Order:
    opened = house.gate.open(document, house.now)
    assert isinstance(opened, Admitted)
    return opened.order


def refused(house: House, document: bytes) -> OrderReason:
    with pytest.raises(OrderRefusedError) as refusal:
        house.gate.open(document, house.now)
    return refusal.value.reason


def test_an_order_is_opened_and_its_number_is_taken_before_anybody_sees_it(house: House) -> None:
    order = house.order(7)
    document = house.sign(order)
    assert admitted(house, document) == order
    assert house.orders.last() == 7


def test_the_very_document_gets_the_very_answer_again(house: House) -> None:
    """FPT_RPL.1: an order that comes again is answered, not done again."""
    document = house.sign(house.order())
    opened = house.gate.open(document, house.now)
    assert isinstance(opened, Admitted)
    house.gate.answer(opened, DONE)
    assert house.gate.open(document, house.now) == Repeated(DONE.to_bytes(), done=True)


def revoke(house: House) -> None:
    house.trust = house.pki.trust(sub_ca=(Revocation(house.sig.certificate.serial_number, house.pki.now),))


def replace_administrator(house: House) -> None:
    house.change(signature_certificate=der(house.pki.holder(Role.GWA, Purpose.SIG, "Stadtwerke")))


@pytest.mark.parametrize(
    "change",
    [
        lambda house: setattr(house, "now", house.now + 2 * DAY),
        revoke,
        replace_administrator,
        lambda house: setattr(house, "profile", None),
        lambda house: admitted(house, house.sign(house.order(2))),
        House.restart,
    ],
)
def test_an_answer_stays_whatever_changes(house: House, change: Callable[[House], None]) -> None:
    document = house.sign(house.order())
    opened = house.gate.open(document, house.now)
    assert isinstance(opened, Admitted)
    house.gate.answer(opened, DONE)
    change(house)
    assert house.gate.open(document, house.now) == Repeated(DONE.to_bytes(), done=True)


def test_another_document_with_an_old_number_is_refused(house: House) -> None:
    """FPT_RPL.1: a number is used once."""
    document = house.sign(house.order(5))
    admitted(house, document)
    for sequence in (1, 4, 5):
        assert refused(house, house.sign(house.order(sequence, Restart()))) is OrderReason.SEQUENCE
    assert admitted(house, house.sign(house.order(6))).sequence == 6


def test_no_order_uses_up_the_numbers(house: House) -> None:
    """Whoever had the administrator's key for a moment must not have the last word for ever."""
    admitted(house, house.sign(house.order(3)))
    for sequence in (3 + MAXIMUM_LEAP + 1, 2**63 - 1):
        assert refused(house, house.sign(house.order(sequence))) is OrderReason.SEQUENCE
    assert house.orders.last() == 3
    assert admitted(house, house.sign(house.order(3 + MAXIMUM_LEAP))).sequence == 3 + MAXIMUM_LEAP


def test_the_same_order_signed_again_is_another_document(house: House) -> None:
    order = house.order()
    first, second = house.sign(order), house.sign(order)
    admitted(house, first)
    assert refused(house, second) is OrderReason.SEQUENCE


def test_the_other_spelling_of_a_signature_is_no_way_around_the_number(house: House) -> None:
    """ECDSA knows a second signature for each one, (r, n - s): it holds, and the document is another."""
    document = house.sign(house.order())
    admitted(house, document)
    signed = SignedData.from_bytes(document)
    r, s = decode_dss_signature(signed.signature)
    order_of_curve = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7
    twisted = SignedData(
        signed.content_type,
        signed.content,
        signed.signer,
        signed.attributes,
        encode_dss_signature(r, order_of_curve - s),
    ).to_bytes()
    signer = house.pki.verified(house.sig, Role.GWA, Purpose.SIG)
    assert cms.open_document(twisted, signers=[signer]).content == signed.content
    assert refused(house, twisted) is OrderReason.SEQUENCE


def foreign(house: House) -> bytes:
    return house.sign(house.order(9, gateway=DeviceId("EABC0012345679")))


def by(role: Role, purpose: Purpose) -> Callable[[House], bytes]:
    return lambda house: house.sign(house.order(9), house.pki.holder(role, purpose, "Stadtwerke"))


def not_an_order(house: House) -> bytes:
    return cms.sign_document(b'{"kind":"order"}', signer=house.sig.certificate, key=house.sig.key)


def profile_for_an_order(house: House) -> bytes:
    assert house.profile is not None
    return cms.sign_document(house.profile.to_bytes(), signer=house.sig.certificate, key=house.sig.key)


def reply_for_an_order(house: House) -> bytes:
    reply = Reply(9, ReplyOutcome.DONE).to_bytes()
    return cms.sign_document(reply, signer=house.sig.certificate, key=house.sig.key)


def altered(house: House) -> bytes:
    return house.sign(house.order(9)).replace(b'"sequence":9', b'"sequence":8')


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (lambda _: bytes(MAX_SIGNED_ORDER_BYTES + 1), OrderReason.TOO_LARGE),
        (lambda _: b"", OrderReason.SIGNATURE),
        (lambda house: house.order(9).to_bytes(), OrderReason.SIGNATURE),
        (lambda house: house.sign(house.order(9))[:-1], OrderReason.SIGNATURE),
        (altered, OrderReason.SIGNATURE),
        (by(Role.EMT, Purpose.SIG), OrderReason.SIGNATURE),
        (by(Role.GWA, Purpose.SIG), OrderReason.SIGNATURE),
        (not_an_order, OrderReason.MALFORMED),
        (profile_for_an_order, OrderReason.MALFORMED),
        (reply_for_an_order, OrderReason.MALFORMED),
        (foreign, OrderReason.OTHER_GATEWAY),
    ],
)
def test_who_is_not_believed_takes_no_number(
    house: House, document: Callable[[House], bytes], reason: OrderReason
) -> None:
    """FIA_UAU.5, FMT_MOF.1: an order needs the administrator's own signature."""
    assert refused(house, document(house)) is reason
    assert house.orders.last() == 0
    assert admitted(house, house.sign(house.order(1))).sequence == 1


def wrong_role(house: House) -> None:
    house.sig = house.pki.holder(Role.EMT, Purpose.SIG, "Stadtwerke")
    house.change(signature_certificate=der(house.sig))


def wrong_purpose(house: House) -> None:
    house.sig = house.tls
    house.change(signature_certificate=der(house.tls))


@pytest.mark.parametrize(
    "change",
    [
        revoke,
        wrong_role,
        wrong_purpose,
        lambda house: setattr(house, "profile", None),
        lambda house: house.change(valid_until=house.now),
        lambda house: house.change(valid_from=house.now + SECOND),
        lambda house: house.change(signature_certificate=b"\x30\x3e" + bytes(62)),
        lambda house: setattr(house, "trust", house.pki.trust(now=house.now - 60 * DAY)),
    ],
)
def test_without_a_good_administrator_nobody_orders(house: House, change: Callable[[House], None]) -> None:
    """FMT_MOF.1, FMT_MSA.1/MTR, FMT_MSA.1/AC, FMT_MSA.1/FW: nobody but him changes anything."""
    change(house)
    assert refused(house, house.sign(house.order())) is OrderReason.ADMINISTRATOR
    assert house.orders.last() == 0


def test_an_expired_certificate_orders_nothing(house: House) -> None:
    house.now = house.sig.certificate.not_valid_after_utc + SECOND
    house.change(valid_until=house.now + DAY)
    house.trust = house.pki.trust(now=house.now)
    assert refused(house, house.sign(house.order())) is OrderReason.ADMINISTRATOR


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [
        (CLOCK_TOLERANCE + SECOND, HOUR, OrderReason.NOT_YET_VALID),
        (-HOUR, timedelta(0), OrderReason.EXPIRED),
        (-HOUR, -SECOND, OrderReason.EXPIRED),
    ],
)
def test_a_refused_order_takes_its_number_and_stays_refused(
    house: House, begin: timedelta, end: timedelta, reason: OrderReason
) -> None:
    document = house.sign(house.order(4, valid_from=house.now + begin, valid_until=house.now + end))
    assert refused(house, document) is reason
    assert house.orders.last() == 4
    house.now += max(begin, SECOND)  # when it would hold, where it was too early
    again = house.gate.open(document, house.now)
    assert isinstance(again, Repeated)
    assert (again.done, reply_of(again.reply).reason) == (False, reason.value)
    assert refused(house, house.sign(house.order(4))) is OrderReason.SEQUENCE


@pytest.mark.parametrize("begin", [CLOCK_TOLERANCE, timedelta(0), -HOUR])
def test_two_right_clocks_may_differ_a_little(house: House, begin: timedelta) -> None:
    document = house.sign(house.order(valid_from=house.now + begin, valid_until=house.now + begin + HOUR + SECOND))
    assert admitted(house, document).sequence == 1


def test_an_order_that_power_interrupted_is_not_done_twice(house: House) -> None:
    document = house.sign(house.order(3, Restart()))
    admitted(house, document)
    house.restart()
    assert refused(house, document) is OrderReason.INTERRUPTED
    again = house.gate.open(document, house.now)
    assert isinstance(again, Repeated)
    assert reply_of(again.reply).reason == "interrupted"
    assert admitted(house, house.sign(house.order(4, Restart()))).sequence == 4


@pytest.mark.parametrize("command", [RunSelfTest(), RenewKeys(), SetRetention(30, 30)])
def test_a_repeatable_order_is_begun_again_after_a_loss_of_power(
    house: House, command: RunSelfTest | RenewKeys | SetRetention
) -> None:
    order = house.order(3, command)
    document = house.sign(order)
    admitted(house, document)
    house.restart()
    assert admitted(house, document) == order
    assert refused(house, house.sign(order)) is OrderReason.SEQUENCE


def test_an_interrupted_order_is_begun_again_only_while_it_holds(house: House) -> None:
    document = house.sign(house.order(3))
    admitted(house, document)
    house.now += DAY
    assert refused(house, document) is OrderReason.EXPIRED
    assert house.orders.last() == 3
    assert isinstance(house.gate.open(document, house.now), Repeated)


def test_an_interrupted_order_is_not_begun_again_behind_a_later_one(house: House) -> None:
    document = house.sign(house.order(3))
    admitted(house, document)
    admitted(house, house.sign(house.order(4)))
    assert refused(house, document) is OrderReason.SEQUENCE


def test_an_interrupted_order_of_a_revoked_administrator_is_not_begun_again(house: House) -> None:
    document = house.sign(house.order(3))
    admitted(house, document)
    revoke(house)
    assert refused(house, document) is OrderReason.ADMINISTRATOR


def test_nothing_that_changes_profiles_or_firmware_or_tells_of_an_event_is_repeatable() -> None:
    assert {kind for kind, command in COMMANDS.items() if command not in REPEATABLE} == {
        "change-profiles", "store-firmware", "activate-firmware", "restart", "break-up", "raise-event",
    }  # fmt: skip


def test_a_number_that_cannot_be_kept_is_not_given_away(house: House) -> None:
    document = house.sign(house.order())
    with house.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_room BEFORE INSERT ON orders BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    with pytest.raises(StoreError):
        house.gate.open(document, house.now)
    with house.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER no_room")
    assert admitted(house, document).sequence == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_comes_is_refused_with_a_reason(house_of_all: House, data: bytes) -> None:
    assert refused(house_of_all, data) is OrderReason.SIGNATURE


@settings(max_examples=60, deadline=None)
@given(position=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_a_document_with_one_other_octet_is_refused(
    house_of_all: House, signed: bytes, position: float, change: int
) -> None:
    document = bytearray(signed)
    document[int(position * len(document))] ^= change
    assert refused(house_of_all, bytes(document)) is OrderReason.SIGNATURE
    assert house_of_all.orders.last() == 0


@pytest.fixture(scope="module")
def house_of_all(pki: SmallPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(pki, tmp_path_factory.mktemp("house"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def signed(house_of_all: House) -> bytes:
    return house_of_all.sign(house_of_all.order())


def test_progress_is_what_the_reply_says(house: House) -> None:
    for sequence, reply in ((1, DONE), (2, Reply.refusal(2, "why", "Because."))):
        document = house.sign(house.order(sequence))
        opened = house.gate.open(document, house.now)
        assert isinstance(opened, Admitted)
        house.gate.answer(opened, reply)
        again = house.gate.open(document, house.now)
        assert again == Repeated(reply.to_bytes(), done=reply.outcome is ReplyOutcome.DONE)
