"""One serial line: a thread that reads each of its meters at that meter's own instants, whatever the line does to it.

Decides what happens when a port is absent, vanishes or comes back, when a meter is silent, and when meters are not to
be read at all: then their instants pass, and none is made up for (PP-0073 FPT_FLS.1). It must never end
because of what a line or a meter does, never make one meter wait for another longer than one bounded read-out, and
never touch another line. Between read-outs it sleeps; it never polls.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol

from smgw.config import Framing, LineConfiguration
from smgw.lmn.errors import LineEvent, LineState, PollError, PollReason, Report
from smgw.lmn.poll import Poller
from smgw.lmn.port import Port, PortError, PortReason
from smgw.lmn.schedule import Schedule, Turn
from smgw.lmn.telegram import Telegram, parse
from wire.profiles import MeterProfile

_logger = logging.getLogger(__name__)

FIRST_BACK_OFF_SECONDS: Final = 0.5
LONGEST_BACK_OFF_SECONDS: Final = 30.0
"""An adapter that is plugged in again is used within half a minute; trying costs one failed open."""
LONGEST_SLEEP_SECONDS: Final = 10.0
"""The system clock may be set while the thread sleeps: it looks again this often."""


class Deliver(Protocol):
    """Where telegrams go (step 3); called from the line's thread, must not raise for anything a meter can do."""

    def __call__(self, profile: MeterProfile, telegram: Telegram) -> object:
        """``telegram`` is untrusted."""


class Line:
    """One line of the LMN with its meters; several lines run side by side."""

    def __init__(
        self,
        configuration: LineConfiguration,
        profiles: Sequence[MeterProfile],
        *,
        deliver: Deliver,
        report: Report,
        clock: Callable[[], datetime],
        poller: Poller,
        since: datetime | None = None,
        may_read: Callable[[datetime], bool] = lambda _: True,
        first_back_off_seconds: float = FIRST_BACK_OFF_SECONDS,
    ) -> None:
        """``profiles`` are those of this line; ``clock`` gives aware UTC.

        A line that takes another's place names the moment ``since`` which it is responsible, so that a meter that was
        due while the one went and the other came is read all the same. ``may_read`` says whether meters are read at
        that moment (``smgw/secure_states.py``).
        """
        self.name = configuration.name
        self._configuration = configuration
        self._profiles = {profile.id: profile for profile in profiles}
        self._deliver = deliver
        self._report = report
        self._clock = clock
        self._poller = poller
        self._since = since
        self._may_read = may_read
        self._first_back_off = first_back_off_seconds
        self._back_off = first_back_off_seconds
        self._port: Port | None = None
        self._port_lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"line {self.name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self, timeout: float = 10.0, *, patience: float = 0.0) -> None:
        """End the thread: a read-out in progress may end within ``patience`` seconds, then it is interrupted."""
        self._stopping.set()
        if patience > 0 and self._thread.ident is not None:
            self._thread.join(patience)
        with self._port_lock:
            if self._port is not None:
                self._port.interrupt()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        schedule = Schedule(
            ((profile.id, profile.interval_seconds) for profile in self._profiles.values()),
            self._since or self._clock(),
        )
        while not self._stopping.is_set():
            wait = schedule.seconds_until_due(self._clock())
            if wait is None or wait > 0:
                self._stopping.wait(LONGEST_SLEEP_SECONDS if wait is None else min(wait, LONGEST_SLEEP_SECONDS))
                continue
            try:
                for turn in schedule.due(self._clock()):
                    if self._may_read(self._clock()) and not self._is_replaced(turn, self._clock()):
                        self._take(turn, schedule)
                    else:
                        schedule.skip(turn, self._clock())
            except PortError as error:
                self._lose(error)
                self._stopping.wait(self._back_off)
                self._back_off = min(self._back_off * 2, LONGEST_BACK_OFF_SECONDS)
        self._close()

    def _is_replaced(self, turn: Turn, now: datetime) -> bool:
        """Whether the profile's time is over and its meter is read by another one: nothing is missing then."""
        profile = self._profiles[turn.name]
        return profile.valid_until <= now and any(
            one.meter == profile.meter and one.valid_from <= now < one.valid_until for one in self._profiles.values()
        )

    def _take(self, turn: Turn, schedule: Schedule) -> None:
        """Read one meter. A meter whose port is lost stays due: PortError goes up to :meth:`_run`."""
        profile = self._profiles[turn.name]
        meter = profile.meter.text
        answered = False
        try:
            frame = self._poller.read_out(self._opened(), self._configuration, profile, failures=turn.failures)
            self._back_off = self._first_back_off
            answered = True
            if turn.failures:
                self._report(LineEvent.METER_STATE, meter, reason="answers-again")
            self._deliver(profile, parse(frame))
        except PollError as error:
            step = LineEvent.TELEGRAM_REFUSED if error.reason is PollReason.GRAMMAR else LineEvent.METER_STATE
            self._report(step, meter, reason=error.reason.value)
        except PortError:
            raise
        except Exception as error:
            # A defect of ours must not silence a line; it stands in both logs, and the next meter has its turn.
            _logger.exception("line %s, meter %s", self.name, meter)
            self._report(LineEvent.LINE_STATE, self.name, state=LineState.DEFECT.value, kind=type(error).__name__)
        schedule.done(turn, self._clock(), answered=answered)

    def _opened(self) -> Port:
        if self._port is None:
            configuration = self._configuration
            port = Port(configuration.port, speed=configuration.speed, framing=configuration.framing)
            with self._port_lock:
                self._port = port
            if self._stopping.is_set():
                raise PortError(PortReason.INTERRUPTED)
            self._report(LineEvent.LINE_STATE, self.name, state=LineState.OPEN.value)
            if port.parity_in_software and configuration.framing is Framing.SEVEN_EVEN:
                self._report(LineEvent.LINE_STATE, self.name, state=LineState.SOFTWARE_PARITY.value)
        return self._port

    def _lose(self, error: PortError) -> None:
        self._close()
        if error.reason is PortReason.INTERRUPTED:
            return
        state = LineState.UNAVAILABLE if error.reason is PortReason.UNAVAILABLE else LineState.LOST
        _logger.warning("line %s: %s", self.name, error)
        self._report(LineEvent.LINE_STATE, self.name, state=state.value)

    def _close(self) -> None:
        with self._port_lock, suppress(OSError):
            if self._port is not None:
                self._port.close()
            self._port = None
