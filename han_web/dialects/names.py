"""How other makers' gateways call things: logical names, units of people, status words.

Decides the one spelling of each for every dialect; the clients compare them with what the first answer said. Logical
names are those seen on real gateways (docs/deviations.md).
"""

from typing import Final

from han_web.api.documents import decimal
from smgw.han.shown import WATT_HOUR, Amount, Contract
from wire.errors import ObisError
from wire.obis import Obis

METER_INSTANCE: Final = "01005e318002"
CONSUMER_INSTANCE: Final = "01005e318011"
VALUES_INSTANCE: Final = "01005e31803c"
LOG_INSTANCE: Final = "0000636203ff"
_TARIFF_INSTANCE: Final = "01005e3180{:02x}"
_TARIFF_OFFSET: Final = 0x20
_HALF: Final = 32


def logical(instance: str, owner: str) -> str:
    """``0100010800ff.1isk0012345678.sm``."""
    return f"{instance}.{owner.lower()}.sm"


def hexadecimal(register: str) -> str:
    """An OBIS code as the six octets of its logical name; what is no OBIS code is left as it is."""
    try:
        return Obis.parse(register).to_bytes().hex()
    except ObisError:
        return register


def short(register: str) -> str:
    """An OBIS code without group F where that says "current value": ``1-0:1.8.0``."""
    return register.removesuffix("*255")


def use_case_number(contract: Contract) -> int:
    """7 for TAF-7; 0 where a use case has no number."""
    digits = contract.use_case.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def usage_point(contract: Contract) -> str:
    """The logical name of a contract; its instance tells the use case."""
    return logical(_TARIFF_INSTANCE.format(_TARIFF_OFFSET + use_case_number(contract)), contract.id)


def status_text(word: int) -> tuple[str, str]:
    """Gateway's and meter's half of a status word, each with its least significant bit first."""
    return _reversed(word >> _HALF), _reversed(word & (1 << _HALF) - 1)


def _reversed(half: int) -> str:
    return f"{int(f'{half:0{_HALF}b}'[::-1], 2):08x}"


def kilo(amount: Amount) -> tuple[str, str]:
    """A value and its unit as these gateways show them to people: energy in kWh, everything else as it is."""
    if amount.unit == WATT_HOUR:
        return decimal(amount.value, amount.scaler - 3), "kWh"
    return decimal(amount.value, amount.scaler), "W"
