"""Refusals as pages: what they say, what they do not say, and what comes after them."""

import logging
from datetime import timedelta
from urllib.parse import quote

import pytest

from han_web.errors import TEXTS
from smgw.han.port import HanError, HanReason, LoginRefusedError, RefusedReason
from smgw.secure_states import Condition
from tests.han_web.empty import empty_app
from tests.han_web.pages.caller import Browser, browser, read
from tests.smgw.han.house import FIRST, FLAT, NOW, House


@pytest.mark.parametrize(
    "path", ["/nothing-here", "/static/../app.py", "/static/app.py", "/data/x", "/%00", "/login/x"]
)
def test_what_there_is_not(consumer: Browser, path: str) -> None:
    answer = consumer.get(path)
    assert answer.status_code == 404
    read(answer.text)


@pytest.mark.parametrize(
    "path",
    ["/history?meter={}", "/readings?meter={}&register=1-0:1.8.0*255", "/costs#{}"],
)
def test_what_is_anothers_and_what_is_nobodys_are_answered_alike(consumer: Browser, path: str) -> None:
    """FDP_ACF.1: octet for octet, but for what she typed herself."""
    nobodys = "1ISK0099999999"
    hers, others = (consumer.get(path.format(meter)) for meter in (FLAT.text, nobodys))
    assert hers.status_code == others.status_code
    assert hers.text.replace(quote(FLAT.text), "x") == others.text.replace(nobodys, "x")
    if "#" not in path:
        assert hers.status_code == 404
        assert consumer.get(path.format(FIRST.text)).status_code == 200


def test_a_lock_out_tells_why_and_until_when(house: House) -> None:
    """FIA_AFL.1: and it is the same under a name that does not exist."""
    told = []
    for name in ("attic", "nobody-at-all"):
        made = browser(house.port)
        answers = [made.log_in(name, "wrong") for _ in range(6)]
        assert [one.status_code for one in answers] == [401] * 5 + [429]
        last = answers[-1]
        assert int(last.headers["Retry-After"]) == 60
        assert "29/10/2026, 13:08:00" in last.text
        assert "several wrong attempts" in last.text
        told.append(read(last.text).text)
    # The house is shared: who comes in after the time forgets the attempts.
    house.now += timedelta(minutes=1)
    try:
        browser(house.port, "attic")
    finally:
        house.now = NOW
    assert told[0] == told[1]


def test_a_lock_out_is_told_in_german_too(house: House) -> None:
    made = browser(house.port, language="de")
    last = [made.log_in("niemand", "falsch") for _ in range(6)][-1]
    assert "Die Anmeldung ist gesperrt" in last.text
    assert "29.10.2026, 13:08:00" in last.text


def test_a_state_in_which_nobody_is_served_is_told_to_who_is_known(house: House) -> None:
    """FPT_FLS.1: what is wrong and since when, and no figure."""
    known, stranger = browser(house.port, "house"), browser(house.port)
    house.conditions.set(Condition.DATABASE_DAMAGED, "", NOW - timedelta(minutes=5))
    try:
        answer = known.get("/")
        assert answer.status_code == 503
        assert "The data store is damaged." in answer.text
        assert "29/10/2026, 13:02" in answer.text
        assert "kWh" not in answer.text
        assert "damaged" not in stranger.get("/login").text
    finally:
        house.conditions.clear(Condition.DATABASE_DAMAGED, NOW)
    assert known.get("/").status_code == 200


def test_a_form_beyond_measure_is_refused(consumer: Browser) -> None:
    answer = consumer.bare_post("/account", {"present": "a" * 100_000})
    assert answer.status_code == 413
    assert "too long" in answer.text


def test_a_way_of_asking_that_a_page_does_not_have(consumer: Browser) -> None:
    assert consumer.client.put("/costs", base_url="https://gateway.local").status_code == 405


def test_a_failure_inside_tells_nothing_outside(caplog: pytest.LogCaptureFixture) -> None:
    app = empty_app()

    def fails() -> str:
        raise ValueError("the secret of the house")

    app.add_url_rule("/fails", view_func=fails)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/fails", base_url="https://gateway.local")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "the secret of the house" in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HanError(HanReason.TOO_MUCH, ""), 413),
        (HanError(HanReason.BAD_QUESTION, ""), 400),
        (HanError(HanReason.TOO_SOON, ""), 429),
        (LoginRefusedError(RefusedReason.FULL), 503),
        (LoginRefusedError(RefusedReason.MALFORMED), 400),
        (LoginRefusedError(RefusedReason.STALE), 401),
    ],
)
def test_every_refusal_has_its_status_and_a_page(error: Exception, status: int) -> None:
    app = empty_app()

    def refuses() -> str:
        raise error

    app.add_url_rule("/refuses", view_func=refuses)
    answer = app.test_client().get("/refuses", base_url="https://gateway.local")
    assert answer.status_code == status
    read(answer.text)


def test_every_reason_has_texts() -> None:
    assert set(TEXTS) >= {400, 401, 403, 404, 405, 413, 429, 500, 503}
