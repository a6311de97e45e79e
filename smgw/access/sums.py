"""Exact sums of what registers advanced between two boundary readings (TAF-1).

Decides how integers of different scalers are added: at the finest scaler among them, never through a float, never
rounded. Refuses what has no exact answer.
"""

from collections.abc import Sequence
from datetime import datetime

from smgw.metering.turnover import advance
from wire.errors import ReadingError
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register


class NotSummableError(Exception):
    """No exact sum: no boundary readings at all, different units, a register that ran backwards, overflow."""


def sum_of_advances(
    boundaries: Sequence[tuple[Reading, Reading]],
    subtracted: Sequence[tuple[Reading, Reading]] = (),
    *,
    device: DeviceId,
    obis: Obis,
    captured_at: datetime,
) -> Reading:
    """The sum over all meters of (register at the end - register at the beginning), less that of ``subtracted``.

    Both hold one (opening, closing) pair a meter. The result has the finest scaler of all readings and the
    status bits of all of them, so a flag that one boundary carries is never lost. Raises NotSummableError.
    """
    signed = [(1, *pair) for pair in boundaries] + [(-1, *pair) for pair in subtracted]
    registers = [reading.register for _, *pair in signed for reading in pair]
    if len({register.unit for register in registers}) != 1:
        raise NotSummableError("the boundary readings have no unit in common")
    finest = min(register.scaler for register in registers)
    total = 0
    status = 0
    for sign, opening, closing in signed:
        advanced = advance(at_scaler(opening.register, finest), at_scaler(closing.register, finest))
        if advanced < 0:
            raise NotSummableError("a register ran backwards")
        total += sign * advanced
        status |= opening.status | closing.status
    try:
        register = Register(total, finest, registers[0].unit)
    except ReadingError as error:
        raise NotSummableError("the sum is outside 64 bits") from error
    return Reading(device, obis, register, captured_at, status)


def at_scaler(register: Register, scaler: int) -> int:
    """The value in units of 10^``scaler``, which is no coarser than its own."""
    return register.value * int(10 ** (register.scaler - scaler))
