"""A proof as a file: its three laws, and what is none. Nothing in it is believed here."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof import bundle
from proof.bundle import Bundle, BundleError, Derived, Row, Series, ordered
from wire.canonical_json import encode
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

GATEWAY, METER = DeviceId("EABC0012345678"), DeviceId("1ISK0012345678")
AT = datetime(2026, 6, 1, tzinfo=UTC)
SECOND = int(AT.timestamp())
SIGNATURE = bytes(range(64))
SERIES = Series(
    METER,
    Obis(1, 0, 1, 8, 0),
    -1,
    Unit.WH,
    (Row(SECOND, 10, 0xA0000000_20000000, SIGNATURE), Row(SECOND + 900, -(2**63 - 1), 2**64 - 1, SIGNATURE)),
)
VALUE = SignedReading(Reading(GATEWAY, Obis(1, 0, 1, 8, 1), Register(7, 0, Unit.WH), AT, 5), SIGNATURE)
DERIVED = Derived("taf2-house", 3, "supplier", 12, AT, AT, (VALUE, VALUE))
PROOF = Bundle(
    gateway=GATEWAY,
    consumer="house",
    exported_at=AT,
    begin=AT,
    end=AT,
    measured=(SERIES, replace(SERIES, scaler=0)),
    derived=(DERIVED, DERIVED),
    certificates=(b"0", b"1"),
    authorities=(b"0",),
    revocation_lists=(),
    log=b"a log",
)

seconds = st.integers(0, 253_402_300_799)
integers = st.integers(-(2**63 - 1), 2**63 - 1)
words = st.integers(0, 2**64 - 1)
signatures = st.binary(min_size=64, max_size=64)
moments = seconds.map(lambda second: datetime.fromtimestamp(second, UTC))
codes = st.binary(min_size=6, max_size=6).map(Obis.from_bytes)
devices = st.sampled_from([GATEWAY, METER, DeviceId("1ISK0087654321")])
registers = st.builds(Register, integers, st.integers(-12, 12), st.sampled_from(Unit))
values = st.builds(SignedReading, st.builds(Reading, devices, codes, registers, moments, words), signatures)
rows = st.lists(
    st.builds(Row, seconds, integers, words, signatures), min_size=1, max_size=3, unique_by=lambda row: row.at
)
series = st.builds(
    Series,
    devices,
    codes,
    st.integers(-12, 12),
    st.sampled_from(Unit),
    rows.map(lambda some: tuple(sorted(some))),
)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)
periods = st.tuples(moments, moments).map(sorted)


def derived_of(contract: str, delivery: int, period: list[datetime], some: list[SignedReading]) -> Derived:
    return Derived(contract, delivery % 7 + 1, contract, delivery, period[0], period[1], tuple(some))


derived = st.builds(derived_of, names, st.integers(1, 99), periods, st.lists(values, min_size=1, max_size=2))
sets = st.lists(st.binary(min_size=1, max_size=5), max_size=3).map(ordered)
bundles = st.builds(
    lambda begin_and_end, **others: Bundle(begin=begin_and_end[0], end=begin_and_end[1], **others),
    periods,
    gateway=devices,
    consumer=names,
    exported_at=moments,
    measured=st.lists(series, max_size=3, unique_by=lambda one: one.key).map(
        lambda some: tuple(sorted(some, key=lambda one: one.key))
    ),
    derived=st.lists(derived, max_size=2).map(
        lambda some: tuple(sorted(some, key=lambda one: (one.contract, one.delivery)))
    ),
    certificates=sets,
    authorities=sets,
    revocation_lists=sets,
    log=st.none() | st.binary(max_size=9),
)


@settings(max_examples=60, deadline=None)
@given(bundles)
def test_what_is_written_is_read_back(proof: Bundle) -> None:
    assert Bundle.from_bytes(proof.to_bytes()) == proof


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_document_is_refused_or_another_one_in_its_one_spelling(data: st.DataObject) -> None:
    original = PROOF.to_bytes()
    place = data.draw(st.integers(0, len(original)))
    changed = original[:place] + data.draw(st.binary(max_size=2)) + original[place + data.draw(st.integers(0, 2)) :]
    try:
        read = Bundle.from_bytes(changed)
    except BundleError:
        return
    assert read.to_bytes() == changed


@given(st.binary(max_size=40) | st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=3), st.lists).map(lambda some: encode({"form": bundle.FORM, "measured": some})))  # fmt: skip # noqa: E501
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(BundleError):
        Bundle.from_bytes(data)


def test_the_rows_of_a_list_are_the_readings_that_were_signed() -> None:
    """FCO_NRO.2: all that is under an inner signature stands in a row."""
    first, second = Bundle.from_bytes(PROOF.to_bytes()).measured[0].readings()
    assert first.reading == Reading(METER, SERIES.obis, Register(10, -1, Unit.WH), AT, 0xA0000000_20000000)
    assert second.reading.register.value == -(2**63 - 1)
    assert {first.signature, second.signature} == {SIGNATURE}


def part(document: Any, *path: Any) -> Any:
    for step in path:
        document = document[step]
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("form",), "smgw-proof-2"),
        (("gateway",), "EABC001234567"),
        (("consumer",), ""),
        (("begin",), "2026-06-01T00:00:01Z"),
        (("exported_at",), "2026-06-01"),
        (("more",), 1),
        (("log",), "YQ="),
        (("certificates",), ["MQ==", "MA=="]),
        (("certificates",), ["MA==", "MA=="]),
        (("certificates",), [""]),
        (("measured",), [[]]),
        (("measured", 0, "scaler"), 13),
        (("measured", 0, "scaler"), True),
        (("measured", 0, "unit"), 3),
        (("measured", 0, "obis"), "0100010800ff"),
        (("measured", 0, "rows"), []),
        (("measured", 0, "rows"), None),
        (("measured", 0, "more"), 1),
        (("measured", 1, "scaler"), -1),
        (("measured", 1, "scaler"), -2),
        (("measured", 0, "rows", 0), [0, "1", "0" * 16]),
        (("measured", 0, "rows", 0, 0), SECOND + 900),
        (("measured", 0, "rows", 0, 0), -1),
        (("measured", 0, "rows", 0, 0), True),
        (("measured", 0, "rows", 1, 0), 253_402_300_800),
        (("measured", 0, "rows", 0, 1), 10),
        (("measured", 0, "rows", 0, 1), "+1"),
        (("measured", 0, "rows", 0, 1), "-0"),
        (("measured", 0, "rows", 0, 1), "01"),
        (("measured", 0, "rows", 0, 1), str(2**63)),
        (("measured", 0, "rows", 0, 2), "a" * 16),
        (("measured", 0, "rows", 0, 2), 0),
        (("measured", 0, "rows", 0, 3), "MA=="),
        (("measured", 0, "rows", 0, 3), "-" * 88),
        (("derived", 0, "delivery"), 0),
        (("derived", 0, "delivery"), 13),
        (("derived", 0, "contract"), "a b"),
        (("derived", 0, "party"), ""),
        (("derived", 0, "end"), "2026-05-31T00:00:00Z"),
        (("derived", 0, "values"), []),
        (("derived", 0, "values", 0, 0), 1),
        (("derived", 0, "values", 0, 2), "0"),
        (("derived", 0, "values", 0, 3), 3),
    ],
)
def test_what_is_no_proof_is_refused(path: tuple[Any, ...], value: Any) -> None:
    document = json.loads(PROOF.to_bytes())
    part(document, *path[:-1])[path[-1]] = value
    with pytest.raises(BundleError):
        Bundle.from_bytes(encode(document))


@pytest.mark.parametrize("name", ["form", "gateway", "measured", "log"])
def test_nothing_may_be_missing(name: str) -> None:
    document = json.loads(PROOF.to_bytes())
    del document[name]
    with pytest.raises(BundleError):
        Bundle.from_bytes(encode(document))


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(PROOF, exported_at=AT.replace(microsecond=1)),
        lambda: replace(PROOF, exported_at=datetime(2026, 6, 1)),  # noqa: DTZ001
    ],
)
def test_a_time_that_has_no_spelling_is_not_written(make: Callable[[], Bundle]) -> None:
    with pytest.raises(BundleError):
        make().to_bytes()


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAXIMUM_READINGS", 7)
    with pytest.raises(BundleError, match="more than 7 readings"):
        replace(PROOF)
    monkeypatch.undo()
    monkeypatch.setattr(bundle, "MAXIMUM_CERTIFICATES", 1)
    with pytest.raises(BundleError, match="too many certificates"):
        replace(PROOF)
    monkeypatch.undo()
    monkeypatch.setattr(bundle, "MAXIMUM_BYTES", 100)
    with pytest.raises(BundleError, match="more than 100"):
        PROOF.to_bytes()
