"""The client's half of HTTP/1.1: however the bytes are cut the result is one, bounds hold, a foreign server agrees."""

import http.server
import socket
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import HttpError
from wire.http import MAXIMUM_BODY_BYTES, MAXIMUM_HEAD_BYTES, HttpClient, Response, host_field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n" + b'{"result":"stored"}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
BODY = b"<sealed/>"


def asked(client: HttpClient) -> bytes:
    return client.request("/deliveries", "emt.example:8443", {"Content-Type": "application/x"}, BODY)


def outcome(pieces: Sequence[bytes], client: HttpClient | None = None) -> tuple[Response | None, bool]:
    """What a caller who stops at the response gets, and whether the bytes up to it were refused."""
    client = client or HttpClient()
    asked(client)
    try:
        for piece in pieces:
            response = client.receive(piece)
            if response is not None:
                return response, False
    except HttpError:
        assert not client.reusable
        return None, True
    return None, False


def test_a_request_is_framed_by_its_length() -> None:
    assert asked(HttpClient()) == (
        b"POST /deliveries HTTP/1.1\r\nHost: emt.example:8443\r\nContent-Type: application/x\r\n"
        b"Content-Length: 9\r\n\r\n<sealed/>"
    )
    assert HttpClient().request("/", "[::1]", {}, b"", method="GET").endswith(b"Content-Length: 0\r\n\r\n")
    assert HttpClient().request("/firmware", "a", {}, b"x", method="PUT").startswith(b"PUT /firmware HTTP/1.1\r\n")


def test_a_response_is_given_when_it_is_complete() -> None:
    client = HttpClient()
    asked(client)
    assert not client.reusable
    assert client.receive(OK[:-1]) is None
    response = client.receive(OK[-1:])
    assert response == Response(
        200, (("content-type", "application/json"), ("content-length", "19")), b'{"result":"stored"}'
    )
    assert response.header("Content-Type") == "application/json"
    assert response.header("Retry-After") is None
    assert client.reusable


def test_a_connection_carries_one_request_after_another() -> None:
    client = HttpClient()
    for answer, body in ((OK, b'{"result":"stored"}'), (CHUNKED, b"abcde"), (OK, b'{"result":"stored"}')):
        assert asked(client).endswith(BODY)
        response = client.receive(answer)
        assert response is not None
        assert response.body == body


NOT_ALIVE = [
    OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
    OK.replace(b"Content-Type: application/json", b"Connection: close"),
    OK + b"H",
    OK + OK,
]
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
REFUSED = {
    "no length": b"HTTP/1.1 200 OK\r\n\r\nabc",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "differing lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n",
    "length beyond the bound": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAXIMUM_BODY_BYTES + 1),
    "endless length": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "chunks beyond the bound": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 17,
    "chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "other coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "large head": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + b"x" * MAXIMUM_HEAD_BYTES + b"\r\n\r\n",
    "many fields": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X: y\r\n" * 3000 + b"\r\n",
    "endless interim responses": INTERIM * 9 + OK,
    "other protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18),
    "TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "no protocol": b"hello\r\n\r\n",
    "NUL in a field": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", NOT_ALIVE)
def test_a_connection_that_ends_or_has_more_to_say_is_not_used_again(answer: bytes) -> None:
    client = HttpClient()
    asked(client)
    response = client.receive(answer)
    assert response is not None
    assert response.body == b'{"result":"stored"}'
    assert not client.reusable
    with pytest.raises(RuntimeError):
        asked(client)


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_ambiguous_or_unbounded_is_refused_once_and_for_all(why: str) -> None:
    client = HttpClient()
    asked(client)
    with pytest.raises(HttpError):
        assert client.receive(REFUSED[why]) is None
    with pytest.raises(HttpError, match="failed before"):
        client.receive(OK)
    with pytest.raises(RuntimeError):
        asked(client)


@pytest.mark.parametrize("answer", [OK, CHUNKED, INTERIM * 8 + OK, *NOT_ALIVE, *REFUSED.values()])
def test_byte_by_byte_equals_one_shot(answer: bytes) -> None:
    whole = outcome([answer])
    assert outcome([answer[place : place + 1] for place in range(len(answer))]) == whole
    assert outcome([answer[:20], answer[20:]]) == whole


edits = st.tuples(st.integers(0, 120), st.integers(0, 3), st.binary(max_size=4))


