"""The page as a whole: its parts begin in order, and where one cannot, the others end."""

import io
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Never, cast

import pytest

from han_web.front import Nginx
from han_web.serve import Application, serve
from han_web.sockets import SOCKET_NAME, listen_locally
from smgw.config_han import HanConfiguration
from smgw.han.port import Door, HanPort, Visitor
from smgw.han.settings import ServingError, ServingReason
from tests.han_web.empty import NOW, ShutDoor
from tests.han_web.fronted import PATIENCE, SEEN, application, prepared, require_nginx, rest


def left(before: set[threading.Thread]) -> set[threading.Thread]:
    """Threads that did not end; one that says that it ends may be about to."""
    new = set(threading.enumerate()) - before
    for one in new:
        one.join(PATIENCE)
    return {one for one in new if one.is_alive()}


def empty_port() -> HanPort:
    return HanPort("EABC0012345678", cast("Door", ShutDoor()), lambda: NOW, nobody, nobody, lambda _at: True)


def nobody(_visitor: Visitor) -> Never:
    raise AssertionError


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[[bytes], bytes]]:
    behind = Application(application, listen_locally(tmp_path))
    behind.start()

    def one(text: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(PATIENCE)
            stream.connect(str(tmp_path / SOCKET_NAME))
            with suppress(BrokenPipeError):  # who is refused early is not listened to any more
                stream.sendall(text)
            return rest(stream)

    yield one
    behind.stop()


def test_the_application_answers_on_its_socket_and_says_nothing_of_its_server(ask: Callable[[bytes], bytes]) -> None:
    head, _, body = ask(b"GET /x HTTP/1.0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK")
    assert b"Server:" not in head
    seen = json.loads(body)
    assert {name: seen[name] for name in SEEN} == dict.fromkeys(SEEN) | {
        "PATH_INFO": "/x", "wsgi.url_scheme": "https", "REMOTE_ADDR": "localhost",
    }  # fmt: skip


def test_what_is_too_large_for_it(ask: Callable[[bytes], bytes]) -> None:
    assert ask(b"POST / HTTP/1.0\r\nContent-Length: 200000\r\n\r\n").startswith(b"HTTP/1.0 413 ")
    assert ask(b"GET / HTTP/1.0\r\nX: " + b"x" * 300_000 + b"\r\n\r\n").startswith(b"HTTP/1.0 431 ")


def test_what_is_shown_is_never_put_into_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumption values lie on the disk in the encrypted store alone, also while a large export waits for a client."""

    def large(environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
        del environ
        start("200 OK", [("Content-Length", str(3_000_000))])
        return [b"x" * 3_000_000]

    def refuse(*words: object, **more: object) -> io.BytesIO:
        raise AssertionError((words, more))

    monkeypatch.setattr("waitress.buffers.TempfileBasedBuffer._create_buffer", refuse, raising=False)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    behind = Application(large, listen_locally(tmp_path))
    behind.start()
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(PATIENCE)
        stream.connect(str(tmp_path / SOCKET_NAME))
        stream.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert len(rest(stream)) > 3_000_000
    behind.stop()


def test_it_ends_with_all_its_threads(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    behind = Application(application, listen_locally(tmp_path))
    behind.start()
    behind.stop()
    assert left(before) == set()


@pytest.mark.token
@pytest.mark.peer
def test_the_page_is_served_until_it_is_stopped(tmp_path: Path) -> None:
    require_nginx()
    with prepared(tmp_path) as one:
        page = serve(empty_port(), one.settings)
        assert page.serving()
        assert page.fingerprint() == one.settings.identity().fingerprint
        assert one.ask("GET /login HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        page.stop()
        assert not page.serving()
        with pytest.raises(ConnectionRefusedError):
            one.ask(b"")
        # Once more, at the same place.
        serve(empty_port(), one.settings).stop()


@pytest.mark.token
@pytest.mark.peer
def test_where_one_part_cannot_begin_none_stays(tmp_path: Path) -> None:
    require_nginx()
    with prepared(tmp_path) as one:
        before = set(threading.enumerate())
        with pytest.raises(ServingError, match="PIN incorrect"):
            serve(empty_port(), replace(one.settings, pin=lambda: "9999999999"))
        assert left(before) == set()
        with pytest.raises(ConnectionRefusedError):
            one.ask(b"")
        with pytest.raises(ServingError, match="cannot be served"):
            serve(empty_port(), replace(one.settings, folder=tmp_path / "a" / "b"))


def test_a_page_without_nginx_or_without_a_name_s_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with prepared(tmp_path) as one:
        monkeypatch.setattr(Nginx, "look", lambda: Nginx(Path("/nothing"), (3, 0), ()))
        monkeypatch.setitem(sys.modules, "zeroconf", None)
        page = HanConfiguration(one.page.addresses, one.page.port, (), "smgw")
        with pytest.raises(ServingError, match=r"smart-meter-gateway\[mdns\]") as refusal:
            serve(empty_port(), replace(one.settings, page=page))
        assert refusal.value.reason is ServingReason.NOT_INSTALLED
