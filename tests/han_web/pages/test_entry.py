from tests.han_web.empty import HOST, empty_client


def test_anybody_may_ask_for_the_log_in_page() -> None:
    assert empty_client().get("/login", base_url=HOST).status_code == 200
