"""The table has no two questions at one place, and each of its refusals has words."""

from han_web.api.problems import PROBLEMS
from han_web.api.routes import ROUTES


def test_no_two_questions_have_one_place() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len({route.name for route in ROUTES}) == len(ROUTES)


def test_parameters_of_a_path_stand_in_it() -> None:
    for route in ROUTES:
        assert [one.name for one in route.parameters if one.in_path] == [
            part.strip("{}") for part in route.path.split("/") if part.startswith("{")
        ]
        assert set(route.refusals) <= set(PROBLEMS)
