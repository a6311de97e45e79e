"""The 64-bit status word of a reading: what the gateway and the meter know against it (TR-03109-1).

Decides how a meter's own error register becomes bits. Layout: gateway word in the upper half, meter word in the lower;
bit numbers and the two constant nibbles are those of published test data of the display software.
"""

import re
from enum import IntFlag
from typing import Final

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{1,16}", re.ASCII)

GATEWAY_BASE: Final = 0x5
METER_BASE: Final = 0x4
"""Set in every word that means "no error" in the published cases."""


class GatewayStatus(IntFlag):
    """Bits of the gateway word that this gateway sets."""

    SYSTEM_TIME_INVALID = 0x200
    PTB_WARNING = 0x1000


HARMLESS_ERROR_BITS: Final = 0x02 | 0x08 | 0x20 | 0x40 | 0x80
"""Clock battery, summer time, clock set, power up and down in the status byte of an MT83x, taken for ``F.F`` too
(docs/deviations.md): the energy registers are good. All others are fatal: error, bad checksum, master reset (0x01,
0x04, 0x10), and whatever nobody knows."""


class FatalMeterError(Exception):
    """The meter says that its values mean nothing."""


def status_word(*, clock_valid: bool, meter_error: str | None) -> int:
    """Combined word of a reading; ``meter_error`` is the text of ``F.F``, None where the meter shows none.

    A bit that nobody knows counts as fatal. Raises FatalMeterError, also for a text that is not hexadecimal.
    """
    gateway = GatewayStatus(0)
    if not clock_valid:
        gateway |= GatewayStatus.SYSTEM_TIME_INVALID
    if meter_error is not None:
        if _HEXADECIMAL.fullmatch(meter_error) is None:
            raise FatalMeterError("an error register that is not hexadecimal")
        bits = int(meter_error, 16)
        if bits & ~HARMLESS_ERROR_BITS:
            raise FatalMeterError("an error bit that is fatal or unknown")
        if bits:
            gateway |= GatewayStatus.PTB_WARNING
    return (GATEWAY_BASE | gateway) << 32 | METER_BASE
