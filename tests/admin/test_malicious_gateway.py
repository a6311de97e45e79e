"""What a gateway whose certificate is good can do to the administrator's servers by what it says: cost itself a tunnel.

Each case says only what the gateway answers to the first question of its tunnel (its status). Beside it another gateway
of the same server gets its order done.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from admin.audit import Action
from admin.orders import MAXIMUM_LEAP, OrderState
from admin.reports import Subject
from pki.certificates import Purpose
from pki.errors import TunnelError
from pki.tls import InProcessTunnel
from tests.admin.server_world import BY, GATEWAY, PATIENCE, STARTED, TIMEOUT, Gateway, World, until, world
from wire.canonical_json import encode
from wire.http import HttpClient
from wire.http_server import Request
from wire.management import LAST_RECORD, MAX_ANSWER_BYTES, NOTIFICATIONS
from wire.notification import Notification
from wire.orders import RunSelfTest
from wire.reading import DeviceId

pytestmark = pytest.mark.token

HONEST = DeviceId("EABC0012345679")
ENDLESS = 400
"""Pieces of 64 kB: more than any bound, and an end for the test where there is none."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def says(tunnel: InProcessTunnel, beginning: bytes, then: bytes) -> None:
    tunnel.receive(65_536, TIMEOUT)
    with suppress(TunnelError):
        tunnel.send(beginning)
        for _ in range(ENDLESS):
            tunnel.send(then)
        while tunnel.receive(65_536, TIMEOUT):
            pass


