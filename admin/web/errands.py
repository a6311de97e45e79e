"""What runs on behalf of people while they look at pages: wake-ups that wait for a tunnel, and renewals.

Decides that a gateway has one errand at a time (a second wish to wake it while it is being woken is the same wish), how
many run at once, and what is remembered: the latest of each gateway, until the console ends. Orders do not depend on
it: they are in the database and are carried out at the next tunnel, whoever woke the gateway.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from admin.errors import AdminError
from admin.office import Office
from admin.wake import Progress, Timing, WakeResult, wake_and_wait
from pki.errors import TrustError
from wire.errors import WireError
from wire.reading import DeviceId

AT_ONCE: Final = 16
"""Threads; further errands wait for their turn."""
MAXIMUM_LINES: Final = 50

_log = logging.getLogger(__name__)


class ErrandKind(StrEnum):
    """What is being done."""

    WAKE = "wake"
    RENEW = "renew"
    ENROL = "enrol"


@dataclass(frozen=True, slots=True)
class Errand:
    """One errand as it stands; ``failure`` says why it ended without what it was for."""

    gateway: DeviceId
    kind: ErrandKind
    by: str
    begun_at: datetime
    progress: Progress | None = None
    result: WakeResult | None = None
    lines: tuple[str, ...] = ()
    failure: str = ""
    over: bool = False


class ErrandEndedError(Exception):
    """The console ends: nothing waits any longer."""


class Errands:
    """The errands of one console; thread-safe."""

    def __init__(self, office: Office, timing: Timing) -> None:
        """``timing`` says how long to wait for a gateway."""
        self._office = office
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._latest: dict[DeviceId, Errand] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="errand")
        self._sleep = timing.sleep
        self.timing = replace(timing, sleep=self._pause)

    def of(self, gateway: DeviceId) -> Errand | None:
        """The latest errand of ``gateway``."""
        with self._lock:
            return self._latest.get(gateway)

    def wake(self, gateway: DeviceId, by: str) -> None:
        """Wake ``gateway`` until its tunnel is there. Raises InventoryError: UNKNOWN, STATE."""
        self._office.inventory.require_reachable(gateway)

        def job(_say: Callable[[str], None]) -> None:
            def progress(one: Progress) -> None:
                self._change(gateway, lambda errand: replace(errand, progress=one))

            result = wake_and_wait(self._office, gateway, self.timing, by, progress)
            self._change(gateway, lambda errand: replace(errand, result=result))

        self.begin(gateway, ErrandKind.WAKE, by, job)

    def begin(self, gateway: DeviceId, kind: ErrandKind, by: str, job: Callable[[Callable[[str], None]], None]) -> bool:
        """Run ``job`` (which is given something to tell its steps with); False while another one of it runs."""
        with self._lock:
            running = self._latest.get(gateway)
            if running is not None and not running.over:
                return False
            self._latest[gateway] = Errand(gateway, kind, by, self.timing.clock())
        self._pool.submit(self._run, gateway, job)
        return True

    def stop(self) -> None:
        """End every errand; what was queued in the database stays queued."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)

    def _run(self, gateway: DeviceId, job: Callable[[Callable[[str], None]], None]) -> None:
        failure = ""
        try:
            job(lambda line: self._change(gateway, lambda errand: _told(errand, line)))
        except (AdminError, TrustError, WireError) as error:
            failure = str(error)
        except ErrandEndedError:
            failure = "the console was stopped"
        except Exception:  # noqa: BLE001 - the end of a thread
            # A defect: the thread's future is looked at by nobody, so it is told here and the page does not wait.
            _log.exception("an errand for %s failed", gateway)
            failure = "an internal error; see the console's log"
        self._change(gateway, lambda errand: replace(errand, failure=failure, over=True))

    def _change(self, gateway: DeviceId, change: Callable[[Errand], Errand]) -> None:
        with self._lock:
            self._latest[gateway] = change(self._latest[gateway])

    def _pause(self, seconds: float) -> None:
        if self._stopping.is_set():
            raise ErrandEndedError
        self._sleep(seconds)


def _told(errand: Errand, line: str) -> Errand:
    return replace(errand, lines=(*errand.lines, line)[-MAXIMUM_LINES:])
