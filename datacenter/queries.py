"""Reading rows back: selections, series and what is missing in them.

Decides what a selection means and in which order rows come: by gateway, device, quantity, series and time, streamed, so
that memory does not grow with the answer. Rows that come from here are *stored*, not verified: ``export`` does that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from datacenter import schema
from datacenter.readings import unsigned_status
from datacenter.sequence import Gap, infer_raster, missing_numbers, missing_points
from wire.obis import Obis
from wire.profiles import UseCase
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit, UnsignedReading

_BATCH = 2_000
_SAMPLE = 1_000
"""Readings of a series that are looked at to infer its raster."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which readings: all where None; ``since`` included, ``until`` excluded."""

    gateway: str | None = None
    device: str | None = None
    obis: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A row as it lies in the table; its inner signature, if it has one, was not looked at.

    ``profile`` is the evaluation profile that a derived value belongs to; "" for a measured one, which belongs to its
    meter.
    """

    gateway: DeviceId
    signed: SignedReading | UnsignedReading
    profile: str = ""


@dataclass(frozen=True, slots=True)
class SequenceGap:
    """Deliveries that never came: sequence numbers of one profile of one gateway."""

    gateway: str
    profile: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class RasterGap:
    """Points of a series without a reading; ``inferred`` if nobody configured the raster."""

    gateway: str
    device: str
    obis: str
    raster_seconds: int
    inferred: bool
    gap: Gap


def readings(connection: sa.Connection, selection: Selection) -> Iterator[StoredReading]:
    """The selected rows, streamed."""
    gateways, devices, codes = (_names(connection, table) for table in (schema.gateway, schema.device, schema.obis))
    profiles = {schema.MEASURED: ""} | {number: profile for number, _, profile, _ in _profiles(connection, None)}
    table = schema.reading
    query = sa.select(table).order_by(*table.primary_key.columns)
    for column, names, wanted in (
        (table.c.gateway_no, gateways, selection.gateway),
        (table.c.device_no, devices, selection.device),
        (table.c.obis_no, codes, selection.obis),
    ):
        if wanted is not None:
            query = query.where(column.in_([number for number, name in names.items() if name == wanted]))
    if selection.since is not None:
        query = query.where(table.c.captured_at >= int(selection.since.timestamp()))
    if selection.until is not None:
        query = query.where(table.c.captured_at < int(selection.until.timestamp()))
    if selection.limit is not None:
        query = query.limit(selection.limit)
    for row in connection.execute(query.execution_options(yield_per=_BATCH)):
        reading = Reading(
            DeviceId(devices[row.device_no]),
            Obis.parse(codes[row.obis_no]),
            Register(row.value, row.scaler, Unit(row.unit)),
            datetime.fromtimestamp(row.captured_at, UTC),
            unsigned_status(row.status),
        )
        signature = bytes(row.signature)
        signed = SignedReading(reading, signature) if signature else UnsignedReading(reading)
        yield StoredReading(DeviceId(gateways[row.gateway_no]), signed, profiles[row.series])


def sequence_gaps(connection: sa.Connection, gateway: str | None = None) -> Iterator[SequenceGap]:
    """Missing sequence numbers of every profile, up to the highest that came."""
    delivery = schema.delivery
    for profile_no, owner, profile, _ in _profiles(connection, gateway):
        query = sa.select(delivery.c.sequence).where(delivery.c.profile_no == profile_no).order_by(delivery.c.sequence)
        seen = connection.execute(query.execution_options(yield_per=_BATCH)).scalars()
        for gap in missing_numbers(seen):
            yield SequenceGap(owner, profile, gap)


def raster_gaps(connection: sa.Connection, rasters: dict[str, int], gateway: str | None = None) -> Iterator[RasterGap]:
    """Missing points of every TAF-7 series, between its first and its last reading.

    ``rasters`` has the agreed seconds by profile; a series whose profile is not in it is judged by its usual step.
    """
    table = schema.reading
    profiles = {
        number: (owner, rasters.get(profile))
        for number, owner, profile, use_case in _profiles(connection, gateway)
        if use_case == UseCase.TAF_7.value
    }
    devices, codes = _names(connection, schema.device), _names(connection, schema.obis)
    key = (table.c.gateway_no, table.c.device_no, table.c.obis_no, table.c.series)
    series = connection.execute(
        sa.select(*key, sa.func.min(table.c.profile_no)).where(table.c.profile_no.in_(profiles)).group_by(*key)
    ).all()
    for *place, profile_no in series:
        _, device_no, obis_no, _ = place
        owner, agreed = profiles[profile_no]
        here = [column == number for column, number in zip(key, place, strict=True)]
        query = sa.select(table.c.captured_at).where(*here).order_by(table.c.captured_at)
        raster = agreed or infer_raster(connection.execute(query.limit(_SAMPLE)).scalars().all())
        if raster is None:
            continue
        captured = connection.execute(query.execution_options(yield_per=_BATCH)).scalars()
        for gap in missing_points(captured, raster):
            yield RasterGap(owner, devices[device_no], codes[obis_no], raster, agreed is None, gap)


def deliveries(connection: sa.Connection) -> dict[str, tuple[int, int]]:
    """How many deliveries came from each gateway, and when the last one did (epoch seconds)."""
    profile, delivery, gateway = schema.profile, schema.delivery, schema.gateway
    query = (
        sa.select(gateway.c.identification, sa.func.count(), sa.func.max(delivery.c.received_at))
        .join_from(delivery, profile, delivery.c.profile_no == profile.c.profile_no)
        .join(gateway, gateway.c.gateway_no == profile.c.gateway_no)
        .group_by(gateway.c.identification)
    )
    return {name: (count, last) for name, count, last in connection.execute(query)}


def _profiles(connection: sa.Connection, gateway: str | None) -> list[tuple[int, str, str, str]]:
    profile, owner = schema.profile, schema.gateway
    query = (
        sa.select(profile.c.profile_no, owner.c.identification, profile.c.identification, profile.c.use_case)
        .join_from(profile, owner, profile.c.gateway_no == owner.c.gateway_no)
        .order_by(owner.c.identification, profile.c.identification)
    )
    if gateway is not None:
        query = query.where(owner.c.identification == gateway)
    return [tuple(row) for row in connection.execute(query)]


def _names(connection: sa.Connection, table: sa.Table) -> dict[int, str]:
    number, name = table.c[0], table.c[1]
    return {row[0]: row[1] for row in connection.execute(sa.select(number, name))}
