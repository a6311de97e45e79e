"""Replies: done or refused with a reason, one canonical form, and only the orders' own error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.examples import identifiers
from wire.canonical_json import MAXIMUM_DEPTH, JsonObject, JsonValue, encode
from wire.errors import OrderError
from wire.orders import Reply, ReplyOutcome

DONE = Reply(17, ReplyOutcome.DONE, result={"renewal": "AAE="})
REFUSED = Reply(17, ReplyOutcome.REFUSED, "sequence", "order 17 was answered before")

plain: st.SearchStrategy[JsonValue] = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5)
results: st.SearchStrategy[JsonObject] = st.dictionaries(st.text(max_size=5), plain, max_size=3)
sentences = st.text(st.characters(categories=["L", "N", "P"]), max_size=40)
sequences = st.integers(0, 2**63 - 1)
replies = st.builds(Reply, sequences, st.just(ReplyOutcome.DONE), st.just(""), sentences, results) | st.builds(
    Reply, sequences, st.just(ReplyOutcome.REFUSED), identifiers, sentences
)


def test_the_bytes_are_these() -> None:
    assert REFUSED.to_bytes() == (
        b'{"kind":"reply","outcome":"refused","reason":"sequence","result":{},'
        b'"sentence":"order 17 was answered before","sequence":17}'
    )


@given(replies)
def test_what_is_written_is_read_back(reply: Reply) -> None:
    assert Reply.from_bytes(reply.to_bytes()) == reply


@given(st.binary(max_size=60))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(OrderError):
        Reply.from_bytes(data)


junk = plain | st.lists(st.integers(0, 2), max_size=2) | results


@given(st.sampled_from((DONE, REFUSED)), st.data(), junk)
def test_accepted_bytes_re_encode_identically(reply: Reply, data: st.DataObject, value: object) -> None:
    content = json.loads(reply.to_bytes())
    content[data.draw(st.sampled_from([*sorted(content), "other"]))] = value
    changed = encode(content)
    try:
        found = Reply.from_bytes(changed)
    except OrderError:
        return
    assert found.to_bytes() == changed


@given(st.text(max_size=600))
def test_a_refusal_never_fails_over_its_sentence(sentence: str) -> None:
    reply = Reply.refusal(0, "unreadable", sentence)
    assert Reply.from_bytes(reply.to_bytes()) == reply
    if sentence.isprintable():
        assert reply.sentence == sentence[:512]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((-1, ReplyOutcome.DONE), "sequence"),
        ((2**63, ReplyOutcome.DONE), "sequence"),
        ((1, "done"), "outcome"),
        ((1, ReplyOutcome.REFUSED), "reason"),
        ((1, ReplyOutcome.REFUSED, "a b"), "reason"),
        ((1, ReplyOutcome.DONE, "reason"), "needs no reason"),
        ((1, ReplyOutcome.DONE, "", "a\nb"), "sentence"),
        ((1, ReplyOutcome.DONE, "", "x" * 513), "sentence"),
        ((1, ReplyOutcome.DONE, "", "", []), "result"),
        ((1, ReplyOutcome.REFUSED, "reason", "", {"a": 1}), "gives nothing back"),
    ],
)
def test_a_field_out_of_bounds_is_refused(arguments: tuple[Any, ...], why: str) -> None:
    with pytest.raises(OrderError, match=why):
        Reply(*arguments)


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


@pytest.mark.parametrize("value", [1.5, b"x", 2**64, nested(MAXIMUM_DEPTH)])
def test_a_result_that_the_form_cannot_hold_is_not_written(value: Any) -> None:
    with pytest.raises(OrderError):
        Reply(1, ReplyOutcome.DONE, result={"a": value}).to_bytes()
