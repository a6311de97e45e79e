"""The meter profile: which meter hangs where, how it is read, and what it may plausibly say (TR-03109-1).

Decides nothing about access: a meter profile lets the gateway *capture*, only an evaluation profile lets anybody have.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from wire.canonical_json import JsonObject
from wire.errors import ProfileError
from wire.meter.iec62056.options import WakeUp
from wire.obis import Obis
from wire.profiles import document, fields
from wire.reading import DeviceId

MAXIMUM_POWER_WATTS = 10**9
MAXIMUM_SWITCH_DELAY_MS = 5000
"""IEC 62056-21 asks for 200 to 1500 ms; field meters have been seen to need a little more."""
LINE_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

_REPORTED_IDENTITY = re.compile(r"[\x21-\x7e]{1,32}", re.ASCII)
_MANUFACTURER = re.compile(r"[A-Z]{2}[A-Za-z]", re.ASCII)
_ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}", re.ASCII)


class ProtocolMode(StrEnum):
    """Protocol modes of IEC 62056-21 as a meter's identification announces them, or one that is forced."""

    AUTO = "auto"
    A = "A"
    B = "B"
    C = "C"
    D = "D"


class BlockCheck(StrEnum):
    """What happens when a read-out comes without its block check character; a wrong one is always refused."""

    REQUIRE = "require"
    ACCEPT_MISSING = "accept-missing"


@dataclass(frozen=True, slots=True)
class Protocol62056:
    """How a meter bends IEC 62056-21.

    ``fixed_speed`` in Bd means that the line never changes its speed; ``switch_delay_ms`` is waited between the
    acknowledgement and the change of speed; ``wake_up`` is what a sleeping meter wants to hear before the request.
    """

    mode: ProtocolMode = ProtocolMode.AUTO
    fixed_speed: int | None = None
    switch_delay_ms: int = 0
    ignore_announced_speed: bool = False
    block_check: BlockCheck = BlockCheck.REQUIRE
    wake_up: WakeUp = WakeUp.NONE

    def __post_init__(self) -> None:
        """Refuse what no reader could follow. Raises ProfileError."""
        fields.require_member("protocol.mode", self.mode, ProtocolMode)
        fields.require_member("protocol.block_check", self.block_check, BlockCheck)
        if self.fixed_speed is not None and self.fixed_speed not in LINE_SPEEDS:
            raise ProfileError(f"protocol.fixed_speed is not a line speed: {self.fixed_speed!r:.60}")
        fields.require_range("protocol.switch_delay_ms", self.switch_delay_ms, 0, MAXIMUM_SWITCH_DELAY_MS)
        fields.require_member("protocol.ignore_announced_speed", self.ignore_announced_speed, bool)
        fields.require_member("protocol.wake_up", self.wake_up, WakeUp)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterProfile:
    """One meter on one line (Zaehlerprofil).

    ``identity`` is what the meter reports about itself (``0.0.0`` or ``C.1.0``), ``manufacturer`` the three letters of
    its identification, ``address`` its device address on the line (empty: the meter is alone there), ``registers`` what
    is captured every ``interval_seconds`` (a divisor of a day), ``maximum_power_watts`` the bound of a plausible
    advance. ``store_seconds`` is the registration period, a multiple of the interval that divides a day: a reading that
    stands for none of its points is never stored (Registrierperiode). ``consumer`` says whose consumption is measured
    (Letztverbraucher). Valid from ``valid_from`` until just before ``valid_until``.
    """

    KIND: ClassVar[str] = "meter"

    id: str
    version: int
    meter: DeviceId
    consumer: str
    identity: str
    manufacturer: str
    line: str
    address: str
    registers: tuple[Obis, ...]
    interval_seconds: int
    store_seconds: int
    maximum_power_watts: int
    valid_from: datetime
    valid_until: datetime
    protocol: Protocol62056 = field(default_factory=Protocol62056)

    def __post_init__(self) -> None:
        """Check every field. Raises ProfileError."""
        fields.require_identifier("id", self.id)
        fields.require_range("version", self.version, 1, fields.MAXIMUM_VERSION)
        fields.require_member("meter", self.meter, DeviceId)
        fields.require_identifier("consumer", self.consumer)
        fields.require_match("identity", self.identity, _REPORTED_IDENTITY)
        fields.require_match("manufacturer", self.manufacturer, _MANUFACTURER)
        fields.require_identifier("line", self.line)
        fields.require_match("address", self.address, _ADDRESS)
        fields.require_distinct("registers", self.registers, Obis)
        fields.require_part_of_day("interval_seconds", self.interval_seconds)
        fields.require_part_of_day("store_seconds", self.store_seconds)
        if self.store_seconds % self.interval_seconds:
            raise ProfileError("store_seconds is not a multiple of interval_seconds")
        fields.require_range("maximum_power_watts", self.maximum_power_watts, 1, MAXIMUM_POWER_WATTS)
        fields.require_validity(self.valid_from, self.valid_until)
        fields.require_member("protocol", self.protocol, Protocol62056)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        protocol: JsonObject = {
            "mode": self.protocol.mode.value,
            "fixed_speed": self.protocol.fixed_speed,
            "switch_delay_ms": self.protocol.switch_delay_ms,
            "ignore_announced_speed": self.protocol.ignore_announced_speed,
            "block_check": self.protocol.block_check.value,
            "wake_up": self.protocol.wake_up.value,
        }
        return document.write(
            {
                "kind": self.KIND,
                "id": self.id,
                "version": self.version,
                "meter": self.meter.text,
                "consumer": self.consumer,
                "identity": self.identity,
                "manufacturer": self.manufacturer,
                "line": self.line,
                "address": self.address,
                "registers": [str(register) for register in self.registers],
                "interval_seconds": self.interval_seconds,
                "store_seconds": self.store_seconds,
                "maximum_power_watts": self.maximum_power_watts,
                "protocol": protocol,
                "valid_from": document.instant(self.valid_from),
                "valid_until": document.instant(self.valid_until),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises ProfileError."""
        return cls.from_document(document.read(data))

    @classmethod
    def from_document(cls, content: JsonObject) -> Self:
        """Read the decoded object, ``kind`` included. Raises ProfileError."""
        taken = document.Fields(content)
        document.require_kind(taken, cls.KIND)
        protocol = taken.nested("protocol")
        profile = cls(
            id=taken.text("id"),
            version=taken.integer("version"),
            meter=taken.device("meter"),
            consumer=taken.text("consumer"),
            identity=taken.text("identity"),
            manufacturer=taken.text("manufacturer"),
            line=taken.text("line"),
            address=taken.text("address"),
            registers=taken.many("registers", document.obis),
            interval_seconds=taken.integer("interval_seconds"),
            store_seconds=taken.integer("store_seconds"),
            maximum_power_watts=taken.integer("maximum_power_watts"),
            valid_from=taken.instant("valid_from"),
            valid_until=taken.instant("valid_until"),
            protocol=Protocol62056(
                mode=protocol.choice("mode", ProtocolMode),
                fixed_speed=protocol.integer_or_none("fixed_speed"),
                switch_delay_ms=protocol.integer("switch_delay_ms"),
                ignore_announced_speed=protocol.boolean("ignore_announced_speed"),
                block_check=protocol.choice("block_check", BlockCheck),
                wake_up=protocol.choice("wake_up", WakeUp),
            ),
        )
        protocol.finish()
        taken.finish()
        return profile
