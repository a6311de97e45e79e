"""The meter's end of a conversation (IEC 62056-21 modes A to D and the reading part of programming mode).

Decides, as a table of states and messages, what a well-behaved meter answers; what its registers hold is the business
of its ``Memory``. Nothing is answered to another address: on a multi-drop line silence is the right answer. It has no
clock: whoever drives it calls ``timeout`` after ``patience`` seconds of silence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from wire.errors import Iec62056Error
from wire.meter.iec62056.effects import ChangeSpeed, Effect, Send
from wire.meter.iec62056.messages import (
    SIGN_ON_SPEED,
    SPEEDS,
    Acknowledgement,
    BlockCheck,
    Command,
    DataMessage,
    Identification,
    Message,
    NegativeAcknowledgement,
    OptionSelect,
    ProtocolMode,
    Request,
)
from wire.meter.iec62056.receiver import Receiver, Side

INACTIVITY_SECONDS: Final = 60.0
"""A meter in programming mode falls back after 60 to 120 s of silence."""
OPTION_SELECT_SECONDS: Final = 2.0
"""How long a meter waits for the option select after its identification."""


class Memory(Protocol):
    """What a meter has to say."""

    def read_out(self) -> bytes:
        r"""The body of the read-out, its end mark ``!\r\n`` included."""

    def answer(self, command: Command) -> Sequence[bytes]:
        """The blocks of the answer to R1, R2, R5, R6 (at least one); an error text such as ``(ERROR01)`` for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationOptions:
    """One meter. ``checked`` False leaves out STX, ETX and BCC, as small meters of modes A and B do.

    ``speed_changes`` False keeps the line's speed whatever is announced. ``read_out_without_select`` sends the read-out
    at the sign-on speed when no option select comes (an AS1440 does).
    """

    identification: Identification
    mode: ProtocolMode = ProtocolMode.C
    address: str = ""
    password: str | None = None
    sign_on_speed: int = SIGN_ON_SPEED
    speed_changes: bool = True
    checked: bool = True
    read_out_without_select: bool = False
    reaction_seconds: float | None = None


class StationState(Enum):
    """Where the conversation stands."""

    IDLE = "idle"
    SELECTED = "waiting for an option select"
    SENT = "read-out sent, may be asked for again"
    LOCKED = "programming mode, password wanted"
    OPEN = "programming mode"


