"""The profiles that hold, and every version that ever held.

Decides that versions never go back: a lower version, or other content under the same version, is refused, and a new
version may not hand what is owed to somebody else. A profile that was withdrawn holds no more and owes no more; only a
higher version brings it back. Who may sign a profile is decided in ``smgw/provisioning.py``, who may order a change and
which set may hold in ``smgw/profile_change.py``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from smgw.store import log_chain, outbox
from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.rows import to_seconds
from smgw.store.schema import orders, profiles, withdrawals
from wire.profiles import (
    AccountProfile,
    AdministratorProfile,
    BlockStages,
    CommunicationProfile,
    ControlEvents,
    EvaluationProfile,
    EventStages,
    LoadStages,
    MeterProfile,
    Mirror,
    Profile,
    ProxyProfile,
    TimeStages,
    parse_profile,
)

_MEMBERS: dict[str, str] = {
    AdministratorProfile.KIND: "administrators",
    CommunicationProfile.KIND: "communications",
    MeterProfile.KIND: "meters",
    EvaluationProfile.KIND: "evaluations",
    ProxyProfile.KIND: "proxies",
    AccountProfile.KIND: "accounts",
}
"""In which member of a ProfileSet each kind stands; in the order in which profiles refer to one another."""


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """The newest version of every profile that was not withdrawn, by id."""

    meters: dict[str, MeterProfile] = field(default_factory=dict)
    evaluations: dict[str, EvaluationProfile] = field(default_factory=dict)
    communications: dict[str, CommunicationProfile] = field(default_factory=dict)
    administrators: dict[str, AdministratorProfile] = field(default_factory=dict)
    proxies: dict[str, ProxyProfile] = field(default_factory=dict)
    accounts: dict[str, AccountProfile] = field(default_factory=dict)

    def all(self) -> tuple[Profile, ...]:
        """Every profile: what others refer to comes before them."""
        return tuple(profile for member in _MEMBERS.values() for profile in getattr(self, member).values())

    def current(self, at: datetime) -> tuple[Profile, ...]:
        """What is not over: a meter that was replaced may leave its address to its successor."""
        return tuple(profile for profile in self.all() if at < profile.valid_until)

    def consumers(self, at: datetime) -> tuple[str, ...]:
        """Whose consumption is measured at ``at``, in the order of their identifiers (Letztverbraucher)."""
        return tuple(sorted({meter.consumer for meter in self._metered(at)}))

    def consumers_of(self, evaluation: EvaluationProfile, at: datetime) -> tuple[str, ...]:
        """Whose values ``evaluation`` gives at ``at``: a meter's former consumer is none of them (FDP_ACC.2)."""
        return tuple(sorted({one.consumer for one in self._metered(at) if one.meter in evaluation.meters}))

    def consumers_during(self, evaluation: EvaluationProfile, begin: datetime, end: datetime) -> tuple[str, ...]:
        """Whose values of the period from ``begin`` to ``end`` are ``evaluation``'s, whoever is measured since."""
        last = max(begin, end - timedelta(seconds=1))
        return tuple(sorted({who for at in (begin, last) for who in self.consumers_of(evaluation, at)}))

    def concerned(self, profile: Profile, at: datetime) -> frozenset[str]:
        """Whom ``profile``, of this set or not, concerns: who is measured by it, who is told of by it, or everybody."""
        match profile:
            case MeterProfile():
                return frozenset({profile.consumer})
            case EvaluationProfile():
                return frozenset(self.consumers_of(profile, at))
            case CommunicationProfile():
                given = [one for one in self.evaluations.values() if one.party == profile.id]
                return frozenset(consumer for one in given for consumer in self.consumers_of(one, at))
            case AccountProfile():
                # Hers alone; who else may come in, a technician included, is nothing that she is told (FDP_ACF.1).
                return frozenset() if profile.consumer is None else frozenset({profile.consumer})
            case _:
                return frozenset(self.consumers(at))

    def concerns(self, at: datetime) -> frozenset[tuple[str, str]]:
        """Every consumer with each subject that concerns her at ``at``: meters, and profiles by their ids."""
        of_meters = {(meter.consumer, meter.meter.text) for meter in self._metered(at)}
        measured = self.consumers(at)
        # An account alone begins nobody's log: whoever is not measured has nothing to be told of the gateway.
        accounts = [one for one in self.accounts.values() if one.consumer in measured]
        told: tuple[Profile, ...] = (*self.evaluations.values(), *self.communications.values(), *accounts)
        profiles = (*self._metered(at), *told)
        return frozenset(of_meters | {(who, one.id) for one in profiles for who in self.concerned(one, at)})

    def _metered(self, at: datetime) -> Iterator[MeterProfile]:
        return (meter for meter in self.meters.values() if meter.valid_from <= at < meter.valid_until)

    def get(self, kind: str, name: str) -> Profile | None:
        """The profile of ``kind`` with the id ``name``, if it holds."""
        found: Profile | None = getattr(self, _MEMBERS[kind]).get(name)
        return found

    def with_profile(self, profile: Profile) -> "ProfileSet":
        """A set in which ``profile`` stands in place of its former version."""
        member = _MEMBERS[profile.KIND]
        return replace(self, **{member: {**getattr(self, member), profile.id: profile}})

    def without(self, kind: str, name: str) -> "ProfileSet":
        """A set in which the profile of ``kind`` with the id ``name`` does not stand."""
        member = _MEMBERS[kind]
        return replace(self, **{member: {key: one for key, one in getattr(self, member).items() if key != name}})


