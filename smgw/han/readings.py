"""The list of original readings, each with its status and the check of its inner signature (PTB-A 50.8, display).

Decides that what is shown is what was stored and nothing else: no value is rounded, converted or left out, a bad one
stands among the others and says so.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from pki.certificates import VerifiedCertificate
from smgw.han.hers import HerMeter
from smgw.han.shown import Amount, ShownReading
from smgw.han.signers import judge
from smgw.metering.status import ptb_status
from smgw.store.rows import signed_reading, to_seconds
from smgw.store.schema import readings
from wire.obis import Obis
from wire.reading import SignedReading

MAXIMUM_READINGS: Final = 4000
"""In one answer, whatever is asked for: checking so many signatures takes about a second."""


def newest(
    connection: sa.Connection, meters: Sequence[HerMeter], register: Obis, period: tuple[int, int], limit: int
) -> list[SignedReading]:
    """The newest readings with ``begin <= captured_at < end``, newest first; all of ``meters`` are one device."""
    begin, end = period
    found: list[SignedReading] = []
    for meter in sorted(meters, key=lambda one: one.measured.span.begin, reverse=True):
        low, high = meter.clip(begin, end - 1)
        query = (
            sa.select(readings)
            .where(readings.c.device == meter.device, readings.c.obis == register.to_bytes())
            .where(readings.c.captured_at.between(low, high))
            .order_by(readings.c.captured_at.desc())
            .limit(max(0, min(limit, MAXIMUM_READINGS) - len(found)))
        )
        found += [signed_reading(row) for row in connection.execute(query)]
    return found


def shown(signed: SignedReading, held: Sequence[VerifiedCertificate]) -> ShownReading:
    """``signed`` as it is shown; ``held`` are the certificates that may stand behind it."""
    reading = signed.reading
    return ShownReading(
        meter=reading.device.text,
        register=str(reading.obis),
        captured_at=to_seconds(reading.captured_at),
        amount=Amount(reading.register.value, reading.register.scaler, int(reading.register.unit)),
        status=reading.status,
        ptb=int(ptb_status(reading.status)),
        signature=signed.signature,
        verdict=judge(signed, held),
    )
