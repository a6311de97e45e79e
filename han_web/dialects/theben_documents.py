"""What is shown to a consumer, in the members that a CONEXA 3.0 has (interface description IF_GW_CON 1.4).

Decides how our values go into its members, every one of them a string, and which stay empty: certificates are told by
the proof, and a value of a billing period has no signature, as there. Energies keep value and scaler of the meter, the
ones that its signature covers; ``usage-point-info`` tells the scaler.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from han_web.api import documents
from han_web.api.documents import instant
from han_web.api.rendered import json_bytes
from han_web.dialects.collected import Channel
from han_web.dialects.names import CONSUMER_INSTANCE, hexadecimal, logical, status_text, usage_point, use_case_number
from han_web.dialects.theben_asked import Base
from smgw.han.consumer_log import ShownEntry
from smgw.han.shown import Billed, Contract, GatewayStatus, ShownReading, TestResult

TRANSPARENT: Final = frozenset({1, 2, 6, 7})
"""Use cases whose values a bill rests on."""
GOOD_STATE: Final = "a0000000"
BAD_STATE: Final = "a0400000"
"""Words of the gateway, least significant bit first: nothing is wrong; the system time is not valid."""
NO_STATUS: Final = "00000000"


def smgw_info(status: GatewayStatus, at: datetime) -> dict[str, object]:
    """How the gateway is."""
    return {
        "certificates": {"han": {"tls": ""}, "wan": []},
        "firmware-info": {"component": "Firmware", "hash": status.program_sha256, "version": status.version},
        "smgw-id": status.gateway.lower(),
        "smgw-state": GOOD_STATE if status.time_valid else BAD_STATE,
        "smgw-time": instant(int(at.timestamp())),
    }


def user_info(contracts: Iterable[tuple[Contract, Sequence[Billed]]], at: int) -> dict[str, object]:
    """Her contracts with their billing periods, oldest first."""
    return {"usage-points": [_usage_point(contract, billed, at) for contract, billed in contracts]}


def _usage_point(contract: Contract, billed: Sequence[Billed], at: int) -> dict[str, object]:
    state = "running"
    if not contract.since <= at < contract.until:
        state = "ready" if at < contract.since else "archive"
    return {
        "billing-Periods": [
            {"end-time": instant(one.end), "start-time": instant(one.begin)} for one in reversed(billed)
        ],
        "capture-time": "00:00:00",
        "delivery-id": contract.party,
        "end-time": instant(contract.until),
        "meter": [{"meter-id": one.lower()} for one in contract.meters],
        "metering-point-id": "",
        "on-demand-profile-configured": "false",
        "start-time": instant(contract.since),
        "taf-number": str(use_case_number(contract)),
        "taf-state": state,
        "usage-point-id": usage_point(contract),
        "usage-point-name": contract.id,
    }


def profile(contract: Contract) -> bytes:
    """What the gateway signs of a contract: the document that the other interface tells."""
    return json_bytes(documents.contract(contract))


def usage_point_info(
    contract: Contract, bases: Iterable[Base], newest: Sequence[Channel], signed: bytes
) -> dict[str, object]:
    """Which lists a contract has, and scaler and unit of their channels."""
    channels = [
        {
            "obis": hexadecimal(one.register),
            "scaler": str(one.readings[-1].amount.scaler),
            "unit": str(one.readings[-1].amount.unit),
        }
        for one in newest
        if one.readings
    ]
    return {
        "databases": [{"channels": channels, "database": base.value} for base in bases],
        "emts": [f"{contract.party}.sm"],
        "taf-profile": signed.hex(),
        "transparency-bit": "true" if use_case_number(contract) in TRANSPARENT else "false",
        "usage-point-id": usage_point(contract),
        "usage-point-name": contract.id,
    }


def readings(channels: Sequence[Channel]) -> dict[str, object]:
    """Original readings; a register that measured nothing in that time is no channel."""
    shown = [
        {
            # Without the meter, as gateways in use answer; the description has it, and whose it is stands in the owner.
            "obis": hexadecimal(one.register),
            "readings": [_reading(reading) for reading in one.readings],
        }
        for one in channels
        if one.readings
    ]
    return {"channels": shown, "records": str(sum(len(one.readings) for one in channels))}


def _reading(one: ShownReading) -> dict[str, object]:
    gateway, meter = status_text(one.status)
    return {
        "capture-time": instant(one.captured_at),
        "cosem-status": gateway + meter,
        "meter-status": meter,
        "owner-number": f"{one.meter.lower()}.sm",
        "signature": one.signature.hex() or None,
        "smgw-status": gateway,
        "target-time": instant(one.captured_at),
        "value": str(one.amount.value),
    }


def billed_readings(contract: Contract, periods: Sequence[Billed], codes: frozenset[str] | None) -> dict[str, object]:
    """Amounts of billing periods: one channel for each stage, one value for each period."""
    channels: dict[str, list[dict[str, object]]] = {}
    for period in periods:
        for stage in period.stages:
            code = hexadecimal(stage.register)
            if codes is None or code in codes:
                value = _amount(contract, period, stage.amount.value)
                channels.setdefault(code, []).append(value)
    return {
        "channels": [{"obis": code, "readings": values} for code, values in channels.items()],
        "records": str(sum(len(values) for values in channels.values())),
    }


def _amount(contract: Contract, period: Billed, value: int) -> dict[str, object]:
    return {
        "capture-time": instant(period.until),
        "cosem-status": NO_STATUS * 2,
        "meter-status": NO_STATUS,
        "owner-number": f"{contract.id.lower()}.sm",
        "signature": None,
        "smgw-status": NO_STATUS,
        "target-time": instant(period.end),
        "value": str(value),
    }


def log(entries: Sequence[ShownEntry]) -> dict[str, object]:
    """Entries of her log."""
    return {"entries": [_entry(one) for one in entries], "records": str(len(entries))}


def _entry(shown: ShownEntry) -> dict[str, object]:
    entry = shown.entry
    return {
        "event-id": str(entry.event_id),
        "event-sub-id": str(entry.event_sub_id),
        "index": str(entry.record_number),
        "level": str(int(entry.level)),
        "message": shown.text,
        "outcome": str(int(entry.outcome)),
        "record-number": str(entry.record_number),
        "subject-identity": entry.subject,
        "time": instant(int(entry.first_at.timestamp())),
        "user-identity": logical(CONSUMER_INSTANCE, entry.user) if entry.user else "",
        "vendor-id": entry.vendor_id,
        "version": "1",
    }


def self_test(results: Sequence[TestResult]) -> dict[str, object]:
    """How the test came out; her log says it, too."""
    return {
        "result": "ok" if all(one.passed for one in results) else "failed",
        "checks": [{"name": one.name, "passed": "true" if one.passed else "false"} for one in results],
    }
