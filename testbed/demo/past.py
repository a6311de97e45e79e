"""The past of the demonstration's house: readings of a time before the demonstration, so that there is history to see.

Decides what is simulated about it, and that nothing else is. **Nobody measured this past**: it is what the simulated
meters would have shown, and their registers go on from there. The readings are signed by the gateway's own key in its
security module and verified as any others; that their signers' certificates held then is the doing of the
demonstration's SM-PKI, which dates everything back that it issues (``backdated_days``). What the past consists of is
laid into the gateway's store from outside, once it has keys of its own: nothing of it was ever granted, so nothing of
it is owed to anybody.
"""

import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose
from pki.inner import sign_reading
from smgw.composition import open_store
from smgw.config import Configuration
from smgw.keys.cabinet import label_of
from smgw.keys.state import read_state
from smgw.metering.status import status_word
from smgw.metering.tariffs.calendar import QUARTER_HOUR, day_of, midnight
from smgw.store.database import Database
from smgw.store.profiles import ProfileStore
from smgw.store.rows import columns_of, from_seconds, to_seconds
from smgw.store.schema import profiles, readings
from testbed.demo.drafts import REGISTER
from testbed.meter.device import Device
from testbed.meter.load import Load
from testbed.meter.settings import parse_line
from wire.obis import Obis
from wire.profiles import MeterProfile, profile_from_mapping
from wire.reading import DeviceId, Reading, Register, Unit

MARGIN_DAYS: Final = 2
"""By how much earlier than the past the certificates of its signer begin."""
BATCH: Final = 500
"""Readings in one transaction: the gateway never waits long for the write lock."""
EVIDENCE: Final = b"simulated past of a demonstration: nobody ordered this profile"
"""What stands with a profile in place of the administrator's signature."""
_GOOD: Final = status_word(clock_valid=True, meter_error=None)
_OBIS: Final = Obis.parse(REGISTER)


@dataclass(frozen=True, slots=True)
class Past:
    """How far back the readings of which meters go."""

    meters: tuple[str, ...]
    days: int
    """One reading at each local midnight."""
    quarter_hour_days: int
    """The last of these days: one reading at each quarter of an hour."""

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> "Past | None":
        """``[past]`` of a plan; None where it has none."""
        table = plan.get("past")
        if table is None:
            return None
        return cls(tuple(table["meters"]), int(table["days"]), int(table["quarter_hour_days"]))

    @property
    def backdated_days(self) -> int:
        """When the certificates of the demonstration begin, in days before they are issued."""
        return self.days + MARGIN_DAYS

    def instants(self, now: datetime) -> list[int]:
        """When something was read, oldest first (UTC seconds); the last is the quarter of an hour before ``now``."""
        today = day_of(to_seconds(now))
        fine = midnight(today - timedelta(days=self.quarter_hour_days))
        coarse = (midnight(today - timedelta(days=back)) for back in range(self.days, self.quarter_hour_days, -1))
        return [*coarse, *range(fine, to_seconds(now), QUARTER_HOUR)]


@dataclass(frozen=True, slots=True)
class Life:
    """What one meter lived through: who was measured by it, and what went through it."""

    profile: MeterProfile
    load: Load


def lives(past: Past, drafts: Path, lines: Path, now: datetime) -> list[Life]:
    """The meters of ``past`` as their simulators and the drafts of their profiles say."""
    loads: dict[str, Load] = {}
    for file in lines.glob("*.toml"):
        settings = parse_line(file.read_text("utf-8"))
        loads |= {one.serial: Device(one, lambda: now).load for one in settings.meters}
    found = []
    for file in sorted(drafts.glob("meter-*.toml")):
        draft = tomllib.loads(file.read_text("utf-8"))
        if draft["meter"] not in past.meters:
            continue
        then = {
            "version": 1,
            "id": f"{draft['id']}-past",
            "interval": "15 min",
            "store": "15 min",
            "registers": [REGISTER],
            "valid_from": now - timedelta(days=past.backdated_days - 1),
            "valid_until": now,
        }
        profile = profile_from_mapping(draft | then)
        if isinstance(profile, MeterProfile):
            found.append(Life(profile, loads[draft["identity"]]))
    return found


def lay(
    database: Database, key: ec.EllipticCurvePrivateKey, gateway: DeviceId, some: Sequence[Life], instants: list[int]
) -> int:
    """Lay the readings of ``some`` into the store; gives how many there are. What lies there already is left alone.

    Raises StoreError, TokenError.
    """
    held, laid = ProfileStore(database).load().meters, 0
    for life in some:
        if life.profile.id in held:
            continue
        for begin in range(0, len(instants), BATCH):
            rows = [
                columns_of(sign_reading(_reading(life, at), gateway, key)) for at in instants[begin : begin + BATCH]
            ]
            # Daily values are not noted (smgw/store/daily_values.py): who asks for them would be given the past.
            with database.write() as connection:
                connection.execute(sa.insert(readings).prefix_with("OR IGNORE"), rows)
            laid += len(rows)
        # Last: without it the readings are begun anew. Whom the logs concern now is not changed by it.
        with database.write() as connection:
            connection.execute(sa.insert(profiles).values(_row(life.profile)))
    return laid


def write(past: Past, gateway_configuration: Path, drafts: Path, lines: Path) -> int:
    """Give the gateway of the demonstration its past; it may run meanwhile. Gives how many readings were laid down.

    Raises TokenError, StoreError, CertificateError.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    configuration = Configuration.load(gateway_configuration)
    with open_store(configuration, time.monotonic) as (token, database):
        generation = read_state(configuration.trust.certificates).generation
        key = token.key(label_of(Purpose.SIG, generation))
        some = lives(past, drafts, lines, now)
        return lay(database, key, configuration.gateway, some, past.instants(now))


def _row(profile: MeterProfile) -> dict[str, Any]:
    """As it would lie there had it been ordered when it began."""
    place = {"kind": profile.KIND, "id": profile.id, "version": profile.version}
    return place | {
        "content": profile.to_bytes(),
        "document": EVIDENCE,
        "imported_at": to_seconds(profile.valid_from),
        "order_sequence": None,
    }


def _reading(life: Life, at: int) -> Reading:
    captured_at = from_seconds(at)
    register = Register(life.load.at(captured_at).total, 0, Unit.WH)
    return Reading(life.profile.meter, _OBIS, register, captured_at, _GOOD)
