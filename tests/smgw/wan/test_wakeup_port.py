import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.errors import StoreFullError
from smgw.store.logs import Entry, Event, Outcome, SystemLog
from smgw.wan import wakeup_port
from smgw.wan.wakeup_budget import RESERVED_PER_SECOND, SHARED_PER_SECOND, SHARED_WAITING
from smgw.wan.wakeup_port import WakeUpPort, addresses_of
from testbed.small_pki import NOW
from tests.admin.server_world import until
from tests.smgw.wan.waking import Waking
from tests.typed import mortal
from wire.reading import DeviceId
from wire.wakeup import SIZE

SECONDS = 60.0
"""Longest wait for something that takes milliseconds on an idle machine."""
ADMINISTRATOR = "127.0.0.1"


class Listening:
    """A port with everything behind it; the gateway's clock stands at ``waking.now``."""

    def __init__(self, waking: Waking, host: str = "127.0.0.1") -> None:
        self.waking = waking
        self.woken = threading.Semaphore(0)
        self.times = 0
        self.heard = True
        self.log = SystemLog(waking.database)
        self.port = self.make(host)
        self.port.reserve([ADMINISTRATOR])

    def make(self, host: str, wake: Callable[[], object] | None = None) -> WakeUpPort:
        return WakeUpPort(
            host, 0, gate=self.waking.gate, wake=wake or self.wake, log=self.log,
            clock=lambda: self.waking.now, monotonic=time.monotonic, may_hear=lambda _: self.heard,
        )  # fmt: skip

    def wake(self) -> None:
        self.times += 1
        self.woken.release()

    def wakes(self) -> bool:
        return self.woken.acquire(timeout=SECONDS)

    def refused(self) -> dict[str, int]:
        """How often each reason stands in the log, which must have one entry for each; ends the port."""
        self.port.stop()
        entries = [entry for entry in self.log.entries() if entry.event is Event.WAKE_UP_REFUSED]
        found = {str(entry.parameters["reason"]): entry.repetition_count + 1 for entry in entries}
        assert len(found) == len(entries), "entries are counted, not multiplied"
        assert all(entry.outcome is Outcome.FAILURE for entry in entries)
        return found

    def accepted(self) -> list[Entry]:
        return [entry for entry in self.log.entries() if entry.event is Event.WAKE_UP_ACCEPTED]


@pytest.fixture
def waking(tmp_path: Path) -> Iterator[Waking]:
    waking = Waking(tmp_path)
    yield waking
    waking.database.close()


@pytest.fixture
def listening(waking: Waking) -> Iterator[Listening]:
    listening = Listening(waking)
    listening.port.start()
    yield listening
    listening.port.stop()


def sender_to(port: WakeUpPort, source: str = ADMINISTRATOR) -> socket.socket:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((source, 0))
    sender.connect(port.address)
    return sender


@pytest.fixture
def sender(listening: Listening) -> Iterator[socket.socket]:
    with sender_to(listening.port) as sender:
        yield sender


def test_a_genuine_call_wakes_and_is_written_down(listening: Listening, sender: socket.socket) -> None:
    for _ in range(2):
        sender.send(listening.waking.call())
        assert listening.wakes()
    assert listening.refused() == {}
    (entry,) = listening.accepted()
    assert (entry.repetition_count, entry.subject, entry.outcome) == (1, "EABC0012345678", Outcome.SUCCESS)


def test_in_a_state_that_hears_nobody_a_genuine_call_is_only_counted(
    listening: Listening, sender: socket.socket
) -> None:
    """FPT_FLS.1: the port itself asks whether anybody is heard."""
    listening.heard = False
    sender.send(listening.waking.call())
    until(lambda: bool(listening.log.entries()))
    assert (listening.refused(), listening.accepted(), listening.times) == ({"secure-state": 1}, [], 0)


def bad_calls(waking: Waking) -> dict[str, bytes]:
    call = waking.call()
    return {
        "stale": waking.call(at=NOW - timedelta(seconds=31)),
        "future": waking.call(at=NOW + timedelta(seconds=31)),
        "signature": call[:-64] + bytes(64),
        "content": call[:23] + b"\xff" * 8 + call[31:],
    }


