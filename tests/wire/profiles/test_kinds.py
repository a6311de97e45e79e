"""The laws of the profile documents, over all kinds: round trip, one spelling, no other error, exactly its keys."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.examples import ACCOUNT, ADMINISTRATOR, COMMUNICATION, EVALUATION, METER, PROXY, profiles
from wire.canonical_json import encode
from wire.errors import ProfileError
from wire.profiles import KINDS, Profile, parse_profile

EXAMPLES: tuple[Profile, ...] = (METER, EVALUATION, COMMUNICATION, ADMINISTRATOR, PROXY, ACCOUNT)


def test_every_kind_has_its_name_and_its_example() -> None:
    assert {profile.KIND: type(profile) for profile in EXAMPLES} == KINDS


@given(profiles)
def test_what_is_written_is_read_back(profile: Profile) -> None:
    data = profile.to_bytes()
    assert parse_profile(data) == profile
    assert type(profile).from_bytes(data) == profile
    assert parse_profile(data).to_bytes() == data


@given(profiles.map(lambda profile: profile.to_bytes()), st.data())
def test_a_changed_byte_is_refused_or_is_another_canonical_profile(original: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(original) - 1))
    changed = original[:place] + data.draw(st.binary(max_size=3)) + original[place + data.draw(st.integers(0, 3)) :]
    try:
        profile = parse_profile(changed)
    except ProfileError:
        return
    assert profile.to_bytes() == changed


@given(st.binary(max_size=100))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(ProfileError):
        parse_profile(data)


junk = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.lists(st.integers(0, 2), max_size=2)


@given(st.sampled_from(EXAMPLES), st.data(), junk | st.dictionaries(st.text(max_size=3), junk, max_size=2))
def test_a_value_of_another_type_is_refused_or_canonical(profile: Profile, data: st.DataObject, value: object) -> None:
    content = json.loads(profile.to_bytes())
    content[data.draw(st.sampled_from(sorted(content)))] = value
    changed = encode(content)
    try:
        found = parse_profile(changed)
    except ProfileError:
        return
    assert found.to_bytes() == changed


def keys_of(content: dict[str, Any]) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    for key, value in content.items():
        paths.append((key,))
        if isinstance(value, dict):
            paths += [(key, *rest) for rest in keys_of(value)]
    return paths


@pytest.mark.parametrize(
    ("profile", "path"),
    [(profile, path) for profile in EXAMPLES for path in keys_of(json.loads(profile.to_bytes())) if path != ("kind",)],
    ids=lambda value: value.KIND if not isinstance(value, tuple) else ".".join(value),
)
def test_every_key_is_needed_and_no_other_is_known(profile: Profile, path: tuple[str, ...]) -> None:
    content = json.loads(profile.to_bytes())
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    value = inner.pop(path[-1])
    with pytest.raises(ProfileError, match=f"missing key: {'.'.join(path)}"):
        parse_profile(encode(content))
    inner[path[-1]] = value
    inner["x-" + path[-1]] = value
    with pytest.raises(ProfileError, match="unknown keys: "):
        parse_profile(encode(content))


@pytest.mark.parametrize("kind", [None, 1, "", "consumer", ["meter"], {"meter": 1}])
def test_another_kind_is_refused(kind: object) -> None:
    content = json.loads(METER.to_bytes()) | {"kind": kind}
    with pytest.raises(ProfileError, match="not a kind of profile"):
        parse_profile(encode(content))


def test_a_profile_of_another_kind_is_not_read_as_this_one() -> None:
    with pytest.raises(ProfileError, match="of kind 'evaluation', not 'meter'"):
        type(METER).from_bytes(EVALUATION.to_bytes())
