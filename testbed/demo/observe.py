"""What an onlooker sees of the running machines: the gateway's status socket and the others' tables, nothing else.

Decides which evidence stands for which step of the walk (docs/journey.md). Steps 1 to 7 are the gateway's own counts,
steps 8 and 9 are rows in the receiver's database, read from outside; the administrator's steps are rows in his
(``desk.py``). No machine is asked to report about itself for the sake of the demonstration.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from datacenter import config as datacenter_config
from datacenter import database, queries, schema
from datacenter.errors import DatacenterError
from smgw.status import StatusError, read_status
from testbed.demo.desk import DeskSeen, look_at_desk
from testbed.demo.scene import Scene
from wire.profiles import UseCase
from wire.reading import Reading

DESK_STEPS: Final = {
    "woken": "woken by a signed wake-up",
    "tunnel": "tunnel to the administrator up",
    "enrolled": "certificates of its own, no quality seal any more",
    "orders": "signed orders confirmed",
    "ended": "tunnel ended by BreakUp",
    "delivery": "deliveries after it, and none before the profiles",
}
"""The administrator's steps."""
STEPS: Final = {
    1: "frame read from the line",
    2: "telegram understood",
    3: "reading verified",
    4: "reading stored, encrypted",
    5: "grant owed under a profile",
    6: "sealed for the recipient",
    7: "acknowledged through the tunnel",
    8: "opened and verified by the datacenter",
    9: "row in the datacenter's table",
}


_Wanted = Mapping[str, Collection[tuple[str, str]]]
"""Evaluation profile -> meters and registers whose original readings its deliveries may hold."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One duty: a line about it, and whether it was seen to be done."""

    line: str
    good: bool


@dataclass(frozen=True, slots=True)
class MeterSeen:
    """One meter as the gateway counts it."""

    name: str
    frames: int
    telegrams: int
    readings: int
    stored: int
    refused: dict[str, int]
    last_reading_at: str | None


@dataclass(frozen=True, slots=True)
class DeliverySeen:
    """One evaluation profile: what was granted, sealed, acknowledged, and what the party's datacenter holds."""

    name: str
    party: str
    granted: int
    owed: int
    sealed: int
    acknowledged: int
    set_aside: int
    opened: int
    rows: int
    last_error: str
    latest: Reading | None
    use_case: str = ""
    empty: int = 0
    """Deliveries in the party's table that hold no reading: covers."""
    shortest: int = 0
    """Octets of the shortest sealed message since the start of the gateway."""
    longest: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at everything."""

    at: datetime
    meters: dict[str, MeterSeen] = field(default_factory=dict)
    deliveries: dict[str, DeliverySeen] = field(default_factory=dict)
    refused: dict[str, dict[str, int]] = field(default_factory=dict)
    """Party -> reason -> how often the gateway granted it nothing (step 5)."""
    turned_away: dict[str, dict[str, int]] = field(default_factory=dict)
    """Party -> reason -> how often its datacenter refused what came (step 8)."""
    received: dict[str, int] = field(default_factory=dict)
    """Party -> deliveries in its table."""
    first_delivery_at: datetime | None = None
    """When the first delivery of all lay in a party's table."""
    delivered_after: int = 0
    """Deliveries in the parties' tables that came when the last tunnel had been broken up."""
    desk: DeskSeen = field(default_factory=DeskSeen)
    last_order: int = 0
    """The gateway's own word: the highest sequence number that it carried out."""
    quality_seal: bool | None = None
    """The gateway's own word: whether its certificates are still the manufacturer's."""
    profiles: int | None = None
    """The gateway's own word: how many evaluation profiles hold."""
    state: str = ""
    """The gateway's own word: its secure state."""
    page: Mapping[str, Any] = field(default_factory=dict)
    """The gateway's own word: where its page for consumers is, and whether it is served."""
    retention: Mapping[str, Any] = field(default_factory=dict)
    """The gateway's own word: what it keeps for how long, and when it last deleted."""


@dataclass(frozen=True, slots=True)
class _Received:
    opened: dict[str, int]
    rows: dict[str, int]
    latest: dict[str, Reading]
    refusals: dict[str, int]
    empty: dict[str, int] = field(default_factory=dict)
    first: datetime | None = None
    after: int = 0


def look(scene: Scene) -> Seen:
    """Look at every machine once; a machine that does not answer is seen as having done nothing."""
    try:
        status = read_status(scene.gateway / "store")
    except StatusError:
        status = {"meters": {}, "profiles": {}, "refusals": {}}
    desk = look_at_desk(scene)
    wanted = {
        name: {(meter, register) for meter in scene.meters_of(name) for register in scene.registers_of(name)}
        for name in scene.evaluations
    }
    received = {party.id: _received(party.configuration, desk.last_broken_up_at, wanted) for party in scene.parties}
    first = [one.first for one in received.values() if one.first is not None]
    return Seen(
        at=datetime.now(UTC),
        meters={name: _meter(name, status["meters"].get(name, {})) for name in _meters(scene)},
        deliveries={
            name: _delivery(name, party, status["profiles"].get(name, {}), received[party], scene.use_case_of(name))
            for name, party in scene.evaluations.items()
        },
        refused=status["refusals"],
        turned_away={party: one.refusals for party, one in received.items() if one.refusals},
        received={party: sum(one.opened.values()) for party, one in received.items()},
        first_delivery_at=min(first, default=None),
        delivered_after=sum(one.after for one in received.values()),
        desk=desk,
        last_order=int(status.get("last_order", 0)),
        quality_seal=status.get("quality_seal"),
        profiles=len(status["profiles"]) if "gateway" in status else None,
        state=status.get("secure_states", {}).get("state", ""),
        page=status.get("han") or {},
        retention=status.get("retention", {}),
    )


