"""A consumer's data in memory, to be exported: no store, real certificates; a test states only what differs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore
from proof.bundle import Derived
from proof.errors import IntegrityReason, LogIntegrityError
from proof.log_export import Export
from smgw.han.consumer_log import ShownEntry
from smgw.han.export_source import Register, StoredRow
from smgw.han.hers import HerContract
from smgw.han.port import HanError, HanReason
from smgw.store.contracts import FOR_EVER
from testbed.small_pki import SmallPki
from tests.smgw.access.cases import GATEWAY
from wire.profiles import EvaluationProfile
from wire.reading import DeviceId, SignedReading

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@cache
def pki() -> SmallPki:
    return SmallPki(now=datetime(2026, 1, 1, tzinfo=UTC))


@cache
def certificate() -> x509.Certificate:
    return pki().holder(Role.SMGW, Purpose.SIG, GATEWAY.text).certificate


@dataclass
class TinySource:
    """A Source; every reading is hers for ever."""

    readings: Sequence[SignedReading] = ()
    contracts: Sequence[EvaluationProfile] = ()
    computed: Sequence[Derived] = ()
    told: Sequence[ShownEntry] = ()
    registered_seconds: int = 900
    consumer: str = "house"
    gateway: DeviceId = GATEWAY
    held: Sequence[x509.Certificate] = field(default_factory=lambda: [certificate()])
    log_error: Exception = field(default_factory=lambda: LogIntegrityError(IntegrityReason.CHECKPOINT, "none yet"))

    @property
    def trust(self) -> TrustStore:
        return pki().trust(now=AT)

    def registers(self) -> Sequence[Register]:
        found = {(one.reading.device, one.reading.obis) for one in self.readings}
        return [Register(device, obis, 0, FOR_EVER, self.registered_seconds) for device, obis in sorted(found)]

    def rows(self, register: Register, begin: int, end: int, *, limit: int) -> Sequence[StoredRow]:
        found = [
            row(one)
            for one in self.readings
            if (one.reading.device, one.reading.obis) == (register.meter, register.obis)
            and begin <= one.reading.captured_at.timestamp() <= end
        ]
        return sorted(found)[:limit]

    def contract(self, name: str) -> HerContract:
        for one in self.contracts:
            if one.id == name:
                since, until = int(one.valid_from.timestamp()), int(one.valid_until.timestamp())
                return HerContract(one, (), since, until)
        raise HanError(HanReason.NOT_FOUND, "none")

    def delivered(self, begin: int, end: int, *, limit: int) -> Sequence[Derived]:
        return self.computed

    def certificates(self, at: datetime) -> Sequence[x509.Certificate]:
        return self.held

    def entries(self, begin: datetime, end: datetime, at: datetime, *, limit: int) -> Sequence[ShownEntry]:
        return self.told[-limit:]

    def log(self, at: datetime) -> Export:
        raise self.log_error


def row(signed: SignedReading) -> StoredRow:
    one = signed.reading
    at = int(one.captured_at.timestamp())
    return StoredRow(at, one.register.value, one.register.scaler, one.register.unit, one.status, signed.signature)


def rows(readings: Iterable[SignedReading]) -> list[StoredRow]:
    return [row(one) for one in readings]
