"""Profiles as TOML tables: convenient spellings mean exactly one profile, everything else is refused."""

import json
import tomllib
from base64 import encodebytes
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.examples import (
    ACCOUNT,
    ADMINISTRATOR,
    COMMUNICATION,
    EVALUATION,
    METER,
    PROXY,
    PSEUDONYM,
    profiles,
)
from wire.canonical_json import decode
from wire.errors import ProfileError
from wire.profiles import EvaluationProfile, Profile, Protocol62056, ProtocolMode, profile_from_mapping

METER_TABLE = """
kind = "meter"
id = "meter-1"
meter = "1ISK0012345678"
consumer = "house-1"
identity = "12345678"
manufacturer = "ISk"
line = "rs485-1"
address = "1"
registers = ["1-0:1.8.0", "1-0:2.8.0*255"]
interval = "5 min"
maximum_power_watts = 30_000
valid_from = 2026-01-01
valid_until = 2027-01-01T01:00:00+01:00
"""
EVALUATION_TABLE = f"""
kind = "evaluation"
id = "series-1"
use_case = "TAF-7"
party = "grid-operator"
purpose = "grid-operation"
meters = "1ISK0012345678"
registers = "1-0:1.8.0"
period = "15min"
dispatch = "1 h"
valid_from = 2026-01-01T00:00:00Z
valid_until = "2027-01-01T00:00:00Z"
recipient = "{":".join(EVALUATION.recipient[place : place + 2].upper() for place in range(0, 64, 2))}"
"""


