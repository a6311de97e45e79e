"""A proof that a customer takes with her (Nachweis): her readings with their signatures, her log, the certificates.

Decides the form ``smgw-proof-1`` (docs/proof-form.md) and believes nothing: whether a signature holds is
decided in ``verify.py``. One document has one spelling, so that what is read is what was written; nothing stands in it
twice, and everything is in one order. Values are text, because the numbers of a script end at 2^53. Lets only
BundleError escape. PTB-A 50.8, display; PP-0073 FCO_NRO.2.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple, Self, TypeVar

from wire.canonical_json import JsonObject, JsonValue
from wire.errors import WireError
from wire.obis import Obis
from wire.profiles import document, fields
from wire.reading import INNER_SIGNATURE_SIZE, DeviceId, Reading, Register, SignedReading, Unit

FORM: Final = "smgw-proof-1"
MAXIMUM_BYTES: Final = 128 * 1024 * 1024
"""As many readings as there may be, and a log of its full length."""
MAXIMUM_READINGS: Final = 400_000
"""Three lists of quarter hours over three years (316,000), and room."""
MAXIMUM_SERIES: Final = 4_096
MAXIMUM_CERTIFICATES: Final = 64
"""Of each kind: generations of keys are years apart."""
MAXIMUM_CERTIFICATE_OCTETS: Final = 16_384
MAXIMUM_LIST_OCTETS: Final = 4 * 1024 * 1024
"""A revocation list that names a hundred thousand certificates."""
_LATEST: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_STATUS = re.compile(r"[0-9A-F]{16}", re.ASCII)
_OBIS = re.compile(r"[0-9A-F]{12}", re.ASCII)
K = TypeVar("K")
T = TypeVar("T")


class BundleError(WireError):
    """Not a proof, or one beyond its bounds."""


class Row(NamedTuple):
    """One reading of a list; a tuple, because a year has tens of thousands of them."""

    at: int
    """UTC seconds."""
    value: int
    status: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Series:
    """The original readings of one register of one meter, ascending by time (Messwertliste)."""

    device: DeviceId
    obis: Obis
    scaler: int
    unit: Unit
    rows: tuple[Row, ...]

    @property
    def key(self) -> tuple[str, bytes, int, int]:
        """By what lists are ordered and told apart."""
        return self.device.text, self.obis.to_bytes(), self.scaler, int(self.unit)

    def readings(self) -> Iterator[SignedReading]:
        """Each row as what was signed. Raises ReadingError for rows that no bundle was read from."""
        for row in self.rows:
            register = Register(row.value, self.scaler, self.unit)
            at = datetime.fromtimestamp(row.at, UTC)
            yield SignedReading(Reading(self.device, self.obis, register, at, row.status), row.signature)


@dataclass(frozen=True, slots=True)
class Derived:
    """What the gateway computed for one delivery (abgeleitete Werte); all but the values is a claim."""

    contract: str
    version: int
    party: str
    delivery: int
    begin: datetime
    end: datetime
    values: tuple[SignedReading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a proof holds; ``log`` are the bytes of an exported log, certificates and lists are DER."""

    gateway: DeviceId
    consumer: str
    exported_at: datetime
    begin: datetime
    end: datetime
    measured: tuple[Series, ...]
    derived: tuple[Derived, ...]
    certificates: tuple[bytes, ...]
    authorities: tuple[bytes, ...]
    revocation_lists: tuple[bytes, ...]
    log: bytes | None

    def __post_init__(self) -> None:
        """Check what a type cannot say. Raises BundleError."""
        with document.refusing(BundleError):
            fields.require_identifier("consumer", self.consumer)
            for derived in self.derived:
                fields.require_identifier("contract", derived.contract)
                fields.require_identifier("party", derived.party)
        # 1. As many as there may be.
        readings = sum(len(one.rows) for one in self.measured) + sum(len(one.values) for one in self.derived)
        if readings > MAXIMUM_READINGS or len(self.measured) > MAXIMUM_SERIES:
            raise BundleError(f"more than {MAXIMUM_READINGS} readings, or more than {MAXIMUM_SERIES} lists")
        # 2. In their order.
        if self.begin > self.end or any(one.begin > one.end for one in self.derived):
            raise BundleError("a period ends before it begins")
        if any(former.key >= later.key for former, later in pairwise(self.measured)):
            raise BundleError("lists are not in their order, or one is there twice")
        if any((a.contract, a.delivery) > (b.contract, b.delivery) for a, b in pairwise(self.derived)):
            raise BundleError("derived values are not in their order")
        # 3. What each holds.
        for series in self.measured:
            _require_series(series)
        for derived in self.derived:
            if not derived.values or derived.delivery < 1 or derived.version < 1:
                raise BundleError("a delivery holds nothing, or has no number")
        for name, some, longest in (
            ("certificates", self.certificates, MAXIMUM_CERTIFICATE_OCTETS),
            ("authorities", self.authorities, MAXIMUM_CERTIFICATE_OCTETS),
            ("revocation lists", self.revocation_lists, MAXIMUM_LIST_OCTETS),
        ):
            _require_set(name, some, longest)

    def to_bytes(self) -> bytes:
        """The bytes of the file. Raises BundleError where it is too large."""
        with document.refusing(BundleError):
            content: JsonObject = {
                "form": FORM,
                "gateway": self.gateway.text,
                "consumer": self.consumer,
                "exported_at": document.instant(self.exported_at),
                "begin": document.instant(self.begin),
                "end": document.instant(self.end),
                "measured": [_series_to_json(one) for one in self.measured],
                "derived": [_derived_to_json(one) for one in self.derived],
                "certificates": [document.octets(one) for one in self.certificates],
                "authorities": [document.octets(one) for one in self.authorities],
                "revocation_lists": [document.octets(one) for one in self.revocation_lists],
                "log": None if self.log is None else document.octets(self.log),
            }
            return document.write(content, maximum_bytes=MAXIMUM_BYTES)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote, and no other spelling. Raises BundleError."""
        with document.refusing(BundleError):
            taken = document.Fields(document.read(data, maximum_bytes=MAXIMUM_BYTES))
            if taken.text("form") != FORM:
                raise BundleError("this is no proof of the form that is known here")
            bundle = cls(
                gateway=taken.device("gateway"),
                consumer=taken.text("consumer"),
                exported_at=taken.instant("exported_at"),
                begin=taken.instant("begin"),
                end=taken.instant("end"),
                measured=tuple(_series_from_json(one) for one in taken.objects("measured")),
                derived=tuple(_derived_from_json(one) for one in taken.objects("derived")),
                certificates=taken.many_octets("certificates"),
                authorities=taken.many_octets("authorities"),
                revocation_lists=taken.many_octets("revocation_lists"),
                log=taken.octets_or_none("log"),
            )
            taken.finish()
        return bundle


def ordered(some: Sequence[bytes]) -> tuple[bytes, ...]:
    """Certificates or lists as they stand in a bundle: each once, in their order."""
    return tuple(sorted(set(some)))


def _require_series(series: Series) -> None:
    if not series.rows:
        raise BundleError("a list holds no reading")
    before = -1
    for at, _, _, signature in series.rows:
        if not before < at <= _LATEST:
            raise BundleError(f"the readings of {series.device} {series.obis} are not in the order of their time")
        if len(signature) != INNER_SIGNATURE_SIZE:
            raise BundleError(f"a signature has {INNER_SIGNATURE_SIZE} octets")
        before = at


def _require_set(name: str, some: Sequence[bytes], longest: int) -> None:
    if len(some) > MAXIMUM_CERTIFICATES or any(not 1 <= len(one) <= longest for one in some):
        raise BundleError(f"there are too many {name}, or one is too large")
    if any(former >= later for former, later in pairwise(some)):
        raise BundleError(f"the {name} are not in their order, or one is there twice")


def _series_to_json(series: Series) -> JsonObject:
    return {
        "device": series.device.text,
        "obis": series.obis.to_bytes().hex().upper(),
        "scaler": series.scaler,
        "unit": int(series.unit),
        "rows": [[at, str(value), f"{status:016X}", _base64(signed)] for at, value, status, signed in series.rows],
    }


def _derived_to_json(derived: Derived) -> JsonObject:
    values: list[JsonValue] = []
    for signed in derived.values:
        reading = signed.reading
        value: list[JsonValue] = [
            reading.device.text,
            reading.obis.to_bytes().hex().upper(),
            reading.register.scaler,
            int(reading.register.unit),
            int(reading.captured_at.timestamp()),
            str(reading.register.value),
            f"{reading.status:016X}",
            _base64(signed.signature),
        ]
        values.append(value)
    return {
        "contract": derived.contract,
        "version": derived.version,
        "party": derived.party,
        "delivery": derived.delivery,
        "begin": document.instant(derived.begin),
        "end": document.instant(derived.end),
        "values": values,
    }


def _series_from_json(found: JsonObject) -> Series:
    rows = _lists(found, "rows", 4)
    taken = document.Fields({key: value for key, value in found.items() if key != "rows"}, "measured.")
    device, scaler = taken.device("device"), taken.integer("scaler")
    obis, unit = _typed(_obis, taken.text("obis")), _typed(Unit, taken.integer("unit"))
    taken.finish()
    _typed(lambda exponent: Register(0, exponent, unit), scaler)
    return Series(device, obis, scaler, unit, tuple(_row(row) for row in rows))


def _derived_from_json(found: JsonObject) -> Derived:
    values = _lists(found, "values", 8)
    taken = document.Fields({key: value for key, value in found.items() if key != "values"}, "derived.")
    derived = Derived(
        taken.text("contract"),
        taken.integer("version"),
        taken.text("party"),
        taken.integer("delivery"),
        taken.instant("begin"),
        taken.instant("end"),
        tuple(_value(one) for one in values),
    )
    taken.finish()
    return derived


def _lists(found: JsonObject, name: str, length: int) -> list[list[JsonValue]]:
    some = found.get(name)
    if not isinstance(some, list):
        raise BundleError(f"{name} is no list")
    lists = [one for one in some if isinstance(one, list) and len(one) == length]
    if len(lists) != len(some):
        raise BundleError(f"{name} holds something that has not {length} parts")
    return lists


def _row(parts: list[JsonValue]) -> Row:
    at, value, status, signature = parts
    if type(at) is not int or not 0 <= at <= _LATEST:
        raise BundleError("a time is no second since 1970")
    return Row(at, _integer(value), _status(status), _octets(signature))


def _value(parts: list[JsonValue]) -> SignedReading:
    device, obis, scaler, unit, *row = parts
    if type(scaler) is not int or type(unit) is not int:
        raise BundleError("a scaler or a unit is no number")
    at, value, status, signature = _row(row)
    exponent, number = scaler, unit
    register = _typed(lambda found: Register(found, exponent, Unit(number)), value)
    meter = _typed(lambda found: DeviceId(found if isinstance(found, str) else ""), device)
    reading = Reading(meter, _typed(_obis, obis), register, datetime.fromtimestamp(at, UTC), status)
    return SignedReading(reading, signature)


def _integer(found: JsonValue) -> int:
    """A decimal number of 64 bits in its one spelling."""
    if not isinstance(found, str) or _INTEGER.fullmatch(found) is None or abs(value := int(found)) >= 1 << 63:
        raise BundleError("a value is no integer of 64 bits in its one spelling")
    return value


def _status(found: JsonValue) -> int:
    if not isinstance(found, str) or _STATUS.fullmatch(found) is None:
        raise BundleError("a status word is not 16 hexadecimal digits")
    return int(found, 16)


def _obis(found: JsonValue) -> Obis:
    if not isinstance(found, str) or _OBIS.fullmatch(found) is None:
        raise BundleError("an OBIS code is not twelve hexadecimal digits")
    return Obis.from_bytes(bytes.fromhex(found))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _octets(found: JsonValue) -> bytes:
    """A signature in base64, in its one spelling."""
    try:
        data = base64.b64decode(found, validate=True) if isinstance(found, str) else b""
    except (binascii.Error, ValueError) as error:
        raise BundleError("a signature is not in base64") from error
    if len(data) != INNER_SIGNATURE_SIZE or _base64(data) != found:
        raise BundleError(f"a signature is not {INNER_SIGNATURE_SIZE} octets in base64, in its one spelling")
    return data


def _typed(convert: Callable[[K], T], found: K) -> T:
    """``convert`` with every refusal as ours."""
    try:
        return convert(found)
    except BundleError:
        raise
    except ValueError as error:  # WireError is a ValueError, and so is a unit that nobody knows
        raise BundleError(f"what is written {str(found)[:40]!r} is not what must stand there") from error
