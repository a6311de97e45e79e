"""Consistency between profiles: a good set has no findings, and each deviation has exactly its own."""

from dataclasses import replace

import pytest

from tests.wire.profiles.examples import (
    ADMINISTRATOR,
    BEGIN,
    COMMUNICATION,
    END,
    EVALUATION,
    EXPORTED,
    METER,
    PROXY,
    PSEUDONYM,
    certificate,
)
from wire.obis import Obis
from wire.profiles import AccessPurpose, Finding, FindingReason, Profile, check_set
from wire.reading import DeviceId

OTHER_DEVICE = DeviceId("1ISK0087654321")
OTHER_METER = replace(METER, id="meter-2", meter=OTHER_DEVICE, address="2")


def test_a_good_set_has_no_findings() -> None:
    both = replace(EVALUATION, meters=(METER.meter, OTHER_DEVICE), registers=(EXPORTED,), id="series-2")
    assert check_set([METER, OTHER_METER, EVALUATION, both, COMMUNICATION, ADMINISTRATOR, PROXY]) == ()
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
                replace(EVALUATION, id="series-2"),
                replace(EVALUATION, id="series-3", pseudonym=PSEUDONYM),
            ],
            Finding("series-3", FindingReason.SHARED_PSEUDONYM, "series-1"),
        ),
    ],
    ids=lambda value: value.reason if isinstance(value, Finding) else "",
)
def test_a_deviation_has_its_finding(profiles: list[Profile], finding: Finding) -> None:
    assert check_set(profiles) == (finding,)


def test_meters_on_different_lines_may_share_an_address() -> None:
    assert check_set([METER, replace(OTHER_METER, address="1", line="rs485-2")]) == ()


def test_pseudonyms_of_their_own_are_not_shared() -> None:
    hidden = [
        replace(EVALUATION, id=f"series-{number}", pseudonym=DeviceId(f"EPSN00{number:08d}")) for number in range(3)
    ]
    assert check_set([METER, COMMUNICATION, *hidden]) == ()
