"""The content document: its laws, its schema, and that other XML tools read the same values out of it."""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.wire.documents import BEGIN, GATEWAY, PSEUDONYM, QUARTER, contents, pseudonymous, series
from wire.content_size import MAXIMUM_READINGS
from wire.cosem_xml import EXTENSION, PROFILE_GENERIC, Content, Readings, parse, render
from wire.errors import ContentError
from wire.profiles import UseCase
from wire.reading import DeviceId, Register, Unit, UnsignedReading

NAMES = {"p": PROFILE_GENERIC, "cox": EXTENSION}


@given(contents())
def test_what_is_rendered_is_read_back(content: Content) -> None:
    assert parse(render(content)) == content
    assert render(parse(render(content))) == render(content)


@given(contents().map(render), st.data())
def test_a_changed_document_is_refused_or_is_another_canonical_one(original: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(original)))
    inserted = data.draw(st.binary(max_size=2) | st.sampled_from((b" ", b"0", b"1", b"-", b"\n", b"<!---->", b"&#48;")))
    changed = original[:place] + inserted + original[place + data.draw(st.integers(0, 2)) :]
    try:
        content = parse(changed)
    except ContentError:
        return
    assert render(content) == changed


@given(contents().map(render), st.data())
def test_lines_in_another_order_are_refused_or_are_another_canonical_document(
    original: bytes, data: st.DataObject
) -> None:
    lines = original.splitlines(keepends=True)
    one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]
    if data.draw(st.booleans()):
        del lines[data.draw(st.integers(0, len(lines) - 1))]
    changed = b"".join(lines)
    try:
        content = parse(changed)
    except ContentError:
        return
    assert render(content) == changed


@given(st.binary(max_size=200))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(ContentError):
        parse(data)


@given(contents())
def test_lxml_reads_the_same_values(content: Content) -> None:
    root = etree.fromstring(render(content))
    columns = root.findall("p:attributes/p:capture_objects/p:capture_object/cox:logical_name", NAMES)
    found = []
    for name, column in zip(columns, root.iterfind(".//p:column", NAMES), strict=True):
        entries = column.findall("p:entry" if content.pseudonymous else "p:entry_gateway_signed", NAMES)
        assert column.get("count") == str(len(entries))
        found += [
            (
                name.text,
                entry.findtext("p:value/p:long64", None, NAMES),
                entry.findtext("p:scaler", None, NAMES),
                entry.findtext("p:unit", None, NAMES),
                entry.findtext("p:status/p:octet-string", None, NAMES),
                entry.findtext("p:capture_time", None, NAMES),
            )
            for entry in entries
        ]
    assert found == [
        (
            f"{one.reading.obis.to_bytes().hex()}.{one.reading.device.text.lower()}.sm",
            str(one.reading.register.value),
            str(one.reading.register.scaler),
            str(int(one.reading.register.unit)),
            one.reading.status.to_bytes(8, "big").hex(),
            one.reading.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        for one in content.readings
    ]


def test_a_pseudonymous_document_names_nobody_and_carries_no_signature() -> None:
    content = pseudonymous(series(3))
    document = render(content)
    assert parse(document) == content
    assert (content.pseudonymous, series(3).pseudonymous) == (True, False)
    for telling in (b"eabc", b"EABC", b"1isk", b"1ISK", b"series-1", b"signature", b"signed"):
        assert telling not in document


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"gateway": PSEUDONYM}, "carries a signature"),
        ({"gateway": PSEUDONYM, "profile": PSEUDONYM.text}, "carries a signature"),
        ({"readings": pseudonymous(series(2)).readings}, "no signature"),
        ({"readings": tuple(UnsignedReading(one.reading) for one in series(2).readings)}, "no signature"),
        ({"readings": (*series(1).readings, UnsignedReading(series(2).readings[1].reading))}, "no signature"),
    ],
)
def test_a_name_comes_with_signatures(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(ContentError, match=why):
        replace(series(2), **deviation)


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"gateway": GATEWAY}, "no signature"),
        ({"gateway": DeviceId("EPSN0000000002")}, "name of a device"),
        ({"profile": "series-1"}, "profile"),
        ({"created_at": BEGIN + timedelta(days=30, seconds=1)}, "minute"),
        ({"readings": series(2).readings}, "carries a signature"),
        ({"readings": tuple(UnsignedReading(one.reading) for one in series(2).readings)}, "name of a device"),
    ],
)
def test_a_pseudonym_comes_with_nothing_that_leads_behind_it(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(ContentError, match=why):
        replace(pseudonymous(series(2)), **deviation)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"epsn0000000001", b"eabc0012345678"), (b"<cox:class_id>4<", b"<cox:class_id>32822<"), (b"entry ", b"entry_x ")],
)
def test_the_two_forms_do_not_mix_on_the_wire(old: bytes, new: bytes) -> None:
    with pytest.raises(ContentError):
        parse(render(pseudonymous(series(2))).replace(old, new))


