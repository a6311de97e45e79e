"""Step 2 of the walk: a frame becomes a telegram, its data sets parsed and still untrusted.

Decides the form in which the rest of the gateway sees what a meter said. It believes nothing: that a register, a serial
number or a time stands here means that somebody on the line sent it (smgw/metering/verify.py decides).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from smgw.lmn.errors import PollError, PollReason
from wire.errors import ObisError
from wire.meter.iec62056 import DataMessage, Identification, parse_data_sets
from wire.meter.iec62056.datasets import split_unit
from wire.obis import Obis


@dataclass(frozen=True, slots=True)
class Frame:
    """One complete read-out whose characters, check character and length were right.

    ``identification`` is None where a meter sent none; ``message`` is the data message as it was on the line
    (``message.to_bytes()`` gives its octets). ``started_at`` is when the request left, ``captured_at`` when the first
    character of the data message came: aware UTC, the latter in whole seconds. ``block_checked`` is False where a
    missing BCC was accepted.
    """

    identification: Identification | None
    message: DataMessage
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


def parse(frame: Frame) -> Telegram:
    """Parse the data sets of ``frame``.

    A line that is no data set is a maker's peculiarity where the block check says that it was really sent; without one
    it may be damage. Raises PollError(GRAMMAR) then, and where there is no data set at all.
    """
    found = parse_data_sets(frame.message.body.decode("latin-1"))
    if not found.data_sets or (found.unparsed and not frame.block_checked):
        raise PollError(PollReason.GRAMMAR, f"{len(found.unparsed)} lines are no data sets")
    data_sets: dict[str, tuple[Value, ...]] = {}
    for data_set in found.data_sets:
        values = tuple(Value(*split_unit(value)) for value in data_set.values)
        data_sets[data_set.address] = data_sets.get(data_set.address, ()) + values
    manufacturer, text = "", ""
    if frame.identification is not None:
        manufacturer, text = frame.identification.manufacturer, frame.identification.text
    return Telegram(manufacturer, text, data_sets, frame.started_at, frame.captured_at)
