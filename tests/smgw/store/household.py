"""Two consumers with a meter each, and a third who moves in where the first moved out: their profiles and readings."""

from dataclasses import replace
from datetime import datetime, timedelta

from smgw.store.database import Database
from smgw.store.outbox import Outbox
from smgw.store.profiles import ProfileStore
from smgw.store.readings import ReadingStore
from tests.smgw.store.aged import day
from tests.smgw.store.samples import IMPORT, METER, START, decision, grant, reading
from tests.wire.profiles.examples import EVALUATION
from tests.wire.profiles.examples import METER as METER_PROFILE
from wire.profiles import EvaluationProfile, MeterProfile, Profile
from wire.reading import DeviceId, SignedReading

OTHER = DeviceId("1ISK0011111111")
NEVER = START + timedelta(days=3650)

ANNA = replace(
    METER_PROFILE,
    id="m-1",
    meter=METER,
    consumer="anna-mueller",
    registers=(IMPORT,),
    valid_from=START,
    valid_until=NEVER,
)
BERT = replace(ANNA, id="m-bert", meter=OTHER, consumer="bert")
CLARA = replace(ANNA, id="m-3", consumer="clara", valid_from=day(10))
SERIES = replace(EVALUATION, id="grid-1", meters=(METER,), registers=(IMPORT,), valid_from=START, valid_until=NEVER)


class Household:
    """One store; every method says what happens."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.profiles, self.readings = ProfileStore(database), ReadingStore(database)

    def install(self, *profiles: Profile, at: datetime = START) -> None:
        for profile in profiles:
            self.profiles.put(profile, document=b"signed", at=at)

    def withdraw(self, profile: MeterProfile | EvaluationProfile, at: datetime) -> None:
        with self.database.write() as connection:  # what an order would be evidence for
            connection.exec_driver_sql(
                "INSERT INTO withdrawals (kind, id, version, at) VALUES (?, ?, ?, ?)",
                (profile.KIND, profile.id, profile.version, int(at.timestamp())),
            )

    def measure(self, meter: DeviceId, first: int, last: int, profile: str = "grid-1") -> None:
        """One granted reading for each day from ``first`` to ``last``."""
        for number in range(first * 96, (last + 1) * 96, 96):
            one = signed(number, meter)
            given = replace(grant(number, profile=profile, readings=(one,)), key=f"{meter} {number}")
            self.readings.record(one, decision(given))

    def deliver(self, profile: str = "grid-1") -> None:
        outbox = Outbox(self.database)
        while (delivery := outbox.open_delivery(profile, START)) is not None:
            outbox.acknowledge(profile, delivery.sequence, START)

    def days_of(self, meter: DeviceId) -> list[int]:
        """On which days there are readings of ``meter``."""
        with self.database.read() as connection:
            found = connection.exec_driver_sql(
                "SELECT captured_at FROM readings WHERE device = ? ORDER BY captured_at", (meter.text,)
            ).scalars()
            return [(second - int(START.timestamp())) // 86400 for second in found]


def signed(number: int, meter: DeviceId) -> SignedReading:
    """The reading with a value that looks like nothing else."""
    return reading(number, value=(0x5A5A_0000 << 32) + number * 2 + (meter == METER), meter=meter)