_FIXED_RULES = (TimeStages, LoadStages, BlockStages, EventStages, ControlEvents, Mirror)
"""Rules that say what a value is, and not only when there is one; an event is told by its place among the others."""


class ProfileStore:
    """The profiles in the database."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def holds(self, document: bytes) -> bool:
        """Whether this very signed document was imported before, whatever version holds now."""
        query = sa.select(sa.literal(1)).where(profiles.c.document == document).limit(1)
        with self._database.read() as connection:
            return connection.scalar(query) is not None

    def put(self, profile: Profile, *, document: bytes, at: datetime) -> bool:
        """Keep ``profile`` and the signed document that it came in; False where this very version stands already.

        Raises StoreError(PROFILE_VERSION) for a version that goes back or changes without a new number, and
        StoreError(PROFILE_IDENTITY) for one that changes whose data it is about.
        """
        with self._database.write() as connection:
            new = _put(connection, profile, document, at)
            log_chain.set_concerns(connection, _load(connection).concerns(at))
            return new

    def change(
        self,
        install: Iterable[Profile],
        withdraw: Iterable[tuple[str, str]],
        at: datetime,
        note: Callable[[sa.Connection, Profile, bool], None],
    ) -> ProfileSet:
        """Install and withdraw, by (kind, id), what the order that was taken last says: all of it or nothing.

        What withdrawn evaluation profiles owe is withdrawn with them. ``note`` is told each profile that changed and
        whether it was installed, inside the transaction. Returns what holds then. Raises StoreError as :meth:`put`, and
        StoreError(NOT_OPEN) for a profile that cannot be withdrawn because it does not hold.
        """
        with self._database.write() as connection:
            holding = _load(connection)
            for kind, name in withdraw:
                profile = holding.get(kind, name)
                if profile is None:
                    raise StoreError(StoreReason.NOT_OPEN, f"{kind} profile {name} does not hold")
                _withdraw(connection, profile, at)
                note(connection, profile, False)
            for profile in install:
                if _put(connection, profile, None, at):
                    note(connection, profile, True)
            holding = _load(connection)
            log_chain.set_concerns(connection, holding.concerns(at))
            return holding

    def load(self) -> ProfileSet:
        """The newest version of every profile that was not withdrawn."""
        with self._database.read() as connection:
            return _load(connection)

    def ever_held(self, kind: str) -> bool:
        """Whether any profile of ``kind`` was ever stored, withdrawn ones included."""
        query = sa.select(sa.literal(1)).where(profiles.c.kind == kind).limit(1)
        with self._database.read() as connection:
            return connection.scalar(query) is not None


_LAST_ORDER = sa.select(sa.func.max(orders.c.sequence)).scalar_subquery()
"""The order that is being carried out: its number is taken before it is (``smgw/administration/order_gate.py``)."""


def _put(connection: sa.Connection, profile: Profile, document: bytes | None, at: datetime) -> bool:
    """Keep ``profile``, which came in ``document`` or in the last order; False where this version stands already."""
    kind, content = profile.KIND, profile.to_bytes()
    row = connection.execute(
        sa.select(profiles.c.version, profiles.c.content, withdrawals.c.at.label("withdrawn_at"))
        .select_from(profiles.outerjoin(withdrawals, _SAME_VERSION))
        .where(profiles.c.kind == kind, profiles.c.id == profile.id)
        .order_by(profiles.c.version.desc())
        .limit(1)
    ).first()
    if row is not None:
        if row.version == profile.version and row.content == content and row.withdrawn_at is None:
            return False
        if row.version >= profile.version:
            raise StoreError(
                StoreReason.PROFILE_VERSION,
                f"{kind} profile {profile.id}: version {row.version} was there, {profile.version} is not newer",
            )
        _require_same_subject(parse_profile(row.content), profile)
    elif connection.scalar(
        sa.select(withdrawals.c.at).where(withdrawals.c.kind == kind, withdrawals.c.id == profile.id)
    ):
        # What it said was erased with its contract, so nobody can tell whether this one is about the same data.
        sentence = f"{kind} profile {profile.id} was there and was erased: give it a new id"
        raise StoreError(StoreReason.PROFILE_IDENTITY, sentence)
    values = {
        "kind": kind,
        "id": profile.id,
        "version": profile.version,
        "content": content,
        "document": document,
        "imported_at": to_seconds(at),
    }
    connection.execute(profiles.insert().values(**values, order_sequence=None if document else _LAST_ORDER))
    return True


def _withdraw(connection: sa.Connection, profile: Profile, at: datetime) -> None:
    values = {"kind": profile.KIND, "id": profile.id, "version": profile.version, "at": to_seconds(at)}
    connection.execute(withdrawals.insert().values(**values, order_sequence=_LAST_ORDER))
    if isinstance(profile, EvaluationProfile):
        outbox.withdraw(connection, [profile.id], at)


_SAME_VERSION = sa.and_(
    withdrawals.c.kind == profiles.c.kind,
    withdrawals.c.id == profiles.c.id,
    withdrawals.c.version == profiles.c.version,
)


def _load(connection: sa.Connection) -> ProfileSet:
    newest = (
        sa.select(profiles.c.kind, profiles.c.id, sa.func.max(profiles.c.version).label("version"))
        .group_by(profiles.c.kind, profiles.c.id)
        .subquery()
    )
    query = (
        sa.select(profiles.c.content)
        .join(
            newest,
            sa.and_(
                profiles.c.kind == newest.c.kind,
                profiles.c.id == newest.c.id,
                profiles.c.version == newest.c.version,
            ),
        )
        .where(~sa.exists().where(_SAME_VERSION))
    )
    found = ProfileSet()
    for content in connection.scalars(query):
        found = found.with_profile(parse_profile(content))
    return found


def _require_same_subject(old: Profile, new: Profile) -> None:
    """A numbered row of deliveries belongs to one party, use case and name; readings of a meter to one consumer.

    What was granted of a billing period was computed as the profile said then: another rule begins with another profile
    and not in the middle of a period (TR-03109-1; FDP_IFF.1/MTR).
    """
    match old, new:
        case MeterProfile(), MeterProfile():
            same = (old.meter, old.consumer) == (new.meter, new.consumer)
        case EvaluationProfile(), EvaluationProfile():
            same = _meaning(old) == _meaning(new)
        case CommunicationProfile(), CommunicationProfile():
            same = old.party == new.party
        case AdministratorProfile(), AdministratorProfile():
            same = old.party == new.party
        case ProxyProfile(), ProxyProfile():
            same = old.party == new.party
        case AccountProfile(), AccountProfile():
            same = (old.name, old.role, old.consumer) == (new.name, new.role, new.consumer)
        case _:
            same = False
    if not same:
        raise StoreError(
            StoreReason.PROFILE_IDENTITY, f"profile {new.id} would change whose data it is about: give it a new id"
        )


def _meaning(profile: EvaluationProfile) -> tuple[object, ...]:
    """What values that were granted under one version must mean under the next.

    Credit is topped up and a threshold moved without changing what was granted before.
    """
    given = (profile.party, profile.use_case, profile.pseudonym)
    computed = (profile.billing, profile.meters, profile.registers, profile.subtracted)
    fixed = profile.rule if isinstance(profile.rule, _FIXED_RULES) else None
    return (*given, fixed, *(computed if profile.billing is not None else ()))
