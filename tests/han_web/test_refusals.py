"""What was refused is noted, within bounds, and nothing that was typed."""

import logging
import random
from datetime import timedelta

import pytest

from han_web.allowance import LINES_A_MINUTE
from han_web.app import create_app
from tests.han_web.place import BASE, Place
from tests.smgw.han.house import FLAT, NOW, TECHNICIAN, House

MINUTE = timedelta(minutes=1)


@pytest.fixture
def place(house: House) -> Place:
    """An application that has told nothing yet."""
    return Place(house, create_app(house.port, random.Random(8).randbytes))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "han_web.refusals"]


def test_others_ids_and_tricks_are_noted_and_not_repeated(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    hers = place.session("house")
    for path in (f"/history?meter={FLAT.text}", f"/readings?meter={FLAT.text}", "/static/../\n[error]forged"):
        assert place.client.get(path, base_url=BASE, headers=hers).status_code == 404
    assert place.client.get(f"/service?{FLAT.text}", base_url=BASE, headers=hers).status_code in {403, 404}
    lines = told(caplog)
    assert lines[:2] == [
        "refused with 404: GET /history, asked for by a consumer",
        "refused with 404: GET /readings, asked for by a consumer",
    ]
    assert len(lines) == 4
    assert all(FLAT.text not in one and "forged" not in one and "\n" not in one for one in lines)


def test_a_broken_answer_to_the_challenge_and_forms_of_nobody(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    broken = {"Authorization": 'Digest username="house", nonce="', "Sec-Fetch-Site": "none"}
    assert place.client.get("/api/v1/now", base_url=BASE, headers=broken).status_code == 401
    assert place.client.post("/login", base_url=BASE, data={"name": "x"}).status_code == 400
    assert place.client.open("/login", method="BREW\x7f", base_url=BASE).status_code == 405
    assert told(caplog) == [
        "refused with 401: GET /api/v1/now, asked for by somebody who is not logged in",
        "refused with 400: POST /login, asked for by somebody who is not logged in",
        "refused with 405: another method no page of ours, asked for by somebody who is not logged in",
    ]


def test_what_is_answered_is_not_noted(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    assert place.ask("house", "/api/v1/now").status_code == 200
    assert place.client.get("/", base_url=BASE, headers=place.session(TECHNICIAN)).status_code == 303
    assert place.client.get("/api/v1/now", base_url=BASE).status_code == 401
    assert told(caplog) == []


def test_a_flood_of_refusals_fills_no_log(place: Place, house: House, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(LINES_A_MINUTE + 25):
        place.client.get("/nothing", base_url=BASE)
    house.now += MINUTE
    try:
        place.client.get("/nothing", base_url=BASE)
    finally:
        house.now = NOW
    lines = told(caplog)
    assert len(lines) == LINES_A_MINUTE + 1
    assert lines[-1].endswith("; 25 more were refused before")
    assert all(one.levelno == logging.WARNING for one in caplog.records if one.name == "han_web.refusals")
