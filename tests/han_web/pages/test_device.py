"""How the gateway is, and the self-test that she starts herself (FPT_TST.1)."""

from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import FIRST, House


def test_the_gateway_and_her_meters(consumer: Browser, german: Browser) -> None:
    text = consumer.page("/device").text
    for word in ("Everything works", str(FIRST), "answers", "every quarter of an hour", "Energy drawn"):
        assert word in text
    assert "Alles in Ordnung" in german.page("/device").text


def test_a_self_test_and_why_not_another_at_once(house: House) -> None:
    made = browser(house.port, "flat")
    first = made.post("/device/self-test", {}, seen_at="/device")
    assert first.status_code == 200
    assert "Data store" in first.text
    assert first.text.count("passed") >= 5
    second = made.post("/device/self-test", {}, seen_at="/device")
    assert second.status_code == 429
    assert "Again from" in second.text
    assert "29/10/2026, 13:17:00" in second.text
