"""What the gateway tells: everything that helps, and nothing of what meters said."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from admin.revocation_lists import told as read_by_the_administrator
from pki.revocation_lists import mark_and_number
from smgw.config import FirewallConfiguration, TunnelKind, WanConfiguration
from smgw.firewall.watch import NOT_MANAGED
from smgw.gateway import Gateway
from smgw.report import KEY_IN_MEMORY, Report, describe_retention
from smgw.store.readings import ReadingStore
from tests.smgw.composing import composed, make
from tests.smgw.premises import Premises, now
from tests.smgw.store import samples
from wire.canonical_json import encode
from wire.profiles import BillingPeriod, BillingUnit, Prepaid, UseCase

pytestmark = pytest.mark.token


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    return make(tmp_path_factory.mktemp("report"))


def fill(gateway: Gateway) -> None:
    store: ReadingStore = gateway._readings
    for number in range(3):
        store.record(samples.reading(number), samples.decision(samples.grant(number)))
    gateway.counters.add(samples.METER.text, frames=3, telegrams=3, readings=3)
    gateway.counters.line("line-1", "open")


def test_the_administrator_learns_versions_counts_and_ends(premises: Premises) -> None:
    with composed(premises) as one:
        fill(one.gateway)
        report: Report = one.report
        told = json.loads(encode(report.for_administrator()))
        own = report.identity().certificates.by_purpose
        assert [(entry["kind"], entry["id"], entry["version"]) for entry in told["profiles"]] == [
            ("administrator", "gwa", 1),
            ("communication", "grid", 1),
            ("evaluation", "grid-1", 1),
        ]
        assert told["deliveries"] == {"grid-1": {"owed": 3, "open": 0, "acknowledged": 0, "set_aside": 0}}
        assert set(told["certificates"]) == {purpose.value for purpose in own} | {"generation", "quality_seal"}
        for purpose, verified in own.items():
            end = verified.certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
            assert told["certificates"][purpose.value]["valid_until"] == end
        assert (told["last_order"], told["clock_deviation_seconds"], told["lines"]) == (0, None, {"line-1": "open"})
        assert told["retention"]["waits_for"] == ""
        lists = {mark_and_number(crl.public_bytes(Encoding.DER))[0]: crl for crl in report.trust().crls}
        assert len(lists) == len(premises.pki.crls()) == len(told["revocation_lists"])
        for authority, crl in lists.items():
            end = (crl.next_update_utc or now()).strftime("%Y-%m-%dT%H:%M:%SZ")
            assert told["revocation_lists"][authority] == {"number": "1", "next_update": end}
        assert read_by_the_administrator(told) == dict.fromkeys(lists, 1)
        assert len(told["program_sha256"]) == 64


def test_no_value_and_no_time_of_a_reading_is_told(premises: Premises) -> None:
    """Neither to the administrator nor, but for the last time, to the owner of the machine."""
    with composed(premises) as one:
        fill(one.gateway)
        told, owner = json.dumps(one.report.for_administrator()), json.dumps(one.report.for_owner())
    for number in range(3):
        value = str(samples.reading(number).reading.register.value)
        assert value not in told
        assert value not in owner
    assert samples.METER.text not in told
    assert samples.METER.text in owner


def test_whether_a_credit_runs_low_is_not_for_the_administrator(premises: Premises) -> None:
    """FDP_ACC.2: what is owed under a profile that is driven by events tells what was used."""
    with composed(premises) as one:
        fill(one.gateway)
        evaluations = one.gateway.profiles.evaluations
        evaluations["grid-1"] = replace(
            evaluations["grid-1"],
            use_case=UseCase.TAF_12,
            billing=BillingPeriod(1, BillingUnit.MONTH),
            rule=Prepaid(300, 100, 900),
        )
        told = json.loads(encode(one.report.for_administrator()))
        assert told["deliveries"]["grid-1"]["owed"] is None


def test_a_deviation_is_told_to_both(premises: Premises) -> None:
    with composed(premises) as one:
        assert one.report.deviations == [NOT_MANAGED]
        wan = WanConfiguration(TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY, premises.folder / "tls.key")
        walled = replace(one.configuration, wan=wan, firewall=FirewallConfiguration("wwan0"))
        changed = replace(one.report, configuration=walled)
        assert changed.for_administrator()["deviations"] == changed.for_owner()["deviations"] == [KEY_IN_MEMORY]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"readings_days": None, "swept_at": None, "waits_for": ""}, "retention: 730 days, not swept yet"),
        (
            {"readings_days": 800, "swept_at": "2026-01-15T12:00:00Z", "waits_for": "a trusted time"},
            "retention: 800 days by order, last swept 2026-01-15T12:00:00Z, waits for a trusted time",
        ),
    ],
)
def test_retention_is_told_in_one_line(told: dict[str, object], line: str) -> None:
    assert describe_retention(told) == line
