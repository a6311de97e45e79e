"""A gateway's ear and the administrator's server in one thread: a real UDP socket, and what follows in the database."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from admin.office import Office
from pki.wakeup import verify_wake_up
from tests.admin.bureau import NOW, Bureau
from wire.canonical_json import JsonObject
from wire.orders import Reply, ReplyOutcome
from wire.wakeup import SIZE, WakeUp

Heard = Callable[[WakeUp], None]


class Listener:
    """Listens on UDP; whatever comes is verified as a gateway does it, kept in ``heard``, and then ``react`` runs."""

    def __init__(self, bureau: Bureau, react: Heard = lambda _: None) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.settimeout(0.05)
        self.port: int = self._udp.getsockname()[1]
        self.heard: list[WakeUp] = []
        self._bureau = bureau
        self.react = react
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._udp.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                datagram = self._udp.recv(SIZE + 1)
                wake_up = WakeUp.from_bytes(datagram)
                verify_wake_up(wake_up, self._bureau.office_certificate())
                self.heard.append(wake_up)
                self.react(wake_up)


def serve_orders(office: Office, answer: Callable[[int], Reply] | None = None) -> Heard:
    """What ``smgw-admin serve`` does for a gateway that comes: the tunnel, then every open order and wish to read."""

    def react(wake_up: WakeUp) -> None:
        office.tunnels.beat(NOW)
        if office.tunnels.open(wake_up.gateway, NOW) is None:
            office.tunnels.opened(wake_up.gateway, NOW)
        for record in office.orders.open(wake_up.gateway):
            office.orders.sign_next(record.number, office.sign_order, NOW)
            office.orders.delivered(record.number, NOW)
            sequence = office.orders.get(record.number).sequence or 0
            reply = Reply(sequence, ReplyOutcome.DONE) if answer is None else answer(sequence)
            office.orders.confirmed(record.number, reply, NOW)
        for inquiry in office.reports.open(wake_up.gateway):
            office.reports.keep_status(wake_up.gateway, {"version": "1.0.0"}, NOW)
            text: JsonObject = {"de": "gestartet", "en": "started"}
            entry: JsonObject = {"record_number": 1, "event": "gateway-started", "outcome": "SUCCESS", "text": text}
            office.reports.keep_entries(wake_up.gateway, inquiry.subject, [entry], NOW)
            office.reports.answered(inquiry.number, NOW)

    return react
