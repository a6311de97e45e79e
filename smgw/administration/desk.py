"""The desk at which the administrator is served: requests of the management tunnel in, answers out.

Decides what may be asked for at all: what stands in the table of routes, and nothing else. The administrator reads the
status and two logs, stages firmware and hands in orders; readings, what is owed of them and the consumer log are
withheld from it by name, and asking for them is written down (TR-03109-1; PP-0073 Gateway access SFP: the administrator
must not read consumption data). What an order needs to be believed is decided in ``order_gate.py``; what it does, in
its handler.

An answer says why it refuses with a reason out of an enumeration and one sentence that was written to be sent. The text
of an exception that nobody foresaw never leaves the gateway, and no request makes :meth:`Desk.handle` raise. What the
administrator can cause is logged under names of this file, never of the request, so that repetitions are counted.
PP-0073: FMT_SMF.1, FDP_ACC.2, FDP_ACF.1, FMT_MSA.3/AC.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from smgw.administration.errors import CommandRefusedError, Done, FollowUp, Handler
from smgw.administration.order_gate import Admitted, OrderGate, OrderRefusedError
from smgw.administration.reports import calibration_page, report, system_page
from smgw.store.calibration_log import CalibrationLog
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from wire import management
from wire.canonical_json import JsonObject
from wire.errors import OrderError
from wire.http_server import Request
from wire.orders import BreakUp, Order, Reply, ReplyOutcome, Restart

_logger = logging.getLogger(__name__)

MAX_SENTENCE_LENGTH: Final = 200
"""Characters of a sentence for people: one line of a log."""
SUBJECT: Final = "administrator"
"""Under which name the log holds what the administrator asked for."""

_AFTER = re.compile(rf"{management.AFTER}=(0|[1-9][0-9]{{0,{len(str(management.LAST_RECORD)) - 1}}})", re.ASCII)
_WITHHELD_SEGMENTS: Final = frozenset(
    {"readings", "consumer", "consumption", "values", "registers", "deliveries", "grants", "meters", "outbox"}
)
"""A path with one of these in it asks for what meters said or what is owed of it, whatever else it says."""


class DeskReason(StrEnum):
    """Why a request gets no more than this reason."""

    WITHHELD = "withheld"
    """Consumption data, or the log of the consumer."""
    UNKNOWN_RESOURCE = "unknown-resource"
    METHOD = "method"
    QUERY = "query"
    STORE = "store"
    """The store is full, busy or damaged; nothing was carried out."""
    FAULT = "fault"
    """A fault of the gateway's own."""
    UNSUPPORTED = "unsupported"
    """This gateway does not carry out orders of that kind."""
    FAILED = "failed"
    """A handler failed in a way that nobody foresaw; what became of the order has to be looked up."""


_STATUS: Final[Mapping[DeskReason, int]] = {
    DeskReason.WITHHELD: 403,
    DeskReason.UNKNOWN_RESOURCE: 404,
    DeskReason.METHOD: 405,
    DeskReason.QUERY: 400,
    DeskReason.STORE: 503,
    DeskReason.FAULT: 500,
}

