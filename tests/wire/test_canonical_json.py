"""JSON with one spelling: the three laws, and every other spelling of a document refused for its own reason."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire import canonical_json
from wire.canonical_json import INTEGER_BOUND, MAXIMUM_DEPTH, JsonValue, decode, encode
from wire.errors import CanonicalJsonError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_BOUND, INTEGER_BOUND) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(texts, values, max_size=5)


def depth(value: JsonValue) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(documents)
def test_what_is_written_is_read_back(document: dict[str, JsonValue]) -> None:
    if depth(document) > MAXIMUM_DEPTH - 1:
        return
    assert decode(encode(document)) == document


@given(st.binary(max_size=60) | documents.map(lambda document: json.dumps(document).encode()))
@example(b'{"a":-0}')
@example(b'{"a":"\\u0041"}')
@example(b'{"a":"\\/"}')
@example(b"\xef\xbb\xbf{}")
@example(b'{"a":"')
@example(b"[" * 60)
def test_accepted_bytes_re_encode_identically_and_nothing_else_escapes(data: bytes) -> None:
    try:
        document = decode(data)
    except CanonicalJsonError:
        return
    assert encode(document) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"b":1,"a":2}', "canonical spelling"),
        (b'{"a": 1}', "canonical spelling"),
        (b'{"a":1}\n', "canonical spelling"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":{"b":1,"b":1}}', "twice"),
        (b'{"a":1.0}', "only integers"),
        (b'{"a":1e3}', "only integers"),
        (b'{"a":NaN}', "only integers"),
        (b'{"a":-Infinity}', "only integers"),
        (b'{"a":9223372036854775808}', "64 bits"),
        (b'{"a":' + b"9" * 5000 + b"}", "64 bits"),
        (b"[]", "one object"),
        (b'"a"', "one object"),
        (b"", "not JSON"),
        (b'{"a":"\xc3\xbc"}', "ASCII"),
        (b'{"a":"\x00"}', "not JSON"),
        (b'{"a":"\\ud800"}', "half a character"),
        ('{"a":1}'.encode("utf-16"), "ASCII"),
        (b'{"a":' + b"[" * MAXIMUM_DEPTH + b"]" * MAXIMUM_DEPTH + b"}", "deeper"),
        (b"[" * 60000, "deeper"),
    ],
)
def test_another_spelling_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CanonicalJsonError, match=why):
        decode(data)


def test_brackets_within_texts_are_no_depth() -> None:
    document: dict[str, JsonValue] = {"a": "[" * 50 + '"{' + "\\"}
    assert decode(encode(document)) == document


def test_size_is_bounded_both_ways() -> None:
    document: dict[str, JsonValue] = {"a": "x" * 93}
    assert len(encode(document, maximum_bytes=101)) == 101
    with pytest.raises(CanonicalJsonError, match="101 bytes"):
        encode(document, maximum_bytes=100)
    with pytest.raises(CanonicalJsonError, match="101 bytes"):
        decode(encode(document), maximum_bytes=100)


@pytest.mark.parametrize("value", [1.0, b"x", (1,), {1}, {1: 2}, 2**63, {"a": "\udfff"}, {"\ud800": 1}])
def test_what_has_no_canonical_form_cannot_be_written(value: object) -> None:
    with pytest.raises(CanonicalJsonError):
        encode({"a": value})  # type: ignore[dict-item]


def test_an_open_string_costs_linear_time() -> None:
    """A scan that began anew at every quote would need 10^9 steps here."""
    with pytest.raises(CanonicalJsonError, match="not JSON"):
        decode(b'{"a":"' + b'\\"' * (canonical_json.MAXIMUM_BYTES // 2 - 10))


def test_size_is_refused_before_anything_is_read() -> None:
    with pytest.raises(CanonicalJsonError, match="200 bytes"):
        decode(b"x" * 200, maximum_bytes=100)


def test_what_nests_too_deep_cannot_be_written() -> None:
    nested: JsonValue = []
    for _ in range(MAXIMUM_DEPTH - 2):
        nested = [nested]
    assert decode(encode({"a": nested})) == {"a": nested}
    with pytest.raises(CanonicalJsonError, match="deeper"):
        encode({"a": [nested]})
