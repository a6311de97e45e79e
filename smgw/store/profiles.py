"""The profiles that hold, and every version that ever held.

Decides that versions never go back: a lower version, or other content under the same version, is refused, and a new
version may not hand what is owed to somebody else. Who may sign a profile is decided in ``smgw/provisioning.py``.
"""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.rows import to_seconds
from smgw.store.schema import profiles
from wire.profiles import CommunicationProfile, EvaluationProfile, MeterProfile, parse_profile

Profile = MeterProfile | EvaluationProfile | CommunicationProfile


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """The newest version of every profile, by id."""

    meters: dict[str, MeterProfile] = field(default_factory=dict)
    evaluations: dict[str, EvaluationProfile] = field(default_factory=dict)
    communications: dict[str, CommunicationProfile] = field(default_factory=dict)

    def all(self) -> tuple[Profile, ...]:
        """Every profile, communication profiles first: what others refer to comes before them."""
        return (*self.communications.values(), *self.meters.values(), *self.evaluations.values())

    def with_profile(self, profile: Profile) -> "ProfileSet":
        """A set in which ``profile`` stands in place of its former version."""
        match profile:
            case MeterProfile():
                return ProfileSet({**self.meters, profile.id: profile}, self.evaluations, self.communications)
            case EvaluationProfile():
                return ProfileSet(self.meters, {**self.evaluations, profile.id: profile}, self.communications)
            case CommunicationProfile():
                return ProfileSet(self.meters, self.evaluations, {**self.communications, profile.id: profile})


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
        kind, content = profile.KIND, profile.to_bytes()
        newest = (
            sa.select(profiles.c.version, profiles.c.content)
            .where(profiles.c.kind == kind, profiles.c.id == profile.id)
            .order_by(profiles.c.version.desc())
            .limit(1)
        )
        with self._database.write() as connection:
            row = connection.execute(newest).first()
            if row is not None:
                if row.version == profile.version and row.content == content:
                    return False
                if row.version >= profile.version:
                    raise StoreError(
                        StoreReason.PROFILE_VERSION,
                        f"{kind} profile {profile.id}: version {row.version} holds, {profile.version} is not newer",
                    )
                _require_same_subject(parse_profile(row.content), profile)
            connection.execute(
                profiles.insert(),
                {
                    "kind": kind,
                    "id": profile.id,
                    "version": profile.version,
                    "content": content,
                    "document": document,
                    "imported_at": to_seconds(at),
                },
            )
        return True

    def load(self) -> ProfileSet:
        """The newest version of every profile."""
        newest = (
            sa.select(profiles.c.kind, profiles.c.id, sa.func.max(profiles.c.version).label("version"))
            .group_by(profiles.c.kind, profiles.c.id)
            .subquery()
        )
        query = sa.select(profiles.c.content).join(
            newest,
            sa.and_(
                profiles.c.kind == newest.c.kind,
                profiles.c.id == newest.c.id,
                profiles.c.version == newest.c.version,
            ),
        )
        found = ProfileSet()
        with self._database.read() as connection:
            for content in connection.scalars(query):
                found = found.with_profile(parse_profile(content))
        return found


def _require_same_subject(old: Profile, new: Profile) -> None:
    """A numbered row of deliveries belongs to one party and one use case; readings of a meter to one device."""
    match old, new:
        case MeterProfile(), MeterProfile():
            same = old.meter == new.meter
        case EvaluationProfile(), EvaluationProfile():
            same = (old.party, old.use_case) == (new.party, new.use_case)
        case CommunicationProfile(), CommunicationProfile():
            same = old.party == new.party
        case _:
            same = False
    if not same:
        raise StoreError(
            StoreReason.PROFILE_IDENTITY, f"profile {new.id} would change whose data it is about: give it a new id"
        )
