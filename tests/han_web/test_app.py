"""What the page is put together from."""

from tests.han_web.empty import HOST, empty_app, empty_client


def test_an_application_without_anybody_inside_asks_for_a_name() -> None:
    answer = empty_client().get("/login", base_url=HOST)
    assert answer.status_code == 200


def test_every_page_belongs_to_a_group() -> None:
    """Nothing is reached that no group of pages, no interface and no look has registered."""
    rules = {rule.endpoint for rule in empty_app().url_map.iter_rules()}
    assert {one for one in rules if "." not in one} <= {"static"}
