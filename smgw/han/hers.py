"""What of the store is one consumer's: her devices, each within the time in which it measured her, and her contracts.

Decides by the profiles that are stored, withdrawn and expired ones included, and by the same stretches of time by which
her data are erased (``smgw/store/contracts.py``): what lies outside of them is somebody else's and is read by no query
of this package (PP-0073 FDP_ACC.2, FDP_ACF.1). A device that is not hers is answered as one that does not exist.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from smgw.access.schedule import tolerance
from smgw.han.port import HanError, HanReason
from smgw.store.contracts import FOR_EVER, Measured, measured_by
from smgw.store.rows import to_seconds
from smgw.store.schema import profiles, withdrawals
from wire.errors import ObisError
from wire.obis import Obis
from wire.profiles import EvaluationProfile, parse_profile
from wire.reading import DeviceId

NOT_FOUND = "there is no such thing of yours"


def not_found() -> HanError:
    """The one answer for what does not exist and for what is somebody else's (FDP_ACF.1)."""
    return HanError(HanReason.NOT_FOUND, NOT_FOUND)


def raw(connection: sa.Connection) -> Any:
    """The driver's own connection, inside the caller's transaction: rows are tuples of integers, and nothing more."""
    return connection.connection.driver_connection


@dataclass(frozen=True, slots=True)
class HerMeter:
    """A device in the time in which it measured her."""

    measured: Measured

    @property
    def device(self) -> str:
        """Its identification."""
        return self.measured.span.device.text

    @property
    def tolerance(self) -> int:
        """Seconds that a reading may come after the instant that it stands for."""
        return int(tolerance(self.measured.profile.store_seconds).total_seconds())

    def has(self, register: Obis) -> bool:
        """Whether ``register`` is captured."""
        return register in self.measured.profile.registers

    def clip(self, begin: int, end: int) -> tuple[int, int]:
        """``begin`` .. ``end`` (both included) as far as it is her time; nothing where the first is after the last."""
        span = self.measured.span
        return max(begin, span.begin), min(end, span.until - 1)


@dataclass(frozen=True, slots=True)
class HerContract:
    """An evaluation profile in the time in which it was about her, in the newest version that was."""

    profile: EvaluationProfile
    meters: tuple[HerMeter, ...]
    since: int
    until: int

    @property
    def others(self) -> bool:
        """Whether it names a device that is not hers."""
        return not {one.measured.span.device for one in self.meters}.issuperset(self.profile.meters)

    def alone(self, begin: int, end: int) -> bool:
        """Whether each of its devices measured her, and nobody else, from ``begin`` to ``end``."""
        return are_hers_alone(self.profile.meters, [one.measured for one in self.meters], begin, end)


@dataclass(frozen=True, slots=True)
class Hers:
    """Everything that one consumer may be shown something of."""

    consumer: str
    meters: tuple[HerMeter, ...]

    @classmethod
    def of(cls, connection: sa.Connection, consumer: str) -> "Hers":
        """As the profiles in the store say now."""
        found = sorted(measured_by(connection, consumer), key=lambda one: (one.span.device, one.span.begin))
        return cls(consumer, tuple(HerMeter(one) for one in found))

    def named(self, meter: str, register: Obis) -> tuple[HerMeter, ...]:
        """Her time with ``meter``, or with each of her meters, as far as it has ``register``. Raises HanError."""
        found = tuple(one for one in self.meters if meter in {"", one.device} and one.has(register))
        if not found:
            raise not_found()
        return found

    def contracts(self, connection: sa.Connection) -> Sequence[HerContract]:
        """Her contracts, by their ids: those that hold, held, or will."""
        found = []
        for versions in _evaluations(connection):
            hers = [
                (profile, one, begin, end)
                for profile, since, until in versions
                for one in self.meters
                if one.measured.span.device in profile.meters
                if (begin := max(since, one.measured.since)) < (end := min(until, one.measured.until))
            ]
            if hers:
                # What it says to somebody else, before her or after, is nothing of hers.
                meters = tuple(dict.fromkeys(one for _, one, _, _ in hers))
                begins, ends = [begin for _, _, begin, _ in hers], [end for _, _, _, end in hers]
                found.append(HerContract(hers[-1][0], meters, min(begins), max(ends)))
        return found

    def contract(self, connection: sa.Connection, name: str) -> HerContract:
        """The one of that id. Raises HanError NOT_FOUND."""
        for one in self.contracts(connection):
            if one.profile.id == name:
                return one
        raise not_found()


def are_hers_alone(devices: Iterable[DeviceId], hers: Sequence[Measured], begin: int, end: int) -> bool:
    """Whether each of ``devices`` measured her, by ``hers``, and nobody else from ``begin`` to ``end``."""
    spans = [one.span for one in hers]
    return all(
        any(span.device == device and span.begin <= begin and end <= span.until for span in spans) for device in devices
    )


def register_of(text: str) -> Obis:
    """The register that is written so, in full. Raises HanError NOT_FOUND: what is none does not exist."""
    try:
        return Obis.parse(text)
    except ObisError:
        raise not_found() from None


def _evaluations(connection: sa.Connection) -> list[list[tuple[EvaluationProfile, int, int]]]:
    """Of each evaluation profile its versions, oldest first, and from when to when each held: until the next did."""
    kind = EvaluationProfile.KIND
    versions: dict[str, list[tuple[EvaluationProfile, int]]] = defaultdict(list)
    columns = sa.select(profiles.c.content, profiles.c.imported_at)
    for row in connection.execute(columns.where(profiles.c.kind == kind).order_by(profiles.c.id, profiles.c.version)):
        profile = parse_profile(row.content)
        if isinstance(profile, EvaluationProfile):
            versions[profile.id].append((profile, max(to_seconds(profile.valid_from), row.imported_at)))
    ended = sa.select(withdrawals.c.id, withdrawals.c.version, withdrawals.c.at).where(withdrawals.c.kind == kind)
    gone = {(row.id, row.version): row.at for row in connection.execute(ended)}
    found = []
    for those in versions.values():
        times = []
        for (profile, since), (_, following) in zip(those, [*those[1:], (None, FOR_EVER)], strict=True):
            until = min(to_seconds(profile.valid_until), following)
            times.append((profile, since, min(until, gone.get((profile.id, profile.version), until))))
        found.append(times)
    return found
