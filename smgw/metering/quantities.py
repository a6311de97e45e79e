"""What a register may be measured in, and which registers only ever grow.

Decides the units that an OBIS code allows (IEC 62056-61 value groups C and D). A quantity that is not in the table
is not captured: an empty answer denies.
"""

from typing import Final

from wire.obis import CURRENT_VALUE, Obis
from wire.reading import Unit

_TIME_INTEGRAL: Final = 8
_ENERGY: Final = {_TIME_INTEGRAL, 9, 29}
"""Value group D: time integrals since the beginning, of the billing period, and of a load profile interval."""
_INSTANTANEOUS: Final = 7
_DEMAND: Final = {4, 5, 6}
_ACTIVE: Final = {1, 2, 15, 16, 21, 22, 35, 36, 41, 42, 55, 56, 61, 62, 75, 76}
_NET: Final = {16, 36, 56, 76}
"""Import less export: may run either way."""
_REACTIVE: Final = {3, 4, 5, 6, 7, 8}
_APPARENT: Final = {9, 10}
_CURRENT: Final = {11, 31, 51, 71}
_VOLTAGE: Final = {12, 32, 52, 72}
_FREQUENCY: Final = {14}


def expected_unit(obis: Obis) -> Unit | None:
    """Unit of an electrical quantity; None for one that is not known here."""
    if obis.d in _ENERGY:
        return _unit(obis.c, Unit.WH, Unit.VARH, Unit.VAH)
    if obis.d in _DEMAND:
        return _unit(obis.c, Unit.W, Unit.VAR, Unit.VA)
    if obis.d == _INSTANTANEOUS:
        for group, unit in ((_CURRENT, Unit.A), (_VOLTAGE, Unit.V), (_FREQUENCY, Unit.HZ)):
            if obis.c in group:
                return unit
        return _unit(obis.c, Unit.W, Unit.VAR, Unit.VA)
    return None


def _unit(group: int, active: Unit, reactive: Unit, apparent: Unit) -> Unit | None:
    for groups, unit in ((_ACTIVE, active), (_REACTIVE, reactive), (_APPARENT, apparent)):
        if group in groups:
            return unit
    return None


def counts_up(obis: Obis) -> bool:
    """True for a register that only ever grows: the present value of a time integral of one direction."""
    return obis.d == _TIME_INTEGRAL and obis.f == CURRENT_VALUE and obis.c not in _NET
