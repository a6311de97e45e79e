"""What is owed, and the numbered deliveries that carry it.

Decides three things. Grants are owed once, by (profile, key). A delivery takes the oldest owed grants of one profile
under the next number of a gapless row 1, 2, 3, ..., and is the same delivery whenever it is opened again, until the
receiver acknowledged it or refused it for good, or the profile was withdrawn; so a crash anywhere repeats a number with
the same content and never invents another. A delivery may be empty: a cover, where one is due and nothing is owed
(FPR_CON.1); an unstored one is a number only, and what it carries never comes here. Nothing is deleted here. Every
statement here follows an index: its cost does not grow with the backlog.

What this rests on: the store never goes back. After an old backup was restored the next numbers are ones that the
receiver has seen with other content; it refuses each of them for good, they are set aside (told in the log and in the
status, nothing is overwritten anywhere), and from the first number that the receiver has not seen everything is as
before. What those deliveries carried does not reach the party by itself. So: after a restore give the evaluation
profiles new ids, which begin rows of their own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate

import sqlalchemy as sa

from smgw.access.grants import Grant
from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.rows import columns_of, from_seconds, signed_reading, to_seconds
from smgw.store.schema import deliveries, derived_readings, grant_readings, grants, readings
from wire.content_size import MAXIMUM_READINGS
from wire.reading import Reading, SignedReading

DELIVERY_LIMIT = 250
"""Grants in one delivery unless told otherwise: a content document of some 150 kB, and a week's backlog in three."""


class Kind(StrEnum):
    """Where the content of a delivery lies until it is acknowledged."""

    STORED = "stored"
    UNSTORED = "unstored"
    """In memory only, because its values must never be stored (TR-03109-1, TAF-9, TAF-10 and TAF-14)."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the gapless row of ``profile``, and when it was given."""

    profile: str
    sequence: int
    created_at: datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Delivery:
    """One numbered packet of grants of one profile, oldest first; without any it is a cover."""

    profile: str
    sequence: int
    created_at: datetime
    grants: tuple[Grant, ...]

    @property
    def period_begin(self) -> datetime:
        """Begin of the earliest period in it; a cover speaks of the moment of its making."""
        return min((grant.period_begin for grant in self.grants), default=self.created_at)

    @property
    def period_end(self) -> datetime:
        """End of the latest period in it."""
        return max((grant.period_end for grant in self.grants), default=self.created_at)

    @property
    def readings(self) -> tuple[SignedReading, ...]:
        """All readings of all grants, in order; one that several grants release stands there once."""
        found: dict[Reading, SignedReading] = {}
        for grant in self.grants:
            for signed in grant.readings:
                found.setdefault(signed.reading, signed)
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Balance:
    """How one profile stands: grants that no delivery carries yet, and deliveries by state."""

    owed: int
    open: int
    acknowledged: int
    set_aside: int


