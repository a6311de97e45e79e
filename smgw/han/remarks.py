"""What a status word says of a reading, as names that every language has words for (PTB-A 50.8, display).

Decides which bits are told to people: each that means something was not as always. What every word of a reading for
billing has (``TRANSPARENCY``, the layout of the meter's half) is no remark.
"""

from typing import Final

from smgw.metering.status import GatewayStatus, MeterStatus, gateway_bits, meter_bits


def _named(bit: GatewayStatus | MeterStatus) -> str:
    whose = "gateway" if isinstance(bit, GatewayStatus) else "meter"
    return f"{whose}-{str(bit.name).lower().replace('_', '-')}"


_UNTOLD: Final = GatewayStatus.TRANSPARENCY | GatewayStatus.METER_WORD_IS_OMS
_OF_GATEWAY: Final = tuple((bit, _named(bit)) for bit in GatewayStatus if not bit & _UNTOLD)
_OF_METER: Final = tuple((bit, _named(bit)) for bit in MeterStatus)
REMARKS: Final = frozenset(name for _bit, name in (*_OF_GATEWAY, *_OF_METER))
"""Every remark that there is; whoever shows them has words for all."""


def remarks(word: int) -> tuple[str, ...]:
    """The remarks in ``word``, those of the gateway first; none where all is well."""
    gateway, meter = gateway_bits(word), meter_bits(word)
    return tuple(name for bit, name in _OF_GATEWAY if gateway & bit) + tuple(
        name for bit, name in _OF_METER if meter & bit
    )
