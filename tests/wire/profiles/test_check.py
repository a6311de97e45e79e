"""Consistency between profiles: a good set has no findings, and each deviation has exactly its own."""

from dataclasses import replace

import pytest

from tests.wire.profiles.examples import (
    ACCOUNT,
    ADMINISTRATOR,
    BEGIN,
    COMMUNICATION,
    END,
    EVALUATION,
    EXPORTED,
    IMPORTED,
    METER,
    PROXY,
    PSEUDONYM,
    certificate,
)
from tests.wire.profiles.rules import MONTH
from wire.obis import Obis
from wire.profiles import (
    AccessPurpose,
    Finding,
    FindingReason,
    Mirror,
    Prepaid,
    Profile,
    UseCase,
    check_set,
)
from wire.reading import DeviceId

OTHER_DEVICE = DeviceId("1ISK0087654321")
OTHER_METER = replace(METER, id="meter-2", meter=OTHER_DEVICE, address="2")


def test_a_good_set_has_no_findings() -> None:
    both = replace(EVALUATION, meters=(METER.meter, OTHER_DEVICE), registers=(EXPORTED,), id="series-2")
    assert check_set([METER, OTHER_METER, EVALUATION, both, COMMUNICATION, ADMINISTRATOR, PROXY, ACCOUNT]) == ()
    assert check_set([]) == ()


@pytest.mark.parametrize(
    ("profiles", "finding"),
    [
        (
            [METER, COMMUNICATION, EVALUATION, replace(EVALUATION, version=2)],
            Finding("series-1", FindingReason.DUPLICATE_ID, "series-1"),
        ),
        (
            [replace(METER, id="series-1"), COMMUNICATION, EVALUATION],
            Finding("series-1", FindingReason.DUPLICATE_ID, "series-1"),
        ),
        (
            [METER, replace(OTHER_METER, meter=METER.meter, line="rs485-2")],
            Finding("meter-2", FindingReason.DUPLICATE_METER, "meter-1"),
        ),
        ([METER, replace(OTHER_METER, address="1")], Finding("meter-2", FindingReason.DUPLICATE_ADDRESS, "meter-1")),
        ([METER, replace(OTHER_METER, address="")], Finding("meter-2", FindingReason.DUPLICATE_ADDRESS, "meter-1")),
        ([METER, EVALUATION], Finding("series-1", FindingReason.UNKNOWN_PARTY, "grid-operator")),
        (
            [METER, COMMUNICATION, replace(EVALUATION, purpose=AccessPurpose.VALUE_ADDED)],
            Finding("series-1", FindingReason.PURPOSE_NOT_PERMITTED, "grid-operator"),
        ),
        (
            [METER, replace(COMMUNICATION, encryption_certificate=certificate(9)), EVALUATION],
            Finding("series-1", FindingReason.RECIPIENT_MISMATCH, "grid-operator"),
        ),
        (
            [METER, replace(COMMUNICATION, valid_from=END, valid_until=END.replace(year=2030)), EVALUATION],
            Finding("series-1", FindingReason.NEVER_VALID_TOGETHER, "grid-operator"),
        ),
        ([COMMUNICATION, EVALUATION], Finding("series-1", FindingReason.UNKNOWN_METER, METER.meter.text)),
        (
            [METER, COMMUNICATION, replace(EVALUATION, registers=(Obis.parse("1-0:3.8.0"),))],
            Finding("series-1", FindingReason.REGISTER_NOT_CAPTURED, "1-0:3.8.0*255"),
        ),
        (
            [replace(METER, interval_seconds=3600, store_seconds=3600), COMMUNICATION, EVALUATION],
            Finding("series-1", FindingReason.RASTER_NOT_MET, "meter-1"),
        ),
        (
            [replace(METER, valid_from=BEGIN.replace(year=2020), valid_until=BEGIN), COMMUNICATION, EVALUATION],
            Finding("series-1", FindingReason.NEVER_VALID_TOGETHER, "meter-1"),
        ),
        (
            [ADMINISTRATOR, replace(ADMINISTRATOR, id="other")],
            Finding("other", FindingReason.SECOND_ADMINISTRATOR, "administrator"),
        ),
        ([PROXY], Finding("wallbox", FindingReason.UNKNOWN_PARTY, "grid-operator")),
        ([PROXY, replace(ADMINISTRATOR, id=PROXY.party)], Finding("wallbox", FindingReason.UNKNOWN_PARTY, PROXY.party)),
        (
            [COMMUNICATION, replace(PROXY, valid_from=END, valid_until=END.replace(year=2030))],
            Finding("wallbox", FindingReason.NEVER_VALID_TOGETHER, "grid-operator"),
        ),
        (
            [
                METER,
                COMMUNICATION,
                replace(EVALUATION, pseudonym=PSEUDONYM),
                replace(EVALUATION, id="series-2", pseudonym=DeviceId("EPSN0000000002")),
                replace(EVALUATION, id="series-3", pseudonym=PSEUDONYM),
            ],
            Finding("series-3", FindingReason.SHARED_PSEUDONYM, "series-1"),
        ),
        (
            [METER, COMMUNICATION, replace(EVALUATION, pseudonym=PSEUDONYM), replace(EVALUATION, id="series-2")],
            Finding("series-1", FindingReason.LINKED_PSEUDONYM, "series-2"),
        ),
    ],
    ids=lambda value: value.reason if isinstance(value, Finding) else "",
)
def test_a_deviation_has_its_finding(profiles: list[Profile], finding: Finding) -> None:
    assert check_set(profiles) == (finding,)


