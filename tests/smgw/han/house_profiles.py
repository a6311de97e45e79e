"""The profiles of the house: who is measured by what, and who gets which value of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role
from testbed.small_pki import SmallPki
from tests.smgw.han.house_readings import EXPORT, FIRST, FLAT, IMPORT, POWER, SECOND
from wire.profiles import (
    AccessPurpose,
    AccountProfile,
    AccountRole,
    BillingPeriod,
    BillingUnit,
    CommunicationProfile,
    DayProfile,
    EvaluationProfile,
    MeterProfile,
    Profile,
    SpecialDay,
    TariffCalendar,
    TariffStage,
    TariffSwitch,
    TimeStages,
    UseCase,
    derived_register,
)
from wire.reading import DeviceId

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
MOVED = datetime(2025, 3, 31, 22, tzinfo=UTC)
"""From when on the second meter measures "house" and no longer "attic": 1 April 2025, legal time."""
END = datetime(2034, 1, 1, tzinfo=UTC)
MONTH = BillingPeriod(1, BillingUnit.MONTH)
PARTIES = {
    "grid": ("Netz Nord", AccessPurpose.GRID_OPERATION),
    "supplier": ("Strom Sued", AccessPurpose.BILLING),
    "service": ("Dienst West", AccessPurpose.VALUE_ADDED),
}
NIGHT, DAY = 1, 2


def every(pki: SmallPki) -> Iterator[tuple[Profile, datetime]]:
    """Each profile and when it was brought; what others refer to comes first."""
    fingerprints = {}
    for name, (party, purpose) in PARTIES.items():
        tls, enc = (pki.holder(Role.EMT, purpose, party.split()[0]) for purpose in (Purpose.TLS, Purpose.ENC))
        one = CommunicationProfile(
            id=name,
            version=1,
            party=party,
            host=f"{name}.example",
            port=8443,
            path="/deliveries",
            tls_certificate=tls.certificate.public_bytes(Encoding.DER),
            encryption_certificate=enc.certificate.public_bytes(Encoding.DER),
            purposes=(purpose,),
            valid_from=BEGIN,
            valid_until=END,
        )
        fingerprints[name] = one.encryption_fingerprint
        yield one, BEGIN
    yield _meter("meter-attic", SECOND, "attic", (IMPORT,), BEGIN, MOVED), BEGIN
    yield _meter("meter-house-1", FIRST, "house", (IMPORT, EXPORT, POWER), BEGIN, END, interval=60), BEGIN
    yield _meter("meter-house-2", SECOND, "house", (IMPORT,), MOVED, END), datetime(2025, 3, 20, tzinfo=UTC)
    yield _meter("meter-flat", FLAT, "flat", (IMPORT,), BEGIN, END), BEGIN

    def evaluation(name: str, use_case: UseCase, party: str, *meters: DeviceId, **members: Any) -> EvaluationProfile:
        values: dict[str, Any] = {
            "registers": (IMPORT,),
            "period_seconds": 900,
            "dispatch_seconds": 86400,
            "valid_from": BEGIN,
            "valid_until": END,
            "purpose": PARTIES[party][1],
        }
        return EvaluationProfile(
            id=name,
            version=1,
            use_case=use_case,
            party=party,
            meters=meters,
            recipient=fingerprints[party],
            **{**values, **members},
        )

    yield evaluation("house-series", UseCase.TAF_7, "grid", FIRST, registers=(IMPORT, EXPORT)), BEGIN
    yield evaluation("flat-series", UseCase.TAF_7, "grid", FLAT), BEGIN
    yield evaluation("house-sum", UseCase.TAF_1, "supplier", FIRST, SECOND, billing=MONTH), MOVED
    yield evaluation("house-stages", UseCase.TAF_2, "supplier", FIRST, billing=MONTH, rule=_stages()), BEGIN
    yield evaluation("shared-sum", UseCase.TAF_1, "supplier", SECOND, FLAT, billing=MONTH), MOVED
    live = {"registers": (POWER,), "period_seconds": 60, "dispatch_seconds": 300}
    yield evaluation("house-live", UseCase.TAF_14, "service", FIRST, **live), BEGIN
    alias = DeviceId("EPSN0000000001")
    yield evaluation("house-pseudonym", UseCase.TAF_7, "service", FIRST, pseudonym=alias), BEGIN


def account(name: str, consumer: str | None, pinned: str = "") -> AccountProfile:
    """Who comes in as ``name``; what its verifier opens to is put into the store beside it."""
    return AccountProfile(
        id=f"account-{name}",
        version=1,
        name=name,
        role=AccountRole.TECHNICIAN if consumer is None else AccountRole.CONSUMER,
        consumer=consumer,
        fingerprints=(pinned,) if pinned else (),
        verifier=b"\x30\x82\x01\x00" + bytes(256),
        valid_from=BEGIN,
        valid_until=END,
    )


def _meter(  # noqa: PLR0917 - the columns of a small table
    name: str,
    meter: DeviceId,
    consumer: str,
    registers: tuple[object, ...],
    begin: datetime,
    end: datetime,
    *,
    interval: int = 900,
) -> MeterProfile:
    return MeterProfile(
        id=name,
        version=1,
        meter=meter,
        consumer=consumer,
        identity=meter.text[6:],
        manufacturer="ISk",
        line="rs485-1",
        address="",
        registers=registers,  # type: ignore[arg-type]  # of the meter
        interval_seconds=interval,
        store_seconds=900,
        maximum_power_watts=30_000,
        valid_from=begin,
        valid_until=end,
    )


def _stages() -> TimeStages:
    """Cheap at night, on Sundays and on Christmas Day."""
    stages = tuple(TariffStage(number, derived_register(IMPORT, number)) for number in (NIGHT, DAY))
    week = DayProfile(1, (TariffSwitch(0, NIGHT), TariffSwitch(360, DAY), TariffSwitch(1320, NIGHT)))
    calendar = TariffCalendar(
        (week, DayProfile(2, (TariffSwitch(0, NIGHT),))),
        (1, 1, 1, 1, 1, 1, 2),
        (SpecialDay(datetime(2026, 12, 25, tzinfo=UTC).date(), 2),),
    )
    return TimeStages(stages, calendar)