def test_the_names_of_the_object_say_gateway_and_use_case() -> None:
    content = series(2)
    assert b'id="01005e318027.eabc0012345678.sm"' in render(content)
    assert b'id="01005e318021.eabc0012345678.sm"' in render(replace(content, use_case=UseCase.TAF_1))


def test_readings_come_in_one_order_whatever_order_they_are_given_in() -> None:
    content = series(8, columns=3)
    assert replace(content, readings=content.readings[::-1]) == content
    assert render(replace(content, readings=content.readings[::-1])) == render(content)


def with_reading(content: Content, **deviation: Any) -> Readings:
    first = content.readings[0]
    return (replace(first, reading=replace(first.reading, **deviation)), *content.readings[1:])


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"profile": "a b"}, "profile"),
        ({"profile": 'a"'}, "profile"),
        ({"use_case": "TAF-7"}, "use case"),
        ({"sequence": 0}, "sequence"),
        ({"sequence": 2**63}, "sequence"),
        ({"created_at": BEGIN.replace(tzinfo=None)}, "UTC"),
        ({"created_at": BEGIN.replace(microsecond=1)}, "fraction"),
        ({"period_begin": datetime.max.replace(microsecond=0, tzinfo=BEGIN.tzinfo)}, "ends before"),
        ({"period_begin": BEGIN + timedelta(seconds=1)}, "outside the period"),
        ({"period_end": BEGIN + QUARTER / 2}, "outside the period"),
        ({"size": 1}, "no document has this size"),
        ({"size": 2**20 + 1}, "no document has this size"),
        ({"size": 1024}, "tell of its digits"),
        ({"readings": series(2).readings * 2}, "share"),
        ({"readings": series(2).readings + with_reading(series(1), register=Register(1, 0, Unit.W))}, "share"),
    ],
)
def test_what_is_no_content_cannot_be_built(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(ContentError, match=why):
        replace(series(2), **deviation)


def test_a_thousand_readings_fit_and_one_more_does_not() -> None:
    full = series(MAXIMUM_READINGS, columns=MAXIMUM_READINGS)
    assert parse(render(full)) == full
    more = series(MAXIMUM_READINGS, columns=1)
    assert parse(render(more)) == more
    with pytest.raises(ContentError, match="at most 1000"):
        series(MAXIMUM_READINGS + 1)


def test_a_document_without_a_reading_is_a_cover_of_any_size() -> None:
    """FPR_CON.1: what has nothing to say looks as if it had."""
    full = series(40)
    cover = replace(full, readings=(), size=full.size)
    assert len(render(cover)) == len(render(full))
    assert parse(render(cover)) == cover
    assert (cover.readings, series(0).size) == ((), 1024)


@pytest.mark.parametrize("behind", [-1, 1, 256, 10_000])
def test_another_length_than_the_one_it_says_is_refused(behind: int) -> None:
    document = render(series(2))
    changed = document[:behind] if behind < 0 else document + b"\n" * behind
    with pytest.raises(ContentError, match="length that it says"):
        parse(changed)


def test_every_use_case_has_its_object() -> None:
    for use_case in UseCase:
        content, number = replace(series(1), use_case=use_case), int(use_case.value.removeprefix("TAF-"))
        assert f'id="01005e3180{0x20 + number:02x}.eabc0012345678.sm"'.encode() in render(content)
        assert parse(render(content)) == content


def test_reading_a_document_takes_time_in_proportion_to_its_readings() -> None:
    """96 readings took 25 times what one took when this was written; quadratic work would be 9,000 times."""

    def seconds(content: Content) -> float:
        data = render(content)
        best = float("inf")
        for _ in range(5):
            begin = time.process_time()
            for _ in range(20):
                parse(data)
            best = min(best, time.process_time() - begin)
        return best

    assert seconds(series(96)) < 200 * max(seconds(series(1)), 1e-4)
