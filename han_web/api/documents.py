"""What is shown to a consumer, as JSON documents for her programs (TR-03109-1, consumer).

Decides how each value is written: an energy as an integer with its scaler and unit, and beside them as a decimal number
in a string, so that no program has to compute with binary fractions; an instant as RFC 3339 in UTC; the history as
columns, because 35,040 parts as objects would be mostly names. What was not measured is null or not there, never 0.
The functions are pure: a value in, a document out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from smgw.han.consumer_log import ShownEntry
from smgw.han.shown import (
    UNIT_SYMBOLS,
    Amount,
    Billed,
    Compared,
    Contract,
    GatewayStatus,
    Now,
    Power,
    Prices,
    Series,
    ShownMeter,
    ShownReading,
    Stage,
    TestResult,
    Transmission,
)

Document = dict[str, object]
STATUS_WORD_BYTES: Final = 8


def instant(seconds: int) -> str:
    """UTC seconds as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"


def maybe_instant(seconds: int | None) -> str | None:
    """Nothing stays nothing."""
    return None if seconds is None else instant(seconds)


def decimal(value: int, scaler: int) -> str:
    """``value * 10**scaler`` with as many decimal places as the scaler has, and exactly."""
    if scaler >= 0:
        return str(value * 10**scaler)
    digits = str(abs(value)).rjust(1 - scaler, "0")
    return f"{'-' if value < 0 else ''}{digits[:scaler]}.{digits[scaler:]}"


def amount(one: Amount) -> Document:
    """A value with its unit."""
    return {
        "value": one.value,
        "scaler": one.scaler,
        "unit": one.unit,
        "unit_name": UNIT_SYMBOLS.get(one.unit, ""),
        "decimal": decimal(one.value, one.scaler),
    }


def maybe_amount(one: Amount | None) -> Document | None:
    """Nothing stays nothing: what was not measured is not 0."""
    return None if one is None else amount(one)


def now(shown: Now) -> Document:
    """The live figures; ``fed_in`` is null where nothing of hers can feed in."""
    return {
        "at": instant(shown.at),
        "powers": [_power(one) for one in shown.powers],
        "drawn": [_compared(one) for one in shown.drawn],
        "fed_in": [_compared(one) for one in shown.fed_in] or None,
    }


def meter(shown: ShownMeter) -> Document:
    """A meter of hers."""
    return {
        "meter": shown.meter,
        "registers": list(shown.registers),
        "interval_seconds": shown.interval_seconds,
        "store_seconds": shown.store_seconds,
        "since": instant(shown.since),
        "until": instant(shown.until),
        "last_reading_at": maybe_instant(shown.last_reading_at),
        "answers": shown.answers,
        "refusals": [{"reason": reason, "count": count} for reason, count in shown.refusals],
    }


def series(shown: Series) -> Document:
    """The history in columns: part ``i`` lasts from ``bounds[i]`` to ``bounds[i + 1]`` in UTC seconds."""
    return {
        "meter": shown.meter,
        "register": shown.register,
        "resolution": shown.resolution.value,
        "unit": shown.unit,
        "unit_name": UNIT_SYMBOLS.get(shown.unit, ""),
        "scaler": shown.scaler,
        "bounds": list(shown.bounds),
        "energies": list(shown.energies),
        "doubtful": [place for place, doubtful in enumerate(shown.doubtful) if doubtful],
    }


def reading(shown: ShownReading) -> Document:
    """An original reading with its status word and its inner signature."""
    return {
        "meter": shown.meter,
        "register": shown.register,
        "captured_at": instant(shown.captured_at),
        "amount": amount(shown.amount),
        "status": shown.status.to_bytes(STATUS_WORD_BYTES).hex(),
        "status_ptb": shown.ptb,
        "signature": shown.signature.hex(),
        "verdict": shown.verdict.value,
    }


