"""Sessions in simulated time: the tunnel is a script, everything behind it is real."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pki.errors import TunnelError, TunnelReason
from smgw.administration.errors import Done
from smgw.wan.management_session import (
    LOOK_SECONDS,
    ORDERLY,
    REQUEST_SECONDS,
    SLOWEST_RATE,
    Ending,
    Session,
    SessionPorts,
)
from testbed.small_pki import SmallPki
from tests.smgw.administration.house import House
from wire.http import HttpClient, Response
from wire.management import FIRMWARE, MAX_PACKAGE_BYTES, ORDERS, STATUS
from wire.orders import BreakUp, Command, Restart, RunSelfTest

Step = bytes | TunnelReason | float | Callable[[], None] | None
"""What comes next: octets, a break, seconds without any, something that happens meanwhile; None: nothing ever."""


class Script:
    """A tunnel that says what it is told to, in simulated time; ``sent`` is what the gateway answers."""

    def __init__(self, steps: Iterator[Step]) -> None:
        self.steps = steps
        self.now = 0.0
        self.sent = b""
        self.reads = 0
        self.seconds_for_each_piece = 0.0
        self.on_send: Callable[[], None] = lambda: None
        self.breaks: TunnelReason | None = None
        self.opened_at = datetime.now().astimezone()

    def receive(self, count: int, timeout: float) -> bytes:
        self.reads += 1
        assert self.reads < 100_000, "the session does not end"
        step = next(self.steps, None)
        while callable(step):
            step()
            step = next(self.steps, None)
        if isinstance(step, bytes):
            return step
        if isinstance(step, TunnelReason):
            raise TunnelError(step, "broken")
        assert timeout <= LOOK_SECONDS
        self.now += timeout if step is None else step
        raise TunnelError(TunnelReason.TIMEOUT, "nothing")

    def send(self, data: bytes) -> None:
        self.on_send()
        if self.breaks is not None:
            raise TunnelError(self.breaks, "broken")
        self.now += self.seconds_for_each_piece
        self.sent += data

    def close(self) -> None:
        raise AssertionError("a tunnel is closed by who opened it")


class Sitting:
    """One session over a script."""

    def __init__(self, house: House, *steps: Step | Iterator[Step]) -> None:
        def flat() -> Iterator[Step]:
            for step in steps:
                if isinstance(step, Iterator):
                    yield from step
                else:
                    yield step

        self.tunnel = Script(flat())
        self.verdict: Ending | None = None
        self.stopping = False
        self.judged = 0
        self.client = HttpClient(maximum_body_bytes=1 << 21)
        ports = SessionPorts(
            desk=house.desk, judge=self.judge, stopped=lambda: self.stopping, clock=lambda: house.now,
            monotonic=lambda: self.tunnel.now,
        )  # fmt: skip
        self.session = Session(self.tunnel, ports, idle_seconds=600, session_seconds=7200)

    def judge(self, _: datetime) -> Ending | None:
        self.judged += 1
        return self.verdict

    def serve(self) -> Ending:
        return self.session.serve()

    def answers(self) -> list[int]:
        """The status of each answer that was sent."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.tunnel.sent)]


def run_self_test(_: Any, at: datetime) -> Done:
    return Done({"found": 0})


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    return SmallPki()


@pytest.fixture
def house(pki: SmallPki, tmp_path: Path) -> Iterator[House]:
    def stage(package: bytes, at: datetime) -> Done:
        return Done({"octets": len(package)})

    made = House(pki, tmp_path, handlers={RunSelfTest: run_self_test}, stage=stage, status={"version": "1"})
    yield made
    made.close()


def request(target: str = STATUS, body: bytes = b"", method: str = "GET") -> bytes:
    return HttpClient().request(target, "gateway", {}, body, method=method)