def foreign_calls(waking: Waking) -> dict[str, list[bytes]]:
    call = waking.call()
    return {
        "size": [b"", call[:-1], call + b"\0", call.ljust(60_000, b"\0")],
        "header": [b"SMGW-WKP\2" + call[9:], bytes(SIZE)],
        "addressee": [waking.call(gateway=DeviceId("EABC0012345679"))],
    }


def test_nothing_is_ever_answered(listening: Listening, sender: socket.socket) -> None:
    """TR-03109-1, wake-up: no reply of any kind, to whatever comes."""
    calls = [*bad_calls(listening.waking).values()]
    calls += [one for several in foreign_calls(listening.waking).values() for one in several]
    for call in [*calls, listening.waking.call()]:
        sender.send(call)
    assert listening.wakes()
    sender.setblocking(False)
    with pytest.raises(BlockingIOError):  # and no ICMP message either, which would be a ConnectionRefusedError
        sender.recv(1000)


def test_each_refusal_is_counted_under_its_reason(listening: Listening, sender: socket.socket) -> None:
    bad = bad_calls(listening.waking)
    for call in bad.values():
        sender.send(call)
    genuine = listening.waking.call()
    sender.send(genuine)
    assert listening.wakes()
    sender.send(genuine)
    sender.send(listening.waking.call())  # after it, the replay has been looked at
    assert listening.wakes()
    assert listening.refused() == {"replayed": 1, **dict.fromkeys(bad, 1)}
    assert listening.times == 2


def test_what_the_kernel_drops_is_counted_too(listening: Listening, sender: socket.socket) -> None:
    foreign = [one for several in foreign_calls(listening.waking).values() for one in several]
    for call in foreign * 10:
        sender.send(call)
    sender.send(listening.waking.call())
    assert listening.wakes()
    assert listening.refused() == {"dropped": 10 * len(foreign)}


def test_the_first_refusal_after_quiet_is_written_down_at_once(listening: Listening, sender: socket.socket) -> None:
    sender.send(bad_calls(listening.waking)["stale"])
    deadline = time.monotonic() + SECONDS
    while not listening.log.entries() and time.monotonic() < deadline:
        time.sleep(0.01)
    (entry,) = listening.log.entries()
    assert (entry.event, entry.parameters) == (Event.WAKE_UP_REFUSED, {"reason": "stale"})


