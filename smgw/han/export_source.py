"""Where an export takes its data from: one consumer's readings, deliveries, contracts and log, and nobody else's.

Decides what is hers: the readings of a device while it measured her (``smgw/store/contracts.py``), the contracts that
concern one of her devices in that time, the derived values of those that concern hers alone. A sum that others are part
of is not handed out (PP-0073 FDP_ACF.1). Readings stay rows here: a year has tens of thousands of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import sqlalchemy as sa
from cryptography import x509

from pki.certificates import TrustStore
from proof.bundle import Derived
from proof.log_export import Export
from smgw.han.consumer_log import ConsumerLogs, ShownEntry
from smgw.han.hers import HerContract, Hers, are_hers_alone
from smgw.han.signers import Signers
from smgw.han.status import Facts
from smgw.logs.readers import Reader
from smgw.logs.texts import Language, render
from smgw.store.consumer_log import PAGE, ConsumerLog
from smgw.store.contracts import measured_by
from smgw.store.database import Database
from smgw.store.log_entry import Entry
from smgw.store.rows import from_seconds, signed_reading
from smgw.store.schema import deliveries, derived_readings, grants, profiles, readings
from wire.obis import Obis
from wire.profiles import EvaluationProfile, parse_profile
from wire.reading import INNER_SIGNATURE_SIZE, DeviceId

_STATUS_RANGE: Final = 1 << 64


class StoredRow(NamedTuple):
    """One reading as it lies in the store; ``status`` is the unsigned word."""

    at: int
    value: int
    scaler: int
    unit: int
    status: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Register:
    """A register of a meter of hers, and from when until when (not included) it was hers."""

    meter: DeviceId
    obis: Obis
    since: int
    until: int
    registered_seconds: int
    """The distance of two readings that are stored (Registrierperiode)."""


class Source(Protocol):
    """All that an export needs to know of one consumer. Every method raises StoreError."""

    @property
    def gateway(self) -> DeviceId:
        """Whose signatures these are."""

    @property
    def consumer(self) -> str:
        """Her identifier."""

    def registers(self) -> Sequence[Register]:
        """Every register of which readings of hers may be stored, by meter, code and time."""

    def rows(self, register: Register, begin: int, end: int, *, limit: int) -> Sequence[StoredRow]:
        """Its readings with ``begin <= at <= end`` that are hers, oldest first, ``limit`` at most."""

    def contract(self, name: str) -> HerContract:
        """One of her contracts. Raises HanError NOT_FOUND where it is not hers, as where there is none."""

    def delivered(self, begin: int, end: int, *, limit: int) -> Sequence[Derived]:
        """Signed values that were computed for periods that ended within, of contracts that are hers alone.

        Not many more than ``limit``, and more than that where there are more.
        """

    def certificates(self, at: datetime) -> Sequence[x509.Certificate]:
        """The gateway's signature certificates that are believed now, the one in use first."""

    @property
    def trust(self) -> TrustStore:
        """What leads from them to a root."""

    def entries(self, begin: datetime, end: datetime, at: datetime, *, limit: int) -> Sequence[ShownEntry]:
        """The newest of her log's entries within, oldest first. Reading them is an entry."""

    def log(self, at: datetime) -> Export:
        """Her whole log as a file that proves itself. Raises LogIntegrityError, CertificateError."""


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A consumer's data out of the gateway's store.

    ``seal`` makes a checkpoint of the logs.
    """

    reader: Reader
    database: Database
    logs: ConsumerLogs
    facts: Facts
    seal: Callable[[datetime], object]

    @property
    def gateway(self) -> DeviceId:
        """Whose signatures these are."""
        return self.facts.identity().gateway

    @property
    def consumer(self) -> str:
        """Her identifier."""
        return self.reader.identity

    @property
    def trust(self) -> TrustStore:
        """What leads from the certificates to a root."""
        return self.facts.trust()

    def registers(self) -> Sequence[Register]:
        """Every register of which readings of hers may be stored, by meter, code and time."""
        found = []
        with self.database.read() as connection:
            for one in measured_by(connection, self.consumer):
                device = one.span.device
                codes = sa.select(readings.c.obis).where(readings.c.device == device.text).distinct()
                found += [
                    Register(device, Obis.from_bytes(code), one.span.begin, one.span.until, one.profile.store_seconds)
                    for code in connection.scalars(codes)
                ]
        return sorted(found, key=lambda one: (one.meter, one.obis, one.since))

    def rows(self, register: Register, begin: int, end: int, *, limit: int) -> Sequence[StoredRow]:
        """Its readings with ``begin <= at <= end`` that are hers, oldest first, ``limit`` at most."""
        at = readings.c.captured_at
        query = (
            sa.select(at, readings.c.value, readings.c.scaler, readings.c.unit, readings.c.status, readings.c.signature)
            .where(readings.c.device == register.meter.text, readings.c.obis == register.obis.to_bytes())
            .where(at >= max(begin, register.since), at <= end, at < register.until)
            .order_by(at)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [
                StoredRow(at, value, scaler, unit, status % _STATUS_RANGE, signature)
                for at, value, scaler, unit, status, signature in connection.execute(query)
            ]

    def contract(self, name: str) -> HerContract:
        """One of her contracts. Raises HanError NOT_FOUND where it is not hers, as where there is none."""
        with self.database.read() as connection:
            return Hers.of(connection, self.consumer).contract(connection, name)

    def delivered(self, begin: int, end: int, *, limit: int) -> Sequence[Derived]:
        """Signed values that were computed for periods that ended within, of contracts that are hers alone."""
        carried = sa.and_(deliveries.c.profile == grants.c.profile, deliveries.c.sequence == grants.c.sequence)
        derived = sa.exists().where(derived_readings.c.grant_id == grants.c.id)
        query = (
            sa.select(grants)
            .join(deliveries, carried)
            .where(grants.c.period_end.between(begin, end), deliveries.c.acknowledged_at.is_not(None), derived)
            .order_by(grants.c.profile, grants.c.sequence, grants.c.id)
        )
        found: list[Derived] = []
        with self.database.read() as connection:
            hers = measured_by(connection, self.consumer)
            known: dict[tuple[str, int], EvaluationProfile | None] = {}
            left = limit
            for row in connection.execute(query):
                key = (row.profile, row.profile_version)
                if key not in known:
                    known[key] = _evaluation(connection, *key)
                profile = known[key]
                if profile is None or not are_hers_alone(profile.meters, hers, row.period_begin, row.period_end):
                    continue
                values = connection.execute(
                    sa.select(derived_readings)
                    .where(derived_readings.c.grant_id == row.id)
                    .order_by(derived_readings.c.position)
                )
                signed = tuple(signed_reading(one) for one in values if len(one.signature) == INNER_SIGNATURE_SIZE)
                if signed:
                    period = from_seconds(row.period_begin), from_seconds(row.period_end)
                    found.append(Derived(*key, row.party, row.sequence, *period, signed))
                left -= len(signed)
                if left < 0:  # the one too many stands there, so that nobody takes a part for the whole
                    break
        return found

    def certificates(self, at: datetime) -> Sequence[x509.Certificate]:
        """The gateway's signature certificates that are believed now, the one in use first."""
        return [one.certificate for one in Signers(self.facts).held(at)]

    def entries(self, begin: datetime, end: datetime, at: datetime, *, limit: int) -> Sequence[ShownEntry]:
        """The newest of her log's entries within, oldest first. Reading them is an entry."""
        self.logs.page(self.reader, self.consumer, Language.GERMAN, at, limit=1)  # lets her in, and notes that she was
        log = ConsumerLog(self.database, self.consumer)
        found: list[Entry] = []
        after, read = 0, PAGE
        while read == PAGE:
            page = log.entries(after=after)
            found += [entry for entry in page if begin <= entry.first_at <= end]
            del found[:-limit]
            read, after = len(page), page[-1].record_number if page else after
        return [ShownEntry(entry, render(entry, Language.GERMAN)) for entry in found]

    def log(self, at: datetime) -> Export:
        """Her whole log as a file that proves itself. Raises LogIntegrityError, CertificateError."""
        self.seal(at)
        return self.logs.export(self.reader, self.consumer, self.trust, at)


def _evaluation(connection: sa.Connection, name: str, version: int) -> EvaluationProfile | None:
    query = sa.select(profiles.c.content).filter_by(kind=EvaluationProfile.KIND, id=name, version=version)
    content = connection.scalar(query)
    found = None if content is None else parse_profile(content)
    return found if isinstance(found, EvaluationProfile) else None
