"""What registers and quantities are called, and what stands in a status word: codes as words (PTB-A 50.8, display).

Decides the words and nothing else. The code stands beside its words on every page, because a bill and a meter's own
display name the code.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from han_web.words import mark, say
from smgw.han.remarks import remarks
from wire.errors import ObisError
from wire.obis import Obis


class Direction(IntEnum):
    """Which way energy goes, as group C of a register says it."""

    DRAWN = 1
    FED_IN = 2


_ENERGY, _POWER, _HIGHEST_POWER = 8, 7, 6
_TOTAL, _ERROR = 0, 63
_QUANTITIES: Final[Mapping[tuple[int, int], str]] = MappingProxyType(
    {
        (1, _ENERGY): mark("Energy drawn"),
        (2, _ENERGY): mark("Energy fed in"),
        (1, _POWER): mark("Power drawn"),
        (2, _POWER): mark("Power fed in"),
        (16, _POWER): mark("Power"),
        (1, _HIGHEST_POWER): mark("Highest power drawn"),
        (2, _HIGHEST_POWER): mark("Highest power fed in"),
        (15, _ENERGY): mark("Energy drawn and fed in"),
        (3, _ENERGY): mark("Reactive energy drawn"),
        (4, _ENERGY): mark("Reactive energy fed in"),
        (14, _POWER): mark("Frequency"),
        (31, _POWER): mark("Current L1"),
        (51, _POWER): mark("Current L2"),
        (71, _POWER): mark("Current L3"),
        (32, _POWER): mark("Voltage L1"),
        (52, _POWER): mark("Voltage L2"),
        (72, _POWER): mark("Voltage L3"),
        (36, _POWER): mark("Power L1"),
        (56, _POWER): mark("Power L2"),
        (76, _POWER): mark("Power L3"),
    }
)
REMARK_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gateway-fatal-error": mark("Fatal error of the gateway"),
        "gateway-system-time-invalid": mark("The gateway had no valid time"),
        "gateway-ptb-warning": mark("Warning: the reading is usable"),
        "gateway-no-value-in-window": mark("Stands in for a reading that did not come in time"),
        "gateway-manipulation": mark("The reading cannot be relied on"),
        "gateway-oms-error": mark("The meter reports an error"),
        "gateway-threshold": mark("A threshold was passed"),
        "meter-start-up": mark("The meter was starting"),
        "meter-magnetic-influence": mark("A magnet was near the meter"),
        "meter-terminal-cover": mark("The meter's terminal cover was open"),
        "meter-negative-total": mark("Energy was fed in"),
        "meter-negative-l1": mark("Energy was fed in on L1"),
        "meter-negative-l2": mark("Energy was fed in on L2"),
        "meter-negative-l3": mark("Energy was fed in on L3"),
        "meter-phase-sequence": mark("The meter's phases are in the wrong order"),
        "meter-backstop": mark("The backstop held the register"),
        "meter-fatal-error": mark("Fatal error of the meter"),
        "meter-voltage-l1": mark("Voltage on L1"),
        "meter-voltage-l2": mark("Voltage on L2"),
        "meter-voltage-l3": mark("Voltage on L3"),
    }
)
"""Every remark that a status word can hold; a test holds it to that."""
PTB_WORDS: Final = (
    mark("good"),
    mark("with a warning"),
    mark("substitute"),
    mark("not usable for now"),
    mark("not usable"),
)
"""By the number of the grade (PTB-A 50.8, statusPTB)."""


def register_name(register: str) -> str:
    """What a register counts, in words; its code where nobody has words for it."""
    try:
        code = Obis.parse(register)
    except ObisError:
        return register
    quantity = _QUANTITIES.get((code.c, code.d))
    if quantity is None:
        return short_code(register)
    if code.e == _TOTAL or code.d == _POWER:
        return say(quantity)
    if code.e == _ERROR:
        return say("%(quantity)s, without a tariff", quantity=say(quantity))
    return say("%(quantity)s, tariff %(stage)s", quantity=say(quantity), stage=code.e)


def short_code(register: str) -> str:
    """A code as meters show it: ``1.8.0``."""
    return register.rpartition(":")[2].removesuffix("*255")


def total_register(registers: Iterable[str], direction: Direction) -> str | None:
    """The register of ``registers`` that counts all energy of one direction."""
    for register in sorted(registers):
        if is_energy(register) and (code := Obis.parse(register)).c == direction and code.e == _TOTAL:
            return register
    return None


def is_energy(register: str) -> bool:
    """Whether a register counts energy, so that it has a history."""
    try:
        return Obis.parse(register).d == _ENERGY
    except ObisError:
        return False


def feeds_in(register: str) -> bool:
    """Whether a register counts what is fed in."""
    return is_energy(register) and Obis.parse(register).c == Direction.FED_IN


def status_words(word: int) -> list[str]:
    """What a status word says against a reading, or tells besides; nothing where all is well."""
    return [say(REMARK_WORDS[remark]) for remark in remarks(word)]


def ptb_word(grade: int) -> str:
    """The grade of a reading."""
    return say(PTB_WORDS[grade])
