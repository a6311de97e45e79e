from tests.han_web.empty import HOST, empty_client


def test_an_application_without_anybody_inside_asks_for_a_name() -> None:
    answer = empty_client().get("/login", base_url=HOST)
    assert answer.status_code == 200
