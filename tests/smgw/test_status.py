import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smgw.status import SOCKET_NAME, StatusError, StatusServer, read_status
from smgw.store.errors import StoreError, StoreReason


def test_one_object_for_each_connection(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    answers: Iterator[dict[str, Any]] = iter([{"a": 1}, {"b": [None, "x"]}])
    server = StatusServer(deep, lambda: next(answers))
    assert stat.S_IMODE((deep / SOCKET_NAME).stat().st_mode) == 0o600
    assert read_status(deep) == {"a": 1}
    assert read_status(deep) == {"b": [None, "x"]}
    server.close()
    assert not (deep / SOCKET_NAME).exists()
    with pytest.raises(StatusError, match="no gateway answers"):
        read_status(deep)


def test_a_client_that_does_not_read_keeps_nobody_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smgw.status.ANSWER_TIMEOUT", 0.1)
    large, asked = {"x": "y" * 3_000_000}, threading.Event()

    def snapshot() -> dict[str, Any]:
        asked.set()
        return large

    server = StatusServer(tmp_path, snapshot)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as idle:
        idle.connect(str(tmp_path / SOCKET_NAME))
        assert asked.wait(60)  # its time runs
        monkeypatch.setattr("smgw.status.ANSWER_TIMEOUT", 60.0)
        assert read_status(tmp_path) == large
    server.close()


def test_one_status_that_cannot_be_made_does_not_end_all_others(tmp_path: Path) -> None:
    answers = iter([StoreError(StoreReason.BUSY, "busy"), RuntimeError("a defect")])

    def snapshot() -> dict[str, Any]:
        for trouble in answers:
            raise trouble
        return {"a": 1}

    server = StatusServer(tmp_path, snapshot)
    for _ in range(2):
        with pytest.raises(StatusError, match="not whole"):
            read_status(tmp_path)
    assert read_status(tmp_path) == {"a": 1}
    server.close()


def test_there_is_no_moment_in_which_others_may_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between bind and the first client nothing may have to be narrowed: the name appears with its final mode."""
    modes: list[int] = []

    class Watched(socket.socket):
        def bind(self, address: Any) -> None:
            super().bind(address)
            modes.append(stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode))

    monkeypatch.setattr(socket, "socket", Watched)
    former = os.umask(0)
    try:
        StatusServer(tmp_path, dict).close()
    finally:
        os.umask(former)
    assert modes == [0o600]


def test_what_a_killed_gateway_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(tmp_path / SOCKET_NAME))
    left.close()
    with pytest.raises(StatusError):
        read_status(tmp_path)
    server = StatusServer(tmp_path, dict)
    assert read_status(tmp_path) == {}
    server.close()


@pytest.mark.parametrize("answer", [b"", b"[1]", b'{"a":'])
def test_an_answer_that_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(json, "dumps", lambda *_, **__: answer.decode())
    server = StatusServer(tmp_path, dict)
    with pytest.raises(StatusError):
        read_status(tmp_path)
    server.close()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StatusError, match="no folder"):
        read_status(tmp_path / "nowhere")
