"""Nobody asks without end, and nobody is served where the gateway serves nobody."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from han_web.app import create_app
from han_web.auth import CERTIFICATE_HEADER
from han_web.pace import CAPACITY
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


@pytest.mark.parametrize("path", ["/api/v1/self-test", "/cgi-bin/hanservice.cgi", "/smgw/m2m/"])
@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_a_page_of_elsewhere_does_nothing_with_her_browsers_certificate(place: Place, path: str, origin: str) -> None:
    """Browsers that know no Sec-Fetch-Site send their certificate along with what any page sends."""
    pem = place.house.client.certificate.public_bytes(Encoding.PEM).decode()
    headers = {CERTIFICATE_HEADER: quote(pem), "Origin": origin}
    answer = place.client.post(path, base_url=BASE, headers=headers, data={"action": "selftest"})
    assert (answer.status_code, json.loads(answer.data)["reason"]) == (403, "form-token")


def test_a_program_with_a_certificate_needs_no_token(place: Place) -> None:
    """HKS1: nothing but a page says where it comes from."""
    pem = place.house.client.certificate.public_bytes(Encoding.PEM).decode()
    headers = {CERTIFICATE_HEADER: quote(pem)}
    answer = place.client.post("/cgi-bin/hanservice.cgi", base_url=BASE, headers=headers, data={"action": "swversions"})
    assert answer.status_code == 200
