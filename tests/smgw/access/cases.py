"""A party, a meter and a history in memory, of which an access test states only its deviation."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from smgw.access.decision import decide
from smgw.access.grants import Decision, Grant
from tests.wire.profiles.examples import BEGIN, COMMUNICATION, EVALUATION, EXPORTED, IMPORTED, METER_DEVICE
from wire.obis import Obis
from wire.profiles import BillingPeriod, BillingUnit, CommunicationProfile, EvaluationProfile, UseCase
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

    def __init__(self, readings: Iterable[SignedReading] = ()) -> None:
        self.readings = list(readings)

    def reading_at(self, device: DeviceId, obis: Obis, point: datetime, tolerance: timedelta) -> Reading | None:
        for signed in self.readings:
            found = signed.reading
            if (found.device, found.obis) == (device, obis) and point <= found.captured_at <= point + tolerance:
                return found
        return None


def decided(
    signed: SignedReading,
    *evaluations: EvaluationProfile,
    communications: tuple[CommunicationProfile, ...] = (COMMUNICATION,),
    history: Memory | None = None,
) -> Decision:
    return decide(
        signed,
        evaluations=evaluations,
        communications=communications,
        history=history or Memory(),
        gateway=GATEWAY,
    )


def walked(signed: Iterable[SignedReading], *evaluations: EvaluationProfile) -> list[Grant]:
    """The grants of one reading after another, each recorded before the next is decided."""
    history = Memory()
    grants: list[Grant] = []
    for one in signed:
        grants += decided(one, *evaluations, history=history).grants
        history.readings.append(one)
    return grants


def at(text: str) -> datetime:
    """A time of 2026-06-01 as ``12:00:03``."""
    return datetime.fromisoformat(f"2026-06-01T{text}").replace(tzinfo=UTC)