def contract(shown: Contract) -> Document:
    """An evaluation profile that concerns her."""
    return {
        "contract": shown.id,
        "version": shown.version,
        "party": shown.party,
        "party_name": shown.party_name,
        "use_case": shown.use_case,
        "purpose": shown.purpose,
        "meters": list(shown.meters),
        "others": shown.others,
        "registers": list(shown.registers),
        "subtracted": list(shown.subtracted),
        "period_seconds": shown.period_seconds,
        "dispatch_seconds": shown.dispatch_seconds,
        "billing_count": shown.billing_count,
        "billing_unit": shown.billing_unit,
        "pseudonym": shown.pseudonym,
        "stored": shown.stored,
        "since": instant(shown.since),
        "until": instant(shown.until),
        "rule": shown.rule,
        "stages": [{"stage": number, "register": register} for number, register in shown.stages],
        "switches": [
            {"day": day, "at": [{"minute": minute, "stage": stage} for minute, stage in times]}
            for day, times in shown.switches
        ],
    }


def billed(shown: Billed) -> Document:
    """A billing period; money in millionths of a euro, and none where she entered no price."""
    return {
        "begin": instant(shown.begin),
        "end": instant(shown.end),
        "until": instant(shown.until),
        "stages": [_stage(one) for one in shown.stages],
        "total": amount(shown.total),
        "base_microeuro": shown.base,
        "cost_microeuro": shown.cost,
        "refused": shown.refused,
    }


def prices(shown: Prices) -> Document:
    """What she entered; money in hundredths of a cent."""
    return {
        "contract": shown.contract,
        "since": instant(shown.since),
        "base_per_month": shown.base_per_month,
        "per_kilowatt_hour": [{"stage": stage, "price": price} for stage, price in shown.per_kilowatt_hour],
    }


def transmission(shown: Transmission) -> Document:
    """A delivery: to whom, when, by which contract, of which time."""
    return {
        "contract": shown.contract,
        "party": shown.party,
        "party_name": shown.party_name,
        "sequence": shown.sequence,
        "created_at": instant(shown.created_at),
        "acknowledged_at": maybe_instant(shown.acknowledged_at),
        "set_aside_at": maybe_instant(shown.set_aside_at),
        "reason": shown.reason,
        "values": shown.values,
        "period_begin": maybe_instant(shown.period_begin),
        "period_end": maybe_instant(shown.period_end),
    }


def log_entry(shown: ShownEntry) -> Document:
    """An entry of a log with its text."""
    entry = shown.entry
    return {
        "record_number": entry.record_number,
        "at": instant(int(entry.first_at.timestamp())),
        "event": entry.event.value,
        "event_id": entry.event_id,
        "event_sub_id": entry.event_sub_id,
        "vendor": entry.vendor_id,
        "level": entry.level.name.lower(),
        "outcome": entry.outcome.name.lower(),
        "subject": entry.subject,
        "user": entry.user,
        "text": shown.text,
    }


def status(shown: GatewayStatus) -> Document:
    """How the gateway is."""
    return {
        "gateway": shown.gateway,
        "version": shown.version,
        "program_sha256": shown.program_sha256,
        "started_at": instant(shown.started_at),
        "state": shown.state,
        "conditions": [{"condition": name, "since": instant(since)} for name, since in shown.conditions],
        "time_valid": shown.time_valid,
        "time_compared_at": maybe_instant(shown.time_compared_at),
        "firewall": shown.firewall,
        "certificate_until": instant(shown.certificate_until),
        "quality_seal": shown.quality_seal,
    }


def self_test(results: Sequence[TestResult]) -> Document:
    """What the gateway found out about itself."""
    return {
        "passed": all(one.passed for one in results),
        "checks": [{"name": one.name, "passed": one.passed} for one in results],
    }


def _power(one: Power) -> Document:
    return {
        "meter": one.meter,
        "power": amount(one.amount),
        "at": instant(one.at),
        "averaged_seconds": one.averaged_seconds,
        "drawn": one.drawn,
    }


def _compared(one: Compared) -> Document:
    return {
        "resolution": one.resolution.value,
        "begin": instant(one.begin),
        "energy": maybe_amount(one.energy),
        "before": maybe_amount(one.before),
    }


def _stage(one: Stage) -> Document:
    return {
        "stage": one.number,
        "register": one.register,
        "amount": amount(one.amount),
        "cost_microeuro": one.cost,
    }