class Outbox:
    """The grants and deliveries of all profiles."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def owes(self, profile: str) -> bool:
        """Whether anything of ``profile`` is open or owed; reads no value."""
        with self._database.read() as connection:
            return bool(connection.execute(_open(profile)).first() or connection.execute(_owed(profile, 1)).first())

    def open_delivery(
        self,
        profile: str,
        now: datetime,
        limit: int = DELIVERY_LIMIT,
        *,
        readings_limit: int = MAXIMUM_READINGS,
        cover: bool = False,
    ) -> Delivery | None:
        """The oldest delivery of ``profile`` that is open, else a new one of the oldest owed grants, else None.

        A new one takes up to ``limit`` grants and ``readings_limit`` readings, one grant at least; with ``cover`` it is
        made even where nothing is owed. Raises StoreError; after StoreFullError nothing was numbered.
        """
        if not (cover or self.owes(profile)):
            return None  # a look costs no write lock
        with self._database.write() as connection:
            row = connection.execute(_open(profile)).first()
            if row is not None:
                return _delivery(connection, profile, row.sequence, row.created_at)
            owed = _fitting(connection, connection.scalars(_owed(profile, limit)).all(), readings_limit)
            if not (owed or cover):
                return None
            number = _number(connection, profile, now, Kind.STORED)
            if owed:
                connection.execute(
                    grants.update()
                    .where(grants.c.profile == profile, *_IS_OWED, grants.c.id <= owed[-1])
                    .values(sequence=number.sequence)
                )
            return _delivery(connection, profile, number.sequence, to_seconds(number.created_at))

    def open_number(self, profile: str) -> Number | None:
        """The oldest number of ``profile`` that waits for its receiver, whatever it carries."""
        with self._database.read() as connection:
            row = connection.execute(_open(profile)).first()
        if row is None:
            return None
        return Number(profile, row.sequence, from_seconds(row.created_at), Kind(row.kind))

    def number_unstored(self, profile: str, now: datetime) -> Number:
        """The next number of ``profile``, for what is not kept here. Raises StoreError.

        The caller has looked that none is open.
        """
        with self._database.write() as connection:
            return _number(connection, profile, now, Kind.UNSTORED)

    def is_open(self, profile: str, sequence: int) -> bool:
        """Whether this delivery waits for its receiver; no longer once its profile was withdrawn."""
        query = sa.select(deliveries.c.sequence).where(
            deliveries.c.profile == profile, deliveries.c.sequence == sequence, *_IS_OPEN
        )
        with self._database.read() as connection:
            return connection.scalar(query) is not None

    def acknowledge(self, profile: str, sequence: int, at: datetime) -> None:
        """The receiver has committed it. Raises StoreError(NOT_OPEN) for a delivery that is not open."""
        self._close(profile, sequence, {"acknowledged_at": to_seconds(at)})

    def set_aside(self, profile: str, sequence: int, reason: str, at: datetime) -> None:
        """The receiver refuses it for good: kept and visible, sent no more. Raises StoreError(NOT_OPEN)."""
        self._close(profile, sequence, {"set_aside_at": to_seconds(at), "set_aside_reason": reason})

    def balance(self, profile: str) -> Balance:
        """How ``profile`` stands (counts rows: for people, not for every delivery)."""
        of_profile = deliveries.c.profile == profile
        with self._database.read() as connection:

            def count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
                return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0

            return Balance(
                owed=count(grants, grants.c.profile == profile, *_IS_OWED),
                open=count(deliveries, of_profile, *_IS_OPEN),
                acknowledged=count(deliveries, of_profile, deliveries.c.acknowledged_at.is_not(None)),
                set_aside=count(deliveries, of_profile, deliveries.c.set_aside_at.is_not(None)),
            )

    def last_created(self, profile: str) -> datetime | None:
        """When the newest delivery of ``profile`` was numbered: the last dispatch that a restart can know of."""
        query = (
            sa.select(deliveries.c.created_at)
            .where(deliveries.c.profile == profile)
            .order_by(deliveries.c.sequence.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            created_at = connection.scalar(query)
        return None if created_at is None else from_seconds(created_at)

    def set_aside_reasons(self, profile: str) -> dict[int, str]:
        """Sequence -> reason of everything that the receiver refused for good."""
        query = sa.select(deliveries.c.sequence, deliveries.c.set_aside_reason).where(
            deliveries.c.profile == profile, deliveries.c.set_aside_at.is_not(None)
        )
        with self._database.read() as connection:
            return {row.sequence: row.set_aside_reason for row in connection.execute(query)}

    def _close(self, profile: str, sequence: int, values: dict[str, int | str]) -> None:
        with self._database.write() as connection:
            closed = connection.execute(
                deliveries.update()
                .where(deliveries.c.profile == profile, deliveries.c.sequence == sequence, *_IS_OPEN)
                .values(**values)
            )
            if closed.rowcount != 1:
                raise StoreError(StoreReason.NOT_OPEN, f"delivery {sequence} of {profile} is not open")


_IS_OPEN = (deliveries.c.acknowledged_at.is_(None), deliveries.c.set_aside_at.is_(None))
_IS_OWED = (grants.c.sequence.is_(None), grants.c.withdrawn_at.is_(None))

WITHDRAWN = "withdrawn"
"""Why a delivery of a profile that the administrator withdrew is set aside."""


def withdraw(connection: sa.Connection, profiles: Iterable[str], at: datetime) -> None:
    """End what ``profiles`` owe inside the caller's transaction: nothing more is numbered, nothing more is sent.

    Grants that no delivery carries are withdrawn, open deliveries are set aside. What was acknowledged stays as it is.
    """
    for profile in profiles:
        connection.execute(
            grants.update().where(grants.c.profile == profile, *_IS_OWED).values(withdrawn_at=to_seconds(at))
        )
        connection.execute(
            deliveries.update()
            .where(deliveries.c.profile == profile, *_IS_OPEN)
            .values(set_aside_at=to_seconds(at), set_aside_reason=WITHDRAWN)
        )


def owe(connection: sa.Connection, grant: Grant) -> None:
    """Keep ``grant`` inside the caller's transaction; one that is known by (profile, key) stands as it is."""
    if grant.derived:
        raise ValueError("a derived value must be signed before its grant is kept")
    known = sa.select(grants.c.id).where(grants.c.profile == grant.profile, grants.c.key == grant.key)
    if connection.scalar(known) is not None:
        return
    grant_id = connection.execute(
        grants.insert(),
        {
            "profile": grant.profile,
            "key": grant.key,
            "profile_version": grant.profile_version,
            "party": grant.party,
            "period_begin": to_seconds(grant.period_begin),
            "period_end": to_seconds(grant.period_end),
        },
    ).lastrowid
    for position, signed in enumerate(grant.readings):
        reading_id = connection.scalar(
            sa.select(readings.c.id).where(
                readings.c.device == signed.reading.device.text,
                readings.c.obis == signed.reading.obis.to_bytes(),
                readings.c.captured_at == to_seconds(signed.reading.captured_at),
            )
        )
        place = {"grant_id": grant_id, "position": position}
        if reading_id is None:  # computed by the gateway for this grant alone
            connection.execute(derived_readings.insert(), place | columns_of(signed))
        else:
            connection.execute(grant_readings.insert(), place | {"reading_id": reading_id})