def steps(scene: Scene, now: Seen, before: Seen) -> dict[str, dict[int, int]]:
    """For every configured delivery how often each step was seen since ``before``.

    What leaves once a day (TAF-6) is followed until it is owed.
    """
    observed = {}
    for name, delivery in now.deliveries.items():
        meters = [now.meters[meter] for meter in scene.meters_of(name)]
        earlier = before.deliveries[name]
        observed[name] = {
            1: min(meter.frames for meter in meters),
            2: min(meter.telegrams for meter in meters),
            3: min(meter.readings for meter in meters),
            4: min(meter.stored for meter in meters),
            5: delivery.granted,
            6: delivery.sealed,
            7: delivery.acknowledged - earlier.acknowledged,
            8: delivery.opened - earlier.opened,
            9: delivery.rows - earlier.rows,
        }
        if delivery.use_case == UseCase.TAF_6:
            observed[name] = {step: observed[name][step] for step in (1, 2, 3, 4)}
            observed[name][5] = delivery.owed + delivery.acknowledged
    return observed


def desk_steps(now: Seen, before: Seen) -> dict[str, int]:
    """How often each of the administrator's steps was seen since ``before``, by what both ends of the tunnel say.

    An order counts where the administrator has the gateway's reply and the gateway says that it did so many. Deliveries
    count from the end of the last tunnel on, and none at all if one came before the tunnel with the first profiles.
    """
    desk, earlier = now.desk, before.desk
    came, first = desk.profiles_came_at, now.first_delivery_at
    in_order = came is not None and first is not None and first >= came
    ended = desk.broken_up - earlier.broken_up
    return {
        "woken": desk.wake_ups - earlier.wake_ups if desk.tunnels > earlier.tunnels else 0,
        "tunnel": desk.tunnels - earlier.tunnels,
        "enrolled": int(desk.operating and now.quality_seal is False),
        "orders": desk.confirmed - earlier.confirmed if now.last_order >= desk.last_sequence else 0,
        "ended": ended,
        "delivery": now.delivered_after if in_order and ended else 0,
    }


def _meters(scene: Scene) -> list[str]:
    return [entry["meter"] for entry in scene.plan["meters"]]


def _meter(name: str, told: dict[str, Any]) -> MeterSeen:
    counts = {key: int(told.get(key, 0)) for key in ("frames", "telegrams", "readings", "stored")}
    return MeterSeen(name, **counts, refused=told.get("refused", {}), last_reading_at=told.get("last_reading_at"))


def _delivery(name: str, party: str, told: dict[str, Any], received: _Received, use_case: str) -> DeliverySeen:
    names = ("granted", "owed", "sealed", "acknowledged", "set_aside", "shortest", "longest")
    counts = {key: int(told.get(key, 0)) for key in names}
    return DeliverySeen(
        name,
        party,
        **counts,
        opened=received.opened.get(name, 0),
        rows=received.rows.get(name, 0),
        last_error=told.get("last_error", ""),
        latest=received.latest.get(name),
        use_case=use_case,
        empty=received.empty.get(name, 0),
    )


def _received(configuration: Path, since: datetime | None, wanted: _Wanted = MappingProxyType({})) -> _Received:
    """What lies in a party's database, and how much since a moment; empty before its server has made its tables."""
    engine = database.engine(datacenter_config.load(configuration).database)
    try:
        with engine.connect() as connection:
            return _read(connection, since, wanted)
    except (DatacenterError, sa.exc.SQLAlchemyError):
        return _Received({}, {}, {}, {})
    finally:
        engine.dispose()


def _read(connection: sa.Connection, since: datetime | None, wanted: _Wanted) -> _Received:
    profile, delivery, reading, refusal = schema.profile, schema.delivery, schema.reading, schema.refusal
    opened = sa.select(profile.c.identification, sa.func.count()).join_from(
        delivery, profile, delivery.c.profile_no == profile.c.profile_no
    )
    rows = sa.select(profile.c.identification, sa.func.count(), sa.func.max(reading.c.captured_at)).join_from(
        reading, profile, reading.c.profile_no == profile.c.profile_no
    )
    counted = {name: (count, last) for name, count, last in connection.execute(rows.group_by(profile.c.identification))}
    latest = {}
    for name, (_, last) in counted.items():
        newest = list(queries.readings(connection, queries.Selection(since=datetime.fromtimestamp(last, UTC))))
        own = [stored for stored in newest if stored.profile == name] or [
            each for each in newest if not each.profile and _place(each.signed.reading) in wanted.get(name, ())
        ]
        if own:
            latest[name] = own[0].signed.reading
    first = connection.scalar(sa.select(sa.func.min(delivery.c.received_at)))
    after = sa.select(sa.func.count()).select_from(delivery)
    if since is not None:
        after = after.where(delivery.c.received_at >= int(since.timestamp()))
    return _Received(
        first=None if first is None else datetime.fromtimestamp(first, UTC),
        after=0 if since is None else connection.scalar(after) or 0,
        opened=_counts(connection, opened.group_by(profile.c.identification)),
        empty=_counts(connection, opened.where(delivery.c.readings == 0).group_by(profile.c.identification)),
        rows={name: count for name, (count, _) in counted.items()},
        latest=latest,
        refusals=_counts(
            connection, sa.select(refusal.c.reason, sa.func.sum(refusal.c.times)).group_by(refusal.c.reason)
        ),
    )


def _place(reading: Reading) -> tuple[str, str]:
    return reading.device.text, str(reading.obis)


def _counts(connection: sa.Connection, query: sa.Select[str, int]) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in connection.execute(query)}
