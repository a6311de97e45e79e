"""The laws of the manifest: round trip, one spelling, no other error; and which version is the later one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.canonical_json import encode
from wire.errors import FirmwareError
from wire.firmware import MAXIMUM_CONTENT_BYTES, MAXIMUM_FILE_BYTES, MAXIMUM_FILES, Manifest, PackagedFile, rank
from wire.management import MAX_PACKAGE_BYTES
from wire.orders import ActivateFirmware

AT = datetime(2026, 1, 1, tzinfo=UTC)
FILE = PackagedFile("a-1.0-py3-none-any.whl", "0123456789abcdef" * 4, 17)
MANIFEST = Manifest(version="1.2", files=(FILE,), created_at=AT)

numbers = st.integers(0, 999_999_999)
versions = st.lists(numbers, min_size=2, max_size=4).map(lambda found: ".".join(map(str, found)))
names = st.from_regex(r"\A[a-z0-9][a-z0-9._+-]{0,20}\.whl\Z")
packaged = st.builds(
    PackagedFile, names, st.from_regex(r"\A[0-9a-f]{64}\Z"), st.integers(1, MAXIMUM_CONTENT_BYTES // 5)
)
manifests = st.builds(
    lambda version, files, at: Manifest(
        version=version, files=tuple(sorted(files, key=lambda one: one.name)), created_at=at
    ),
    versions,
    st.lists(packaged, min_size=1, max_size=5, unique_by=lambda one: one.name),
    st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
)


def test_the_bytes_are_these() -> None:
    assert MANIFEST.to_bytes() == (
        b'{"created_at":"2026-01-01T00:00:00Z","files":[{"name":"a-1.0-py3-none-any.whl","sha256":"'
        + b"0123456789abcdef" * 4
        + b'","size":17}],"kind":"firmware","version":"1.2"}'
    )


@given(manifests)
def test_what_is_written_is_read_back(one: Manifest) -> None:
    data = one.to_bytes()
    assert Manifest.from_bytes(data) == one
    assert Manifest.from_bytes(data).to_bytes() == data


@given(manifests, st.data())
def test_a_changed_byte_is_refused_or_is_another_canonical_manifest(one: Manifest, data: st.DataObject) -> None:
    original = one.to_bytes()
    place = data.draw(st.integers(0, len(original) - 1))
    changed = original[:place] + data.draw(st.binary(max_size=3)) + original[place + data.draw(st.integers(0, 3)) :]
    try:
        found = Manifest.from_bytes(changed)
    except FirmwareError:
        return
    assert found.to_bytes() == changed


@given(st.binary(max_size=100))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(FirmwareError):
        Manifest.from_bytes(data)


junk = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.lists(st.integers(0, 2), max_size=2)


@given(st.data(), junk | st.dictionaries(st.text(max_size=3), junk, max_size=2))
def test_a_value_of_another_type_is_refused_or_canonical(data: st.DataObject, value: object) -> None:
    content = json.loads(MANIFEST.to_bytes())
    place = content if data.draw(st.booleans()) else content["files"][0]
    place[data.draw(st.sampled_from(sorted(place)))] = value
    written = encode(content)
    try:
        found = Manifest.from_bytes(written)
    except FirmwareError:
        return
    assert found.to_bytes() == written


@pytest.mark.parametrize("level", ["manifest", "file"])
def test_keys_that_are_missing_or_too_many(level: str) -> None:
    whole: dict[str, Any] = json.loads(MANIFEST.to_bytes())
    place: dict[str, Any] = whole if level == "manifest" else whole["files"][0]
    for key in list(place):
        value = place.pop(key)
        with pytest.raises(FirmwareError, match=key):
            Manifest.from_bytes(encode(whole))
        place[key] = value
    place["more"] = 1
    with pytest.raises(FirmwareError, match="unknown keys"):
        Manifest.from_bytes(encode(whole))


@pytest.mark.parametrize(
    "name",
    [
        "", ".whl", "a", "a.zip", "../a.whl", "/a.whl", "b/a.whl", "b\\a.whl", ".a.whl", "-a.whl", "a.whl\n", "ä.whl",
        "a b.whl", "a\0.whl", "c:a.whl", "a" * 124 + ".whl",
    ],
)  # fmt: skip
def test_a_file_has_a_plain_name(name: str) -> None:
    with pytest.raises(FirmwareError, match="name"):
        replace(FILE, name=name)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sha256": "0" * 63}, "sha256"),
        ({"sha256": "A" * 64}, "sha256"),
        ({"size": 0}, "size"),
        ({"size": MAXIMUM_FILE_BYTES + 1}, "size"),
        ({"size": True}, "size"),
    ],
)
def test_a_file_is_bounded(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FirmwareError, match=sentence):
        replace(FILE, **changes)


def many(number: int, size: int = 1) -> tuple[PackagedFile, ...]:
    return tuple(replace(FILE, name=f"{index:03}.whl", size=size) for index in range(number))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"files": ()}, "1 to 64 files"),
        ({"files": many(MAXIMUM_FILES + 1)}, "1 to 64 files"),
        ({"files": many(2, MAXIMUM_FILE_BYTES)}, "octets"),
        ({"files": many(2)[::-1]}, "order"),
        ({"files": (FILE, FILE)}, "order"),
        ({"files": (replace(FILE, name="A.whl"), replace(FILE, name="a.whl"))}, "order"),
        ({"files": [FILE]}, "tuple"),
        ({"files": ("a.whl",)}, "tuple"),
        ({"version": "1"}, "version"),
        ({"created_at": AT.replace(microsecond=1)}, "time"),
        ({"created_at": AT.replace(tzinfo=None)}, "time"),
    ],
)
def test_a_manifest_is_bounded(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FirmwareError, match=sentence):
        replace(MANIFEST, **changes)


def test_as_much_as_may_be_fits_through_the_tunnel() -> None:
    assert len(replace(MANIFEST, files=many(MAXIMUM_FILES)).to_bytes()) < 32_768
    assert MAXIMUM_CONTENT_BYTES + MAXIMUM_FILES * 1024 + 65536 < MAX_PACKAGE_BYTES


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("0.1.0", "0.1.1"), ("0.9", "0.10"), ("1.2", "1.2.0.1"), ("0.999.999.999", "1.0"), ("1.9.9", "1.10")],
)
def test_versions_are_compared_by_their_numbers(earlier: str, later: str) -> None:
    assert rank(earlier) < rank(later)


def test_what_is_not_said_is_zero() -> None:
    assert rank("1.2") == rank("1.2.0") == rank("1.2.0.0")


@pytest.mark.parametrize(
    "version", ["", "1", "1.", "1.2.3.4.5", "01.2", "1.2rc1", "v1.2", "1.2\n", "-1.2", "1.٢", None]
)
def test_what_is_no_version(version: Any) -> None:
    with pytest.raises(FirmwareError):
        rank(version)


@given(versions)
def test_every_version_of_a_package_can_be_ordered(version: str) -> None:
    assert ActivateFirmware(version).version == Manifest(version=version, files=(FILE,), created_at=AT).version