ANSWERS = {
    "a header that never ends": (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65_536),
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 10_000),
    "interim answers without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000),
    "a giant body that is announced": (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_ANSWER_BYTES + 1), b"a",
    ),
    "a body without end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65_536) + b"\r\n",
    ),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"),
    "another protocol": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", bytes(65_536)),
    "answers that nobody asked for": (b"", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    "no HTTP at all": (b"\x16\x03\x01\x00\xff" * 100, b"\xff" * 65_536),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_what_it_says_costs_it_its_tunnel_and_nobody_else_anything(here: World, case: str) -> None:
    evil, good = here.keys(), here.keys(HONEST)
    here.add(evil)
    here.add(good, gateway=HONEST)
    port, _ = here.server().ports
    with closing(here.dial(port, evil.holders[Purpose.TLS])) as tunnel:
        talking = threading.Thread(target=says, args=(tunnel, *ANSWERS[case]))
        talking.start()
        number = here.order(RunSelfTest(), HONEST)
        honest = Gateway(here, good, HONEST).come(port)
        assert here.finished(number).state is OrderState.CONFIRMED
        honest.leave()
        assert here.why(GATEWAY).split(":")[0] in {"broken-answer", "ended-by-gateway"}
        talking.join(PATIENCE)
        assert not talking.is_alive()


STATUSES: dict[str, bytes] = {
    "no JSON": b"\xff\xfe{}",
    "another spelling": b'{ "version": "1" }',
    "no object": b"[]",
    "a number that is none": b'{"share":NaN}',
    "a fraction": b'{"share":0.5}',
    "a number without bounds": b'{"last_order":' + b"9" * 5_000 + b"}",
    "one name twice": b'{"version":"1","version":"2"}',
    "a depth without bounds": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "half a character": b'{"version":"\\ud800"}',
    "a text for a number": b'{"last_order":"7"}',
    "a truth for a number": b'{"last_order":true}',
    "a number below all": b'{"last_order":-9223372036854775807}',
    "the highest number": b'{"last_order":9223372036854775807}',
    "far too far": b'{"last_order":%d}' % (MAXIMUM_LEAP + 5),
    "escapes for a terminal": b'{"version":"\\u001b]0;owned\\u0007\\u001b[2J"}',
}


@pytest.mark.parametrize("status", STATUSES.values(), ids=list(STATUSES))
def test_whatever_it_says_it_is_it_gets_its_orders(here: World, status: bytes) -> None:
    keys = here.keys()
    here.add(keys)
    device = Gateway(here, keys, status=(200, status))
    number = here.order(RunSelfTest())
    device.come(here.server().ports[0])
    assert here.finished(number).state is OrderState.CONFIRMED
    assert here.office.orders.get(number).sequence == 1
    device.leave()


def test_a_database_that_was_restored_goes_on_with_the_gateways_numbers(here: World) -> None:
    """The gateway took 41 orders, and this database knows of none: it would be refused 41 times."""
    keys = here.keys()
    here.add(keys)
    device = Gateway(here, keys, status=(200, encode({"last_order": 41})))
    number = here.order(RunSelfTest())
    here.office.orders.sign_next(number, here.office.sign_order, here.clock())
    device.come(here.server().ports[0])
    done = here.finished(number)
    assert (done.state, done.sequence) == (OrderState.CONFIRMED, 42)
    device.leave()
    (entry,) = [each for each in here.office.audit.entries() if each.action == Action.ORDER_NUMBERS]
    assert entry.parameters == {"before": 2, "taken": 41}


def test_who_dials_without_end_fills_no_log(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.management.TUNNELS_IN_AN_HOUR", 3)
    keys, good = here.keys(), here.keys(HONEST)
    here.add(keys)
    here.add(good, gateway=HONEST)
    port, _ = here.server().ports
    for _ in range(8):
        with closing(here.dial(port, keys.holders[Purpose.TLS])):
            pass
    honest = Gateway(here, good, HONEST)
    number = here.order(RunSelfTest(), HONEST)
    honest.come(port)
    assert here.finished(number).state is OrderState.CONFIRMED
    honest.leave()
    here.why(HONEST)
    opened = [each.subject for each in here.office.audit.entries() if each.action == Action.TUNNEL_OPENED]
    assert opened.count(GATEWAY.text) <= 3


def test_who_notifies_without_end_is_put_off(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers may jump as they like; how many of them are kept in an hour is bounded."""
    monkeypatch.setattr("admin.service.NOTIFICATIONS_IN_AN_HOUR", 3)
    keys = here.keys()
    here.add(keys)
    _, port = here.server().ports
    answers = []
    with closing(here.dial(port, keys.holders[Purpose.TLS])) as tunnel:
        client = HttpClient()
        for number in (7, 2**63 - 1, 1, 8, 9):
            told = Notification(
                gateway=GATEWAY,
                number=number,
                event="self-test",
                outcome="failure",
                subject="clock",
                at=STARTED,
            )
            tunnel.send(client.request(NOTIFICATIONS, "admin", {}, told.to_bytes()))
            while (response := client.receive(tunnel.receive(65_536, TIMEOUT))) is None:
                pass
            answers.append(response.status)
    assert answers == [200, 200, 200, 503, 503]
    assert {each.number for each in here.office.reports.notifications(GATEWAY)} == {7, 2**63 - 1, 1}


def page(*numbers: int) -> bytes:
    return encode({"entries": [{"record_number": number, "event": f"by {len(numbers)}"} for number in numbers]})


def read_log(here: World, device: Gateway, port: int) -> str:
    wish = here.office.reports.ask(GATEWAY, Subject.SYSTEM_LOG, BY, here.clock())
    device.come(port)

    def answered() -> bool:
        found = here.office.reports.inquiry(wish)
        return found is not None and found.answered_at is not None

    until(answered)
    device.leave()
    found = here.office.reports.inquiry(wish)
    assert found is not None
    return found.failure


def known(here: World) -> list[object]:
    return [each["record_number"] for each in here.office.reports.entries(GATEWAY, Subject.SYSTEM_LOG)]


def told(pages: dict[str, bytes]) -> Callable[[Request], tuple[int, bytes]]:
    return lambda request: (200, pages.get(request.query, page()))


def test_a_number_that_nobody_could_ask_for_is_no_entry(here: World) -> None:
    keys = here.keys()
    here.add(keys)
    port, _ = here.server().ports
    device = Gateway(here, keys, other=told({"after=0": page(1, LAST_RECORD + 1, 2**63 - 1)}))
    assert read_log(here, device, port) == ""
    assert known(here) == [1]


def test_what_it_told_before_it_does_not_write_anew(here: World) -> None:
    keys = here.keys()
    here.add(keys)
    port, _ = here.server().ports
    assert read_log(here, Gateway(here, keys, other=told({"after=0": page(1, 2, 3)})), port) == ""
    before = here.office.reports.entries(GATEWAY, Subject.SYSTEM_LOG)
    assert read_log(here, Gateway(here, keys, other=told({"after=2": page(1, 2, 3, 4)})), port) == ""
    after = here.office.reports.entries(GATEWAY, Subject.SYSTEM_LOG)
    assert after[:2] == before[:2]
    assert known(here) == [1, 2, 3, 4]


def test_a_log_that_lost_what_it_had_is_told(here: World) -> None:
    keys = here.keys()
    here.add(keys)
    port, _ = here.server().ports
    assert read_log(here, Gateway(here, keys, other=told({"after=0": page(1, LAST_RECORD)})), port) == ""
    device = Gateway(here, keys, other=told({"after=0": page(1, 2)}))
    assert "does not have any more" in read_log(here, device, port)
    assert known(here) == [1, LAST_RECORD]
