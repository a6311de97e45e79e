"""Digest answers: one strict reading, the right response and no other, and no answer twice."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from threading import Thread

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.auth import HTTPDigestAuth

from smgw.han.digest import (
    LIFETIME_SECONDS,
    LONGEST_HEADER,
    MOST_PARAMETERS,
    WINDOW,
    Algorithm,
    Answer,
    DigestError,
    Nonces,
    challenge,
    parse_answer,
)

REALM = "EABC0012345678"
NAME, PASSWORD = "house", "Ofen-Birne-Garten-52"
VERIFIER = hashlib.sha256(f"{NAME}:{REALM}:{PASSWORD}".encode()).digest()
ANSWER = Answer(NAME, REALM, "0f" * 32, "/api/v1/now?meter=1", 1, "c0ffee", "ab" * 32)

printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)


def answers_by(algorithm: Algorithm, digits: str) -> st.SearchStrategy[Answer]:
    return st.builds(
        Answer,
        name=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), min_size=1),
        realm=printable,
        nonce=printable,
        target=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40),
        count=st.integers(1, 0xFFFFFFFF),
        client_nonce=printable,
        response=st.from_regex(digits, fullmatch=True),
        algorithm=st.just(algorithm),
    )


answers = answers_by(Algorithm.SHA_256, r"[0-9a-f]{64}") | answers_by(Algorithm.MD5, r"[0-9a-f]{32}")


def counting() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size)


@given(answers)
def test_what_is_written_is_read_again(answer: Answer) -> None:
    assert parse_answer(answer.to_header()) == answer


@given(st.one_of(st.text(), st.text().map("Digest ".__add__), st.text('Digest nc=",\\ 0', max_size=60)))
def test_nothing_but_its_own_error_escapes(value: str) -> None:
    try:
        read = parse_answer(value)
    except DigestError:
        return
    assert parse_answer(read.to_header()) == read


@given(st.data())
def test_an_answer_that_was_spoiled_is_another_one_or_none(data: st.DataObject) -> None:
    text = ANSWER.to_header()
    place = data.draw(st.integers(0, len(text) - 1))
    spoiled = text[:place] + data.draw(st.characters(max_codepoint=0xFF)) + text[place + 1 :]
    try:
        read = parse_answer(spoiled)
    except DigestError:
        return
    assert parse_answer(read.to_header()) == read


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Digest", "Basic"),
        ("Digest ", "Digest"),
        ("algorithm=SHA-256", "algorithm=MD5"),
        ("algorithm=SHA-256", "algorithm=SHA-256-sess"),
        ("algorithm=SHA-256", "algorithm=MD5-sess"),
        ("algorithm=SHA-256", "algorithm=md5"),
        (", algorithm=SHA-256", ""),
        ("qop=auth", "qop=auth-int"),
        ("qop=auth, ", ""),
        ("nc=00000001", "nc=00000000"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", 'nc="00000001"'),
        ("nc=00000001", "nc=0000000A"),
        ('"ab', '"AB'),
        ('response="', 'response="ab'),
        ('username="house"', "username=house"),
        ('username="house"', "username*=UTF-8''house"),
        ('username="house"', 'username="house", userhash=true'),
        ('username="house"', 'username="house", username="flat"'),
        ('username="house"', 'username="house", Username="flat"'),
        ('username="house"', 'username=""'),
        ('username="house"', 'username="ho\nuse"'),
        ('username="house"', 'username="house'),
        ('username="house", ', 'username="house" '),
        ('username="house", ', 'username="house",, '),
        ('cnonce="c0ffee"', 'cnonce="c0ffee",'),
        ('cnonce="c0ffee"', 'cnonce="c0ffee" x'),
        ('cnonce="c0ffee"', 'cnonce="c0ffee"\n'),
        ('cnonce="c0ffee"', 'cnonce=""'),
        ('uri="', 'uri=" '),
        ('uri="', 'uri="' + "a" * 2048),
        ("Digest ", "Digest " + "".join(f"x{number}=y, " for number in range(MOST_PARAMETERS))),
        ("Digest ", "Digest " + "x=" + "y" * LONGEST_HEADER + ", "),
    ],
)
def test_what_is_not_an_answer_of_ours_is_none(old: str, new: str) -> None:
    """FIA_UAU.5: no response of another hash than is named, no other form, nothing twice."""
    text = ANSWER.to_header()
    assert text.count(old) == 1
    with pytest.raises(DigestError):
        parse_answer(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Digest ", "digest  "),
        ("algorithm=SHA-256, qop=auth", 'algorithm="SHA-256", qop="auth"'),
        (", ", ","),
        ("cnonce=", "opaque=x, CNONCE = "),
        ('username="house"', r'username="\house", userhash=false'),
    ],
)
def test_what_clients_write_otherwise_is_the_same_answer(old: str, new: str) -> None:
    assert parse_answer(ANSWER.to_header().replace(old, new)) == ANSWER


def test_the_example_of_the_rfc() -> None:
    """RFC 7616 section 3.9.1."""
    text = (
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
        'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    verifier = hashlib.sha256(b"Mufasa:http-auth@example.org:Circle of Life").digest()
    answer = parse_answer(text)
    assert answer.is_right(verifier, "GET")
    assert not answer.is_right(verifier, "POST")
    assert not replace(answer, target="/other").is_right(verifier, "GET")
    assert not replace(answer, count=2).is_right(verifier, "GET")
    assert not answer.is_right(bytes(32), "GET")


def test_the_other_example_of_the_rfc() -> None:
    """RFC 7616 section 3.9.1: the same answer by MD5, which challenges of ours never name."""
    text = (
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=MD5, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
        'response="8ca523f5e9506fed4657c9700eebdbec"'
    )
    verifier = hashlib.md5(b"Mufasa:http-auth@example.org:Circle of Life").digest()  # noqa: S324 - the RFC's
    answer = parse_answer(text)
    assert answer.algorithm is Algorithm.MD5
    assert answer.is_right(verifier, "GET")
    assert not answer.is_right(verifier, "POST")
    assert not replace(answer, algorithm=Algorithm.SHA_256).is_right(verifier, "GET")


def test_a_challenge_offers_one_way_only() -> None:
    said = challenge(REALM, "ab")
    assert said == f'Digest realm="{REALM}", qop="auth", algorithm=SHA-256, nonce="ab", charset=UTF-8'
    assert challenge(REALM, "ab", stale=True) == said + ", stale=true"


def answering(nonces: Nonces, now: list[float], taken: list[int]) -> Callable[[str, str, str], str | None]:
    """A server: takes an answer, or says what is to be answered."""

    def answer(method: str, target: str, header: str) -> str | None:
        stale = False
        if header:
            given = parse_answer(header)
            assert (given.name, given.realm, given.target) == (NAME, REALM, target)
            if given.is_right(VERIFIER, method):
                if nonces.take(given.nonce, given.count, now[0]):
                    taken.append(given.count)
                    return None
                stale = True
        return challenge(REALM, nonces.issue(now[0]), stale=stale)

    return answer


def test_httpx_is_answered_with_one_challenge_for_ten_minutes() -> None:
    """A foreign client: it counts, and answers a fresh challenge by itself when the first one is too old."""
    now, taken = [0.0], list[int]()
    server = answering(Nonces(counting()), now, taken)

    def handle(request: httpx.Request) -> httpx.Response:
        said = server(request.method, request.url.raw_path.decode(), request.headers.get("Authorization", ""))
        return httpx.Response(200) if said is None else httpx.Response(401, headers={"WWW-Authenticate": said})

    with httpx.Client(
        transport=httpx.MockTransport(handle), auth=httpx.DigestAuth(NAME, PASSWORD), base_url="https://smgw"
    ) as client:
        for _ in range(3):
            assert client.get("/api/v1/now", params={"meter": "1 2"}).status_code == httpx.codes.OK
        now[0] = LIFETIME_SECONDS
        assert client.post("/x").status_code == httpx.codes.OK
    assert taken == [1, 2, 3, 1]
    with httpx.Client(
        transport=httpx.MockTransport(handle), auth=httpx.DigestAuth(NAME, PASSWORD + "x"), base_url="https://smgw"
    ) as client:
        assert client.get("/").status_code == httpx.codes.UNAUTHORIZED


@contextmanager
def serving(answer: Callable[[str, str, str], str | None]) -> Iterator[str]:
    """A real socket, for clients that are nothing without one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said = answer("GET", self.path, self.headers.get("Authorization", ""))
            self.send_response(200 if said is None else 401)
            if said is not None:
                self.send_header("WWW-Authenticate", said)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.peer
