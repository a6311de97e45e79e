"""The one thing that listens on the WAN side: a UDP socket that takes wake-ups and never says a word.

Decides how much work strangers can cause. It must never answer, valid or not (the socket is never written to), never
end because of what arrives, and never hold up the rest of the gateway: the kernel drops what has not the shape of a
wake-up for us, the cheap checks drop most of the rest, signatures are checked at a bounded pace (wakeup_budget.py), at
most half of the time is spent reading, and the log gets counts, at intervals. Whether a datagram wakes anybody is
decided in ``smgw/wan/wakeup.py`` alone, also what the kernel's filter has looked at already (TR-03109-1, wake-up).
"""

import logging
import select
import socket
import threading
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import Final

from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.wan.wakeup import WakeUpGate, WakeUpReason, WakeUpRefusedError
from smgw.wan.wakeup_budget import Budget
from smgw.wan.wakeup_filter import DROPS_RANGE, attach, dropped, program
from wire.wakeup import SIZE

_logger = logging.getLogger(__name__)

RECEIVE_BUFFER: Final = 1024 * 1024
"""Asked of the kernel, which gives what its ``rmem_max`` allows: room for what comes while a signature is checked."""
BATCH: Final = 512
"""Datagrams that are read in a row; after a full batch the thread rests for as long as it read."""
SHORTEST_REST_SECONDS: Final = 0.002
LOG_SECONDS: Final = 10.0
"""Refusals are written down at most this often, with their number; a first one after quiet at once."""
_LONGEST_SLEEP_SECONDS: Final = 60.0
"""The kernel's count of dropped datagrams is looked at this often when nothing else happens."""
_REST_AFTER_DEFECT_SECONDS: Final = 1.0
"""So that a defect of ours that comes again at once does not keep the processor busy."""
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""An IPv4 address in an IPv6 one begins so (RFC 4291 §2.5.5.2)."""
_NETWORK: Final = 8
"""Octets of an address that a source counts by: all of an IPv4 one; an IPv6 network is one source, however many
addresses are in it."""


class WakeUpPort:
    """The wake-up port of one gateway (WAN, UDP), with a thread of its own."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        gate: WakeUpGate,
        wake: Callable[[], object],
        log: SystemLog,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        may_hear: Callable[[datetime], bool] = lambda _: True,
    ) -> None:
        """Open the port; nothing is read before :meth:`start`.

        ``wake`` is called from the port's thread and must return at once. ``may_hear`` says whether anybody is heard
        at that moment (``smgw/secure_states.py``).

        Raises:
            OSError: ``host`` is no address of this machine, or the port is taken.
        """
        self._gate = gate
        self._wake = wake
        self._log = log
        self._clock = clock
        self._monotonic = monotonic
        self._may_hear = may_hear
        self._reserved: frozenset[bytes] = frozenset()
        self._budget = Budget(monotonic())
        self._refused: Counter[tuple[str, str]] = Counter()
        self._drops = 0
        self._log_at = monotonic()
        self._socket = _open(host, port, gate.beginning)
        self._ending, self._end = socket.socketpair()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wake-up port", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port where it listens."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def reserve(self, addresses: Collection[str]) -> None:
        """The administrator's own addresses, numeric: these have a lane of their own, and no other privilege."""
        self._reserved = frozenset(packed for one in addresses if (packed := _packed(one)) is not None)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End the thread, write down what was counted, close the port."""
        self._stopping.set()
        with suppress(OSError):
            self._end.send(b"\0")
        if self._thread.ident is not None:
            self._thread.join(timeout)
        for one in (self._socket, self._ending, self._end):
            one.close()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._ending, select.POLLIN)
        while not self._stopping.is_set():
            try:
                poll.poll(self._wait() * 1000)
                self._turn()
            except Exception:
                # A defect of ours must not close the only way in; whatever arrived is spent, and the next has its turn.
                _logger.exception("wake-up port")
                self._stopping.wait(_REST_AFTER_DEFECT_SECONDS)
        self._tell()

    def _wait(self) -> float:
        """Seconds until something is due even if nothing arrives."""
        now = self._monotonic()
        waits = [_LONGEST_SLEEP_SECONDS]
        if (check := self._budget.seconds_until_next(now)) is not None:
            waits.append(check)
        if self._refused:
            waits.append(max(0.0, self._log_at - now))
        return min(waits)

    def _turn(self) -> None:
        """Read what is there, check the one whose turn it is, write down what is to be written down."""
        begin = self._monotonic()
        full = self._read()
        now = self._monotonic()
        if (datagram := self._budget.next(now)) is not None:
            self._check(datagram)
        if now >= self._log_at:
            self._tell()
        if full:
            self._stopping.wait(max(SHORTEST_REST_SECONDS, now - begin))

    def _read(self) -> bool:
        """One batch through the cheap checks; True if there may be more."""
        at = self._clock()
        heard = self._may_hear(at)
        for _ in range(BATCH):
            try:
                datagram, sender = self._socket.recvfrom(SIZE + 1)
            except BlockingIOError:
                return False
            except OSError as error:  # an error that the network reported (ICMP) is of no interest to a listener
                _logger.debug("wake-up port: %s", error)
                continue
            try:
                self._gate.examine(datagram, at)
            except WakeUpRefusedError as error:
                self._refused[error.reason.value, error.cause] += 1
                continue
            if not heard:
                self._refused[WakeUpReason.SECURE_STATE.value, ""] += 1
                continue
            source = _packed(sender[0]) or b""
            reserved = source in self._reserved
            if not self._budget.offer(source[:_NETWORK], datagram, reserved=reserved):
                self._refused[WakeUpReason.CROWDED.value, ""] += 1
        return True

    def _check(self, datagram: bytes) -> None:
        """All checks of one datagram; who passes them wakes the gateway."""
        at = self._clock()
        try:
            self._gate.open(datagram, at)
        except WakeUpRefusedError as error:
            self._refused[error.reason.value, error.cause] += 1
            return
        self._wake()
        self._write(Event.WAKE_UP_ACCEPTED, Outcome.SUCCESS, at)

    def _tell(self) -> None:
        """Write down what was refused since the last time, each reason once with its number."""
        drops = dropped(self._socket)
        if new := (drops - self._drops) % DROPS_RANGE:
            self._refused[WakeUpReason.DROPPED.value, ""] += new
            self._drops = drops
        at, told = self._clock(), self._refused
        if not told:
            return
        self._refused = Counter()
        self._log_at = self._monotonic() + LOG_SECONDS
        for (reason, cause), times in sorted(told.items()):
            parameters = {"reason": reason, "cause": cause} if cause else {"reason": reason}
            self._write(Event.WAKE_UP_REFUSED, Outcome.FAILURE, at, times=times, **parameters)

    def _write(self, event: Event, outcome: Outcome, at: datetime, *, times: int = 1, **parameters: str) -> None:
        try:
            self._log.record(event, self._gate.gateway.text, outcome, at=at, times=times, **parameters)
        except StoreError as error:
            _logger.warning("system log: %s", error)


def addresses_of(host: str) -> frozenset[str]:
    """The numeric addresses of the host in a profile, for :meth:`WakeUpPort.reserve`; empty if its name is unknown.

    May wait for a name server: not to be called from the port's own thread.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in found)


def _open(host: str, port: int, beginning: bytes) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)[0]
    opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if family == socket.AF_INET6:
            # One socket for both: IPv4 senders appear with mapped addresses.
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            # Before it is bound, so that nothing gets past it.
            attach(opened, program(SIZE, beginning))
        except OSError as error:
            _logger.warning("no filter in the kernel (%s): all that arrives is looked at here", error)
        opened.bind(address)
    except BaseException:
        opened.close()
        raise
    return opened


def _packed(address: str) -> bytes | None:
    """The octets of a numeric address, an IPv4 one always in its short form; None if it is none."""
    with suppress(OSError):
        return socket.inet_aton(address) if "." in address and ":" not in address else _short(address)
    return None


def _short(address: str) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    return packed.removeprefix(_MAPPED)