_SENTENCES: Final[Mapping[DeskReason, str]] = {
    DeskReason.WITHHELD: "what meters said is for its consumer and for the parties of its profiles alone",
    DeskReason.UNKNOWN_RESOURCE: "there is no such resource",
    DeskReason.METHOD: "the resource is not used in this way",
    DeskReason.QUERY: "a page of a log is asked for with after=NUMBER, everything else without a query",
    DeskReason.STORE: "the store does not answer at the moment: nothing was carried out",
    DeskReason.FAULT: "the gateway failed to answer",
    DeskReason.UNSUPPORTED: "this gateway does not carry out orders of that kind",
    DeskReason.FAILED: "the gateway failed while it carried the order out: look how far it came",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and what follows once it has been sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    then: FollowUp = FollowUp.NOTHING


@dataclass(frozen=True, slots=True)
class DeskPorts:
    """Everything behind the desk. ``stage`` keeps a package of firmware without using it; None where there is no place.

    ``status`` composes what the administrator is told about the gateway and holds no consumption value. ``handlers``
    carry out commands, by their type; those that end the tunnel or the process are here already.
    """

    gate: OrderGate
    system_log: SystemLog
    calibration_log: CalibrationLog
    status: Callable[[], JsonObject]
    handlers: Mapping[type[Any], Handler[Any]] = field(default_factory=dict)
    stage: Handler[bytes] | None = None


class _RefusedError(Exception):
    """A request ends in the answer that belongs to ``reason``."""

    def __init__(self, reason: DeskReason, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.headers = headers or {}


def break_up(_: BreakUp, at: datetime) -> Done:  # noqa: ARG001 - a handler
    """End the tunnel once the answer is sent."""
    return Done(then=FollowUp.END_TUNNEL)


def restart(_: Restart, at: datetime) -> Done:  # noqa: ARG001 - a handler
    """End the process once the answer is sent; who started it starts it again."""
    return Done(then=FollowUp.RESTART)


_Serve: TypeAlias = Callable[[Request, datetime], Answer]


class Desk:
    """Serves one administrator, one request after the other."""

    def __init__(self, ports: DeskPorts) -> None:
        """Take what is behind the desk; see DeskPorts."""
        self._ports = ports
        self._log = ports.system_log
        self._handlers: Mapping[type[Any], Handler[Any]] = {BreakUp: break_up, Restart: restart, **ports.handlers}
        self._routes: Mapping[str, Mapping[str, _Serve]] = {
            management.STATUS: {"GET": self._status},
            management.SYSTEM_LOG: {"GET": self._system_log},
            management.CALIBRATION_LOG: {"GET": self._calibration_log},
            management.ORDERS: {"POST": self._order},
            **({} if ports.stage is None else {management.FIRMWARE: {"PUT": partial(self._firmware, ports.stage)}}),
        }

    def handle(self, request: Request, at: datetime) -> Answer:
        """The answer to ``request``; whatever happens, there is one.

        1. A path that asks for consumption data or for the consumer's log is withheld.
        2. A path that is not in the table is unknown, and so is a method that is not beside it.
        3. Whoever stands in the table serves it.
        """
        try:
            return self._serve(request, at)
        except _RefusedError as error:
            return self._refuse(error.reason, at, error.headers)
        except StoreError as error:
            _logger.warning("the administrator's request: %s", error)
            return self._refuse(DeskReason.STORE, at)
        except Exception:  # a defect of ours: the administrator learns that there is one, the developer which
            _logger.exception("the administrator's request")
            return self._refuse(DeskReason.FAULT, at)

    def _serve(self, request: Request, at: datetime) -> Answer:
        # 1. A path that asks for consumption data or for the consumer's log is withheld.
        if _is_withheld(request.path):
            raise _RefusedError(DeskReason.WITHHELD)
        # 2. A path that is not in the table is unknown, and so is a method that is not beside it.
        methods = self._routes.get(request.path)
        if methods is None:
            raise _RefusedError(DeskReason.UNKNOWN_RESOURCE)
        serve = methods.get(request.method)
        if serve is None:
            raise _RefusedError(DeskReason.METHOD, {"Allow": ", ".join(methods)})
        # 3. Whoever stands in the table serves it.
        return serve(request, at)

    def _status(self, request: Request, _: datetime) -> Answer:
        _require_no_query(request)
        return _json(200, report(self._ports.status()))

    def _system_log(self, request: Request, _: datetime) -> Answer:
        return _json(200, system_page(self._ports.system_log, _after(request.query)))

    def _calibration_log(self, request: Request, _: datetime) -> Answer:
        return _json(200, calibration_page(self._ports.calibration_log, _after(request.query)))

    def _firmware(self, stage: Handler[bytes], request: Request, at: datetime) -> Answer:
        _require_no_query(request)
        try:
            done = stage(request.body, at)
        except CommandRefusedError as error:
            self._write_refusal(error.reason, at)
            return _json(422, report({"reason": error.reason.value, "sentence": _one_sentence(error.sentence)}))
        return _json(200, report(done.result), done.then)

    def _order(self, request: Request, at: datetime) -> Answer:
        """Open, carry out, remember, answer: in this order, so that an answer that is lost can be had again."""
        _require_no_query(request)
        try:
            opened = self._ports.gate.open(request.body, at)
        except OrderRefusedError as error:
            with _failures_shown():
                self._log.record(Event.ORDER_REFUSED, "order", Outcome.FAILURE, at=at, reason=error.reason.value)
            return _answer(Reply.refusal(error.sequence, error.reason.value, error.sentence))
        if not isinstance(opened, Admitted):
            return _json(200 if opened.done else 422, opened.reply)
        reply, then = self._carry_out(opened.order, at)
        try:
            self._ports.gate.answer(opened, reply)
        except StoreError as error:
            # It was carried out, and the administrator is told so now. Asked again, it is told "interrupted", or the
            # order is begun once more where that does no harm.
            _logger.warning("order %d: its answer cannot be kept: %s", opened.order.sequence, error)
        self._write_order(opened.order, reply, at)
        return _answer(reply, then)

    def _carry_out(self, order: Order, at: datetime) -> tuple[Reply, FollowUp]:
        try:
            return self._attempt(order, at)
        except Exception:
            _logger.exception("order %d", order.sequence)
            return _desk_refusal(order.sequence, DeskReason.FAILED), FollowUp.NOTHING

    def _attempt(self, order: Order, at: datetime) -> tuple[Reply, FollowUp]:
        handler = self._handlers.get(type(order.command))
        if handler is None:
            return _desk_refusal(order.sequence, DeskReason.UNSUPPORTED), FollowUp.NOTHING
        try:
            done = handler(order.command, at)
        except CommandRefusedError as error:
            return Reply.refusal(order.sequence, error.reason.value, error.sentence), FollowUp.NOTHING
        try:
            reply = Reply(sequence=order.sequence, outcome=ReplyOutcome.DONE, result=done.result)
            reply.to_bytes()
        except OrderError:
            # What was done is done, and the order must not be answered as if it were not.
            _logger.exception("order %d: its result cannot be told", order.sequence)
            reply = Reply(sequence=order.sequence, outcome=ReplyOutcome.DONE)
        return reply, done.then

    def _refuse(self, reason: DeskReason, at: datetime, headers: Mapping[str, str] | None = None) -> Answer:
        self._write_refusal(reason, at)
        answer = _json(_STATUS[reason], report({"reason": reason.value, "sentence": _SENTENCES[reason]}))
        return Answer(answer.status, {**answer.headers, **(headers or {})}, answer.body)

    def _write_refusal(self, reason: StrEnum, at: datetime) -> None:
        with _failures_shown():
            self._log.record(Event.ADMINISTRATOR_REFUSED, SUBJECT, Outcome.FAILURE, at=at, reason=reason.value)

    def _write_order(self, order: Order, reply: Reply, at: datetime) -> None:
        kind, number, reason = order.command.KIND, order.sequence, reply.reason
        with _failures_shown():
            if reply.outcome is ReplyOutcome.DONE:
                self._log.record(Event.ORDER_DONE, kind, Outcome.SUCCESS, at=at, sequence=number)
            else:
                self._log.record(Event.ORDER_REFUSED, kind, Outcome.FAILURE, at=at, sequence=number, reason=reason)


@contextmanager
def _failures_shown() -> Iterator[None]:
    """A store that takes no entry must not keep the administrator from its answer: it is how the store is mended."""
    try:
        yield
    except StoreError as error:
        _logger.warning("not in the system log: %s", error)


def _is_withheld(path: str) -> bool:
    """Whether a path, however it is spelt, names what is withheld; only refusals follow from this, never a route."""
    segments = re.split(r"[/\\;.]+", unquote(unquote(path)).casefold())
    return not _WITHHELD_SEGMENTS.isdisjoint(segments)


def _one_sentence(text: str) -> str:
    """Text that may stand in an answer: printable, on one line, bounded."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:MAX_SENTENCE_LENGTH]


def _require_no_query(request: Request) -> None:
    if request.query:
        raise _RefusedError(DeskReason.QUERY)


def _after(query: str) -> int:
    if not query:
        return 0
    found = _AFTER.fullmatch(query)
    if found is None:
        raise _RefusedError(DeskReason.QUERY)
    return int(found.group(1))


def _desk_refusal(sequence: int, reason: DeskReason) -> Reply:
    return Reply.refusal(sequence, reason.value, _SENTENCES[reason])


def _answer(reply: Reply, then: FollowUp = FollowUp.NOTHING) -> Answer:
    return _json(200 if reply.outcome is ReplyOutcome.DONE else 422, reply.to_bytes(), then)


def _json(status: int, body: bytes, then: FollowUp = FollowUp.NOTHING) -> Answer:
    return Answer(status, {"Content-Type": management.JSON}, body, then)
