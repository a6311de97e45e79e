"""Profiles as people write them: a TOML table, already read into a mapping, becomes a profile.

Decides which spellings are convenient and still exact: ``period = "15 min"`` for ``period_seconds = 900``, one name
where a list of one is meant, OBIS codes without ``*255``, ``billing = "1 month"``, TOML dates and times, certificates
as PEM, fingerprints with colons, and a default where nearly everybody means the same; rules are read by
``rule_mapping``. The table is turned into the signed document's own form and read by the signed document's own reader,
so what is unknown, missing or inexact is refused exactly as there.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from wire.canonical_json import JsonObject, JsonValue
from wire.errors import ProfileError
from wire.meter.iec62056.options import WakeUp
from wire.profiles import document, fields
from wire.profiles.account import AccountProfile
from wire.profiles.administrator import DEFAULT_IDLE_SECONDS, AdministratorProfile
from wire.profiles.billing import BillingUnit
from wire.profiles.communication import MAXIMUM_SESSION_SECONDS, CommunicationProfile, KeyAgreement, PartyRole
from wire.profiles.evaluation import EvaluationProfile
from wire.profiles.kinds import Profile, profile_from_document
from wire.profiles.meter import BlockCheck, MeterProfile, ProtocolMode
from wire.profiles.proxy import ProxyProfile
from wire.profiles.rule_mapping import code_of, rule_from_mapping

_DURATION = re.compile(r"([1-9]\d{0,8}) ?(s|min|h|d)", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_BILLING = re.compile(r"([1-9]\d{0,7}) ?(s|d|days?|months?)", re.ASCII)
_UNITS = {"s": BillingUnit.SECOND, "d": BillingUnit.DAY, "day": BillingUnit.DAY, "month": BillingUnit.MONTH}
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*", re.ASCII)
_DURATIONS = ("interval", "store", "period", "dispatch", "session", "idle")
_LISTS = ("meters", "subtracted", "registers", "purposes", "fingerprints")
_CERTIFICATES = ("tls_certificate", "encryption_certificate", "signature_certificate", "cls_certificate")
_PROTOCOL: JsonObject = {
    "mode": ProtocolMode.AUTO.value,
    "fixed_speed": None,
    "switch_delay_ms": 0,
    "ignore_announced_speed": False,
    "block_check": BlockCheck.REQUIRE.value,
    "wake_up": WakeUp.NONE.value,
}
_DEFAULTS: dict[str, JsonObject] = {
    MeterProfile.KIND: {"version": 1, "address": ""},
    EvaluationProfile.KIND: {"version": 1, "billing": None, "subtracted": [], "rule": None, "pseudonym": None},
    CommunicationProfile.KIND: {
        "version": 1,
        "role": PartyRole.EMT.value,
        "key_agreement": KeyAgreement.TR_03111.value,
        "session_seconds": MAXIMUM_SESSION_SECONDS,
    },
    AdministratorProfile.KIND: {
        "version": 1,
        "session_seconds": MAXIMUM_SESSION_SECONDS,
        "idle_seconds": DEFAULT_IDLE_SECONDS,
    },
    ProxyProfile.KIND: {
        "version": 1,
        "session_seconds": MAXIMUM_SESSION_SECONDS,
        "idle_seconds": DEFAULT_IDLE_SECONDS,
    },
    AccountProfile.KIND: {"version": 1, "consumer": None, "fingerprints": [], "verifier": None, "md5": False},
}


def profile_from_mapping(table: Mapping[str, Any]) -> Profile:
    """Build the profile that a table (of TOML) describes; its ``kind`` says which. Raises ProfileError."""
    written = {key: _plain(key, value) for key, value in table.items()}
    for name in _DURATIONS:
        if name in written:
            if f"{name}_seconds" in written:
                raise ProfileError(f"{name} and {name}_seconds say the same")
            written[f"{name}_seconds"] = _duration(name, written.pop(name))
    for name in _LISTS:
        if isinstance(written.get(name), str):
            written[name] = [written[name]]
    kind = written.get("kind")
    defaults = _DEFAULTS.get(kind, {}) if isinstance(kind, str) else {}
    content = {**defaults, **written}
    if kind == MeterProfile.KIND:
        protocol = content.get("protocol", {})
        content["protocol"] = {**_PROTOCOL, **protocol} if isinstance(protocol, dict) else protocol
    if kind == MeterProfile.KIND and "interval_seconds" in content:
        content.setdefault("store_seconds", content["interval_seconds"])
    billing, rule = content.get("billing"), content.get("rule")
    if isinstance(billing, str):
        content["billing"] = _billing(billing)
    if isinstance(rule, dict):
        if "tolerance" in rule:
            rule = {name: value for name, value in rule.items() if name != "tolerance"} | {
                "tolerance_seconds": _duration("rule.tolerance", rule["tolerance"])
            }
        content["rule"] = rule_from_mapping(rule)
    if kind == EvaluationProfile.KIND and "period_seconds" in content:
        content.setdefault("dispatch_seconds", _usual_dispatch(content))
    registers = content.get("registers")
    if isinstance(registers, list):
        content["registers"] = [code_of(code) for code in registers]
    recipient = content.get("recipient")
    if isinstance(recipient, str):
        content["recipient"] = _fingerprint(recipient)
    fingerprints = content.get("fingerprints")
    if isinstance(fingerprints, list):
        content["fingerprints"] = [_fingerprint(one) if isinstance(one, str) else one for one in fingerprints]
    for name in _CERTIFICATES:
        certificate = content.get(name)
        if isinstance(certificate, str):
            content[name] = _certificate(certificate)
    return profile_from_document(content)


def _plain(key: str, value: object) -> JsonValue:
    """A value of TOML as JSON has it: times as text, everything else as it is, floats refused."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ProfileError(f"{key} has no time zone; write it in UTC with a Z at the end")
        try:
            return document.instant(value.astimezone(UTC))
        except OverflowError as error:
            raise ProfileError(f"{key} lies outside the calendar") from error
    if isinstance(value, date):
        return document.instant(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, list | tuple):
        return [_plain(key, item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(f"{key}.{name}", item) for name, item in value.items()}
    raise ProfileError(f"{key} is a {type(value).__name__}, which no profile holds")


def _duration(key: str, value: JsonValue) -> int:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ProfileError(f'{key} is not a duration such as "15 min": {value!r:.60}')
    return int(match[1]) * _SECONDS[match[2]]


def _usual_dispatch(content: JsonObject) -> JsonValue:
    """Once a day where days or months are billed, else as often as there is a value."""
    billing = content["billing"]
    billed = isinstance(billing, dict) and billing.get("unit") in {BillingUnit.DAY.value, BillingUnit.MONTH.value}
    return fields.DAY_SECONDS if billed else content["period_seconds"]


def _billing(text: str) -> JsonObject:
    """``1 month``, ``7 days`` or ``900 s``."""
    match = _BILLING.fullmatch(text)
    if match is None:
        raise ProfileError(f'billing is not a period such as "1 month", "7 days" or "900 s": {text!r:.60}')
    name = match[2] if match[2] in _UNITS else match[2].removesuffix("s")
    return {"count": int(match[1]), "unit": _UNITS[name].value}


def _fingerprint(text: str) -> str:
    return text.replace(":", "").lower()


def _certificate(text: str) -> str:
    """The base64 within one PEM block, on one line; text that is no PEM is left to the reader."""
    match = _PEM.fullmatch(text)
    return text if match is None else "".join(match[1].split())
