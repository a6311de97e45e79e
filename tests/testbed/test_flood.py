import io
import json
import socket
from collections.abc import Iterator

import pytest

from testbed.flood import BURST, Flood, main

DATAGRAMS = [bytes([number]) * 10 for number in range(3)]


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(60)
        yield opened


def test_a_burst_brings_the_datagrams_in_turn_from_each_source(receiver: socket.socket) -> None:
    with Flood("127.0.0.1", receiver.getsockname()[1], ["127.0.0.2", "127.0.0.3"], DATAGRAMS) as flood:
        assert [flood.burst(BURST), flood.burst(4)] == [BURST, 4]
        came = [receiver.recvfrom(100) for _ in range(BURST + 4)]
    assert [datagram for datagram, _ in came[:4]] == [*DATAGRAMS, DATAGRAMS[0]]
    assert [sender[0] for _, sender in came] == ["127.0.0.2"] * BURST + ["127.0.0.3"] * 4


class Watch:
    """Time that passes while somebody sleeps, and only then."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_no_more_goes_out_than_the_rate(receiver: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.flood.time", Watch())
    with Flood("127.0.0.1", receiver.getsockname()[1], ["127.0.0.2"], DATAGRAMS) as flood:
        sent, seconds = flood.run(1000, 0.3)
    assert BURST <= sent <= seconds * 1000
    assert seconds >= 0.3


def test_nobody_listening_is_no_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with Flood("127.0.0.1", port, ["127.0.0.2"], DATAGRAMS) as flood:
        assert {flood.burst(1) for _ in range(3)} <= {0, 1}


def test_floods_stay_at_home() -> None:
    with pytest.raises(ValueError, match="at home"):
        Flood("8.8.8.8", 53, ["0.0.0.0"], DATAGRAMS)  # noqa: S104


def test_nothing_to_send_or_nobody_to_send_it() -> None:
    for sources, datagrams in ((["127.0.0.2"], []), ([], DATAGRAMS)):
        with pytest.raises(ValueError, match="needs"):
            Flood("127.0.0.1", 9, sources, datagrams)


def test_the_command_tells_when_it_begins_and_what_it_sent(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    host, port = receiver.getsockname()
    monkeypatch.setattr("testbed.flood.time", Watch())
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{one.hex()}\n" for one in DATAGRAMS)))
    main([host, str(port), "2000", "0.2", "127.0.0.2,127.0.0.3"])
    ready, told = capfd.readouterr().out.splitlines()
    assert ready == "ready"
    assert json.loads(told)["sent"] >= BURST
    assert receiver.recv(100) == DATAGRAMS[0]