def pem(certificate: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{encodebytes(certificate).decode()}-----END CERTIFICATE-----\n"


def communication_table() -> dict[str, Any]:
    return {
        "kind": "communication",
        "id": "grid-operator",
        "party": "Stadtwerke Übersee",
        "host": "emt.example",
        "port": 8443,
        "path": "/deliveries",
        "tls_certificate": pem(COMMUNICATION.tls_certificate),
        "encryption_certificate": pem(COMMUNICATION.encryption_certificate),
        "purposes": ["grid-operation", "billing"],
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "valid_until": datetime(2027, 1, 1, tzinfo=UTC),
    }


def administrator_table() -> dict[str, Any]:
    return {
        "kind": "administrator",
        "id": "administrator",
        "party": "Messstellenbetrieb Süd",
        "host": "gwa.example",
        "management_port": 8450,
        "service_port": 8451,
        "tls_certificate": pem(ADMINISTRATOR.tls_certificate),
        "signature_certificate": pem(ADMINISTRATOR.signature_certificate),
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "valid_until": datetime(2027, 1, 1, tzinfo=UTC),
    }


def proxy_table() -> dict[str, Any]:
    return {
        "kind": "proxy",
        "id": "wallbox",
        "party": "grid-operator",
        "cls_certificate": pem(PROXY.cls_certificate),
        "scenario": "HKS4",
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "valid_until": datetime(2027, 1, 1, tzinfo=UTC),
    }


def account_table() -> dict[str, Any]:
    return {
        "kind": "account",
        "id": "account-house-1",
        "name": "house",
        "role": "consumer",
        "consumer": "house-1",
        "fingerprints": ":".join(["AB"] * 32),
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "valid_until": datetime(2027, 1, 1, tzinfo=UTC),
    }


def test_convenient_spellings_mean_the_exact_profile() -> None:
    assert profile_from_mapping(tomllib.loads(METER_TABLE)) == METER
    assert profile_from_mapping(tomllib.loads(EVALUATION_TABLE)) == EVALUATION
    assert profile_from_mapping(communication_table()) == COMMUNICATION
    assert profile_from_mapping(administrator_table()) == ADMINISTRATOR
    assert profile_from_mapping(proxy_table()) == PROXY
    assert profile_from_mapping(account_table()) == replace(ACCOUNT, verifier=None)
    opened = {"verifier": json.loads(ACCOUNT.to_bytes())["verifier"], "md5": True}
    assert profile_from_mapping(account_table() | opened) == replace(ACCOUNT, md5=True)
    shorter = replace(ADMINISTRATOR, session_seconds=3600, idle_seconds=120)
    assert profile_from_mapping(administrator_table() | {"session": "1 h", "idle": "2 min"}) == shorter
    hidden = tomllib.loads(EVALUATION_TABLE) | {"pseudonym": PSEUDONYM.text}
    assert profile_from_mapping(hidden) == replace(EVALUATION, pseudonym=PSEUDONYM)


def test_a_protocol_is_given_by_its_deviations() -> None:
    table = tomllib.loads(METER_TABLE + '[protocol]\nmode = "C"\nfixed_speed = 9600\n')
    assert profile_from_mapping(table) == replace(METER, protocol=Protocol62056(mode=ProtocolMode.C, fixed_speed=9600))


def test_dispatch_follows_the_period_where_nothing_is_said() -> None:
    table = tomllib.loads(EVALUATION_TABLE)
    del table["dispatch"]
    assert profile_from_mapping(table) == replace(EVALUATION, dispatch_seconds=900)
    for billing, dispatch in (("1 month", 86_400), ("7 days", 86_400), ("900 s", 900)):
        found = profile_from_mapping(table | {"use_case": "TAF-1", "billing": billing})
        assert isinstance(found, EvaluationProfile)
        assert found.dispatch_seconds == dispatch


@given(profiles)
def test_the_signed_form_is_a_table_too(profile: Profile) -> None:
    assert profile_from_mapping(decode(profile.to_bytes())) == profile


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"intervall": "5 min"}, "unknown keys: intervall"),
        ({"interval_seconds": 300}, "say the same"),
        ({"interval": 300}, "not a duration"),
        ({"interval": "5 minutes"}, "not a duration"),
        ({"interval": "0 s"}, "not a duration"),
        ({"interval": "5.5 min"}, "not a duration"),
        ({"registers": ["1.8.0"]}, "registers"),
        ({"registers": [1]}, "registers"),
        ({"maximum_power_watts": 3e4}, "float"),
        ({"valid_from": datetime(2026, 1, 1)}, "no time zone"),  # noqa: DTZ001
        ({"valid_from": datetime(2026, 1, 1, microsecond=5, tzinfo=UTC)}, "whole UTC seconds"),
        ({"protocol": "C"}, "protocol"),
        ({"protocol": {"speed": 300}}, "unknown keys: protocol.speed"),
        ({"kind": None}, "not a kind"),
        ({"kind": "evaluation"}, "missing key"),
    ],
)
def test_what_is_inexact_is_refused(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        profile_from_mapping(tomllib.loads(METER_TABLE) | deviation)


@pytest.mark.parametrize(
    "text",
    ["", "MIIB", pem(b"\x30\x03abc"), pem(COMMUNICATION.tls_certificate) * 2, "-----BEGIN PRIVATE" + " KEY-----\nAAAA"],
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ProfileError, match="tls_certificate"):
        profile_from_mapping(communication_table() | {"tls_certificate": text})


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.datetimes() | st.binary()


@given(
    st.sampled_from(("meter", "evaluation", "communication", "administrator", "proxy", "account")),
    st.dictionaries(st.text(max_size=8), plain),
)
def test_nothing_else_escapes(kind: str, table: dict[str, Any]) -> None:
    with pytest.raises(ProfileError):
        profile_from_mapping(table | {"kind": kind})


@given(st.data(), plain | st.lists(plain, max_size=2) | st.dictionaries(st.text(max_size=3), plain, max_size=2))
def test_any_value_in_any_place_is_refused_or_means_a_profile(data: st.DataObject, value: object) -> None:
    tables = [tomllib.loads(METER_TABLE), tomllib.loads(EVALUATION_TABLE)]
    tables += [communication_table(), administrator_table(), proxy_table(), account_table()]
    table = data.draw(st.sampled_from(tables))
    key = data.draw(st.sampled_from(sorted(table)))
    try:
        profile = profile_from_mapping(table | {key: value})
    except ProfileError:
        return
    assert type(profile).from_bytes(profile.to_bytes()) == profile
