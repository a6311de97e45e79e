"""The description says what is served: every route, every shape, every refusal."""

import json
from pathlib import Path

import pytest

from han_web.api import openapi
from han_web.api.problems import PROBLEMS
from han_web.api.rendered import json_bytes
from han_web.api.routes import PREFIX, ROUTES
from han_web.api.schemas import SCHEMAS, Schema
from han_web.api.views import VIEWS

DOCUMENT = json.loads(json_bytes(openapi.document()))
COMMITTED = Path(__file__).parents[3] / "docs" / "han-api.openapi.json"


def operations() -> dict[str, Schema]:
    return {one["operationId"]: one for methods in DOCUMENT["paths"].values() for one in methods.values()}


def test_what_is_described_is_what_is_served() -> None:
    assert list(operations()) == [route.name for route in ROUTES] == list(VIEWS)
    assert set(DOCUMENT["paths"]) == {PREFIX + route.path for route in ROUTES}


def test_the_description_that_is_kept_is_this_one() -> None:
    """Where it is not: ``COMMITTED`` is to hold ``json_bytes(openapi.document())`` and a line feed."""
    assert COMMITTED.read_bytes() == json_bytes(openapi.document()) + b"\n"


def test_every_reference_has_a_shape() -> None:
    assert {name.rpartition("/")[2] for name in references(DOCUMENT)} == set(SCHEMAS)


def references(document: object) -> set[str]:
    if isinstance(document, dict):
        own = {str(document["$ref"])} if "$ref" in document else set()
        return own.union(*(references(one) for one in document.values()))
    if isinstance(document, list):
        return set().union(*(references(one) for one in document))
    return set()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_question_is_described_for_people(route: object) -> None:
    operation = operations()[route.name]  # type: ignore[attr-defined]
    assert operation["summary"]
    assert operation["description"]
    for one in operation["parameters"]:  # type: ignore[attr-defined]
        assert one["description"]
        assert one["example"] is not None


def test_only_the_description_itself_needs_no_login() -> None:
    assert [name for name, one in operations().items() if one["security"] == []] == ["openapi"]


def test_problems_are_told_in_two_languages() -> None:
    for name, words in PROBLEMS.items():
        assert DOCUMENT["x-problems"][name]["status"] == words.status
        assert words.german != words.english
        assert all(words.german)
        assert all(words.english)
