import itertools
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.administration.desk import SUBJECT, Answer, DeskReason
from smgw.administration.errors import CommandRefusedError, Done, FollowUp
from smgw.store.logs import Event, Outcome
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from testbed.small_pki import SmallPki
from tests.smgw.administration.house import House, reply_of
from tests.smgw.store import samples
from wire import management
from wire.http import METHODS
from wire.http_server import Request
from wire.orders import BreakUp, RenewKeys, Reply, ReplyOutcome, Restart, RunSelfTest, SetRetention, SynchroniseClock

SECRET = "the PIN is 0123456789"
RESOURCES = (
    management.STATUS,
    management.SYSTEM_LOG,
    management.CALIBRATION_LOG,
    management.ORDERS,
    management.FIRMWARE,
)


class Why(StrEnum):
    NO_ROOM = "no-room"


def refuse(_: Any, at: datetime) -> Done:
    raise CommandRefusedError(Why.NO_ROOM, "there is no room\nfor it" + "x" * 2000)


def fail(_: Any, at: datetime) -> Done:
    raise OSError(5, SECRET)


def tell_too_much(_: Any, at: datetime) -> Done:
    return Done({"text": "x" * 100_000})


def tell_a_float(_: Any, at: datetime) -> Done:
    return Done({"value": 0.5})  # type: ignore[dict-item]


class Counting:
    """A handler that counts its calls."""

    def __init__(self, result: Done) -> None:
        self.calls: list[tuple[Any, datetime]] = []
        self.result = result

    def __call__(self, command: Any, at: datetime) -> Done:
        self.calls.append((command, at))
        return self.result


@pytest.fixture
def house(pki: SmallPki, tmp_path: Path) -> Iterator[House]:
    self_test = Counting(Done({"found": 0}))
    made = House(
        pki,
        tmp_path,
        handlers={RunSelfTest: self_test, SetRetention: refuse, RenewKeys: fail, SynchroniseClock: tell_too_much},
        stage=Counting(Done({"sha256": "00"})),
        status={"version": "1"},
    )
    yield made
    made.close()


def calls(house: House) -> list[Any]:
    handler = house.handlers[RunSelfTest]
    assert isinstance(handler, Counting)
    return handler.calls


def ask(house: House, target: str, body: bytes = b"", method: str = "GET") -> Answer:
    return house.desk.handle(Request(method, target, (("host", "gateway"),), body), house.now)


def hand_in(house: House, document: bytes) -> tuple[Answer, Reply]:
    answer = ask(house, management.ORDERS, document, "POST")
    return answer, reply_of(answer.body)


def refusals(house: House, event: Event = Event.ADMINISTRATOR_REFUSED) -> list[tuple[str, Any]]:
    return [(entry.subject, entry.parameters["reason"]) for entry in house.logged() if entry.event is event]


def test_an_order_is_carried_out_answered_and_written_down(house: House) -> None:
    """FMT_SMF.1: what is ordered is done."""
    order = house.order(3)
    answer, reply = hand_in(house, house.sign(order))
    assert answer.status == 200
    assert answer.headers == {"Content-Type": "application/json"}
    assert answer.then is FollowUp.NOTHING
    assert reply == Reply(sequence=3, outcome=ReplyOutcome.DONE, result={"found": 0})
    assert calls(house) == [(order.command, house.now)]
    (entry,) = house.logged()
    assert (entry.event, entry.subject, entry.parameters) == (Event.ORDER_DONE, "run-self-test", {"sequence": 3})


def test_a_repeated_order_is_answered_and_not_carried_out_again(house: House) -> None:
    document = house.sign(house.order())
    first = ask(house, management.ORDERS, document, "POST")
    house.now += timedelta(days=2)
    assert ask(house, management.ORDERS, document, "POST") == first
    assert len(calls(house)) == 1


def test_a_repeated_refusal_is_a_refusal_again(house: House) -> None:
    document = house.sign(house.order(1, SetRetention(30, 30)))
    first = ask(house, management.ORDERS, document, "POST")
    assert first.status == 422
    assert ask(house, management.ORDERS, document, "POST") == first