@given(st.sampled_from((OK, CHUNKED, INTERIM + OK)), st.lists(edits, max_size=3), st.lists(st.integers(1, 150)))
def test_damaged_answers_end_the_same_way_however_they_are_cut(
    answer: bytes, damages: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    for place, length, inserted in damages:
        answer = answer[:place] + inserted + answer[place + length :]
    if not answer:
        return
    edges = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})
    pieces = [answer[begin:end] for begin, end in pairwise(edges)]
    assert outcome(pieces) == outcome([answer])


@given(st.binary(min_size=1, max_size=100))
def test_nothing_else_escapes(data: bytes) -> None:
    response, refused = outcome([data])
    assert response is None or not refused


def test_the_largest_head_and_body_are_accepted_and_one_byte_more_is_not() -> None:
    frame = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: %b\r\n\r\n"
    filler = 1000 - len(frame % b"")
    for answer in (frame % (b"x" * filler), frame % (b"x" * (filler + 1))):
        for pieces in ([answer], [answer[place : place + 1] for place in range(len(answer))]):
            assert outcome(pieces, HttpClient(maximum_head_bytes=1000))[1] is False
    too_long = frame % (b"x" * (filler + 2))
    for pieces in ([too_long], [too_long[place : place + 1] for place in range(len(too_long))]):
        assert outcome(pieces, HttpClient(maximum_head_bytes=1000))[1] is True
    assert outcome([OK], HttpClient(maximum_body_bytes=19))[1] is False
    assert outcome([OK], HttpClient(maximum_body_bytes=18))[1] is True
    assert outcome([CHUNKED], HttpClient(maximum_body_bytes=5))[1] is False
    assert outcome([CHUNKED], HttpClient(maximum_body_bytes=4))[1] is True


@pytest.mark.parametrize("cut", [0, 10, len(OK) - 1])
def test_an_end_before_the_end_is_refused(cut: int) -> None:
    client = HttpClient()
    asked(client)
    if cut:
        assert client.receive(OK[:cut]) is None
    with pytest.raises(HttpError):
        client.receive(b"")
    assert not client.reusable


def test_an_idle_connection_that_ends_or_speaks_is_not_used_again() -> None:
    ended = HttpClient()
    assert ended.receive(b"") is None
    assert not ended.reusable
    spoken = HttpClient()
    with pytest.raises(HttpError, match="nobody asked for"):
        spoken.receive(OK)
    assert not spoken.reusable


def test_a_second_request_before_the_response_is_a_mistake_of_the_caller() -> None:
    client = HttpClient()
    asked(client)
    with pytest.raises(RuntimeError):
        asked(client)


@pytest.mark.parametrize(
    ("target", "host", "headers", "method"),
    [
        ("deliveries", "a", {}, "POST"),
        ("/a b", "a", {}, "POST"),
        ("/a\r\nX: y", "a", {}, "POST"),
        ("/", "a\r\nX: y", {}, "POST"),
        ("/", "", {}, "POST"),
        ("/", "a", {"X": "a\r\nY: b"}, "POST"),
        ("/", "a", {"X\r\nY": "b"}, "POST"),
        ("/", "a", {"X": "€"}, "POST"),
        ("/", "a", {"content-length": "1"}, "POST"),
        ("/", "a", {"Transfer-Encoding": "chunked"}, "POST"),
        ("/", "a", {"Host": "b"}, "POST"),
        ("/", "a", {"Expect": "100-continue"}, "POST"),
        ("/", "a", {}, "HEAD"),
        ("/", "a", {}, "CONNECT"),
    ],
)
def test_a_request_that_would_say_something_else_is_not_written(
    target: str, host: str, headers: dict[str, str], method: str
) -> None:
    with pytest.raises(HttpError):
        HttpClient().request(target, host, headers, b"", method=method)


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield "127.0.0.1", listening.server_port
        listening.shutdown()
        thread.join()


def test_a_foreign_server_understands_and_is_understood(server: tuple[str, int]) -> None:
    client = HttpClient()
    with socket.create_connection(server, timeout=60) as connection:
        for body in (b"", b"one", b"x" * 60_000):
            connection.sendall(client.request("/echo", "127.0.0.1", {"Content-Type": "text/plain"}, body))
            response = None
            while response is None:
                response = client.receive(connection.recv(1000))
            assert response.body == body
            assert client.reusable


@pytest.mark.parametrize(
    ("host", "field"), [("emt.example", "emt.example:443"), ("192.0.2.1", "192.0.2.1:443"), ("::1", "[::1]:443")]
)
def test_an_ipv6_address_stands_in_brackets(host: str, field: str) -> None:
    assert host_field(host, 443) == field
    assert f"Host: {field}\r\n".encode() in HttpClient().request("/", field, {}, b"")