class Station:
    """One meter's protocol machine: ``receive`` and ``timeout``; effects come out."""

    def __init__(self, options: StationOptions, memory: Memory) -> None:
        """Idle at the sign-on speed."""
        self._options = options
        self._memory = memory
        self._receiver = Receiver(Side.METER)
        self._last: list[Effect] = []
        self._blocks: list[bytes] = []
        self.state = StationState.IDLE

    @property
    def patience(self) -> float | None:
        """Seconds of silence until ``timeout`` is due; None when nothing is waited for."""
        if self.state is StationState.IDLE:
            return None
        return OPTION_SELECT_SECONDS if self.state is StationState.SELECTED else INACTIVITY_SECONDS

    def receive(self, characters: bytes) -> list[Effect]:
        """Seven-bit characters came; returns what to do now."""
        try:
            messages = self._receiver.feed(characters)
        except Iec62056Error:
            return self._not_understood()
        effects: list[Effect] = []
        for message in messages:
            handler = _TABLE.get((self.state, type(message)), _ANYWHERE.get(type(message)))
            if handler is not None:
                effects += handler(self, message)
        if self._receiver.failed:
            self._receiver.clear()
            effects += self._not_understood()
        return effects

    def timeout(self) -> list[Effect]:
        """Nothing came for ``patience`` seconds: back to the beginning."""
        self._receiver.clear()
        self._receiver.option_select_due = False
        if self.state is StationState.SELECTED and self._options.read_out_without_select:
            self.state = StationState.IDLE
            return self._read_out()
        return self._fall_back()

    def push(self) -> list[Effect]:
        """A mode D meter speaks unasked: identification and read-out in one go."""
        return [self._send(self._options.identification), *self._read_out()]

    @property
    def _programming(self) -> bool:
        return self.state in (StationState.LOCKED, StationState.OPEN)

    def _not_understood(self) -> list[Effect]:
        self._receiver.option_select_due = False
        return [self._send(NegativeAcknowledgement())] if self._programming else self._fall_back()

    def _on_request(self, message: Message) -> list[Effect]:
        assert isinstance(message, Request)  # noqa: S101 -- the table says so
        options = self._options
        self._receiver.option_select_due = False
        if not message.selects(options.address) or options.mode is ProtocolMode.D:
            self.state = StationState.IDLE
            return []
        effects: list[Effect] = [self._send(options.identification)]
        if options.mode is ProtocolMode.C:
            self.state = StationState.SELECTED
            self._receiver.option_select_due = True
            return effects
        speed = options.identification.speed if options.mode is ProtocolMode.B else None
        self.state = StationState.SENT
        if speed is not None and options.speed_changes:
            effects.append(ChangeSpeed(speed))
        return [*effects, *self._read_out()]

    def _on_option_select(self, message: Message) -> list[Effect]:
        assert isinstance(message, OptionSelect)  # noqa: S101 -- the table says so
        self._receiver.option_select_due = False
        effects: list[Effect] = []
        speed = SPEEDS.get(message.baud_character)
        if self._options.speed_changes and speed is not None and message.baud_character != "0":
            effects.append(ChangeSpeed(speed))
        if message.option == "1":
            self.state = StationState.OPEN if self._options.password is None else StationState.LOCKED
            return [*effects, self._keep(Command("P0", b"()"))]
        self.state = StationState.SENT
        return [*effects, *self._read_out()]

    def _on_password(self, message: Message) -> list[Effect]:
        assert isinstance(message, Command)  # noqa: S101 -- the table says so
        if message.check is BlockCheck.WRONG:
            return [self._send(NegativeAcknowledgement())]
        if message.name == "B0":
            return self._fall_back()
        if message.name == "P1" and message.data == f"({self._options.password})".encode():
            self.state = StationState.OPEN
            return [self._keep(Acknowledgement())]
        return [self._keep(DataMessage(b"(ERROR07)"))]

    def _on_command(self, message: Message) -> list[Effect]:
        assert isinstance(message, Command)  # noqa: S101 -- the table says so
        if message.check is BlockCheck.WRONG:
            return [self._send(NegativeAcknowledgement())]
        if message.name == "B0":
            return self._fall_back()
        if message.name == "P1":
            return [self._keep(Acknowledgement())]
        self._blocks = list(self._memory.answer(message))
        return self._next_block()

    def _on_acknowledgement(self, _message: Message) -> list[Effect]:
        return self._next_block() if self._blocks else []

    def _on_repeat_request(self, _message: Message) -> list[Effect]:
        return list(self._last)

    def _on_break(self, message: Message) -> list[Effect]:
        assert isinstance(message, Command)  # noqa: S101 -- the table says so
        return self._fall_back() if message.name == "B0" else []

    def _next_block(self) -> list[Effect]:
        body = self._blocks.pop(0)
        return [self._keep(DataMessage(body, last=not self._blocks))]

    def _read_out(self) -> list[Effect]:
        body = self._memory.read_out()
        if self._options.checked:
            return [self._keep(DataMessage(body))]
        return [self._keep(DataMessage(body, check=BlockCheck.MISSING, framed=False))]

    def _keep(self, message: Message) -> Send:
        """Send what may be asked for again with NAK."""
        send = self._send(message)
        self._last = [send]
        return send

    def _send(self, message: Message) -> Send:
        reaction = self._options.reaction_seconds
        return Send(message.to_bytes(), self._options.identification.reaction_seconds if reaction is None else reaction)

    def _fall_back(self) -> list[Effect]:
        self.state = StationState.IDLE
        self._blocks.clear()
        self._last.clear()
        return [ChangeSpeed(self._options.sign_on_speed)] if self._options.speed_changes else []


_Handler = Callable[[Station, Message], list[Effect]]
_ANYWHERE: Final[dict[type[Message], _Handler]] = {
    Request: Station._on_request,  # noqa: SLF001
    Command: Station._on_break,  # noqa: SLF001
}
"""A sign-on begins anew in every state, and so does a break; all else is passed over unless the state expects it."""
_TABLE: Final[dict[tuple[StationState, type[Message]], _Handler]] = {
    (StationState.SELECTED, OptionSelect): Station._on_option_select,  # noqa: SLF001
    (StationState.SENT, NegativeAcknowledgement): Station._on_repeat_request,  # noqa: SLF001
    (StationState.LOCKED, Command): Station._on_password,  # noqa: SLF001
    (StationState.LOCKED, NegativeAcknowledgement): Station._on_repeat_request,  # noqa: SLF001
    (StationState.OPEN, Command): Station._on_command,  # noqa: SLF001
    (StationState.OPEN, Acknowledgement): Station._on_acknowledgement,  # noqa: SLF001
    (StationState.OPEN, NegativeAcknowledgement): Station._on_repeat_request,  # noqa: SLF001
}
