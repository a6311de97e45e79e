"""A reader and a meter on a wire that knows speeds: what is sent at another speed than is heard arrives broken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wire.meter.iec62056 import (
    ChangeSpeed,
    Command,
    DataMessage,
    Effect,
    FailureReason,
    Identification,
    Reader,
    ReaderOptions,
    Send,
    Station,
    StationOptions,
)

IDENTIFICATION = Identification("ISK", "5", "ME162-0033")
BODY = b"C.1.0(28342193)\r\n1.8.0(0033402.264*kWh)\r\n!\r\n"
READ_OUT = DataMessage(BODY).to_bytes()
MAXIMUM_STEPS = 60
SIGN_OFF = b"\x01B0\x03q"
_BROKEN = 0x80


@dataclass
class Registers:
    """A memory with fixed contents; an address that is not there is answered with an error."""

    blocks: dict[bytes, Sequence[bytes]] = field(
        default_factory=lambda: {
            b"1.8.0()": [b"1.8.0(0033402.264*kWh)"],
            b"2.8.0()": [b"(0000013.465*kWh)"],
            b"P.01(;)": [b"P.01(1260101001500)(00)(15)(1)(1.5)(kW)\r\n(0.1)\r\n", b"(0.2)\r\n", b"(0.3)\r\n"],
        }
    )

    def read_out(self) -> bytes:
        return BODY

    def answer(self, command: Command) -> Sequence[bytes]:
        return self.blocks.get(command.data or b"", [b"(ERROR01)"])


def unchanged(_number: int, characters: bytes) -> bytes:
    return characters


@dataclass
class Conversation:
    """Runs to the end of the reader; ``tamper`` gets the number and the characters of each message of the meter."""

    reader: Reader
    station: Station
    tamper: Callable[[int, bytes], bytes] = unchanged
    said: list[bytes] = field(default_factory=list)
    """What the reader sent."""
    speeds: list[int] = field(default_factory=list)
    """What the reader changed to."""
    meter_speed: int = 300
    messages: int = 0

    def run(self) -> "Conversation":
        """Each message of the meter reaches the reader by itself, after whatever the one before made it do."""
        under_way = self._carry_out(self.reader.start())
        for _ in range(MAXIMUM_STEPS):
            if self.reader.result is not None or self.reader.failure is not None:
                return self
            if under_way:
                speed, message = under_way.pop(0)
                heard = message if speed == self.speeds[-1] else bytes([_BROKEN]) * len(message)
                effects = self.reader.receive(heard) if heard else []
            else:
                effects = self.reader.timeout()
            under_way += self._carry_out(effects)
        raise AssertionError("a conversation without end")

    def _carry_out(self, effects: Sequence[Effect]) -> list[tuple[int, bytes]]:
        """Do what the reader wants; returns what the meter answers, each message with its speed."""
        sent = []
        for effect in effects:
            if isinstance(effect, ChangeSpeed):
                self.speeds.append(effect.baud)
            else:
                self.said.append(effect.characters)
                sent.append((self.speeds[-1], effect.characters))
        answers = []
        for speed, characters in sent:
            received = characters if speed == self.meter_speed else bytes([_BROKEN]) * len(characters)
            for effect in self.station.receive(received):
                if isinstance(effect, ChangeSpeed):
                    self.meter_speed = effect.baud
                    continue
                answers.append((self.meter_speed, self.tamper(self.messages, effect.characters)))
                self.messages += 1
        return answers


def station(**options: object) -> Station:
    """A meter of mode C; keyword arguments as in StationOptions."""
    merged = {"identification": IDENTIFICATION, **options}
    return Station(StationOptions(**merged), Registers())  # type: ignore[arg-type]


def converse(
    options: ReaderOptions | None = None,
    meter: Station | None = None,
    tamper: Callable[[int, bytes], bytes] = unchanged,
    *,
    meter_speed: int = 300,
) -> Conversation:
    """One conversation, run to its end."""
    reader = Reader(options or ReaderOptions())
    return Conversation(reader, meter or station(), tamper, meter_speed=meter_speed).run()


def sends(effects: Sequence[Effect]) -> list[bytes]:
    """The characters of the Send effects."""
    return [effect.characters for effect in effects if isinstance(effect, Send)]


def only(conversation: Conversation) -> DataMessage:
    assert conversation.reader.result is not None, conversation.reader.detail
    (message,) = conversation.reader.result.messages
    return message


def failure(conversation: Conversation) -> FailureReason:
    assert conversation.reader.result is None
    assert conversation.reader.failure is not None
    return conversation.reader.failure


def once(number: int, change: Callable[[bytes], bytes]) -> Callable[[int, bytes], bytes]:
    """Changes one message of the meter."""
    return lambda at, characters: change(characters) if at == number else characters


def always(number: int, change: Callable[[bytes], bytes]) -> Callable[[int, bytes], bytes]:
    """Changes this message and all behind it."""
    return lambda at, characters: change(characters) if at >= number else characters


def wrong_check(characters: bytes) -> bytes:
    return characters[:-1] + bytes([characters[-1] ^ 1])
