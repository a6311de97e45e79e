"""The administrator's end of management tunnels (TR-03109-1, MANAGEMENT): what is asked over each, and when it ends.

Decides the order of things in one tunnel: the gateway's state is read once, revocation lists that are due are brought
(admin/revocation_lists.py), then open orders go out oldest first, each as the very document that was signed for it,
then what somebody wants to read; new ones are seen within a second. An order counts as done or refused by the gateway's
reply and by nothing else: where a tunnel ends before the reply, the order stays open, and the same document goes out
through the next tunnel. When nothing is left for a while the administrator itself orders BreakUp. The server never
dials; it only ever answers who dialled.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding

from admin.config import LINGER_SECONDS
from admin.conversation import Conversation, End, EndedError
from admin.database import reading
from admin.errors import AdminError, OrderBookError, OrderReason, PackageError
from admin.live_tunnels import Live, LiveTunnels
from admin.office import Office
from admin.orders import OrderRecord, OrderState
from admin.pace import Pace
from admin.packages import Packages
from admin.reports import Subject
from admin.revocation_lists import ListCourier
from admin.schema import inquiries, orders
from pki.acceptor import AcceptedTunnel
from pki.certificates import Purpose, TrustStore
from pki.errors import TrustError
from wire import canonical_json
from wire.canonical_json import JsonObject
from wire.errors import CanonicalJsonError, OrderError
from wire.http import Response
from wire.management import (
    AFTER,
    CALIBRATION_LOG,
    CMS,
    FIRMWARE,
    LAST_RECORD,
    MAX_ANSWER_BYTES,
    ORDERS,
    PACKAGE,
    STATUS,
    SYSTEM_LOG,
)
from wire.orders import BreakUp, InstallCertificates, Reply, ReplyOutcome, StoreFirmware
from wire.reading import DeviceId

BY: Final = "smgw-admin serve"
"""Who, in the audit log, did what the server did by itself."""
WORK_SECONDS: Final = 0.5
"""How long an answer to "who has work waiting" is good; one question serves all tunnels."""
HANG_UP_SECONDS: Final = 5.0
"""For the gateway to end a tunnel after BreakUp; then we do."""
TUNNELS_IN_AN_HOUR: Final = 1000
"""Of one gateway: far more than wake-ups can bring, and a bound on what one that dials by itself can fill the audit log
with. It is told by the server's own log then, and may come again later."""
BUSY: Final = 503
"""The gateway did nothing and cannot now: what was asked stays to be done."""
MAXIMUM_PAGES: Final = 1000
"""Half a million entries of a log at one wish; a gateway that numbers for ever must not keep us for ever."""
LAST_ORDER: Final = "last_order"
"""Where a gateway's status has the highest number of an order that it took (smgw/report.py)."""
LOGS: Final = {Subject.SYSTEM_LOG: SYSTEM_LOG, Subject.CALIBRATION_LOG: CALIBRATION_LOG}

_log = logging.getLogger(__name__)


class Work:
    """For which gateways something is waiting; asked of the database once for all tunnels. Thread-safe."""

    def __init__(self, engine: sa.Engine, monotonic: Callable[[], float]) -> None:
        """Nothing is asked yet."""
        self._engine = engine
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._waiting: frozenset[str] = frozenset()

    def waits_for(self, gateway: DeviceId) -> bool:
        """Whether an order or an inquiry of ``gateway`` is open. Raises StorageError."""
        with self._lock:
            now = self._monotonic()
            if self._asked is None or now - self._asked >= WORK_SECONDS:
                query = sa.union(
                    sa.select(orders.c.gateway).where(orders.c.finished_at.is_(None)),
                    sa.select(inquiries.c.gateway).where(inquiries.c.answered_at.is_(None)),
                )
                with reading(self._engine) as connection:
                    self._waiting = frozenset(connection.scalars(query))
                self._asked = now
            return gateway.text in self._waiting


