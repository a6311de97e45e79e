"""Step 2 of the walk: a frame becomes a telegram, its data sets parsed and still untrusted.

Decides the form in which the rest of the gateway sees what a meter said. It believes nothing: that a register, a serial
number or a time stands here means that somebody on the line sent it (smgw/metering/verify.py decides).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from wire.errors import ObisError
from wire.obis import Obis


@dataclass(frozen=True, slots=True)
class Frame:
    """The octets of one complete read-out whose check character, length and parity were right (7-bit characters).

    ``identification`` is the message that begins with ``/`` (empty for a meter that sends none), ``message`` the data
    message. ``started_at`` is when the request left, ``captured_at`` when the first character of the data message came:
    aware UTC, truncated to whole seconds. ``block_checked`` is False where a missing BCC was accepted.
    """

    identification: bytes
    message: bytes
    block_checked: bool
    started_at: datetime
    captured_at: datetime


class Value(NamedTuple):
    """One value of a data set as it was written: ``0033402.264`` and ``kWh``; the unit may be empty."""

    text: str
    unit: str


@dataclass(frozen=True, slots=True)
class Telegram:
    """What a meter says about itself and its registers (Telegramm); nothing in it has been verified.

    ``manufacturer`` is the FLAG identification (three letters), ``identification`` the maker's text after it;
    ``data_sets`` maps each address as it was written to all values that came under it, in order.
    """

    manufacturer: str
    identification: str
    data_sets: Mapping[str, tuple[Value, ...]]
    started_at: datetime
    captured_at: datetime

    def values(self, address: str) -> tuple[Value, ...]:
        """Values under exactly this address; empty if there are none."""
        return self.data_sets.get(address, ())

    def register(self, obis: Obis) -> tuple[Value, ...]:
        """Values under any spelling of ``obis``; the reduced form is taken for the same medium and channel."""
        found: list[Value] = []
        for address, values in self.data_sets.items():
            try:
                named = Obis.parse_reduced(address, medium=obis.a, channel=obis.b)
            except ObisError:
                continue
            if named == obis:
                found += values
        return tuple(found)
