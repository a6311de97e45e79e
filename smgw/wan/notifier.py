"""The notifier: tells the administrator what waits in the queue, oldest first, over the service connection.

Decides when a notification counts as told: when the administrator answered that it is stored, now or before. It is told
again until then, under the same number and with the same content, so that the administrator keeps it exactly once
(TR-03109-1, ADMIN-SERVICE; PP-0073 FAU_ARP.1/SYS). What he will never take is logged and not told again, because it
must not hold back what comes after it. What becomes a notification is decided in ``smgw/store/notifications.py``.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from smgw.administration.desk import SUBJECT
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.notifications import Notifications, Queued
from smgw.wan import retry
from smgw.wan.service import ServiceError, ServicePorts, ServiceReason, Visit, visit
from wire.errors import NotificationError
from wire.http import Response
from wire.management import JSON, NOTIFICATIONS
from wire.notification import MAXIMUM_PARAMETERS, MAXIMUM_TEXT, Notification
from wire.reading import DeviceId

_logger = logging.getLogger(__name__)

LOOK: Final = timedelta(seconds=2)
"""How often to look into the queue: an alarm is told within seconds, and a look costs one row of an index."""
TOLD: Final = frozenset({"stored", "duplicate"})
"""Results by which the administrator says that he has it (``wire.management.NOTIFICATIONS``)."""
FOR_GOOD: Final = frozenset({400, 403})
"""Statuses by which the administrator says that he will never take this one."""
STOP_SECONDS: Final = 5.0
"""How long :meth:`Notifier.stop` waits for an exchange to end."""
MALFORMED: Final = "malformed"
"""Why one is never told: it cannot be written as a notification."""


@dataclass(frozen=True, slots=True)
class NotifierPorts:
    """Everything around the notifier."""

    gateway: DeviceId
    service: ServicePorts
    queue: Notifications
    log: SystemLog
    jitter: Callable[[], float]
    may_tell: Callable[[datetime], bool] = lambda _: True
    """Whether anything is told at that moment (``smgw/secure_states.py``: in every state, so far)."""


class Notifier:
    """Tells on its own thread."""

    def __init__(self, ports: NotifierPorts) -> None:
        """Nothing runs before :meth:`start`."""
        self._ports = ports
        self._nudged = threading.Event()
        self._stopping = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def nudge(self) -> None:
        """Let it look at once: the administrator is there again. From any thread."""
        self._nudged.set()

    def stop(self) -> None:
        """End the thread; may be called again and before :meth:`start`."""
        self._stopping.set()
        self._nudged.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def step(self) -> timedelta:
        """Tell all that waits, if anything does; returns the time to the next look."""
        try:
            if self._ports.may_tell(self._ports.service.clock()) and self._ports.queue.oldest() is not None:
                self._tell()
        except (ServiceError, StoreError) as error:
            _logger.info("notifier: %s", error)
            self._failures += 1
            return retry.delay(self._failures, self._ports.jitter)
        self._failures = 0
        return LOOK

    def _tell(self) -> None:
        """One connection for as many as it takes. Raises ServiceError, StoreError."""
        with visit(self._ports.service) as connection:
            while connection.reusable and not self._stopping.is_set():
                queued = self._ports.queue.oldest()
                if queued is None:
                    return
                self._tell_one(connection, queued)

    def _tell_one(self, connection: Visit, queued: Queued) -> None:
        self._ports.queue.attempt(queued.number, self._ports.service.clock())
        try:
            body = letter(self._ports.gateway, queued).to_bytes()
        except NotificationError as error:
            _logger.warning("notification %d: %s", queued.number, error)
            self._done(queued, MALFORMED)
            return
        self._done(queued, judge(connection.post(NOTIFICATIONS, JSON, body)))

    def _done(self, queued: Queued, refused: str) -> None:
        """It is not told again; ``refused`` says why it was told in vain, if it was."""
        at = self._ports.service.clock()
        self._ports.queue.sent(queued.number, at)
        outcome = Outcome.FAILURE if refused else Outcome.SUCCESS
        parameters: dict[str, str | int] = {"told": queued.event.value}
        if refused:
            parameters["reason"] = refused
        self._ports.log.record(Event.NOTIFICATION_SENT, SUBJECT, outcome, at=at, times=1, **parameters)

    def _run(self) -> None:
        wait = LOOK
        while not self._stopping.is_set():
            self._nudged.wait(wait.total_seconds())
            self._nudged.clear()
            if self._stopping.is_set():
                return
            try:
                wait = self.step()
            except Exception:  # a defect of ours: what waits is told later all the same
                _logger.exception("notifier")
                wait = retry.DELAY_CAP


def letter(gateway: DeviceId, queued: Queued) -> Notification:
    """What is told of ``queued``: a text that has no such form is cut or made readable, never a reason to be silent.

    Raises NotificationError.
    """
    parameters = {
        name: value if isinstance(value, int) else _shown(value)
        for name, value in sorted(queued.parameters.items())[:MAXIMUM_PARAMETERS]
    }
    return Notification(
        gateway=gateway,
        number=queued.number,
        event=queued.event.value,
        outcome=queued.outcome.name,
        subject=_shown(queued.subject),
        at=queued.at,
        parameters=parameters,
    )


def judge(response: Response) -> str:
    """Nothing where it was told, the reason where it never will be. Raises ServiceError for everything else."""
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        answer = None
    member = answer if isinstance(answer, dict) else {}
    if response.status == 200 and member.get("result") in TOLD:
        return ""
    if response.status in FOR_GOOD:
        return str(response.status)
    sentence = f"the administrator does not take notifications: status {response.status}"
    raise ServiceError(ServiceReason.REFUSED_FOR_NOW.value, sentence)


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:MAXIMUM_TEXT]
