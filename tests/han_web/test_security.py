import pytest

from han_web.security import HEADERS, MAXIMUM_ADDRESS
from tests.han_web.empty import HOST, empty_client


@pytest.mark.parametrize("path", ["/login", "/nothing-here"])
def test_every_answer_carries_the_rules(path: str) -> None:
    answer = empty_client().get(path, base_url=HOST)
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in answer.headers


def test_an_address_beyond_measure_is_refused() -> None:
    assert empty_client().get("/login?" + "a" * MAXIMUM_ADDRESS, base_url=HOST).status_code == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_another_sites_page_sends_is_refused(site: str) -> None:
    answer = empty_client().post("/login", base_url=HOST, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403
