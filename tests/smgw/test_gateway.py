"""The walk, steps 3 to 5, with every refusal on its way."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role
from pki.errors import TokenError, TokenReason
from pki.inner import verify_reading
from pki.token_key import TokenKey
from smgw.access.grants import Decision, RefusalReason
from smgw.gateway import Gateway, WalkReason
from smgw.lmn.errors import LineEvent
from smgw.lmn.telegram import Telegram, Value
from smgw.metering.errors import VerificationReason
from smgw.store.database import Database
from smgw.store.errors import StoreFullError
from smgw.store.logs import Event, SystemLog
from smgw.store.outbox import Outbox
from smgw.store.profiles import ProfileSet
from smgw.store.readings import ReadingStore, Recorded
from testbed.small_pki import NOW, SmallPki
from tests.smgw.store import samples
from wire.profiles import (
    AccessPurpose,
    BillingPeriod,
    BillingUnit,
    CommunicationProfile,
    EvaluationProfile,
    MeterProfile,
    UseCase,
)
from wire.reading import DeviceId, Reading, SignedReading

DAY = timedelta(days=1)
PATIENCE = 60.0
PERIOD = timedelta(seconds=900)
OTHER = DeviceId("1ISK0000000002")
BEGIN, END = NOW - 10 * DAY, NOW + 10 * DAY


def meter_profile(meter: DeviceId = samples.METER) -> MeterProfile:
    return MeterProfile(
        id=f"meter-{meter.text[-1]}", version=1, meter=meter, consumer="house", identity=meter.text[-8:],
        manufacturer="ISK", line="rs485-1", address=meter.text[-1], registers=(samples.IMPORT,), interval_seconds=900,
        store_seconds=900, maximum_power_watts=30_000, valid_from=BEGIN, valid_until=END,
    )  # fmt: skip


def sequence(name: str) -> bytes:
    """Something in DER where this walk never looks inside."""
    return bytes((0x30, 0x81, 200)) + name.encode().ljust(200)


def party(name: str, *purposes: AccessPurpose) -> CommunicationProfile:
    return CommunicationProfile(
        id=name, version=1, party=name, host="localhost", port=443, path="/deliveries", tls_certificate=sequence("TLS"),
        encryption_certificate=sequence(name), purposes=purposes, valid_from=BEGIN, valid_until=END,
    )  # fmt: skip


def evaluation(name: str, to: CommunicationProfile, *meters: DeviceId, use_case: UseCase) -> EvaluationProfile:
    return EvaluationProfile(
        id=name, version=1, use_case=use_case, party=to.id, purpose=AccessPurpose.GRID_OPERATION, meters=meters,
        registers=(samples.IMPORT,), period_seconds=900, dispatch_seconds=900, recipient=to.encryption_fingerprint,
        valid_from=BEGIN, valid_until=END,
        billing=BillingPeriod(900, BillingUnit.SECOND) if use_case is UseCase.TAF_1 else None,
    )  # fmt: skip


def telegram(at: datetime, kilowatt_hours: str, meter: DeviceId = samples.METER, **more: str) -> Telegram:
    data = {"0.0.0": (Value(meter.text[-8:], ""),), "1.8.0": (Value(kilowatt_hours, "kWh"),)}
    data |= {address: (Value(text, ""),) for address, text in more.items()}
    return Telegram("ISK", "MT831", data, at, at)


class House:
    """Two meters, a grid operator, a supplier that gets the sum, and a third party without a profile."""

    def __init__(self, database: Database) -> None:
        pki = SmallPki()
        self.database = database
        self.holder = pki.holder(Role.SMGW, Purpose.SIG, samples.GATEWAY.text)
        self.signer = pki.verified(self.holder, Role.SMGW, Purpose.SIG)
        grid, supplier = party("grid", AccessPurpose.GRID_OPERATION), party("supplier", AccessPurpose.GRID_OPERATION)
        third = party("third", AccessPurpose.GRID_OPERATION)
        series = evaluation("series", grid, samples.METER, use_case=UseCase.TAF_7)
        total = evaluation("total", supplier, samples.METER, OTHER, use_case=UseCase.TAF_1)
        meters = {one.id: one for one in (meter_profile(), meter_profile(OTHER))}
        self.profiles = ProfileSet(
            meters, {one.id: one for one in (series, total)}, {one.id: one for one in (grid, supplier, third)}
        )
        self.log = SystemLog(database)
        self.gateway = self.start(self.holder.key)

    def start(self, key: ec.EllipticCurvePrivateKey, readings: ReadingStore | None = None) -> Gateway:
        store = readings or ReadingStore(self.database)
        return Gateway(samples.GATEWAY, key, store, self.log, self.profiles, clock=lambda: NOW)

    def accept(self, one: Telegram, meter: DeviceId = samples.METER) -> list[Reading]:
        return self.gateway.accept(meter_profile(meter), one)

    def owed(self, profile: str) -> tuple[SignedReading, ...]:
        delivery = Outbox(self.database).open_delivery(profile, NOW)
        return () if delivery is None else delivery.readings

    def meter(self) -> dict[str, Any]:
        found: dict[str, Any] = self.gateway.counters.snapshot()["meters"][samples.METER.text]
        return found

    def logged(self, event: Event) -> list[dict[str, str | int]]:
        return [entry.parameters | {"of": entry.subject} for entry in self.log.entries() if entry.event is event]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = samples.open_database(tmp_path)
    yield House(database)
    database.close()


def test_a_reading_walks_to_its_grant(house: House) -> None:
    (reading,) = house.accept(telegram(NOW, "1234.5"))
    (signed,) = house.owed("series")
    assert verify_reading(signed, house.signer) == reading
    assert house.meter() | {"refused": {}} == {
        "frames": 1, "telegrams": 1, "readings": 1, "stored": 1, "duplicates": 0, "unstored": 0, "refused": {},
        "last_reading_at": "2026-01-15T12:00:00Z",
    }  # fmt: skip


def test_a_sum_over_two_meters_is_signed_and_owed_once(house: House) -> None:
    """TR-03109-1, TAF-1; FCO_NRO.2."""
    for step, (first, second) in enumerate((("10.0", "20.0"), ("10.5", "20.25"))):
        house.accept(telegram(NOW + step * PERIOD, first))
        house.accept(telegram(NOW + step * PERIOD, second, OTHER), OTHER)
    (signed,) = house.owed("total")
    total = verify_reading(signed, house.signer)
    assert (total.device, total.register.exact(), total.captured_at) == (samples.GATEWAY, Decimal(750), NOW + PERIOD)


def test_a_party_without_a_profile_is_refused_and_it_stands_in_the_log(house: House) -> None:
    """FDP_IFC.2/MTR; FAU_GEN.1/SYS: that access was refused."""
    house.accept(telegram(NOW, "1234.5"))
    assert house.gateway.counters.snapshot()["refusals"]["third"] == {RefusalReason.NO_PROFILE: 1}
    assert {"of": "third", "reason": "no-profile", "meter": samples.METER.text, "profile": ""} in house.logged(
        Event.ACCESS_REFUSED
    )
    assert "1234" not in str(house.log.entries())


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (telegram(NOW + PERIOD, "1234.4"), VerificationReason.RUNS_BACKWARDS),
        (telegram(NOW + PERIOD, "1334.5"), VerificationReason.IMPLAUSIBLE_ADVANCE),
        (telegram(NOW - DAY, "1234.5"), VerificationReason.TIME_BACKWARDS),
        (telegram(NOW + 11 * DAY, "1234.5"), VerificationReason.UNKNOWN_METER),
        (telegram(NOW + PERIOD, "1234.5", OTHER), VerificationReason.WRONG_IDENTITY),
        (telegram(NOW + PERIOD, "x"), VerificationReason.MALFORMED_VALUE),
    ],
)
def test_a_telegram_that_is_not_believed(house: House, spoiled: Telegram, reason: VerificationReason) -> None:
    house.accept(telegram(NOW, "1234.5"))
    assert house.accept(spoiled) == []
    assert house.meter()["refused"] == {reason: 1}
    (entry,) = house.logged(Event.READING_REFUSED)
    assert (entry["of"], entry["reason"]) == (samples.METER.text, reason)
    assert len(house.owed("series")) == 1


def test_a_clock_that_never_was_set_is_flagged_not_trusted(house: House) -> None:
    """FPT_STM.1; TR-03109-1, invalid time."""
    for name, profile in house.profiles.meters.items():
        house.profiles.meters[name] = replace(profile, valid_from=datetime(1970, 1, 1, tzinfo=UTC))
    at = datetime(1970, 1, 1, 0, 15, tzinfo=UTC)
    (reading,) = house.gateway.accept(house.profiles.meters["meter-1"], telegram(at, "1.0"))
    assert reading.status & (0x200 << 32)
    (reading,) = house.accept(telegram(NOW, "1.0"))
    assert not reading.status & (0x200 << 32)


def test_while_no_time_is_valid_values_are_recorded_and_flagged(house: House) -> None:
    """TR-03109-1, invalid time: recorded, flagged, and owed all the same."""
    key, store = house.holder.key, ReadingStore(house.database)
    valid = {"now": False}
    house.gateway = Gateway(
        samples.GATEWAY, key, store, house.log, house.profiles, clock=lambda: NOW, clock_valid=lambda _: valid["now"]
    )
    (flagged,) = house.accept(telegram(NOW, "1234.5"))
    valid["now"] = True
    (good,) = house.accept(telegram(NOW + PERIOD, "1234.6"))
    assert [bool(one.status & (0x200 << 32)) for one in (flagged, good)] == [True, False]
    assert len(house.owed("series")) == 2


def test_the_same_telegram_twice_is_one_reading(house: House) -> None:
    house.accept(telegram(NOW, "1234.5"))
    house.accept(telegram(NOW, "1234.5"))
    assert (house.meter()["stored"], house.meter()["duplicates"]) == (1, 1)
    assert len(house.owed("series")) == 1


def test_another_value_for_the_same_second_is_a_conflict(house: House) -> None:
    """PTB-A 50.8, original values."""
    house.accept(telegram(NOW, "1234.5"))
    house.accept(telegram(NOW, "1234.6"))
    assert house.meter()["refused"] == {WalkReason.CONFLICT: 1}


class PulledToken:
    """A token that was pulled out after its key was found."""

    def sign_digest(self, label: str, digest: bytes) -> bytes:
        raise TokenError(TokenReason.LOST, "the token is gone")

    def agree(self, label: str, point: bytes, size: int) -> bytes:
        raise TokenError(TokenReason.LOST, "the token is gone")


def test_a_token_that_is_lost_stores_nothing_unsigned(house: House) -> None:
    """PTB-A 50.8, inner signature: no value without it."""
    house.gateway = house.start(TokenKey(PulledToken(), "SIG", house.holder.key.public_key()))
    assert house.accept(telegram(NOW, "1234.5")) == []
    assert house.meter()["refused"] == {WalkReason.SECURITY_MODULE: 1}
    assert ReadingStore(house.database).count() == 0


class FullStore(ReadingStore):
    def record(self, reading: SignedReading, decision: Decision) -> Recorded:
        raise StoreFullError("no room")


def test_a_full_disk_is_told_and_the_line_goes_on(house: House) -> None:
    house.gateway = house.start(house.holder.key, FullStore(house.database))
    assert house.accept(telegram(NOW, "1234.5")) == []
    assert house.meter()["refused"] == {WalkReason.STORE: 1}
    assert house.logged(Event.STORE_FAILED)[0]["cause"] == "FULL"


def test_a_log_that_takes_nothing_stops_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreFullError("no room")

    monkeypatch.setattr(house.log, "record", full)
    house.gateway.report(LineEvent.METER_STATE, samples.METER.text, reason="silent")
    assert house.meter()["refused"] == {"silent": 1, "not-logged": 1}


def test_what_lines_report(house: House) -> None:
    house.gateway.report(LineEvent.LINE_STATE, "rs485-1", state="open")
    house.gateway.report(LineEvent.METER_STATE, samples.METER.text, reason="silent")
    house.gateway.report(LineEvent.METER_STATE, samples.METER.text, reason="answers-again")
    house.gateway.report(LineEvent.TELEGRAM_REFUSED, samples.METER.text, reason="grammar")
    assert house.gateway.counters.snapshot()["lines"] == {"rs485-1": "open"}
    assert (house.meter()["refused"], house.meter()["frames"]) == ({"silent": 1, "grammar": 1}, 1)
    assert [entry.outcome.name for entry in house.log.entries()] == ["SUCCESS", "FAILURE", "SUCCESS", "FAILURE"]


def test_a_change_of_profiles_waits_for_a_decision_and_nothing_is_granted_after_it(house: House) -> None:
    """A reading that is decided while its profile is withdrawn is granted before it or not at all."""
    deciding, decided = threading.Event(), threading.Event()
    record = house.gateway._readings.record
    order: list[str] = []

    def slow(reading: SignedReading, decision: Decision) -> Recorded:
        deciding.set()
        decided.wait(PATIENCE)
        order.append("recorded")
        return record(reading, decision)

    house.gateway._readings.record = slow  # type: ignore[method-assign]
    line = threading.Thread(target=lambda: house.accept(telegram(NOW, "100.0")))
    line.start()
    assert deciding.wait(PATIENCE)

    def change() -> ProfileSet:
        order.append("changed")
        return ProfileSet(house.gateway.profiles.meters)

    changing = threading.Thread(target=lambda: house.gateway.change_profiles(change))
    changing.start()
    assert order == []
    decided.set()
    for thread in (line, changing):
        thread.join(PATIENCE)
    assert order == ["recorded", "changed"]
    house.accept(telegram(NOW + PERIOD, "100.1"))
    assert Outbox(house.database).balance("series").owed == 1
    assert house.gateway.profiles.evaluations == {}


def test_a_change_that_fails_leaves_the_profiles(house: House) -> None:
    before = house.gateway.profiles

    def fail() -> ProfileSet:
        raise StoreFullError("no room")

    with pytest.raises(StoreFullError):
        house.gateway.change_profiles(fail)
    assert house.gateway.profiles is before
