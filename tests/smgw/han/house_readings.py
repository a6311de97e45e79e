"""What the meters of the house said since November 2024: made at once, with real inner signatures.

A register is a function of its meter and the time, so that any test can say what stands there without asking.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from smgw.metering.status import GatewayStatus, combined
from smgw.metering.tariffs.calendar import midnight
from tests.smgw.store.samples import GATEWAY
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

NOW = datetime(2026, 10, 29, 12, 7, tzinfo=UTC)
FIRST, SECOND, FLAT = (DeviceId(f"1ISK000047110{number}") for number in range(3))
IMPORT, EXPORT, POWER = (Obis.parse(code) for code in ("1-0:1.8.0*255", "1-0:2.8.0*255", "1-0:1.7.0*255"))
LISTS = ((FIRST, IMPORT, -1), (FIRST, EXPORT, -1), (SECOND, IMPORT, 0), (FLAT, IMPORT, -1))
"""Every register of which readings are stored, with its scaler."""

DAYS_SINCE, HOURS_SINCE, QUARTERS_SINCE = date(2024, 11, 1), date(2026, 9, 1), date(2026, 10, 19)
"""From when on there is one reading a day, an hour, and a quarter of an hour."""
RENEWED = datetime(2024, 11, 20, tzinfo=UTC)
"""What was signed before was signed with a key whose certificate nobody holds."""

GOOD = combined(GatewayStatus(0))
WARNED = combined(GatewayStatus.PTB_WARNING)
CRITICAL = combined(GatewayStatus.MANIPULATION)
BAD = {midnight(date(2026, 10, 22)) + hour * 3600: status for hour, status in ((9, WARNED), (15, CRITICAL))}
"""Status words of the first meter."""
GAP = range(midnight(date(2026, 10, 23)) + 3600, midnight(date(2026, 10, 23)) + 4 * 3600)
"""When nobody read the first meter."""
ALTERED = midnight(date(2026, 10, 24)) + 12 * 3600
"""When a reading of the first meter's import was captured whose value somebody altered afterwards."""
LATE = 3
"""Seconds that every fiftieth reading comes late."""

_HOURS = 672
_SUN = (0, 0, 0, 0, 0, 0, 1, 4, 9, 14, 18, 20, 20, 19, 16, 12, 7, 3, 1, 0, 0, 0, 0, 0)
_ORDER = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7
"""Of brainpoolP256r1 (RFC 5639)."""


def watts(meter: DeviceId, obis: Obis, hour: int) -> int:
    """The mean power of an hour, counted from 1970 and alike every four weeks."""
    drawn = random.Random(f"{meter}{obis}{hour % _HOURS}").randrange(40, 160)
    clock = (hour + 1) % 24
    if obis == EXPORT:
        return drawn * _SUN[clock]
    return drawn * (2 if clock < 6 else 9 if 17 <= clock < 21 else 4)


def _prefix(meter: DeviceId, obis: Obis) -> list[int]:
    sums = [0]
    for hour in range(_HOURS):
        sums.append(sums[-1] + watts(meter, obis, hour))
    return sums


_SUMS = {(meter, obis): _prefix(meter, obis) for meter, obis, _ in LISTS}


def milliwatt_hours(meter: DeviceId, obis: Obis, at: int) -> int:
    """What went through the meter from 1970 up to ``at``."""
    sums = _SUMS[meter, obis]
    hours, seconds = divmod(at, 3600)
    blocks, hour = divmod(hours, _HOURS)
    whole = blocks * sums[-1] + sums[hour]
    return whole * 1000 + (sums[hour + 1] - sums[hour]) * seconds * 1000 // 3600


def shown(meter: DeviceId, obis: Obis, scaler: int, at: int) -> int:
    """What its register shows at ``at``, in units of 10^``scaler`` Wh; it was new at the beginning of 2024."""
    began = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    passed = milliwatt_hours(meter, obis, at) - milliwatt_hours(meter, obis, began)
    return passed // int(10 ** (3 + scaler))


def instants() -> Iterator[int]:
    """When readings are stored."""
    day = DAYS_SINCE
    while day < HOURS_SINCE:
        yield midnight(day)
        day += timedelta(days=1)
    yield from range(midnight(HOURS_SINCE), midnight(QUARTERS_SINCE), 3600)
    yield from range(midnight(QUARTERS_SINCE), int(NOW.timestamp()), 900)


class Signer:
    """Signs as the gateway's token would, thousands in a moment: one nonce for all, which gives the key away.

    So the key is one that nobody believes outside of tests. The signatures themselves are as good as any.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        nonce = ec.derive_private_key(0x5EED_0F_A_7E57, ec.BrainpoolP256R1())
        self.r = nonce.public_key().public_numbers().x % _ORDER
        self.inverse = pow(nonce.private_numbers().private_value, -1, _ORDER)
        self.product = self.r * key.private_numbers().private_value

    def sign(self, reading: Reading) -> SignedReading:
        digest = int.from_bytes(hashlib.sha256(reading.signed_bytes(GATEWAY)).digest(), "big")
        s = self.inverse * (digest + self.product) % _ORDER
        return SignedReading(reading, self.r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def readings(key: ec.EllipticCurvePrivateKey, former: ec.EllipticCurvePrivateKey) -> Iterator[SignedReading]:
    """Everything that was recorded, oldest first; ``former`` signed before the gateway's keys were renewed."""
    signers = {True: Signer(key), False: Signer(former)}
    for number, at in enumerate(instants()):
        captured = at + (LATE if number % 50 == 7 else 0)
        for meter, obis, scaler in LISTS:
            if meter == FIRST and captured in GAP:
                continue
            register = Register(shown(meter, obis, scaler, at), scaler, Unit.WH)
            status = BAD.get(captured, GOOD) if meter == FIRST else GOOD
            reading = Reading(meter, obis, register, datetime.fromtimestamp(captured, UTC), status)
            signed = signers[reading.captured_at >= RENEWED].sign(reading)
            if (meter, obis, captured) == (FIRST, IMPORT, ALTERED):
                signed = signers[True].sign(Reading(meter, obis, Register(1, scaler, Unit.WH), reading.captured_at))
                signed = SignedReading(reading, signed.signature)
            yield signed
