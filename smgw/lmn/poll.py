"""Step 1 of the walk: one read-out of one meter, octets to a frame.

Decides when a conversation is over: by gaps and by octets, never by a total time, because a meter at 300 baud with
months of history needs minutes. What is said to the meter is the business of ``wire.meter.iec62056.Reader``; this file
carries its effects out on a port, and never hands on a frame in which a character was damaged.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from smgw.config import LineConfiguration
from smgw.lmn.errors import PollError, PollReason
from smgw.lmn.port import Port
from smgw.lmn.telegram import Frame
from wire.errors import Iec62056Error
from wire.meter.iec62056 import (
    ChangeSpeed,
    EchoCanceller,
    Effect,
    FailureReason,
    ProtocolMode,
    Reader,
    ReaderOptions,
)
from wire.meter.iec62056.messages import BlockCheck
from wire.meter.iec62056.reader import GAP_SECONDS, REACTION_SECONDS, REPEATS, BlockCheckPolicy, State
from wire.profiles import MeterProfile
from wire.profiles import ProtocolMode as ProfileMode

QUIET_SECONDS: Final = 0.1
"""A line is free when nothing came for this long: three characters at 300 baud. What comes before belongs to nobody."""
MAXIMUM_CHATTER: Final = 4096
"""Octets heard without an identification before the line is given up: less than five seconds of noise at 9600 baud, and
more than the rest of a telegram that a mode D meter was just sending. Later it is the longest message."""
PUSH_SECONDS: Final = 10.0
"""How long a mode D meter is listened for; meters push every one to four seconds."""

_REASONS: Final = {
    FailureReason.NO_ANSWER: PollReason.SILENT,
    FailureReason.SILENCE: PollReason.SILENT,
    FailureReason.BLOCK_CHECK: PollReason.BLOCK_CHECK,
    FailureReason.METER_ERROR: PollReason.METER_ERROR,
    FailureReason.METER_REFUSED: PollReason.METER_ERROR,
    FailureReason.GRAMMAR: PollReason.PROTOCOL,
}
_MAY_BE_PARITY: Final = {PollReason.SILENT, PollReason.PROTOCOL, PollReason.BLOCK_CHECK, PollReason.HALF_TELEGRAM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Reads meters one at a time; seconds as in :class:`ReaderOptions`, ``clock`` gives aware UTC."""

    clock: Callable[[], datetime]
    reaction_seconds: float = REACTION_SECONDS
    gap_seconds: float = GAP_SECONDS
    push_seconds: float = PUSH_SECONDS
    requests: int = REPEATS

    def read_out(self, port: Port, line: LineConfiguration, profile: MeterProfile, *, failures: int = 0) -> Frame:
        """Read the meter of ``profile`` once. A meter that failed last time is asked once, not several times.

        Raises PollError for what the meter or the line did, PortError where the port is of no use.
        """
        return _Conversation(self, port, self.options(line, profile, failures=failures), echo=line.echo).frame()

    def options(self, line: LineConfiguration, profile: MeterProfile, *, failures: int = 0) -> ReaderOptions:
        """What ``profile`` says about its meter's way of speaking."""
        protocol = profile.protocol
        pushes = protocol.mode is ProfileMode.D
        return ReaderOptions(
            address=profile.address,
            mode=None if protocol.mode is ProfileMode.AUTO else ProtocolMode(protocol.mode.value),
            sign_on_speed=line.speed,
            fixed_speed=protocol.fixed_speed,
            switch_delay_seconds=protocol.switch_delay_ms / 1000,
            ignore_announced_speed=protocol.ignore_announced_speed,
            block_check=BlockCheckPolicy(protocol.block_check.value),
            wake_up=protocol.wake_up,
            requests=1 if failures else self.requests,
            reaction_seconds=self.push_seconds if pushes else self.reaction_seconds,
            gap_seconds=self.gap_seconds,
        )


class _Conversation:
    """One conversation on one port."""

    def __init__(self, poller: Poller, port: Port, options: ReaderOptions, *, echo: bool) -> None:
        self._clock = poller.clock
        self._port = port
        self._options = options
        self._reader = Reader(options)
        self._echo = EchoCanceller() if echo else None
        self._captured_at: datetime | None = None
        self._echo_differed = False
        self._half = False
        self._chatter = 0
        self._parity_errors = self._parity_errors_before = port.parity_errors

    def frame(self) -> Frame:
        reader = self._reader
        if self._options.mode is not ProtocolMode.D:
            self._port.set_speed(self._options.fixed_speed or self._options.sign_on_speed)
            until_quiet(self._port)
        started_at = self._clock()
        self._carry_out(reader.start())
        while reader.result is None and reader.failure is None:
            characters = self._port.read(reader.patience)
            self._carry_out(self._heard(characters) if characters else self._silence())
        # A speed that stays behind would make the next meter's request unreadable.
        self._port.set_speed(self._options.fixed_speed or self._options.sign_on_speed)
        if reader.result is None or self._captured_at is None:
            raise self._error()
        (message,) = reader.result.messages
        return Frame(
            reader.result.identification, message, message.check is BlockCheck.RIGHT, started_at, self._captured_at
        )

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if effect.after:
                time.sleep(effect.after)
            if isinstance(effect, ChangeSpeed):
                self._port.set_speed(effect.baud)
            else:
                self._port.write(effect.characters)
                if self._echo is not None:
                    self._echo.sent(effect.characters)

    def _heard(self, characters: bytes) -> list[Effect]:
        arrived_at = self._clock()
        reader = self._reader
        damaged = self._port.parity_errors > self._parity_errors
        self._parity_errors = self._port.parity_errors
        self._chatter += len(characters)
        if self._chatter > (MAXIMUM_CHATTER if reader.state is State.IDENTIFICATION else self._options.maximum_message):
            raise PollError(PollReason.PARITY if damaged else PollReason.PROTOCOL, "a line full of noise")
        if self._echo is not None:
            try:
                characters = self._echo.received(characters)
            except Iec62056Error as error:
                self._echo_differed = True
                return reader.damaged(str(error))
        if damaged:
            effects = reader.damaged("a character with wrong parity")
        else:
            effects = reader.receive(characters) if characters else []
        if effects:
            self._chatter = 0  # the conversation goes on: what was heard was meant
        if not reader.data_begun:
            self._captured_at = None
        elif self._captured_at is None:
            self._captured_at = arrived_at.replace(microsecond=0)
        return effects

    def _silence(self) -> list[Effect]:
        if self._echo is not None:
            self._echo.forget()
        self._half = self._reader.data_begun
        return self._reader.timeout()

    def _error(self) -> PollError:
        reason = PollReason.PROTOCOL if self._reader.failure is None else _REASONS[self._reader.failure]
        if self._half and reason is PollReason.PROTOCOL:
            reason = PollReason.HALF_TELEGRAM
        if self._echo_differed and reason is not PollReason.METER_ERROR:
            reason = PollReason.ECHO
        elif self._parity_errors > self._parity_errors_before and reason in _MAY_BE_PARITY:
            reason = PollReason.PARITY
        return PollError(reason, self._reader.detail)


def until_quiet(port: Port) -> None:
    """Wait until nobody speaks: what is left of a late or doubled answer must not meet the next request.

    Raises PollError(PROTOCOL) where the line does not fall silent.
    """
    heard = 0
    port.discard_input()
    while characters := port.read(QUIET_SECONDS):
        heard += len(characters)
        if heard > MAXIMUM_CHATTER:
            raise PollError(PollReason.PROTOCOL, "the line does not fall silent")
