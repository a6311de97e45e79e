"""Exact sums of what registers advanced between two boundary readings (TAF-1).

Decides how integers of different scalers are added: at the finest scaler among them, never through a float, never
rounded. Refuses what has no exact answer.
"""

from collections.abc import Sequence
from datetime import datetime

from wire.errors import ReadingError
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register


class NotSummableError(Exception):
    """No exact sum: no boundary readings at all, different units, a register that ran backwards, overflow."""


def sum_of_advances(
    boundaries: Sequence[tuple[Reading, Reading]], *, device: DeviceId, obis: Obis, captured_at: datetime
) -> Reading:
    """The sum over all meters of (register at the end - register at the beginning).

    ``boundaries`` holds one (opening, closing) pair a meter. The result has the finest scaler of all readings and the
    status bits of all of them, so a flag that one boundary carries is never lost. Raises NotSummableError.
    """
    registers = [reading.register for pair in boundaries for reading in pair]
    if len({register.unit for register in registers}) != 1:
        raise NotSummableError("the boundary readings have no unit in common")
    finest = min(register.scaler for register in registers)
    total = 0
    status = 0
    for opening, closing in boundaries:
        advance = _at(closing.register, finest) - _at(opening.register, finest)
        if advance < 0:
            raise NotSummableError("a register ran backwards")
        total += advance
        status |= opening.status | closing.status
    try:
        register = Register(total, finest, registers[0].unit)
    except ReadingError as error:
        raise NotSummableError("the sum is outside 64 bits") from error
    return Reading(device, obis, register, captured_at, status)


def _at(register: Register, scaler: int) -> int:
    return register.value * int(10 ** (register.scaler - scaler))