def test_requests_are_answered_until_the_peer_ends(house: House) -> None:
    sitting = Sitting(house, request(), request("/readings"), b"")
    assert sitting.serve() is Ending.PEER_CLOSED
    assert sitting.answers() == [200, 403]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_however_a_request_is_cut_the_answer_is_the_same(house: House, size: int) -> None:
    data = request(ORDERS, house.sign(house.order()), "POST")
    pieces: list[Step] = [data[start : start + size] for start in range(0, len(data), size)]
    sitting = Sitting(house, *pieces, b"")
    assert sitting.serve() is Ending.PEER_CLOSED
    client = HttpClient()
    client.request(ORDERS, "gateway", {}, b"")
    response = client.receive(sitting.tunnel.sent)
    assert isinstance(response, Response)
    assert (response.status, b'"found":0' in response.body) == (200, True)


def test_an_idle_tunnel_ends(house: House) -> None:
    """FIA_UAU.6: nobody is believed for a silence."""
    sitting = Sitting(house, request(), 599.0, request())
    assert sitting.serve() is Ending.IDLE
    assert sitting.answers() == [200, 200]
    assert 1199 <= sitting.tunnel.now <= 1200


def test_empty_lines_do_not_keep_a_tunnel_open(house: House) -> None:
    def lines() -> Iterator[Step]:
        while True:
            yield b"\r\n"
            yield 1.0

    sitting = Sitting(house, lines())
    assert sitting.serve() in (Ending.IDLE, Ending.TOO_SLOW, Ending.PROTOCOL)
    assert sitting.tunnel.now <= 601


def test_a_session_ends_however_busy_it_is(house: House) -> None:
    """FIA_UAU.6: no activity makes a session longer."""

    def busy() -> Iterator[Step]:
        while True:
            yield request()
            yield 100.0

    sitting = Sitting(house, busy())
    assert sitting.serve() is Ending.SESSION
    assert sitting.tunnel.now <= 7300


@pytest.mark.parametrize("head", [b"G", b"GET /status HTTP/1.1\r\nHost: gateway\r\nX-Long: "])
def test_a_dripping_request_ends_the_tunnel(house: House, head: bytes) -> None:
    def drip() -> Iterator[Step]:
        yield head
        while True:
            yield 1.0
            yield b"x"

    sitting = Sitting(house, drip())
    assert sitting.serve() in (Ending.TOO_SLOW, Ending.PROTOCOL)
    assert sitting.tunnel.now <= REQUEST_SECONDS + 2


def test_half_a_request_and_silence(house: House) -> None:
    sitting = Sitting(house, request()[:-1])
    assert sitting.serve() is Ending.TOO_SLOW
    assert sitting.tunnel.now <= REQUEST_SECONDS + 2


def test_a_package_may_take_as_long_as_its_size_needs(house: House) -> None:
    package = bytes(4 * 1024 * 1024)
    data = request(FIRMWARE, package, "PUT")

    def slowly() -> Iterator[Step]:
        for start in range(0, len(data), SLOWEST_RATE):
            yield data[start : start + SLOWEST_RATE]
            yield 1.0

    sitting = Sitting(house, slowly(), b"")
    assert sitting.serve() is Ending.PEER_CLOSED
    assert sitting.answers() == [200]
    assert sitting.tunnel.now > 1000


def test_a_package_that_is_too_large_is_refused_by_its_head(house: House) -> None:
    head = b"PUT /firmware HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n" % (MAX_PACKAGE_BYTES + 1)
    sitting = Sitting(house, head)
    assert sitting.serve() is Ending.PROTOCOL
    assert sitting.answers() == [400]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\x05",
        b"DELETE /readings HTTP/1.1\r\nHost: gateway\r\n\r\n",
        b"GET http://elsewhere/ HTTP/1.1\r\nHost: gateway\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET /status HTTP/1.1\r\n\r\n",
        request() + request(),
        b"GET /" + b"x" * 70_000,
    ],
)
def test_who_breaks_http_gets_one_word_and_no_more(house: House, data: bytes) -> None:
    sitting = Sitting(house, data, request())
    assert sitting.serve() is Ending.PROTOCOL
    assert sitting.answers() == [400]