def test_a_handler_refuses_with_its_reason_and_one_line(house: House) -> None:
    answer, reply = hand_in(house, house.sign(house.order(1, SetRetention(30, 30))))
    assert (answer.status, reply.outcome, reply.reason) == (422, ReplyOutcome.REFUSED, "no-room")
    assert reply.sentence.startswith("there is no room?for it")
    assert refusals(house, Event.ORDER_REFUSED) == [("set-retention", "no-room")]


def test_what_nobody_foresaw_stays_inside(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer, reply = hand_in(house, house.sign(house.order(1, RenewKeys())))
    assert (answer.status, reply.reason) == (422, "failed")
    assert SECRET.encode() not in answer.body
    assert SECRET in caplog.text
    assert refusals(house, Event.ORDER_REFUSED) == [("renew-keys", "failed")]


@pytest.mark.parametrize("handler", [tell_too_much, tell_a_float])
def test_what_is_done_is_answered_as_done_even_if_its_result_cannot_be_told(
    pki: SmallPki, tmp_path: Path, handler: Callable[[Any, datetime], Done], caplog: pytest.LogCaptureFixture
) -> None:
    house = House(pki, tmp_path, handlers={RunSelfTest: handler})
    answer, reply = hand_in(house, house.sign(house.order()))
    assert (answer.status, reply) == (200, Reply(sequence=1, outcome=ReplyOutcome.DONE))
    assert "cannot be told" in caplog.text
    house.close()


def test_an_order_that_nobody_carries_out_is_refused_and_spent(pki: SmallPki, tmp_path: Path) -> None:
    house = House(pki, tmp_path)
    document = house.sign(house.order(1, SetRetention(30, 30)))
    answer, reply = hand_in(house, document)
    assert (answer.status, reply.reason) == (422, "unsupported")
    assert house.orders.last() == 1
    house.close()


def test_an_order_that_is_not_believed_is_refused_and_counted(house: House) -> None:
    for number in (1, 2, 3):
        answer, reply = hand_in(house, house.order(number).to_bytes())
        assert (answer.status, reply.sequence, reply.reason) == (422, 0, "signature")
    assert calls(house) == []
    (entry,) = house.logged()
    assert (entry.event, entry.subject, entry.repetition_count) == (Event.ORDER_REFUSED, "order", 2)


def test_a_stale_order_is_refused_under_its_number(house: House) -> None:
    order = house.order(5, valid_from=house.now - timedelta(hours=2), valid_until=house.now)
    answer, reply = hand_in(house, house.sign(order))
    assert (answer.status, reply.sequence, reply.reason) == (422, 5, "expired")
    assert calls(house) == []


def test_power_lost_while_an_order_is_carried_out(pki: SmallPki, tmp_path: Path) -> None:
    class PowerLostError(BaseException):
        pass

    def lose_power(_: Any, at: datetime) -> Done:
        raise PowerLostError

    house = House(pki, tmp_path, handlers={RunSelfTest: lose_power, Restart: lose_power})
    for sequence, command in ((1, RunSelfTest()), (2, Restart())):
        document = house.sign(house.order(sequence, command))
        with pytest.raises(PowerLostError):
            ask(house, management.ORDERS, document, "POST")
        counting = Counting(Done())
        house.handlers = {RunSelfTest: counting, Restart: counting}
        house.restart()
        first, reply = hand_in(house, document)
        again = isinstance(command, RunSelfTest)
        assert (first.status, reply.reason, len(counting.calls)) == ((200, "", 1) if again else (422, "interrupted", 0))
        assert ask(house, management.ORDERS, document, "POST") == first
        house.handlers = {RunSelfTest: lose_power, Restart: lose_power}
        house.restart()
    assert ("order", "interrupted") in refusals(house, Event.ORDER_REFUSED)
    house.close()


@pytest.mark.parametrize(("command", "then"), [(BreakUp(), FollowUp.END_TUNNEL), (Restart(), FollowUp.RESTART)])
def test_the_ends_follow_the_answer_and_only_once(house: House, command: BreakUp | Restart, then: FollowUp) -> None:
    document = house.sign(house.order(1, command))
    first = ask(house, management.ORDERS, document, "POST")
    assert (first.status, first.then) == (200, then)
    again = ask(house, management.ORDERS, document, "POST")
    assert (again.body, again.then) == (first.body, FollowUp.NOTHING)


@pytest.mark.parametrize(
    "target",
    [
        "/readings", "/readings/1ISK0087654321", "/readings?after=0", "/logs/consumer", "/logs/consumer/", "/Readings",
        "//readings", "/%72eadings", "/%2572eadings", "/status/../readings", "/logs%2Fconsumer", "/logs/consumer;x=1",
        "/readings.json", "/values", "/deliveries/grid-1", "/x/consumption", "/registers",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", METHODS)
def test_consumption_data_is_withheld_and_asking_for_it_is_written_down(house: House, target: str, method: str) -> None:
    """FAU_SAR.1/CON, FDP_ACF.1: the administrator reads neither values nor the consumer log."""
    answer = ask(house, target, method=method)
    assert answer.status == 403
    assert json.loads(answer.body)["reason"] == "withheld"
    assert refusals(house) == [(SUBJECT, "withheld")]


@pytest.mark.parametrize(
    ("method", "target", "status", "reason"),
    [
        ("GET", "/", 404, DeskReason.UNKNOWN_RESOURCE),
        ("GET", "/status/", 404, DeskReason.UNKNOWN_RESOURCE),
        ("GET", "/%73tatus", 404, DeskReason.UNKNOWN_RESOURCE),
        ("GET", "/logs", 404, DeskReason.UNKNOWN_RESOURCE),
        ("POST", "/status", 405, DeskReason.METHOD),
        ("GET", "/orders", 405, DeskReason.METHOD),
        ("PUT", "/logs/system", 405, DeskReason.METHOD),
        ("POST", "/firmware", 405, DeskReason.METHOD),
        ("GET", "/status?x", 400, DeskReason.QUERY),
        ("PUT", "/firmware?x", 400, DeskReason.QUERY),
        ("POST", "/orders?x", 400, DeskReason.QUERY),
        *(
            ("GET", f"/logs/system?{query}", 400, DeskReason.QUERY)
            for query in ("after", "after=", "after=-1", "after=01", "after=1&after=2", "limit=9", "after=" + "9" * 19)
        ),
    ],
)
def test_what_is_not_in_the_table_is_refused(
    house: House, method: str, target: str, status: int, reason: DeskReason
) -> None:
    """FDP_ACC.2, FMT_MSA.3/AC: what is not allowed is refused."""
    answer = ask(house, target, method=method)
    assert (answer.status, json.loads(answer.body)["reason"]) == (status, reason)
    assert ("Allow" in answer.headers) == (status == 405)
    assert refusals(house) == [(SUBJECT, reason)]


def test_strange_requests_are_counted_and_do_not_fill_the_log(house: House) -> None:
    for number in range(50):
        ask(house, f"/{number}")
    (entry,) = house.logged()
    assert entry.repetition_count == 49


def test_logs_are_read_page_by_page(house: House) -> None:
    for number in range(3):
        house.log.record(Event.LINE_STATE, f"line-{number}", Outcome.SUCCESS, at=house.now)
    assert ask(house, "/logs/system").status == 200
    entries = json.loads(ask(house, "/logs/system?after=1").body)["entries"]
    assert [entry["subject"] for entry in entries] == ["line-1", "line-2"]
    house.log.record(Event.CLOCK_DEVIATION, "clock", Outcome.FAILURE, at=house.now)
    entries = json.loads(ask(house, "/logs/calibration?after=0").body)["entries"]
    assert [entry["subject"] for entry in entries] == ["clock"]


def test_the_status_is_told(house: House) -> None:
    answer = ask(house, "/status")
    assert (answer.status, json.loads(answer.body)) == (200, {"version": "1"})


def test_a_status_that_cannot_be_told_is_a_fault(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.status["share"] = 0.5  # type: ignore[assignment]
    answer = ask(house, "/status")
    assert (answer.status, json.loads(answer.body)["reason"]) == (500, "fault")
    assert "float" in caplog.text


def test_a_store_that_fails_is_said_so_and_nothing_is_carried_out(house: House) -> None:
    with house.database.write() as connection:
        for table in ("orders", "log_entries"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER no_room_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
    answer = ask(house, management.ORDERS, house.sign(house.order()), "POST")
    assert (answer.status, json.loads(answer.body)["reason"]) == (503, "store")
    assert calls(house) == []
    assert ask(house, "/readings").status == 403  # although nothing can be written down


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with house.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_answer BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    answer, reply = hand_in(house, house.sign(house.order()))
    assert (answer.status, reply.outcome) == (200, ReplyOutcome.DONE)
    assert "cannot be kept" in caplog.text


TARGETS = st.sampled_from([*RESOURCES, "/readings", "/logs/consumer", "/x"]) | st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30
).map(lambda text: "/" + text)


@pytest.fixture(scope="module")
def full_house(pki: SmallPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that has measured: a day of readings and what is owed of them."""
    house = House(pki, tmp_path_factory.mktemp("full"), handlers={RunSelfTest: Counting(Done({"found": 0}))})
    store = ReadingStore(house.database)
    for number in range(96):
        store.record(samples.reading(number), samples.decision(samples.grant(number)))
    balance = Outbox(house.database).balance("grid-1")
    house.status = {"profiles": {"grid-1": {"owed": balance.owed, "open": balance.open}}}
    assert balance.owed == 96
    yield house
    house.close()


def values_in(body: bytes) -> list[int]:
    """Values of stored readings that stand in ``body``, in any base that a document might use."""
    stored = [samples.reading(number).reading.register.value for number in range(96)]
    return [
        value
        for value in stored
        if any(sign.encode() in body.lower() for sign in (str(value), f"{value:x}", f"{value // 10}.{value % 10}"))
    ]


def test_the_search_for_values_finds_values() -> None:
    assert values_in(b'{"value": 4711000}') == [4_711_000]
    assert values_in(b"471100.1 kWh") == [4_711_001]


def test_the_administrator_never_gets_a_value(full_house: House) -> None:
    """FDP_ACF.1: Every answer of the desk: each resource and each withheld path, each method, each way of asking."""
    paths = (
        *RESOURCES,
        "/",
        "/readings",
        "/readings/1ISK0087654321",
        "/logs/consumer",
        "/deliveries",
        "/derived_readings",
    )
    queries = ("", "?after=0", "?device=1ISK0087654321")
    bodies = (b"", b"{}")
    sequence = itertools.count(1)
    orders = [
        full_house.sign(full_house.order(next(sequence), command))
        for command in (RunSelfTest(), SetRetention(1, 1), BreakUp(), Restart())
    ]
    answered = 0
    for path, query, method, body in itertools.product(paths, queries, METHODS, (*bodies, *orders)):
        answer = ask(full_house, path + query, body, method)
        assert values_in(answer.body) == []
        assert values_in(str(answer.headers).encode()) == []
        answered += answer.status == 200
    assert answered >= 10
    assert full_house.orders.last() == len(orders)


@settings(max_examples=80, deadline=None)
@given(target=TARGETS, method=st.sampled_from(METHODS), body=st.binary(max_size=200))
def test_whatever_is_asked_is_answered_without_a_value(
    full_house: House, target: str, method: str, body: bytes
) -> None:
    """FDP_ACC.2, FDP_ACF.1: whatever is asked, no value is in the answer."""
    answer = ask(full_house, target, body, method)
    assert answer.status in {200, 400, 403, 404, 405, 422}
    assert values_in(answer.body) == []
    json.loads(answer.body)
