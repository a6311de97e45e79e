from tests.han_web.empty import HOST, empty_client


def test_nothing_is_there() -> None:
    assert empty_client().get("/nothing-here", base_url=HOST).status_code == 404