SUM = replace(EVALUATION, id="sum", use_case=UseCase.TAF_1, billing=MONTH, meters=(METER.meter, OTHER_DEVICE))
MIRROR = replace(EVALUATION, id="mirror", use_case=UseCase.TAF_13, rule=Mirror("series-1"))
PREPAID = replace(
    EVALUATION, id="prepaid", use_case=UseCase.TAF_12, billing=MONTH, rule=Prepaid(100, 10, 60, (OTHER_DEVICE,))
)
DAILY = replace(EVALUATION, id="daily", use_case=UseCase.TAF_6, period_seconds=86400, dispatch_seconds=86400)
PRESENT = replace(
    EVALUATION, id="present", use_case=UseCase.TAF_9, period_seconds=300, registers=(IMPORTED,), dispatch_seconds=300
)
KEPT_HOURLY = replace(METER, store_seconds=3600)


def test_rules_that_fit_have_no_findings() -> None:
    assert check_set([METER, OTHER_METER, COMMUNICATION, EVALUATION, SUM, MIRROR, PREPAID, DAILY, PRESENT]) == ()


def test_what_is_never_kept_is_taken_from_every_read_out() -> None:
    """TR-03109-1, TAF-9: a raster finer than what is kept serves only what is not kept."""
    assert check_set([KEPT_HOURLY, COMMUNICATION, PRESENT, DAILY]) == ()
    assert check_set([KEPT_HOURLY, COMMUNICATION, EVALUATION]) == (
        Finding("series-1", FindingReason.RASTER_NOT_MET, "meter-1"),
    )


@pytest.mark.parametrize(
    ("profiles", "finding"),
    [
        (
            [replace(OTHER_METER, consumer="next-door"), SUM],
            Finding("sum", FindingReason.MIXED_CONSUMERS, "next-door"),
        ),
        ([PREPAID], Finding("prepaid", FindingReason.UNKNOWN_BREAKER, OTHER_DEVICE.text)),
        ([MIRROR], Finding("mirror", FindingReason.UNKNOWN_PROFILE, "series-1")),
        (
            [EVALUATION, replace(MIRROR, registers=(EXPORTED,))],
            Finding("mirror", FindingReason.NOT_MIRRORED, "series-1"),
        ),
        (
            [EVALUATION, MIRROR, replace(MIRROR, id="second", rule=Mirror("mirror"))],
            Finding("second", FindingReason.NOT_MIRRORED, "mirror"),
        ),
        ([EVALUATION, replace(MIRROR, period_seconds=3600)], Finding("mirror", FindingReason.NOT_MIRRORED, "series-1")),
        ([PRESENT, replace(MIRROR, rule=Mirror("present"))], Finding("mirror", FindingReason.NOT_MIRRORED, "present")),
        (
            [
                replace(EVALUATION, valid_until=BEGIN.replace(month=2)),
                replace(MIRROR, valid_from=BEGIN.replace(month=2)),
            ],
            Finding("mirror", FindingReason.NEVER_VALID_TOGETHER, "series-1"),
        ),
    ],
    ids=lambda value: value.reason if isinstance(value, Finding) else "",
)
def test_a_rule_that_does_not_fit_has_its_finding(profiles: list[Profile], finding: Finding) -> None:
    """FDP_ACC.2, FMT_MSA.3/MTR: what a rule names exists, and is one consumer's."""
    assert check_set([METER, COMMUNICATION, *profiles]) == (finding,)


def test_several_consumers_may_have_series_in_one_profile() -> None:
    both = replace(EVALUATION, meters=(METER.meter, OTHER_DEVICE))
    assert check_set([METER, replace(OTHER_METER, consumer="next-door"), COMMUNICATION, both]) == ()


def test_meters_on_different_lines_may_share_an_address() -> None:
    assert check_set([METER, replace(OTHER_METER, address="1", line="rs485-2")]) == ()


def test_pseudonyms_of_their_own_are_not_shared() -> None:
    hidden = [
        replace(EVALUATION, id=f"series-{number}", pseudonym=DeviceId(f"EPSN00{number:08d}")) for number in range(3)
    ]
    assert check_set([METER, COMMUNICATION, *hidden]) == ()
    named = replace(EVALUATION, id="named", party="supplier")
    assert check_set([METER, COMMUNICATION, replace(COMMUNICATION, id="supplier"), *hidden, named]) == ()
    before = replace(EVALUATION, id="before", valid_from=BEGIN.replace(year=2025), valid_until=BEGIN)
    known = replace(METER, valid_from=BEGIN.replace(year=2025))
    assert check_set([known, replace(COMMUNICATION, valid_from=BEGIN.replace(year=2025)), *hidden, before]) == ()


def test_what_somebody_proves_leads_to_one_account_at_a_time() -> None:
    """PP-0073 FIA_ATD.1: a user name and a certificate each belong to one account."""
    other = replace(ACCOUNT, id="account-house-2", consumer="house-2", name="flat", fingerprints=("cd" * 32,))
    assert check_set([ACCOUNT, other]) == ()
    named = replace(other, name=ACCOUNT.name)
    assert check_set([ACCOUNT, named]) == (Finding(other.id, FindingReason.SHARED_NAME, ACCOUNT.id),)
    pinned = replace(other, fingerprints=("cd" * 32, *ACCOUNT.fingerprints))
    assert check_set([ACCOUNT, pinned]) == (Finding(other.id, FindingReason.SHARED_CERTIFICATE, ACCOUNT.id),)
    both = replace(ACCOUNT, id="account-house-2", valid_until=END + (END - BEGIN))
    assert len(check_set([ACCOUNT, both])) == 2
    # Whoever moves in after her may have what was hers until then.
    assert check_set([ACCOUNT, replace(both, valid_from=END)]) == ()
