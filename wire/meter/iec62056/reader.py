"""The reader's end of a conversation (IEC 62056-21 modes A to D, and the reading part of mode C's programming mode).

Decides what is sent when, as a table of states and messages; octets and time-outs go in, effects come out, and at the
end there is a result or a reason. It has no clock: whoever drives it waits ``patience`` seconds for the next octet and
then calls ``timeout``. A damaged message is asked for again a bounded number of times; nothing damaged is ever returned
as right.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Final

from wire.errors import Iec62056Error, ObisError
from wire.meter.iec62056.effects import ChangeSpeed, Effect, Send
from wire.meter.iec62056.messages import (
    SIGN_OFF,
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
from wire.meter.iec62056.options import (
    BATTERY_PAUSE_SECONDS,
    BATTERY_WAKE_UP_SECONDS,
    FEW_NULS,
    GAP_SECONDS,
    MAXIMUM_BLOCKS,
    MAXIMUM_TOTAL,
    REACTION_SECONDS,
    REPEATS,
    BlockCheckPolicy,
    FailureReason,
    ReaderOptions,
    ReaderResult,
    WakeUp,
)
from wire.meter.iec62056.receiver import Receiver, Side
from wire.obis import Obis

__all__ = [
    "GAP_SECONDS",
    "REACTION_SECONDS",
    "REPEATS",
    "BlockCheckPolicy",
    "FailureReason",
    "Reader",
    "ReaderOptions",
    "ReaderResult",
    "State",
    "WakeUp",
]
_BITS = 10
"""Of one character on the line: start, seven data, parity, stop."""


class State(Enum):
    """Where the conversation stands."""

    IDENTIFICATION = "waiting for the identification"
    READ_OUT = "waiting for the read-out"
    OPERAND = "waiting for P0"
    PASSWORD = "waiting for the answer to the password"  # noqa: S105 -- a state
    ANSWER = "waiting for the answer to a command"
    ENDED = "ended"


_CHARACTERS: Final = {speed: character for character, speed in SPEEDS.items()}
_PROGRAMMING = {State.OPERAND, State.PASSWORD, State.ANSWER}


class Reader:
    """One conversation with one meter: ``start``, then ``receive`` and ``timeout`` until ``result`` or ``failure``."""

    def __init__(self, options: ReaderOptions) -> None:
        """Nothing is sent before ``start``."""
        self._options = options
        self._receiver = Receiver(Side.READER, maximum=options.maximum_message)
        self._identification: Identification | None = None
        self._blocks: list[DataMessage] = []
        self._total = 0
        self._answers: list[DataMessage] = []
        self._requests = 0
        self._repeats = 0
        self._damaged = False
        self._sent: Message = Request()
        self.state = State.IDENTIFICATION
        self.result: ReaderResult | None = None
        self.failure: FailureReason | None = None
        self.detail = ""
        self.octets = 0
        """Characters received so far: at 300 baud a read-out takes minutes, and this is what shows that it runs."""

    @property
    def patience(self) -> float:
        """Seconds to wait for the next octet, from the last octet received or sent."""
        begun = self._receiver.pending or self._damaged
        return self._options.gap_seconds if begun else self._options.reaction_seconds

    @property
    def data_begun(self) -> bool:
        """True once the first octet of a data message has come: the moment that its values are taken for."""
        return bool(self._blocks) or (self.state in (State.READ_OUT, State.ANSWER) and self._receiver.pending > 0)

    def start(self) -> list[Effect]:
        """The first effects. A mode D meter is only listened to."""
        options = self._options
        speed = options.fixed_speed or options.sign_on_speed
        effects: list[Effect] = [ChangeSpeed(speed)]
        if options.mode is ProtocolMode.D:
            return effects
        after = 0.0
        if options.wake_up is WakeUp.BATTERY:
            effects.append(Send(bytes(int(BATTERY_WAKE_UP_SECONDS * speed / _BITS))))
            after = BATTERY_PAUSE_SECONDS
        elif options.wake_up is WakeUp.FEW_NULS:
            effects.append(Send(bytes(FEW_NULS)))
        return [*effects, *self._request(after)]

    def receive(self, characters: bytes) -> list[Effect]:
        """Seven-bit characters came; returns what to do now."""
        self.octets += len(characters)
        if self._damaged or self.state is State.ENDED:
            return []  # the rest of a damaged message; it is asked for again when the line is silent
        try:
            messages = self._receiver.feed(characters)
        except Iec62056Error as error:
            return self.damaged(str(error))
        effects: list[Effect] = []
        for message in messages:
            effects += self._take(message)
            if effects and self.state in _PROGRAMMING:
                # What came in one piece with this message cannot answer what is sent only now: it is a double.
                self._receiver.clear()
                return effects
        if self._receiver.failed:
            return [*effects, *self.damaged("characters that are no message")]
        return effects

    def damaged(self, detail: str) -> list[Effect]:
        """Characters came that cannot be believed (parity, echo, noise): wait for silence, then ask again."""
        self._receiver.clear()
        self._damaged = True
        self.detail = detail
        return []

    def timeout(self) -> list[Effect]:
        """Nothing came for ``patience`` seconds."""
        if self.state is State.ENDED:
            return []
        flushed = None if self._damaged else self._receiver.flush()
        if flushed is not None:
            return self._take(flushed)
        begun = self._damaged or self._receiver.pending > 0
        self._receiver.clear()
        self._damaged = False
        if self.state is State.IDENTIFICATION:
            if self._options.mode is ProtocolMode.D:
                return [] if begun else self._fail(FailureReason.NO_ANSWER, "the meter pushes nothing")
            if self._requests < self._options.requests:
                return self._request(0.0)
            reason = FailureReason.GRAMMAR if begun else FailureReason.NO_ANSWER
            return self._fail(reason, self.detail or "no identification")
        if begun:
            return self._again(FailureReason.GRAMMAR, self.detail or "a message was cut off")
        return self._fail(FailureReason.SILENCE, f"silence while {self.state.value}")

    # -- what each message means in each state ------------------------------------------------------------------------

    def _take(self, message: Message) -> list[Effect]:
        handler = _TABLE.get((self.state, type(message)))
        return [] if handler is None else handler(self, message)

    def _on_identification(self, message: Message) -> list[Effect]:
        assert isinstance(message, Identification)  # noqa: S101 -- the table says so
        self._identification = message
        options = self._options
        mode = options.mode or message.mode
        self.state = State.READ_OUT
        if mode in (ProtocolMode.A, ProtocolMode.D):
            return []
        speed = None if options.fixed_speed or options.ignore_announced_speed else message.speed
        effects: list[Effect] = []
        if mode in (ProtocolMode.C, ProtocolMode.E):
            # A meter that offers mode E reads out in mode C when protocol 0 is selected.
            stay = _CHARACTERS.get(options.fixed_speed or options.sign_on_speed, message.baud_character)
            character = stay if options.ignore_announced_speed else message.baud_character
            option = options.option or ("1" if options.commands else "0")
            effects.append(self._send(OptionSelect("0", character, option)))
            if options.commands:
                self.state = State.OPERAND
        if speed is not None and speed != options.sign_on_speed:
            effects.append(ChangeSpeed(speed, options.switch_delay_seconds))
        return effects

    def _on_read_out(self, message: Message) -> list[Effect]:
        assert isinstance(message, DataMessage)  # noqa: S101 -- the table says so
        if (refused := self._refuse(message)) is not None:
            return refused
        whole = self._join(message)
        if isinstance(whole, DataMessage):
            return self._succeed((whole,))
        return whole

    def _on_operand(self, message: Message) -> list[Effect]:
        assert isinstance(message, Command)  # noqa: S101 -- the table says so
        if message.name != "P0":
            return self._on_break(message)
        if message.check is BlockCheck.WRONG:
            return self._again(FailureReason.BLOCK_CHECK, "P0 has a wrong block check")
        self._repeats = 0
        if self._options.password is not None:
            self.state = State.PASSWORD
            return [self._send(Command("P1", f"({self._options.password})".encode("ascii", "replace")))]
        return self._ask()

    def _on_password_accepted(self, _message: Message) -> list[Effect]:
        return self._ask()

    def _on_answer(self, message: Message) -> list[Effect]:
        assert isinstance(message, DataMessage)  # noqa: S101 -- the table says so
        if (refused := self._refuse(message)) is not None:
            return refused
        if not self._blocks and _answers_another(self._options.commands[len(self._answers)], message):
            return []  # late or doubled, of the command before
        whole = self._join(message)
        if not isinstance(whole, DataMessage):
            return whole
        self._answers.append(whole)
        if len(self._answers) < len(self._options.commands):
            return self._ask()
        return self._succeed(tuple(self._answers))

    def _on_bare_acknowledgement(self, _message: Message) -> list[Effect]:
        return self._fail(FailureReason.METER_REFUSED, "the meter acknowledged a command without an answer to it")

    def _on_break(self, message: Message) -> list[Effect]:
        assert isinstance(message, Command)  # noqa: S101 -- the table says so
        if message.to_bytes() == self._sent.to_bytes():
            return []  # one's own command, heard on a line whose echo nobody cancels
        return self._fail(FailureReason.METER_REFUSED, f"the meter answered {message.name}")

    def _on_repeat_request(self, _message: Message) -> list[Effect]:
        return self._repeat_sent(FailureReason.METER_REFUSED, "the meter asks for the same message again and again")

    def _on_error(self, message: Message) -> list[Effect]:
        assert isinstance(message, DataMessage)  # noqa: S101 -- the table says so
        if message.check is BlockCheck.WRONG:
            return self._again(FailureReason.BLOCK_CHECK, "an answer has a wrong block check")
        return self._fail(FailureReason.METER_ERROR, message.error or "an unexpected answer")

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _request(self, after: float) -> list[Effect]:
        self._requests += 1
        self._sent = Request(self._options.address)
        return [Send(self._sent.to_bytes(), after)]

    def _ask(self) -> list[Effect]:
        self.state = State.ANSWER
        self._repeats = 0
        self._blocks.clear()
        self._total = 0
        return [self._send(self._options.commands[len(self._answers)])]

    def _refuse(self, message: DataMessage) -> list[Effect] | None:
        """What to do instead of believing ``message``; None if it may be believed."""
        policy = self._options.block_check
        if message.check is BlockCheck.WRONG and policy is not BlockCheckPolicy.REPORT:
            return self._again(FailureReason.BLOCK_CHECK, "a block has a wrong block check")
        if message.check is BlockCheck.MISSING and policy is BlockCheckPolicy.REQUIRE:
            return self._fail(FailureReason.BLOCK_CHECK, "the read-out has no block check")
        if message.error is not None:
            return self._fail(FailureReason.METER_ERROR, message.error)
        return None

    def _join(self, message: DataMessage) -> DataMessage | list[Effect]:
        """The whole answer once its last block is here, else the effects that ask for the next block."""
        self._repeats = 0
        self._blocks.append(message)
        if message.last:
            if len(self._blocks) == 1:
                return message
            checks = [block.check for block in self._blocks]
            worst = next((check for check in checks if check is not BlockCheck.RIGHT), BlockCheck.RIGHT)
            return replace(message, body=b"".join(block.body for block in self._blocks), check=worst, sent_check=None)
        self._total += len(message.body)
        if self._total > MAXIMUM_TOTAL or len(self._blocks) >= MAXIMUM_BLOCKS:
            return self._fail(
                FailureReason.GRAMMAR, f"an answer of more than {MAXIMUM_TOTAL} octets or {MAXIMUM_BLOCKS} blocks"
            )
        return [self._send(Acknowledgement(), remember=False)]

    def _again(self, reason: FailureReason, detail: str) -> list[Effect]:
        """Ask for the last message once more, or give up. A meter that pushes is not asked, its next telegram is."""
        self._repeats += 1
        if self._repeats > self._options.repeats:
            return self._fail(reason, detail)
        if self._options.mode is ProtocolMode.D:
            self.state = State.IDENTIFICATION
            self._receiver.text_due = False
            return []
        return [self._send(NegativeAcknowledgement(), remember=False)]

    def _repeat_sent(self, reason: FailureReason, detail: str) -> list[Effect]:
        self._repeats += 1
        if self._repeats > self._options.repeats:
            return self._fail(reason, detail)
        return [self._send(self._sent)]

    def _send(self, message: Message, *, remember: bool = True) -> Send:
        if remember:
            self._sent = message
        after = self._options.answer_after_seconds
        if after is None:
            after = 0.0 if self._identification is None else self._identification.reaction_seconds
        return Send(message.to_bytes(), after)

    def _succeed(self, messages: tuple[DataMessage, ...]) -> list[Effect]:
        effects = self._sign_off()
        self.result = ReaderResult(self._identification, messages)
        return effects

    def _fail(self, reason: FailureReason, detail: str) -> list[Effect]:
        effects = self._sign_off()
        self.failure, self.detail = reason, detail
        return effects

    def _sign_off(self) -> list[Effect]:
        """A meter in programming mode waits for more until it is told otherwise."""
        effects: list[Effect] = [self._send(SIGN_OFF)] if self.state in _PROGRAMMING else []
        self.state = State.ENDED
        return effects


def _answers_another(command: Command, answer: DataMessage) -> bool:
    """True if ``answer`` names another register than ``command`` asks for; meters may shorten or omit the address."""
    asked, answered = (_address(body) for body in (command.data or b"", answer.body))
    return asked is not None and answered is not None and asked != answered


def _address(body: bytes) -> tuple[int, ...] | None:
    try:
        code = Obis.parse_reduced(body.partition(b"(")[0].decode("latin-1").strip())
    except ObisError:
        return None
    return code.c, code.d, code.e, code.f


_Handler = Callable[[Reader, Message], list[Effect]]
# What is not in the table is passed over: echoes of one's own messages, an ACK in front of the data.
_TABLE: Final[dict[tuple[State, type[Message]], _Handler]] = {
    (State.IDENTIFICATION, Identification): Reader._on_identification,  # noqa: SLF001
    (State.READ_OUT, DataMessage): Reader._on_read_out,  # noqa: SLF001
    (State.OPERAND, Command): Reader._on_operand,  # noqa: SLF001
    (State.OPERAND, DataMessage): Reader._on_error,  # noqa: SLF001
    (State.OPERAND, NegativeAcknowledgement): Reader._on_repeat_request,  # noqa: SLF001
    (State.PASSWORD, Acknowledgement): Reader._on_password_accepted,  # noqa: SLF001
    (State.PASSWORD, DataMessage): Reader._on_error,  # noqa: SLF001
    (State.PASSWORD, Command): Reader._on_break,  # noqa: SLF001
    (State.PASSWORD, NegativeAcknowledgement): Reader._on_repeat_request,  # noqa: SLF001
    (State.ANSWER, DataMessage): Reader._on_answer,  # noqa: SLF001
    (State.ANSWER, Acknowledgement): Reader._on_bare_acknowledgement,  # noqa: SLF001
    (State.ANSWER, NegativeAcknowledgement): Reader._on_repeat_request,  # noqa: SLF001
    (State.ANSWER, Command): Reader._on_break,  # noqa: SLF001
}
