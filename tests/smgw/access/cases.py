"""A party, a meter and a history in memory, of which an access test states only its deviation."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from smgw.access.decision import decide
from smgw.access.grants import Decision, Grant
from smgw.access.history import is_usable
from smgw.metering.tariffs.taf5 import TariffEvent
from tests.wire.profiles.examples import BEGIN, COMMUNICATION, EVALUATION, EXPORTED, IMPORTED, METER_DEVICE
from wire.obis import Obis
from wire.profiles import BillingPeriod, BillingUnit, CommunicationProfile, EvaluationProfile, MeterProfile, UseCase
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

GATEWAY = DeviceId("EABC0012345678")
SECOND_METER = DeviceId("1ISK0087654321")
HOUR = timedelta(hours=1)
SERIES = EVALUATION
SUM = replace(
    EVALUATION,
    id="sum-1",
    use_case=UseCase.TAF_1,
    period_seconds=3600,
    dispatch_seconds=3600,
    billing=BillingPeriod(3600, BillingUnit.SECOND),
)
SUM_OF_TWO = replace(SUM, meters=(METER_DEVICE, SECOND_METER))

__all__ = ["BEGIN", "COMMUNICATION", "EXPORTED", "IMPORTED", "METER_DEVICE"]


def reading(
    captured_at: datetime,
    value: int = 1000,
    *,
    device: DeviceId = METER_DEVICE,
    obis: Obis = IMPORTED,
    scaler: int = 0,
    unit: Unit = Unit.WH,
    status: int = 0,
) -> SignedReading:
    return SignedReading(Reading(device, obis, Register(value, scaler, unit), captured_at, status), bytes(64))


class Memory:
    """The history that the store keeps, as a list in the order of recording."""

    def __init__(self, readings: Iterable[SignedReading] = (), events: Iterable[TariffEvent] = ()) -> None:
        self.readings = list(readings)
        self.happened = list(events)
        self.unstored: list[SignedReading] = []

    def reading_at(self, device: DeviceId, obis: Obis, point: datetime, tolerance: timedelta) -> Reading | None:
        found = [one for one in self._of(device, obis) if point <= one.captured_at <= point + tolerance]
        return found[0] if found else None

    def latest(self, device: DeviceId, obis: Obis) -> Reading | None:
        unstored = [one.reading for one in self.unstored if (one.reading.device, one.reading.obis) == (device, obis)]
        return max((*self._of(device, obis), *unstored), key=lambda one: one.captured_at, default=None)

    def before(self, device: DeviceId, obis: Obis, instant: datetime, *, usable: bool = False) -> Reading | None:
        found = [one for one in self._of(device, obis) if one.captured_at < instant and (is_usable(one) or not usable)]
        return max(found, key=lambda one: one.captured_at, default=None)

    def usable_since(self, device: DeviceId, obis: Obis, instant: datetime) -> Reading | None:
        found = [one for one in self._of(device, obis) if one.captured_at >= instant and is_usable(one)]
        return min(found, key=lambda one: one.captured_at, default=None)

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> list[Reading]:
        found = [one for one in self._of(device, obis) if begin <= one.captured_at <= end]
        return sorted(found, key=lambda one: one.captured_at)

    def events(self, names: Collection[str], until: datetime) -> list[TariffEvent]:
        return sorted(one for one in self.happened if one.name in names and one.at <= until.timestamp())

    def _of(self, device: DeviceId, obis: Obis) -> list[Reading]:
        return [one.reading for one in self.readings if (one.reading.device, one.reading.obis) == (device, obis)]


def decided(
    signed: SignedReading,
    *evaluations: EvaluationProfile,
    communications: tuple[CommunicationProfile, ...] = (COMMUNICATION,),
    history: Memory | None = None,
    meters: Iterable[MeterProfile] = (),
    requests: Mapping[str, datetime] = {},
    recorded: bool = True,
) -> Decision:
    return decide(
        signed,
        evaluations=evaluations,
        communications=communications,
        history=history or Memory(),
        gateway=GATEWAY,
        meters=meters,
        requests=requests,
        recorded=recorded,
    )


def walked(
    signed: Iterable[SignedReading],
    *evaluations: EvaluationProfile,
    history: Memory | None = None,
    meters: Iterable[MeterProfile] = (),
) -> list[Grant]:
    """The stored grants of one reading after another, each recorded before the next is decided."""
    history = history or Memory()
    grants: list[Grant] = []
    for one in signed:
        grants += decided(one, *evaluations, history=history, meters=meters).grants
        history.readings.append(one)
    return grants


def at(text: str) -> datetime:
    """A time of 2026-06-01 as ``12:00:03``."""
    return datetime.fromisoformat(f"2026-06-01T{text}").replace(tzinfo=UTC)