def test_requests_writes_quotation_marks_of_its_own() -> None:
    """A foreign client: ``algorithm`` and ``qop`` stand in quotation marks."""
    now, taken = [0.0], list[int]()
    with (
        serving(answering(Nonces(counting()), now, taken)) as base,
        requests.Session() as session,
    ):
        session.trust_env = False
        session.auth = HTTPDigestAuth(NAME, PASSWORD)
        assert [session.get(f"{base}/a?b=c&d=%20").status_code for _ in range(2)] == [200, 200]
        now[0] = LIFETIME_SECONDS
        assert session.get(f"{base}/a").status_code == 200
        session.auth = HTTPDigestAuth(NAME, PASSWORD + "x")
        assert session.get(f"{base}/a").status_code == 401
    assert taken == [1, 2, 1]


@pytest.mark.peer
def test_curl_answers_the_challenge() -> None:
    """A foreign client, of another language and with a parser of its own."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    taken = list[int]()
    with serving(answering(Nonces(counting()), [0.0], taken)) as base:
        command = [
            curl,
            "-q",
            "--silent",
            "--noproxy",
            "*",
            "--write-out",
            "%{http_code} ",
            "--digest",
            "--config",
            "-",
        ]
        for password in (PASSWORD, PASSWORD + "x"):
            asked = f'user = "{NAME}:{password}"\nurl = "{base}/a?b=c"\nurl = "{base}/d"\n'
            done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, timeout=180)
            assert done.stdout.split() == (["200", "200"] if password == PASSWORD else ["401", "401"]), done.stderr
    assert taken == [1, 1]  # it asks for a challenge for each address


def test_a_challenge_is_ours_and_young() -> None:
    """FIA_UAU.6: after ten minutes somebody proves anew who he is."""
    nonces = Nonces(counting())
    nonce = nonces.issue(100)
    assert nonces.holds(nonce, 100)
    assert nonces.holds(nonce, 100 + LIFETIME_SECONDS - 0.001)
    assert not nonces.holds(nonce, 100 + LIFETIME_SECONDS)
    assert not nonces.holds(nonce, 99)
    other = Nonces(bytes)
    assert not other.holds(nonce, 100)
    assert not nonces.take(other.issue(100), 1, 100)
    for place in range(0, len(nonce), 7):
        spoiled = nonce[:place] + ("1" if nonce[place] == "0" else "0") + nonce[place + 1 :]
        assert not nonces.holds(spoiled, 100)
    assert not nonces.holds("not one", 100)
    assert nonces.issue(100) != nonce


def test_no_answer_counts_twice() -> None:
    """A replay of what was taken is none; answers that overtake each other are each taken once."""
    nonces = Nonces(counting())
    nonce = nonces.issue(0)
    assert not nonces.is_known(nonce)
    assert [nonces.take(nonce, number, 1) for number in (1, 1, 3, 2, 2, 3, 5)] == [
        True,
        False,
        True,
        True,
        False,
        False,
        True,
    ]
    assert nonces.is_known(nonce)
    assert nonces.take(nonce, 2**32 - 1, 1)
    assert nonces.take(nonce, 2**32 - WINDOW, 1)
    assert not nonces.take(nonce, 2**32 - WINDOW, 1)
    assert not nonces.take(nonce, 2**32 - 1 - WINDOW, 1)
    assert not nonces.take(nonce, 4, 1)


@given(st.lists(st.integers(1, 200), max_size=60))
def test_each_count_is_taken_once_at_most(numbers: list[int]) -> None:
    nonces = Nonces(counting())
    nonce = nonces.issue(0)
    taken = [number for number in numbers if nonces.take(nonce, number, 0)]
    assert len(set(taken)) == len(taken)
    assert not numbers or numbers[0] in taken


def test_the_memory_is_bounded_and_forgets_nothing_to_anybodys_good() -> None:
    nonces = Nonces(counting(), capacity=2)
    first, second, third = nonces.issue(1), nonces.issue(2), nonces.issue(3)
    assert all(nonces.take(each, 1, 4) for each in (second, first, third))
    assert not nonces.is_known(first)
    assert not nonces.take(first, 1, 4)  # forgotten, and so taken no more
    assert not nonces.take(first, 2, 4)
    assert nonces.take(second, 2, 4)
    # What is too old makes room by itself: nothing young is forgotten for it.
    late = LIFETIME_SECONDS + 3.5
    fourth = nonces.issue(late)
    assert nonces.take(fourth, 1, late)
    assert nonces.take(nonces.issue(late), 1, late)
    assert nonces.is_known(fourth)
