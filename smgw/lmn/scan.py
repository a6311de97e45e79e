"""Who is on a line: asks addresses one after the other and reports who answers at which speed.

Decides nothing about trust: an answer to a scan is a hint for whoever writes meter profiles. It runs on a port that no
line uses at the time, and stops at the identification: no meter is put into programming mode.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from smgw.lmn.errors import PollError
from smgw.lmn.poll import until_quiet
from smgw.lmn.port import Port
from wire.errors import Iec62056Error
from wire.meter.iec62056 import EchoCanceller, Identification, Receiver, Request, Side
from wire.meter.iec62056.reader import REACTION_SECONDS

SCAN_SPEEDS: Final = (300, 9600, 2400, 4800, 19200)
"""The standard's speed first, then what meters on RS-485 are set to, most frequent first."""


@dataclass(frozen=True, slots=True)
class Found:
    """One answer: ``address`` is what was asked for (empty: anybody), ``speed`` in baud."""

    address: str
    speed: int
    identification: Identification


def scan(
    port: Port,
    addresses: Iterable[str],
    *,
    speeds: Iterable[int] = SCAN_SPEEDS,
    echo: bool = False,
    reaction_seconds: float = REACTION_SECONDS,
) -> Iterator[Found]:
    """Ask each address at each speed until it answers; yields as answers come, so that progress can be shown.

    Takes about ``reaction_seconds`` for each address and speed that is silent. Raises PortError.
    """
    tried = tuple(speeds)
    for address in addresses:
        for speed in tried:
            port.set_speed(speed)
            identification = _ask(port, Request(address), echo=echo, reaction_seconds=reaction_seconds)
            if identification is not None:
                yield Found(address, speed, identification)
                break


def _ask(port: Port, request: Request, *, echo: bool, reaction_seconds: float) -> Identification | None:
    """The identification that answers ``request``; None for silence, noise and collisions."""
    receiver, canceller = Receiver(Side.READER), EchoCanceller()
    try:
        until_quiet(port)
        before = port.parity_errors
        port.write(request.to_bytes())
        if echo:
            canceller.sent(request.to_bytes())
        while characters := port.read(reaction_seconds):
            for message in receiver.feed(canceller.received(characters)):
                if isinstance(message, Identification):
                    return message if port.parity_errors == before else None
    except (Iec62056Error, PollError):
        return None
    return None
