"""The end of a contract: when a consumer is measured no more, and how everything of hers leaves the store.

Decides whose contract has ended: hers whom no meter profile names any more that holds, or held until a short time ago.
Her data are the readings of each of her devices from the moment it began to measure her until it began to measure
somebody else. Nothing goes while something of it is owed to anybody or a billing period still needs it. An erasure is
written down before it begins (table ``ended``), goes on after a loss of power, and ends with the demand for a new key
of the store, so that what flash storage keeps of her cannot be read either (FDP_RIP.2, FCS_CKM.4; docs/adr/0016).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from smgw.store import log_tables
from smgw.store import settings as stored
from smgw.store.database import Database
from smgw.store.erasure import ERASURES, Ended
from smgw.store.rows import to_seconds
from smgw.store.schema import deliveries, ended, grant_readings, grants, profiles, readings, withdrawals
from smgw.store.settings import Setting
from wire.profiles import AccountProfile, EvaluationProfile, MeterProfile, parse_profile
from wire.reading import DeviceId

GRACE: Final = timedelta(days=30)
"""How long after the end of a meter's profile its contract goes on: somebody may have forgotten to renew it, and what
is erased comes back from nowhere. A profile that was withdrawn was ended on purpose."""
FOR_EVER: Final = 1 << 53
"""A second after every other: the device measured nobody after her."""


@dataclass(frozen=True, slots=True)
class Span:
    """From which second until which a device measured one consumer."""

    device: DeviceId
    begin: int
    until: int


@dataclass(frozen=True, slots=True)
class Measured:
    """How a device measures a consumer, or did.

    What lies outside of ``span`` is somebody else's. ``since`` and ``until`` are the seconds from and before which a
    profile says that the device is read for her, within the span; ``profile`` is the newest of these.
    """

    span: Span
    since: int
    until: int
    profile: MeterProfile


@dataclass(frozen=True, slots=True)
class _Row:
    """A stored version of a meter profile."""

    profile: MeterProfile
    imported_at: int
    newest: bool
    withdrawn: bool

    def holds(self, reached: int) -> bool:
        """Whether it speaks for a contract that goes on at ``reached``."""
        end = to_seconds(self.profile.valid_until) + int(GRACE.total_seconds())
        return self.newest and not self.withdrawn and end > reached


class Contracts:
    """The contracts of one gateway, by what its meter profiles say; belongs to one thread at a time."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def ended(self, reached: datetime, needed: Mapping[DeviceId, datetime]) -> list[str]:
        """Whose contract had ended at ``reached`` and of whom nothing is owed or ``needed`` any more.

        ``needed`` is from when on a billing period needs the readings of a device. Raises StoreError.
        """
        now = to_seconds(reached)
        with self._database.read() as connection:
            rows = _rows(connection)
            measured = {row.profile.consumer for row in rows if row.holds(now)}
            return [
                consumer
                for consumer in sorted({row.profile.consumer for row in rows} - measured)
                if not _is_needed(spans := _spans(rows, consumer), needed) and not _is_owed(connection, spans)
            ]

    def begin(self, consumer: str, at: datetime) -> None:
        """Write down what of ``consumer`` is to be erased. Raises StoreError: CONFLICT where she is measured."""
        with self._database.write() as connection:
            rows = _rows(connection)
            # Whoever is measured with her devices from now on is somebody else, however long this erasure takes.
            spans = [replace(span, until=min(span.until, to_seconds(at))) for span in _spans(rows, consumer)]
            marks: dict[tuple[Ended, str, int], int] = {(Ended.CONSUMER, consumer, 0): 0}
            marks |= {(Ended.METER, span.device.text, span.begin): span.until for span in spans}
            gone: list[MeterProfile | EvaluationProfile | AccountProfile]
            gone = [row.profile for row in rows if row.profile.consumer == consumer]
            # Her account too, even where it would hold still: by its withdrawal her password goes at once.
            gone += _accounts_of(connection, consumer)
            for versions in _evaluations_of(connection, {span.device for span in spans}):
                own = [span for span in spans if span.device in versions[-1].meters]
                begin, until = min(span.begin for span in own), max(span.until for span in own)
                marks[Ended.EVALUATION, versions[-1].id, begin] = until
                if (
                    _end_of(connection, versions[-1]) <= min(to_seconds(at), until)
                    and to_seconds(versions[0].valid_from) >= begin
                ):
                    gone += versions
            newest = {
                (profile.KIND, profile.id): profile.version for profile in sorted(gone, key=lambda one: one.version)
            }
            for (kind, name), version in newest.items():
                # From now on only its number is known: a profile whose time was over is withdrawn for that.
                row = {"kind": kind, "id": name, "version": version, "at": to_seconds(at), "order_sequence": None}
                connection.execute(withdrawals.insert().prefix_with("OR IGNORE"), row)
            marks |= {(Ended.PROFILE, f"{profile.KIND}:{profile.id}", profile.version): 0 for profile in gone}
            connection.execute(
                ended.insert().prefix_with("OR IGNORE"),
                [
                    {"kind": kind, "name": name, "begin": begin, "until": until}
                    for (kind, name, begin), until in marks.items()
                ],
            )

    def pending(self) -> bool:
        """Whether an erasure is under way. Raises StoreError."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(sa.literal(1)).select_from(ended).limit(1)) is not None

    def erase(self, limit: int) -> int:
        """Erase ``limit`` rows at most; 0 where nothing is left. Raises StoreError."""
        for statement in ERASURES:
            with self._database.write() as connection:
                if gone := connection.exec_driver_sql(statement.format(limit=limit)).rowcount:
                    return gone
        return 0

    def finish(self) -> int | None:
        """What said that she was there goes, and the store's key is to be changed; gives how many contracts ended.

        Her log went before, with a checkpoint that says so (``smgw/logs/sealing.py``). None where something was written
        into it since: another checkpoint is needed, and nothing is finished. Raises StoreError.
        """
        with self._database.write() as connection:
            consumers = connection.scalars(sa.select(ended.c.name).where(ended.c.kind == Ended.CONSUMER)).all()
            measured = {row.profile.consumer for row in _rows(connection)}
            concerns = log_tables.log_concerns
            gone = [consumer for consumer in consumers if consumer not in measured]  # one may have come back meanwhile
            begun = sa.select(sa.literal(1)).where(log_tables.log_heads.c.owner.in_(gone)).limit(1)
            if connection.scalar(begun) is not None:
                return None
            connection.execute(concerns.delete().where(concerns.c.consumer.in_(gone)))
            connection.execute(ended.delete())
            stored.put(connection, {Setting.STORE_KEY_DUE: 1})
            return len(consumers)


def measured_by(connection: sa.Connection, consumer: str) -> list[Measured]:
    """With which devices ``consumer`` is measured or was, as long as the profiles that say so are kept (FDP_ACC.2)."""
    rows = _rows(connection)
    withdrawn = sa.select(withdrawals.c.id, withdrawals.c.version, withdrawals.c.at)
    gone = {
        (row.id, row.version): row.at
        for row in connection.execute(withdrawn.where(withdrawals.c.kind == MeterProfile.KIND))
    }
    found = []
    for span in _spans(rows, consumer):
        hers = [
            (max(to_seconds(row.profile.valid_from), row.imported_at), row)
            for row in rows
            if row.profile.consumer == consumer and row.profile.meter == span.device
        ]
        own = [(first, row) for first, row in hers if span.begin <= first < span.until]
        ends = [
            min(to_seconds(row.profile.valid_until), gone.get((row.profile.id, row.profile.version), FOR_EVER))
            for _, row in own
            if row.newest
        ]
        newest = max(own, key=lambda pair: (pair[1].imported_at, pair[1].profile.version))[1].profile
        since = min(first for first, _ in own)
        found.append(Measured(span, since, min(span.until, max(ends, default=span.until)), newest))
    return found


def _rows(connection: sa.Connection) -> list[_Row]:
    """Every stored version of every meter profile."""
    found = connection.execute(sa.select(profiles).where(profiles.c.kind == MeterProfile.KIND)).all()
    over = connection.execute(sa.select(withdrawals).where(withdrawals.c.kind == MeterProfile.KIND)).all()
    newest: dict[str, int] = defaultdict(int)
    for row in found:
        newest[row.id] = max(newest[row.id], row.version)
    gone = {(row.id, row.version) for row in over}
    parsed = ((row, parse_profile(row.content)) for row in found)
    return [
        _Row(profile, row.imported_at, row.version == newest[row.id], (row.id, row.version) in gone)
        for row, profile in parsed
        if isinstance(profile, MeterProfile)
    ]


def _spans(rows: list[_Row], consumer: str) -> list[Span]:
    """When each of her devices measured her: from its first profile of hers until the first of somebody else's."""
    by_device: dict[DeviceId, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        first = max(to_seconds(row.profile.valid_from), row.imported_at)
        by_device[row.profile.meter].append((first, row.profile.consumer))
    found: list[Span] = []
    for device, beginnings in by_device.items():
        since: int | None = None
        for position, (start, whose) in enumerate(sorted(beginnings)):
            if whose == consumer and since is None:
                since = start if position else 0
            elif whose != consumer and since is not None:
                found.append(Span(device, since, start))
                since = None
        if since is not None:
            found.append(Span(device, since, FOR_EVER))
    return found


def _is_needed(spans: list[Span], needed: Mapping[DeviceId, datetime]) -> bool:
    return any(span.device in needed and to_seconds(needed[span.device]) < span.until for span in spans)


def _is_owed(connection: sa.Connection, spans: list[Span]) -> bool:
    """Whether any grant of hers waits to be delivered, or is on its way."""
    closed = sa.or_(deliveries.c.acknowledged_at.is_not(None), deliveries.c.set_aside_at.is_not(None))
    carrier = sa.and_(deliveries.c.profile == grants.c.profile, deliveries.c.sequence == grants.c.sequence)
    waits = sa.and_(grants.c.withdrawn_at.is_(None), ~sa.exists().where(carrier, closed))
    # What is closed is the great mass: so it is asked what waits at all, and whose that is.
    waiting = connection.execute(sa.select(grants.c.id, grants.c.profile, grants.c.period_begin).where(waits)).all()
    if not waiting:
        return False
    names = {versions[-1].id for versions in _evaluations_of(connection, {span.device for span in spans})}
    if any(
        row.profile in names and any(span.begin <= row.period_begin < span.until for span in spans) for row in waiting
    ):
        return True
    measured = (
        sa.select(sa.literal(1))
        .select_from(grant_readings.join(readings, readings.c.id == grant_readings.c.reading_id))
        .where(
            grant_readings.c.grant_id.in_([row.id for row in waiting]),
            sa.or_(
                *(
                    sa.and_(
                        readings.c.device == span.device.text,
                        readings.c.captured_at >= span.begin,
                        readings.c.captured_at < span.until,
                    )
                    for span in spans
                )
            ),
        )
        .limit(1)
    )
    return connection.scalar(measured) is not None


def _evaluations_of(connection: sa.Connection, devices: set[DeviceId]) -> list[list[EvaluationProfile]]:
    """The versions, oldest first, of each evaluation profile that was never about others than ``devices``."""
    query = sa.select(profiles.c.content).where(profiles.c.kind == EvaluationProfile.KIND).order_by(profiles.c.version)
    versions: dict[str, list[EvaluationProfile]] = defaultdict(list)
    for content in connection.scalars(query):
        profile = parse_profile(content)
        if isinstance(profile, EvaluationProfile):
            versions[profile.id].append(profile)
    return [some for some in versions.values() if all(devices.issuperset(one.meters) for one in some)]


def _accounts_of(connection: sa.Connection, consumer: str) -> list[AccountProfile]:
    """Every stored version of the accounts of ``consumer``."""
    query = sa.select(profiles.c.content).where(profiles.c.kind == AccountProfile.KIND)
    parsed = (parse_profile(content) for content in connection.scalars(query))
    return [one for one in parsed if isinstance(one, AccountProfile) and one.consumer == consumer]


def _end_of(connection: sa.Connection, profile: EvaluationProfile) -> int:
    """The second from which on ``profile``, the newest version, holds no more."""
    place = {"kind": profile.KIND, "id": profile.id, "version": profile.version}
    withdrawn = connection.scalar(sa.select(withdrawals.c.at).filter_by(**place))
    until = to_seconds(profile.valid_until)
    return until if withdrawn is None else min(int(withdrawn), until)
