"""What runs in a gateway: one thread for each line, one for each party, and how a change of profiles reaches them.

Decides which threads a set of profiles needs. A change restarts only those lines whose meters changed, and lets a
read-out that is under way come to its end; no other line notices. A party that came gets a sender, one that went loses
it, and every other sender looks at the new set at once. Never decides what is read, granted or sent.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from smgw.config import LineConfiguration
from smgw.store.errors import StoreError
from smgw.store.profiles import ProfileSet
from smgw.wan.sender import LONGEST_WAIT, Sender
from wire.profiles import MeterProfile

_logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 5.0
"""How long a sender may take to end its exchange; what it leaves unfinished stays owed."""
READ_OUT_SECONDS = 20.0
"""How long a read-out may go on before its line is restarted: several times what one takes at 9600 baud. At 300 baud
one may be cut off; the meter is then read at its next instant."""


class RunningLine(Protocol):
    """What the runtime needs of a line; ``smgw.lmn.line.Line`` is one."""

    def start(self) -> None:
        """Begin to read."""

    def stop(self, *, patience: float = 0.0) -> None:
        """End; a read-out in progress may end within ``patience`` seconds."""


class MakeLine(Protocol):
    """How a line is made; ``since`` names the moment from which it stands in for another."""

    def __call__(
        self, settings: LineConfiguration, meters: Sequence[MeterProfile], since: datetime | None
    ) -> RunningLine:
        """A line that does not run yet."""


class Runtime:
    """The threads of one gateway; ``start``, ``apply`` and ``stop`` may be called from any thread."""

    def __init__(
        self,
        lines: Sequence[LineConfiguration],
        *,
        make_line: MakeLine,
        make_sender: Callable[[str], Sender],
        clock: Callable[[], datetime],
    ) -> None:
        """``make_sender`` gets the id of a communication profile."""
        self._settings = tuple(lines)
        self._make_line = make_line
        self._make_sender = make_sender
        self._clock = clock
        self._lock = threading.Lock()
        self._lines: dict[str, tuple[tuple[MeterProfile, ...], RunningLine]] = {}
        self._senders: dict[str, SenderThread] = {}
        self._running = False

    @property
    def senders(self) -> tuple[Sender, ...]:
        """The senders of now, for people to look at."""
        return tuple(thread.sender for thread in list(self._senders.values()))

    def start(self, profiles: ProfileSet) -> None:
        """Start a thread for each line and each party."""
        with self._lock:
            self._running = True
            self._apply_senders(profiles)
            self._apply_lines(profiles)

    def apply(self, profiles: ProfileSet) -> None:
        """Make what runs fit ``profiles``; before the start and after the end nothing runs, and nothing happens."""
        with self._lock:
            if self._running:
                self._apply_senders(profiles)
                self._apply_lines(profiles)

    def nudge(self) -> None:
        """Let every sender look at once: what it believes may have changed."""
        with self._lock:
            for thread in self._senders.values():
                thread.nudge()

    def stop(self) -> None:
        """End every thread: lines first, so that nothing new comes in."""
        with self._lock:
            self._running = False
            for _, line in self._lines.values():
                line.stop()
            self._lines.clear()
            for thread in self._senders.values():
                thread.end()
            for thread in self._senders.values():
                thread.join()
            self._senders.clear()

    def _apply_senders(self, profiles: ProfileSet) -> None:
        for party in [party for party in self._senders if party not in profiles.communications]:
            gone = self._senders.pop(party)
            gone.end()
            gone.join()
        for thread in self._senders.values():
            thread.nudge()
        for party in sorted(profiles.communications.keys() - self._senders.keys()):
            self._senders[party] = thread = SenderThread(self._make_sender(party), self._clock)
            thread.start()

    def _apply_lines(self, profiles: ProfileSet) -> None:
        changed = [
            (settings, meters)
            for settings in self._settings
            if (meters := _meters_of(settings, profiles)) != self._lines.get(settings.name, (None, None))[0]
        ]
        if changed:
            # Side by side: each may wait for a read-out, and the administrator waits for all of them.
            with ThreadPoolExecutor(len(changed), "line change") as workers:
                for _ in workers.map(lambda one: self._replace_line(*one), changed):
                    pass  # what one raised is raised here

    def _replace_line(self, settings: LineConfiguration, meters: tuple[MeterProfile, ...]) -> None:
        since = None
        if settings.name in self._lines:
            since = self._clock()
            self._lines[settings.name][1].stop(patience=READ_OUT_SECONDS)
        line = self._make_line(settings, meters, since)
        self._lines[settings.name] = (meters, line)
        line.start()


def _meters_of(settings: LineConfiguration, profiles: ProfileSet) -> tuple[MeterProfile, ...]:
    mine = (meter for meter in profiles.meters.values() if meter.line == settings.name)
    return tuple(sorted(mine, key=lambda meter: meter.id))


class SenderThread:
    """Steps one sender until the end; a full disk or a defect of ours makes it wait, never stop."""

    def __init__(self, sender: Sender, clock: Callable[[], datetime]) -> None:
        """``clock`` gives aware UTC."""
        self.sender = sender
        self._clock = clock
        self._stopping = threading.Event()
        self._nudged = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sender {sender.party}", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def nudge(self) -> None:
        """Let it look now."""
        self._nudged.set()

    def end(self) -> None:
        """Let it end after the exchange that is under way."""
        self._stopping.set()
        self._nudged.set()

    def join(self) -> None:
        """Wait until it ended, SHUTDOWN_SECONDS at most."""
        self._thread.join(SHUTDOWN_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._nudged.clear()  # before the step: what changes while it runs is looked at in the next
            if self._stopping.is_set():
                break  # the end was announced between the two lines above
            now = self._clock()
            wanted = now + LONGEST_WAIT
            try:
                wanted = self.sender.step(now.replace(microsecond=0))
            except StoreError as error:
                _logger.warning("sender %s: %s", self.sender.party, error)
            except Exception:
                _logger.exception("sender %s", self.sender.party)
            wait = min(max(0.0, (wanted - self._clock()).total_seconds()), LONGEST_WAIT.total_seconds())
            self._nudged.wait(wait)
        with suppress(Exception):
            self.sender.close()