def test_without_a_filter_in_the_kernel_the_same_is_refused_here(
    waking: Waking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_filter(*_: object) -> None:
        raise OSError(99, "no such option")

    monkeypatch.setattr(wakeup_port, "attach", no_filter)
    listening = Listening(waking)
    assert "no filter" in caplog.text
    listening.port.start()
    foreign = foreign_calls(waking)
    with sender_to(listening.port) as sender:
        for call in (one for several in foreign.values() for one in several):
            sender.send(call)
        sender.send(waking.call())
        assert listening.wakes()
    assert listening.refused() == {reason: len(calls) for reason, calls in foreign.items()}


def test_a_replay_after_a_restart_wakes_nobody(listening: Listening, sender: socket.socket) -> None:
    call = listening.waking.call()
    sender.send(call)
    assert listening.wakes()
    listening.port.stop()
    listening.waking.restart()
    again = Listening(listening.waking)
    again.port.start()
    with sender_to(again.port) as second:
        second.send(call)
        second.send(listening.waking.call())
        assert again.wakes()
    assert again.refused() == {"replayed": 1}
    assert again.times == 1


def test_both_families_on_one_port_and_the_administrators_address_in_either_form(waking: Waking) -> None:
    listening = Listening(waking, "::")
    listening.port.reserve(["127.0.0.1", "::ffff:127.0.0.3", "::1", "fe80::1%lo", "no address"])
    assert listening.port._reserved == {bytes([127, 0, 0, 1]), bytes([127, 0, 0, 3]), bytes(15) + b"\1"} | {
        b"\xfe\x80" + bytes(13) + b"\1"
    }
    listening.port.start()
    port = listening.port.address[1]
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(waking.call(), (host, port))
            assert listening.wakes()
    listening.port.stop()


def test_a_defect_behind_it_does_not_close_it(waking: Waking, caplog: pytest.LogCaptureFixture) -> None:
    listening = Listening(waking)
    listening.port.stop()
    calls = []

    def broken_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a defect")
        listening.wake()

    listening.port = listening.make("127.0.0.1", broken_once)
    listening.port.reserve([ADMINISTRATOR])
    listening.port.start()
    with sender_to(listening.port) as sender:
        sender.send(waking.call())
        sender.send(waking.call())
        assert listening.wakes()
    listening.port.stop()
    assert "a defect" in caplog.text


def test_a_log_that_takes_no_more_keeps_nobody_asleep(
    listening: Listening, sender: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreFullError("no room")

    monkeypatch.setattr(listening.log, "record", full)
    for _ in range(2):
        sender.send(listening.waking.call())
        assert listening.wakes()


def test_signatures_are_checked_at_a_bounded_pace(waking: Waking) -> None:
    """More at once than both lanes hold: some are checked, the rest is left out, and all of them are counted."""
    begin, listening = time.monotonic(), Listening(waking)
    calls = [waking.call()[:-64] + bytes(64) for _ in range(250)]
    senders = [sender_to(listening.port, f"127.0.0.{number}") for number in range(1, 101)]
    for number, call in enumerate(calls):
        senders[number % len(senders)].send(call)
    senders[0].send(waking.call())
    listening.port.start()
    assert listening.wakes(), "the administrator's address has its own lane"
    for one in senders:
        one.close()
    counted = listening.refused()
    seconds = time.monotonic() - begin
    assert set(counted) == {"signature", "crowded"}
    assert counted["signature"] <= (RESERVED_PER_SECOND + SHARED_PER_SECOND) * (1 + seconds)
    assert counted["crowded"] == len(calls) - 3 - SHARED_WAITING, "three came from the administrator's address"


GARBAGE = [bytes(SIZE), b"", b"x" * 1400]


@pytest.mark.parametrize("worst", [False, True], ids=["garbage", "worst-case"])
@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.4"], ids=["own-address", "another-address"])
def test_a_genuine_call_in_a_flood_still_wakes(listening: Listening, worst: bool, source: str) -> None:
    """50,000 datagrams a second as far as this machine can; the worst ones are right in all but the signature."""
    flood = [listening.waking.call()[:-64] + bytes(64) for _ in range(200)] if worst else GARBAGE
    host, port = listening.port.address
    command = mortal(sys.executable, "-m", "testbed.flood", host, str(port), "50000", "600", "127.0.0.2,127.0.0.3")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as flooding:
        try:
            assert flooding.stdin is not None
            assert flooding.stdout is not None
            flooding.stdin.write("".join(f"{one.hex()}\n" for one in flood))
            flooding.stdin.close()
            assert flooding.stdout.readline() == "ready\n"
            if worst:
                until(lambda: listening.port._refused.total() > 500, SECONDS)
            else:
                time.sleep(0.2)
            with sender_to(listening.port, source) as sender:
                for _ in range(200):  # what an administrator does: a fresh call every second until the tunnel is up
                    sender.send(listening.waking.call())
                    if listening.woken.acquire(timeout=1):
                        break
                else:
                    pytest.fail("no call came through the flood")
            assert flooding.poll() is None, "the flood was over before the call came through"
        finally:
            flooding.kill()
    counted = listening.refused()
    if worst:
        assert counted["signature"] > 0
        assert counted["crowded"] > counted["signature"]
    else:
        assert set(counted) == {"dropped"}


def test_who_stands_in_a_profile_as_a_name_is_found() -> None:
    assert addresses_of("127.0.0.1") == {"127.0.0.1"}
    assert addresses_of("::1") == {"::1"}
    assert "127.0.0.1" in addresses_of("localhost") or "::1" in addresses_of("localhost")
    assert addresses_of("no such host") == frozenset()


def test_a_taken_port_or_a_foreign_address_is_refused(listening: Listening) -> None:
    host, port = listening.port.address
    for where in ((host, port), ("192.0.2.1", 0)):
        with pytest.raises(OSError, match=r"in use|assign"):
            WakeUpPort(
                *where, gate=listening.waking.gate, wake=listening.wake, log=listening.log,
                clock=lambda: NOW, monotonic=time.monotonic,
            )  # fmt: skip
