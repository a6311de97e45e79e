"""The strict walk between JSON and typed fields: exact types, each member once, one spelling of codes and base64."""

import pytest

from wire.canonical_json import JsonValue
from wire.errors import ObisError, OrderError, ProfileError
from wire.profiles import ProtocolMode, document
from wire.profiles.document import Fields


@pytest.mark.parametrize(
    ("method", "good", "bad"),
    [
        ("text", "a", [1, None, True, ["a"], {}]),
        ("integer", 5, ["5", True, None, [5]]),
        ("integer_or_none", None, ["5", False]),
        ("boolean", False, [0, 1, None, "true"]),
        ("instant", "2026-01-01T00:00:00Z", ["2026-01-01", "2026-01-01T00:00:00+00:00", 0]),
        ("device", "1ISK0012345678", ["1isk0012345678", "1ISK", 1]),
        ("device_or_none", None, ["1isk0012345678", "", 1]),
        ("device_or_none", "1ISK0012345678", [[]]),
        ("octets", "AAE=", ["AAE", "AAF=", "AA E=", "AAE=\n", "ä", 1]),
        ("nested", {}, [[], "a", None]),
        ("members", {"a": [1]}, [[], "a", None]),
        ("objects", [{"a": 1}, {}], [{}, "a", None, [1], [{}, None], [[]]]),
        ("integers", [1, -2], ["1", 1, [1.0], [True], ["1"], [None]]),
        ("code", "1-0:1.8.0*255", ["1-0:1.8.0", "1.8.0", 1, None]),
        ("day", "2026-02-28", ["2026-02-29", "20260228", "2026-W09-6", "2026-02-28T00:00:00", 1, None]),
        ("nested_or_none", None, [[], "a"]),
        ("nested_or_none", {}, [0]),
        ("text_or_none", None, [1, False, []]),
        ("text_or_none", "a", [{}]),
        ("octets_or_none", None, ["AAE", 1, False]),
        ("octets_or_none", "AAE=", ["AAF="]),
        ("many_octets", ["AAE=", ""], ["AAE=", [1], ["AAF="]]),
    ],
)
def test_types_are_exact(method: str, good: JsonValue, bad: list[JsonValue]) -> None:
    getattr(Fields({"key": good}), method)("key")
    for value in bad:
        with pytest.raises(ProfileError, match="key"):
            getattr(Fields({"key": value}), method)("key")


def test_choices_and_lists_name_what_is_wrong() -> None:
    assert Fields({"mode": "C"}).choice("mode", ProtocolMode) is ProtocolMode.C
    with pytest.raises(ProfileError, match=r"protocol\.mode"):
        Fields({"mode": "E"}, "protocol.").choice("mode", ProtocolMode)
    with pytest.raises(ProfileError, match="registers is not a list"):
        Fields({"registers": "1-0:1.8.0*255"}).many("registers", document.obis)
    with pytest.raises(ProfileError, match="registers is not a text"):
        Fields({"registers": [1]}).many("registers", document.obis)


def test_each_object_of_a_list_is_read_whole() -> None:
    fields = Fields({"stages": [{"number": 1}, {"number": 2}]}, "rule.")
    assert fields.many_nested("stages", lambda inner: inner.integer("number")) == (1, 2)
    with pytest.raises(ProfileError, match=r"unknown keys: rule\.stages\.name"):
        Fields({"stages": [{"number": 1, "name": "a"}]}, "rule.").many_nested(
            "stages", lambda inner: inner.integer("number")
        )


def test_each_member_is_taken_once() -> None:
    fields = Fields({"a": 1, "b": 2})
    fields.integer("a")
    with pytest.raises(ProfileError, match="missing key: a"):
        fields.integer("a")
    with pytest.raises(ProfileError, match="unknown keys: b"):
        fields.finish()
    fields.integer("b")
    fields.finish()


@pytest.mark.parametrize("text", ["1-0:1.8.0", "1-0:1.8.0&255", "01-0:1.8.0*255", "1-0:1.8.0*256"])
def test_an_obis_code_has_one_spelling(text: str) -> None:
    assert str(document.obis("1-0:1.8.0*255")) == "1-0:1.8.0*255"
    with pytest.raises(ObisError):
        document.obis(text)


def test_a_refusal_bears_the_name_of_the_document() -> None:
    with pytest.raises(OrderError, match="missing key: a") as caught, document.refusing(OrderError):
        Fields({}).text("a")
    assert isinstance(caught.value.__cause__, ProfileError)
    with pytest.raises(KeyError), document.refusing(OrderError):
        raise KeyError


def test_bounds_of_documents_are_their_formats_own() -> None:
    content: dict[str, JsonValue] = {"a": "x" * 100}
    data = document.write(content, maximum_bytes=108)
    assert document.read(data, maximum_bytes=108) == content
    with pytest.raises(ProfileError, match="more than 107"):
        document.write(content, maximum_bytes=107)
    with pytest.raises(ProfileError, match="more than 107"):
        document.read(data, maximum_bytes=107)
