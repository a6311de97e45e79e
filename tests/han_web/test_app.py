"""What the page is put together from."""

import pytest

from tests.han_web.empty import HOST, empty_app, empty_client


def test_an_application_without_anybody_inside_asks_for_a_name() -> None:
    answer = empty_client().get("/login", base_url=HOST)
    assert answer.status_code == 200


def test_every_page_belongs_to_a_group() -> None:
    """Nothing is reached that no group of pages, no interface and no look has registered."""
    rules = {rule.endpoint for rule in empty_app().url_map.iter_rules()}
    assert {one for one in rules if "." not in one} <= {"static"}


@pytest.mark.parametrize("path", ["/api//v1/now", "/smgw//m2m", "/static//frame.css", "/data//export"])
def test_nobody_is_led_to_a_host_that_a_client_names(path: str) -> None:
    answer = empty_client().get(path, base_url="https://elsewhere.example")
    assert (answer.status_code, answer.headers.get("Location")) == (404, None)