def _number(connection: sa.Connection, profile: str, now: datetime, kind: Kind) -> Number:
    last = connection.scalar(sa.select(sa.func.max(deliveries.c.sequence)).where(deliveries.c.profile == profile))
    number = Number(profile, (last or 0) + 1, now, kind)
    connection.execute(
        deliveries.insert(),
        {"profile": profile, "sequence": number.sequence, "kind": kind.value, "created_at": to_seconds(now)},
    )
    return number


def _fitting(connection: sa.Connection, owed: Sequence[int], readings_limit: int) -> Sequence[int]:
    """The oldest of ``owed`` whose readings do not go beyond the limit; one at least, or nothing would ever leave."""
    count = sa.func.count().label("count")
    sizes: Counter[int] = Counter()
    for table in (grant_readings, derived_readings):
        query = sa.select(table.c.grant_id, count).where(table.c.grant_id.in_(owed)).group_by(table.c.grant_id)
        sizes.update({row.grant_id: row.count for row in connection.execute(query)})
    totals = accumulate(sizes[grant] for grant in owed)
    return owed[: max(1, sum(total <= readings_limit for total in totals))]


def _open(profile: str) -> sa.Select[int, str, int]:
    return (
        sa.select(deliveries.c.sequence, deliveries.c.kind, deliveries.c.created_at)
        .where(deliveries.c.profile == profile, *_IS_OPEN)
        .order_by(deliveries.c.sequence)
        .limit(1)
    )


def _owed(profile: str, limit: int) -> sa.Select[int]:
    return sa.select(grants.c.id).where(grants.c.profile == profile, *_IS_OWED).order_by(grants.c.id).limit(limit)


def _delivery(connection: sa.Connection, profile: str, sequence: int, created_at: int) -> Delivery:
    """Read a delivery back, with its readings in the order in which they were granted."""
    bound = connection.execute(
        sa.select(grants).where(grants.c.profile == profile, grants.c.sequence == sequence).order_by(grants.c.id)
    ).all()
    ids = [row.id for row in bound]
    measured = connection.execute(
        sa.select(grant_readings.c.grant_id, grant_readings.c.position, readings)
        .join(readings, readings.c.id == grant_readings.c.reading_id)
        .where(grant_readings.c.grant_id.in_(ids))
    ).all()
    derived = connection.execute(sa.select(derived_readings).where(derived_readings.c.grant_id.in_(ids))).all()
    values: dict[int, list[SignedReading]] = defaultdict(list)
    for row in sorted((*measured, *derived), key=lambda row: (row.grant_id, row.position)):
        values[row.grant_id].append(signed_reading(row))
    return Delivery(
        profile=profile,
        sequence=sequence,
        created_at=from_seconds(created_at),
        grants=tuple(
            Grant(
                profile=row.profile,
                profile_version=row.profile_version,
                party=row.party,
                key=row.key,
                period_begin=from_seconds(row.period_begin),
                period_end=from_seconds(row.period_end),
                readings=tuple(values[row.id]),
            )
            for row in bound
        ),
    )