class ManagementServer:
    """Serves management tunnels; one object for all of them, :meth:`serve` in a thread for each."""

    def __init__(
        self,
        office: Office,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        """Serve the gateways of ``office``."""
        self._office = office
        self._packages = Packages(office.engine, office.audit)
        self._clock = clock
        self._monotonic = monotonic
        self._linger = linger_seconds
        self._work = Work(office.engine, monotonic)
        self._lists = ListCourier(office, BY, monotonic)
        self._live = LiveTunnels()
        self._tunnels = Pace(TUNNELS_IN_AN_HOUR, monotonic)

    @property
    def live(self) -> list[int]:
        """Numbers of the tunnels that are being served."""
        return self._live.numbers

    def serve(self, tunnel: AcceptedTunnel, stopping: threading.Event) -> None:
        """Use ``tunnel`` until it is over, and keep why. Raises AdminError where the database does not answer."""
        gateway = DeviceId(tunnel.peer.identity)
        if not self._tunnels.take(gateway.text):
            _log.warning("management: %s dialled %d times in an hour", gateway.text, TUNNELS_IN_AN_HOUR)
            tunnel.close()
            return
        live = Live()
        talk = Conversation(tunnel, self._clock, self._monotonic, over=lambda: _wanted(live.give_way, stopping))
        status: Response | None = None
        if self._live.has(gateway):
            # The older one goes on until this one answers; one that is closed at once was a look whether we are here.
            try:
                with self._live.knocking(gateway, live):
                    status = talk.ask("GET", STATUS)
            except EndedError as error:
                _log.info("management: %s dialled while its tunnel was open: %s", gateway.text, error.why)
                tunnel.close()
                return
        live.number = self._office.tunnels.opened(gateway, self._clock())
        why = EndedError(End.OURS, "see the server's log").why
        try:
            self._live.take_over(gateway, live)
            self._converse(gateway, talk, status)
        except EndedError as error:
            why = error.why
        finally:
            self._live.leave(gateway, live)
            tunnel.close()
            self._close(gateway, live, why)

    def _close(self, gateway: DeviceId, live: Live, why: str) -> None:
        try:
            self._settle(gateway)
            self._office.tunnels.closed(live.number, why, self._clock())
        finally:
            live.gone.set()

    def _converse(self, gateway: DeviceId, talk: Conversation, status: Response | None) -> None:
        """Everything that is said in one tunnel, ``status`` where that was said already; ends only by EndedError."""
        try:
            self._settle(gateway)
            self._adopt(gateway, talk)
            # What it says is kept as it is; a gateway that does not say it is served all the same.
            self._told(gateway, talk.ask("GET", STATUS) if status is None else status)
            active, brought = self._monotonic(), None
            while True:
                if (lists := self._lists.store()) is not brought:
                    talk.require_believed()  # lists that revoke this very gateway are brought to nobody
                    self._lists.bring(gateway, self._clock())
                    brought = lists
                if self._next(gateway, talk):
                    active = self._monotonic()
                elif self._monotonic() - active >= self._linger:
                    self._office.orders.queue(gateway, BreakUp(), BY, self._clock())
                else:
                    self._pause(gateway, talk, lists, until=active + self._linger)
        except (AdminError, TrustError) as error:
            _log.exception("management: the tunnel of %s", gateway.text)
            raise EndedError(End.OURS, f"{type(error).__name__}: {error}") from error

    def _pause(self, gateway: DeviceId, talk: Conversation, lists: TrustStore, *, until: float) -> None:
        while self._monotonic() < until:
            talk.wait()
            if self._work.waits_for(gateway) or self._lists.store() is not lists:
                return

    def _next(self, gateway: DeviceId, talk: Conversation) -> bool:
        """Do the oldest open order, or else answer the oldest wish to read; False where there is neither."""
        waiting = self._office.orders.open(gateway)
        if waiting:
            self._carry_out(waiting[0], talk)
            return True
        wishes = self._office.reports.open(gateway)
        if wishes:
            failure = self._read(gateway, wishes[0].subject, talk)
            self._office.reports.answered(wishes[0].number, self._clock(), failure)
            return True
        return False

    def _carry_out(self, record: OrderRecord, talk: Conversation) -> None:
        """Send one order and keep what the gateway says to it.

        It counts as delivered before its first byte is sent: what may have been sent may have been done. Where no reply
        comes, it stays so, and the next tunnel brings the same document again.
        """
        if isinstance(record.command, StoreFirmware) and not self._stage(record, record.command.sha256, talk):
            return
        document = self._office.orders.sign_next(record.number, self._office.sign_order, self._clock())
        self._office.orders.delivered(record.number, self._clock())
        response = talk.ask("POST", ORDERS, body=document, media_type=CMS)
        if response.status == BUSY:
            raise EndedError(End.GATEWAY, f"the gateway cannot take order {record.number} now")
        if response.status not in (200, 422):
            self._office.orders.failed(record.number, f"answered with status {response.status}", self._clock())
            return
        try:
            reply = Reply.from_bytes(response.body)
        except OrderError as error:
            raise EndedError(End.PROTOCOL, f"the answer to order {record.number} is no reply: {error}") from error
        self._keep(record, reply)
        self._after(record, reply, talk)

    def _keep(self, record: OrderRecord, reply: Reply) -> None:
        command = record.command
        if reply.outcome is ReplyOutcome.DONE and isinstance(command, InstallCertificates):
            # The inventory first: had we stopped between the two, the gateway would come in with a certificate that
            # nobody expects, and never be let in again.
            self._hold(record.gateway, command)
        try:
            self._office.orders.confirmed(record.number, reply, self._clock())
        except OrderBookError as error:
            if error.reason is OrderReason.REPLY:
                raise EndedError(End.PROTOCOL, str(error)) from error
            raise

    def _adopt(self, gateway: DeviceId, talk: Conversation) -> None:
        """A certificate that was on its way to the gateway and is now shown by it has arrived.

        Whatever becomes of the answer: after a power loss the gateway says "interrupted" and does not know better, and
        without its certificate in the inventory it would never be let in again.
        """
        for record in self._office.orders.open(gateway):
            command = record.command if record.kind == InstallCertificates.KIND else None
            if isinstance(command, InstallCertificates) and command.tls == _shown(talk):
                self._hold(gateway, command)

    def _hold(self, gateway: DeviceId, command: InstallCertificates) -> None:
        new = {Purpose.TLS: command.tls, Purpose.SIG: command.sig, Purpose.ENC: command.enc}
        if self._office.inventory.get(gateway).certificates != new:
            self._office.inventory.set_certificates(gateway, new, seal=False, by=BY, at=self._clock())

    def _after(self, record: OrderRecord, reply: Reply, talk: Conversation) -> None:
        """What follows for the tunnel from an order that was done."""
        if reply.outcome is not ReplyOutcome.DONE:
            return
        if isinstance(record.command, BreakUp):
            talk.hang_up(HANG_UP_SECONDS)
            raise EndedError(End.BREAK_UP, f"ordered by {record.by}")
        if isinstance(record.command, InstallCertificates) and record.command.tls != _shown(talk):
            talk.hang_up(HANG_UP_SECONDS)
            raise EndedError(End.RENEWED, "the next tunnel has the new certificate")

    def _stage(self, record: OrderRecord, sha256: str, talk: Conversation) -> bool:
        """Bring the package that the order names; the gateway keeps it unused until the order says so."""
        try:
            package = self._packages.content(sha256)
        except PackageError as error:
            self._office.orders.failed(record.number, str(error), self._clock())
            return False
        response = talk.ask("PUT", FIRMWARE, body=package, media_type=PACKAGE)
        if response.status == BUSY:
            raise EndedError(End.GATEWAY, "the gateway cannot take a package now")
        if response.status not in (200, 204):
            why = f"the gateway does not take the package: status {response.status}"
            self._office.orders.failed(record.number, why, self._clock())
            return False
        return True

    def _read(self, gateway: DeviceId, subject: Subject, talk: Conversation) -> str:
        """Read and keep what was wished; gives why it could not be, or nothing."""
        if subject is Subject.STATUS:
            return self._told(gateway, talk.ask("GET", STATUS))
        path = LOGS[subject]
        # The last entry that is known comes again: it may have been repeated since.
        after = max(0, self._office.reports.last_entry(gateway, subject) - 1)
        known = after > 0
        for _ in range(MAXIMUM_PAGES):
            document, failure = _object(talk.ask("GET", f"{path}?{AFTER}={after}"))
            entries = document.get("entries")
            if failure or not isinstance(entries, list):
                return failure or "the answer is no page of a log"
            # Nothing that was not asked for: a gateway must not write anew what it told before.
            page = [entry for entry in entries if isinstance(entry, dict) and after < _number(entry) <= LAST_RECORD]
            self._office.reports.keep_entries(gateway, subject, page, self._clock())
            numbers = [_number(entry) for entry in page]
            if known and not numbers:
                return "the log does not have any more what it had: the gateway lost it, or made a number up"
            known = False
            # A page that brings nothing new is the last one, however many entries it has.
            if not numbers:
                return ""
            after = max(numbers)
        return f"the log has more than {MAXIMUM_PAGES} pages: ask again for the rest"

    def _told(self, gateway: DeviceId, status: Response) -> str:
        """Keep what a gateway told of itself; gives why it could not be read, or nothing."""
        document, failure = _object(status)
        if not failure:
            self._office.reports.keep_status(gateway, document, self._clock())
            taken = document.get(LAST_ORDER)
            if type(taken) is int:
                self._office.orders.catch_up(gateway, taken, self._clock())
        return failure

    def _settle(self, gateway: DeviceId) -> None:
        """A BreakUp belongs to its tunnel: one that came too late for it must not end the next one."""
        for record in self._office.orders.open(gateway):
            ours = record.by == BY or record.state is OrderState.DELIVERED
            if isinstance(record.command, BreakUp) and ours:
                self._office.orders.failed(record.number, "the tunnel ended before its answer", self._clock())


def _shown(talk: Conversation) -> bytes:
    """The certificate that the gateway showed on this tunnel, DER."""
    return talk.tunnel.peer.certificate.public_bytes(Encoding.DER)


def _object(response: Response) -> tuple[JsonObject, str]:
    """The JSON object of an answer, and why there is none."""
    if response.status != 200:
        return {}, f"answered with status {response.status}"
    try:
        return canonical_json.decode(response.body, maximum_bytes=MAX_ANSWER_BYTES), ""
    except CanonicalJsonError as error:
        return {}, f"the answer cannot be read: {error}"


def _number(entry: JsonObject) -> int:
    """The record number of an entry; 0 where it has none."""
    number = entry.get("record_number")
    return number if type(number) is int else 0


def _wanted(give_way: threading.Event, stopping: threading.Event) -> End | None:
    if give_way.is_set():
        return End.REPLACED
    return End.STOPPED if stopping.is_set() else None
