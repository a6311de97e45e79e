"""Nobody asks without end, and nobody is served where the gateway serves nobody."""

import json
from dataclasses import replace

from han_web.api.pace import CAPACITY
from han_web.app import create_app
from tests.han_web.place import BASE, Place, furnished


def test_whoever_asks_without_end_is_told_how_long_to_wait(place: Place) -> None:
    """And is not locked out: her page answers all the same."""
    place = furnished(place.house)
    headers = place.session("service")
    for _ in range(CAPACITY):
        answer = place.client.get("/api/v1/technician/status", base_url=BASE, headers=headers)
        assert answer.status_code == 200
    refused = place.client.get("/api/v1/technician/status", base_url=BASE, headers=headers)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert json.loads(refused.data)["reason"] == "too-often"
    assert place.client.get("/api/v1/prices", base_url=BASE, headers=place.session("flat")).status_code == 200


def test_a_gateway_that_serves_nobody_says_so(place: Place) -> None:
    headers = place.session("house")
    app = create_app(replace(place.house.port, serving=lambda _: False), bytes)
    response = app.test_client(use_cookies=False).get("/api/v1/now", base_url=BASE, headers=headers)
    assert (response.status_code, json.loads(response.data)["reason"]) == (503, "not-now")
