"""Who asks is looked for in one order, and a view is made for nobody else (PP-0073 FIA_UAU.2, FIA_UAU.5)."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from han_web.auth import CERTIFICATE_HEADER, SESSION_COOKIE
from pki.certificates import Purpose, Role
from smgw.store.errors import StoreError, StoreReason
from tests.han_web.pages.caller import browser
from tests.smgw.han.house import TECHNICIAN, House

PAGES = ["/", "/live", "/history", "/costs", "/data", "/data/sent", "/data/log", "/data/export", "/readings", "/device"]
SERVICE = ["/service/log", "/service/device"]


@pytest.mark.parametrize("path", [*PAGES, *SERVICE, "/account", "/data/export/file"])
def test_a_stranger_is_led_to_the_log_in(house: House, path: str) -> None:
    answer = browser(house.port).get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


@pytest.mark.parametrize("path", [one for one in PAGES if one != "/"])
def test_a_technician_sees_nothing_of_a_consumer(house: House, path: str) -> None:
    """FAU_SAR.1/SYS; TR-03109-1, technician: the system log and the state, and nothing else."""
    answer = browser(house.port, TECHNICIAN).get(path)
    assert answer.status_code == 403
    assert "kWh" not in answer.text


@pytest.mark.parametrize("path", SERVICE)
def test_a_consumer_sees_nothing_of_a_technician(house: House, path: str) -> None:
    assert browser(house.port, "house").get(path).status_code == 403


def test_a_pinned_certificate_is_enough(house: House) -> None:
    """HKS1: the server in front says which certificate the connection has; the account says whether it is pinned."""
    text = quote(house.client.certificate.public_bytes(Encoding.PEM).decode())
    answer = browser(house.port).get("/account", **{CERTIFICATE_HEADER: text})
    assert answer.status_code == 200
    assert "house" in answer.text
    # Nobody can log out of a certificate: no button says so.
    assert "/logout" not in answer.text


@pytest.mark.parametrize(
    "text", ["", "garbage", "%ff", "-----BEGIN%20CERTIFICATE-----%0A!%0A-----END%20CERTIFICATE-----", "a" * 20_000]
)
def test_a_certificate_that_is_none_is_nobodys(house: House, text: str) -> None:
    assert browser(house.port).get("/account", **{CERTIFICATE_HEADER: text}).status_code == 303


def test_a_certificate_that_nobody_pinned_is_nobodys(house: House) -> None:
    stranger = house.pki.holder(Role.EMT, Purpose.TLS, "Stranger").certificate
    text = quote(stranger.public_bytes(Encoding.PEM).decode())
    assert browser(house.port).get("/account", **{CERTIFICATE_HEADER: text}).status_code == 303


@pytest.mark.parametrize("secret", ["", "x", "0" * 64, "\N{SNOWMAN}"])
def test_a_session_that_is_none_is_nobodys(house: House, secret: str) -> None:
    made = browser(house.port)
    made.client.set_cookie(SESSION_COOKIE, secret, domain="gateway.local", secure=True)
    assert made.get("/account").status_code == 303


def test_a_page_that_asks_by_itself_keeps_nobody_logged_in(house: House) -> None:
    """FIA_UAU.6: ten minutes without a person end the session, however often the page asked for figures."""
    assert statuses(house, {"X-Live": "1"}) == [200, 200, 303]


def test_a_person_who_clicks_stays_logged_in(house: House) -> None:
    assert statuses(house, {}) == [200, 200, 200]


def statuses(house: House, headers: dict[str, str]) -> list[int]:
    """Of a request each fourth minute."""
    made, before, found = browser(house.port, "flat"), house.now, []
    try:
        for _ in range(3):
            house.now += timedelta(minutes=4)
            found.append(made.get("/live", **headers).status_code)
    finally:
        house.now = before
    return found


def test_whoever_loads_pages_without_end_waits_alone(house: House) -> None:
    """One consumer leaves the gateway time for the others, and for what it measures."""
    made = browser(house.port, "flat")
    while (answer := made.get("/account")).status_code == 200:
        pass
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert made.get("/login").status_code == 303


@pytest.mark.parametrize("path", ["/", "/login", "/nothing-here"])
def test_a_store_that_fails_is_told_in_a_page_whoever_asks(
    house: House, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError(StoreReason.FULL, "no room")

    monkeypatch.setattr(house.door, "by_certificate", fail)
    text = quote(house.client.certificate.public_bytes(Encoding.PEM).decode())
    answer = browser(house.port).get(path, **{CERTIFICATE_HEADER: text})
    assert answer.status_code == 500
    assert "It is not your fault." in answer.text