@pytest.mark.parametrize("steps", [(b"GET", b""), (TunnelReason.CLOSED,), (b"GET", TunnelReason.CLOSED)])
def test_a_cut_tunnel_is_no_orderly_end(house: House, steps: tuple[Step, ...]) -> None:
    sitting = Sitting(house, *steps)
    assert sitting.serve() is Ending.BROKEN
    assert Ending.BROKEN not in ORDERLY


def test_a_request_that_announces_the_end_is_the_last(house: House) -> None:
    last = b"GET /status HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"
    sitting = Sitting(house, last, request())
    assert sitting.serve() is Ending.PEER_CLOSED
    assert sitting.answers() == [200]


def test_the_administrator_is_judged_before_anything_is_read(house: House) -> None:
    """FIA_UAU.2, FIA_UID.2."""
    sitting = Sitting(house, request())
    sitting.verdict = Ending.CERTIFICATE
    assert sitting.serve() is Ending.CERTIFICATE
    assert (sitting.tunnel.reads, sitting.tunnel.sent) == (0, b"")


def test_an_idle_administrator_is_judged_at_least_every_five_seconds(house: House) -> None:
    sitting = Sitting(house)
    assert sitting.serve() is Ending.IDLE
    assert sitting.judged >= sitting.tunnel.now / 5
    assert LOOK_SECONDS <= 5


def test_a_verdict_ends_an_idle_tunnel_within_five_seconds(house: House) -> None:
    def turn() -> None:
        sitting.verdict = Ending.CERTIFICATE

    sitting = Sitting(house, request(), 100.0, turn)
    assert sitting.serve() is Ending.CERTIFICATE
    assert sitting.tunnel.now <= 105


def test_a_request_that_arrives_with_the_verdict_is_not_served(house: House) -> None:
    def turn() -> None:
        sitting.verdict = Ending.CERTIFICATE

    sitting = Sitting(house, turn, request(ORDERS, house.sign(house.order()), "POST"))
    assert sitting.serve() is Ending.CERTIFICATE
    assert sitting.tunnel.sent == b""
    assert house.orders.last() == 0


def test_a_verdict_cuts_an_answer_that_is_taken_slowly(house: House) -> None:
    house.status = {"text": "x" * 200_000}
    sitting = Sitting(house, request())
    sitting.tunnel.seconds_for_each_piece = 2.0

    def turn() -> None:
        sitting.verdict = Ending.CERTIFICATE

    sitting.tunnel.on_send = turn
    assert sitting.serve() is Ending.CERTIFICATE
    assert len(sitting.tunnel.sent) < 100_000


def test_who_takes_an_answer_too_slowly_loses_the_tunnel(house: House) -> None:
    house.status = {"text": "x" * 200_000}
    sitting = Sitting(house, request())
    sitting.tunnel.seconds_for_each_piece = 29.0
    assert sitting.serve() is Ending.TOO_SLOW


@pytest.mark.parametrize(
    ("reason", "ending"), [(TunnelReason.TIMEOUT, Ending.TOO_SLOW), (TunnelReason.CLOSED, Ending.BROKEN)]
)
def test_an_answer_that_cannot_be_sent(house: House, reason: TunnelReason, ending: Ending) -> None:
    sitting = Sitting(house, request())
    sitting.tunnel.breaks = reason
    assert sitting.serve() is ending


@pytest.mark.parametrize(("command", "ending"), [(Restart(), Ending.RESTART), (BreakUp(), Ending.BROKEN)])
def test_a_restart_follows_although_its_answer_is_lost(house: House, command: Command, ending: Ending) -> None:
    sitting = Sitting(house, request(ORDERS, house.sign(house.order(command=command)), "POST"))
    sitting.tunnel.breaks = TunnelReason.CLOSED
    assert sitting.serve() is ending


def test_the_gateway_may_stop_at_any_time(house: House) -> None:
    def stop() -> None:
        sitting.stopping = True

    sitting = Sitting(house, request(), stop, 1.0, request())
    assert sitting.serve() is Ending.STOPPED
    assert sitting.answers() == [200]
