from datetime import UTC, datetime
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacenter.errors import RefusalReason
from smgw.wan.exchange import (
    ABOUT_THE_SEAL,
    ANSWER_TIMEOUT,
    FROM_THE_FUTURE,
    MAX_REASON_LENGTH,
    Acknowledged,
    Deferral,
    DeferredError,
    RefusedForGood,
    exchange,
    judge,
)
from wire.http import HttpClient, Response


def answer(status: int, body: bytes) -> Response:
    return Response(status, (), body)


def test_the_agreed_answers() -> None:
    assert judge(answer(200, b'{"result":"stored"}')) == Acknowledged(duplicate=False)
    assert judge(answer(200, b'{"result": "duplicate"}\n')) == Acknowledged(duplicate=True)
    assert judge(answer(422, b'{"reason":"CONFLICT"}')) == RefusedForGood("CONFLICT")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"reason":7}', b'{"reason":"a\\u0000b"}', b"\xff"])
def test_a_refusal_for_good_needs_no_reason_that_can_be_read(body: bytes) -> None:
    assert judge(answer(422, body)) == RefusedForGood("no reason given")


@pytest.mark.parametrize("reason", sorted(ABOUT_THE_SEAL))
def test_a_refusal_of_the_seal_is_not_for_good(reason: str) -> None:
    with pytest.raises(DeferredError, match=reason) as deferred:
        judge(answer(422, f'{{"reason":"{reason}"}}'.encode()))
    assert deferred.value.reason is Deferral.REFUSED_FOR_NOW


def test_the_words_are_the_datacenters() -> None:
    assert {*ABOUT_THE_SEAL, FROM_THE_FUTURE} <= {reason.value for reason in RefusalReason}


def test_a_reason_is_cut() -> None:
    refused = judge(answer(422, b'{"reason":"' + b"x" * 3000 + b'"}'))
    assert refused == RefusedForGood("x" * MAX_REASON_LENGTH)


@given(st.integers(100, 599), st.binary(max_size=200))
def test_nothing_else_ever_acknowledges(status: int, body: bytes) -> None:
    if status == 422:
        assert isinstance(judge(answer(status, body)), RefusedForGood)
        return
    with pytest.raises(DeferredError) as deferred:
        judge(answer(status, body))
    assert deferred.value.reason is (Deferral.UNEXPECTED_ANSWER if status == 200 else Deferral.REFUSED_FOR_NOW)


class Dripping:
    """A tunnel in which there is always one more byte, whatever the time-out; each takes a second to come."""

    opened_at = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self) -> None:
        self.seconds = 0
        self._answer = chain(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", repeat(0x20))

    def send(self, data: bytes) -> None:
        pass

    def receive(self, count: int, timeout: float) -> bytes:
        self.seconds += 1
        return bytes((next(self._answer),))

    def close(self) -> None:
        pass


def test_an_answer_that_drips_has_one_deadline_for_all_its_bytes() -> None:
    tunnel, client = Dripping(), HttpClient()
    request = client.request("/deliveries", "localhost", {}, b"sealed")
    with pytest.raises(DeferredError) as deferred:
        exchange(tunnel, client, request, monotonic=lambda: float(tunnel.seconds))
    assert deferred.value.reason is Deferral.TIMEOUT
    assert tunnel.seconds == ANSWER_TIMEOUT
