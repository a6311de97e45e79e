"""The list of original readings with status and signature (PTB-A 50.8, display)."""

import re

import pytest

from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import FIRST, FLAT, SECOND, House

PATH = f"/readings?meter={FIRST}&register=1-0:1.8.0*255"
TIMES = re.compile(r'<th scope="row" class="word"><time datetime="([^"]+)"')


def test_a_line_has_reading_status_and_signature(consumer: Browser, german: Browser) -> None:
    assert re.search(r"10,717\.3550.kWh good \(0\) genuine 0000000500000004", consumer.page(PATH).text)
    assert re.search(r"10\.717,3550.kWh gut \(0\) echt 0000000500000004", german.page(PATH).text)


def test_paging_loses_and_doubles_nothing(consumer: Browser) -> None:
    pages, path = [], PATH
    for _ in range(3):
        text = consumer.get(path).text
        pages.append(TIMES.findall(text))
        found = re.search(r'href="([^"]+)" rel="next"', text)
        assert found is not None
        path = found.group(1).replace("&amp;", "&")
    times = [time for page in pages for time in page]
    assert [len(page) for page in pages] == [96, 96, 96]
    assert len(set(times)) == len(times)
    assert times[0] == "2026-10-29T13:00:00+01:00"
    assert "2026-10-27T13:15:00+01:00" in times


def test_from_a_day_on(consumer: Browser) -> None:
    times = TIMES.findall(consumer.get(f"{PATH}&until=2026-10-25").text)
    assert times[0] == "2026-10-26T00:00:00+01:00" or times[0] == "2026-10-25T23:45:00+01:00"
    assert "2026-10-25T02:15:00+02:00" in times
    assert "2026-10-25T02:15:00+01:00" in times


def test_meters_without_a_word_are_her_first(consumer: Browser) -> None:
    assert str(FIRST) in consumer.page("/readings").text


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (f"meter={FLAT}", 404),
        ("meter=1ISK0099999999", 404),
        (f"meter={SECOND}&register=1-0:2.8.0*255", 404),
        ("until=x", 400),
        ("before=x", 400),
        ("before=" + "9" * 18, 400),
        ("before=0", 200),
    ],
)
def test_what_cannot_be_shown(consumer: Browser, question: str, status: int) -> None:
    assert consumer.get(f"/readings?{question}").status_code == status


def test_a_reading_that_was_altered_is_told(house: House) -> None:
    """Somebody wrote into the store: the signature is the gateway's, the figure is not."""
    assert "genuine" in browser(house.port, "house").page(PATH).text
