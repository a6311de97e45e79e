"""The server's half of HTTP/1.1: however the bytes are cut the result is one, bounds hold, a foreign client agrees."""

import http.client
import socket
import threading
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import HttpError
from wire.http import MAXIMUM_BODY_BYTES, MAXIMUM_HEAD_BYTES, HttpClient
from wire.http_server import HttpServer, Request

GET = b"GET /logs/system?after=7 HTTP/1.1\r\nHost: gateway\r\n\r\n"
POST = b"POST /orders HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/cms\r\nContent-Length: 5\r\n\r\nabcde"
CHUNKED = (
    b"PUT /firmware HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
)
LAST = b"GET /status HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"


def outcome(pieces: Sequence[bytes], server: HttpServer | None = None) -> tuple[Request | None, bool]:
    """What a caller who stops at the request gets, and whether the bytes up to it were refused."""
    server = server or HttpServer()
    try:
        for piece in pieces:
            request = server.receive(piece)
            if request is not None:
                return request, False
    except HttpError:
        assert not server.reusable
        assert not server.idle
        return None, True
    return None, False


def each(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


def test_a_request_is_given_when_it_is_complete() -> None:
    server = HttpServer()
    assert server.receive(POST[:-1]) is None
    request = server.receive(POST[-1:])
    assert request == Request(
        "POST",
        "/orders",
        (("host", "gateway"), ("content-type", "application/cms"), ("content-length", "5")),
        b"abcde",
    )
    assert request.header("Content-Type") == "application/cms"
    assert request.header("Range") is None


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/status", "/status", ""),
        ("/logs/system?after=7", "/logs/system", "after=7"),
        ("/a?b?c", "/a", "b?c"),
        ("/logs/../readings", "/logs/../readings", ""),
        ("/%72eadings", "/%72eadings", ""),
    ],
)
def test_a_path_is_what_was_sent_and_nothing_else(target: str, path: str, query: str) -> None:
    request, _ = outcome([b"GET " + target.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n"])
    assert request is not None
    assert (request.path, request.query) == (path, query)


def test_a_response_is_framed_by_its_length() -> None:
    server = HttpServer()
    server.receive(GET)
    answer = server.respond(200, {"Content-Type": "application/json"}, b"{}")
    assert answer == b"HTTP/1.1 200 \r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    server.receive(GET)
    assert server.respond(204, {}, b"") == b"HTTP/1.1 204 \r\n\r\n"
    server.receive(GET)
    assert server.respond(404, {}, b"") == b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n"


def test_a_connection_carries_one_request_after_another() -> None:
    server = HttpServer()
    for request, body in ((POST, b"abcde"), (CHUNKED, b"abcde"), (GET, b""), (POST, b"abcde")):
        assert server.idle
        assert server.receive(request[:10]) is None
        assert server.reusable
        assert not server.idle
        found = server.receive(request[10:])
        assert found is not None
        assert found.body == body
        assert not server.reusable
        server.respond(200, {}, b"ok")
    assert server.idle


def test_a_connection_between_head_and_body_is_reusable_and_not_idle() -> None:
    server = HttpServer()
    assert server.receive(POST[:-5]) is None
    assert server.reusable
    assert not server.idle


REFUSED = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n0\r\n\r\n",
    "differing lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n",
    "length beyond the bound": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MAXIMUM_BODY_BYTES + 1),
    "endless length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "chunks beyond the bound": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 17,
    "chunk of no size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "other coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "large head": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * MAXIMUM_HEAD_BYTES + b"\r\n\r\n",
    "many fields": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 3000 + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "older protocol": b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "other protocol": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "question before the body": b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no protocol": b"hello\r\n\r\n",
    "NUL in a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "absolute target": b"GET http://a/status HTTP/1.1\r\nHost: a\r\n\r\n",
    "no target": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "target beyond the bound": b"GET /" + b"x" * 2001 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    **{
        f"method {method}": method.encode() + b" / HTTP/1.1\r\nHost: a\r\n\r\n"
        for method in ("HEAD", "CONNECT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "POSTS")
    },
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_ambiguous_or_unbounded_is_refused_once_and_for_all(why: str) -> None:
    server = HttpServer()
    with pytest.raises(HttpError):
        assert server.receive(REFUSED[why]) is None
    with pytest.raises(HttpError, match="failed before"):
        server.receive(GET)
    assert not server.reusable


@pytest.mark.parametrize("why", REFUSED)
def test_a_refusal_may_be_said_once_and_ends_the_connection(why: str) -> None:
    server = HttpServer()
    with pytest.raises(HttpError):
        server.receive(REFUSED[why])
    answer = server.respond(400, {}, b"no")
    body = b"" if why == "method HEAD" else b"no"
    assert answer == b"HTTP/1.1 400 \r\nContent-Length: 2\r\nConnection: close\r\n\r\n" + body
    assert not server.reusable
    with pytest.raises(RuntimeError, match="second response"):
        server.respond(400, {}, b"no")


@pytest.mark.parametrize("data", [GET, POST, CHUNKED, LAST, *REFUSED.values()])
def test_byte_by_byte_equals_one_shot(data: bytes) -> None:
    whole = outcome([data])
    assert outcome(each(data)) == whole
    assert outcome([data[:20], data[20:]]) == whole


edits = st.tuples(st.integers(0, 120), st.integers(0, 3), st.binary(max_size=4))


@given(st.sampled_from((GET, POST, CHUNKED, LAST)), st.lists(edits, max_size=3), st.lists(st.integers(1, 150)))
def test_damaged_requests_end_the_same_way_however_they_are_cut(
    data: bytes, damages: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    """The one difference is a request with more after it, which is refused as a whole if it is seen as a whole."""
    for place, length, inserted in damages:
        data = data[:place] + inserted + data[place + length :]
    if not data:
        return
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = outcome([data[begin:end] for begin, end in pairwise(edges)])
    request, refused = outcome([data])
    single, refused_singly = outcome(each(data))
    if refused and not refused_singly:
        assert single is not None
        assert found in ((single, False), (None, True))
    else:
        assert found == (request, refused) == (single, refused_singly)


@given(st.binary(min_size=1, max_size=100))
def test_nothing_else_escapes(data: bytes) -> None:
    request, refused = outcome([data])
    assert request is None or not refused


def test_the_largest_head_and_body_are_accepted_and_one_byte_more_is_not() -> None:
    frame = b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n"
    filler = 1000 - len(frame % b"")
    for data in (frame % (b"x" * filler), frame % (b"x" * (filler + 1))):
        for pieces in ([data], each(data)):
            assert outcome(pieces, HttpServer(maximum_head_bytes=1000))[1] is False
    too_long = frame % (b"x" * (filler + 2))
    for pieces in ([too_long], each(too_long)):
        assert outcome(pieces, HttpServer(maximum_head_bytes=1000))[1] is True
    for data in (POST, CHUNKED):
        assert outcome([data], HttpServer(maximum_body_bytes=5))[1] is False
        assert outcome([data], HttpServer(maximum_body_bytes=4))[1] is True


def test_a_larger_bound_is_for_its_method_and_path_alone() -> None:
    def put(method: bytes, target: bytes, size: int, server: HttpServer | None = None) -> bool:
        head = method + b" " + target + b" HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
        server = server or HttpServer(maximum_body_bytes=10, larger_bodies={("PUT", "/firmware"): 100_000})
        return outcome([head + b"x" * size], server)[1]

    assert put(b"PUT", b"/firmware", 100_000) is False
    assert put(b"PUT", b"/firmware?x", 100_000) is False
    assert put(b"PUT", b"/firmware", 100_001) is True
    assert put(b"POST", b"/firmware", 11) is True
    assert put(b"PUT", b"/firmware/", 11) is True
    server = HttpServer(maximum_body_bytes=10, larger_bodies={("PUT", "/firmware"): 100_000})
    assert put(b"PUT", b"/firmware", 11, server) is False
    server.respond(200, {}, b"")
    assert put(b"PUT", b"/orders", 11, server) is True


@pytest.mark.parametrize("first", [GET, POST, CHUNKED, LAST])
def test_a_request_before_the_last_one_was_answered_is_refused(first: bytes) -> None:
    together = HttpServer()
    with pytest.raises(HttpError, match="before the last one was answered"):
        together.receive(first + GET)
    with pytest.raises(HttpError, match="before the last one was answered"):
        HttpServer().receive(first + b"G")
    apart = HttpServer()
    assert apart.receive(first) is not None
    with pytest.raises(HttpError, match="before the last one was answered"):
        apart.receive(b"G")
    assert b"Connection: close" in apart.respond(400, {}, b"")
    assert not apart.reusable


@pytest.mark.parametrize("cut", [1, 10, len(POST) - 5, len(POST) - 1])
def test_an_end_before_the_end_is_refused(cut: int) -> None:
    server = HttpServer()
    assert server.receive(POST[:cut]) is None
    with pytest.raises(HttpError, match="before its request was complete"):
        server.receive(b"")
    assert not server.reusable


def test_an_end_between_two_requests_is_an_end() -> None:
    server = HttpServer()
    server.receive(GET)
    server.respond(200, {}, b"")
    assert server.receive(b"") is None
    assert not server.reusable
    assert not server.idle
    with pytest.raises(HttpError, match="after the end"):
        server.receive(GET)


def test_a_peer_that_closed_its_side_still_has_its_answer() -> None:
    server = HttpServer()
    assert server.receive(GET) is not None
    assert server.receive(b"") is None
    assert server.respond(200, {}, b"ok").endswith(b"ok")
    assert not server.reusable


def test_either_end_may_end_the_connection_with_a_response() -> None:
    theirs = HttpServer()
    theirs.receive(LAST)
    assert b"Connection: close" in theirs.respond(200, {}, b"")
    assert not theirs.reusable
    ours = HttpServer()
    ours.receive(GET)
    assert b"Connection: close" in ours.respond(200, {}, b"", close=True)
    assert not ours.reusable
    with pytest.raises(HttpError, match="after the end"):
        ours.receive(GET)


def test_a_response_without_a_request_is_a_mistake_of_the_caller() -> None:
    server = HttpServer()
    with pytest.raises(RuntimeError, match="no request"):
        server.respond(200, {}, b"")
    server.receive(GET)
    server.respond(200, {}, b"")
    with pytest.raises(RuntimeError, match="no request"):
        server.respond(200, {}, b"")


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (100, {}, b""),
        (199, {}, b""),
        (600, {}, b""),
        (204, {}, b"x"),
        (304, {}, b"x"),
        (200, {"X": "a\r\nY: b"}, b""),
        (200, {"X\r\nY": "b"}, b""),
        (200, {"Content-Length": "1"}, b""),
        (200, {"transfer-encoding": "chunked"}, b""),
        (200, {"Connection": "keep-alive"}, b""),
        (200, {"Upgrade": "x"}, b""),
    ],
)
def test_a_response_that_would_say_something_else_is_not_written(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    server = HttpServer()
    server.receive(GET)
    with pytest.raises(HttpError):
        server.respond(status, headers, body)


bodies = st.binary(max_size=300)


@given(st.lists(st.tuples(st.sampled_from(("GET", "POST", "PUT")), bodies, bodies), max_size=4), st.integers(1, 50))
def test_our_own_client_is_understood_and_understands(turns: list[tuple[str, bytes, bytes]], size: int) -> None:
    client, server = HttpClient(), HttpServer()
    for method, question, answer in turns:
        sent = client.request("/orders", "gateway", {"X": "y"}, question, method=method)
        pieces = [sent[place : place + size] for place in range(0, len(sent), size)]
        *early, request = [server.receive(piece) for piece in pieces]
        assert not any(early)
        assert request is not None
        assert (request.method, request.body) == (method, question)
        response = client.receive(server.respond(200, {}, answer))
        assert response is not None
        assert response.body == answer


def serve(connection: socket.socket) -> None:
    server = HttpServer(larger_bodies={("PUT", "/echo"): 100_000})
    with connection:
        while server.reusable:
            request = server.receive(connection.recv(1000))
            if request is not None:
                connection.sendall(server.respond(200, {"X-Method": request.method}, request.body))


def test_a_foreign_client_is_understood_and_understands() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=60)
        peer.connect()
        accepted, _ = listening.accept()
    thread = threading.Thread(target=serve, args=(accepted,))
    thread.start()
    for method, body in (("GET", b""), ("POST", b"one"), ("PUT", b"x" * 90_000), ("POST", b"two")):
        peer.request(method, "/echo", body)
        response = peer.getresponse()
        assert (response.status, response.getheader("X-Method"), response.read()) == (200, method, body)
    peer.request("POST", "/echo", iter([b"in ", b"chunks"]), encode_chunked=True)
    assert peer.getresponse().read() == b"in chunks"
    peer.close()
    thread.join(timeout=60)
    assert not thread.is_alive()
