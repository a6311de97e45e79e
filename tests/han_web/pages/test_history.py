"""The history by quarter-hour, day, month and year, without a script (TR-03109-1, consumer)."""

import pytest

from tests.han_web.pages.caller import Browser
from tests.smgw.han.house import FIRST, SECOND


@pytest.mark.parametrize(
    ("question", "rows", "title"),
    [
        ("by=day&on=2026-10-24", 96, "Saturday, 24 October 2026"),
        ("by=day&on=2026-10-25", 100, "Sunday, 25 October 2026"),
        ("by=month&on=2026-09-17", 30, "September 2026"),
        ("by=year&on=2025-06-01", 12, "2025"),
        ("by=all", 3, "All years"),
    ],
)
def test_every_part_has_its_row(consumer: Browser, question: str, rows: int, title: str) -> None:
    text = consumer.get(f"/history?{question}").text
    assert text.count('<th scope="row">') == rows + 1
    assert title in text
    assert text.count('<rect class="bar') <= rows


def test_the_hour_that_comes_twice(german: Browser) -> None:
    page = german.page("/history?by=day&on=2026-10-25")
    assert "Dieser Tag hat 25 Stunden" in page.text
    text = page.text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "02:45 A \N{EN DASH} 02:00 B" in text
    assert "23 Stunden" in german.page("/history?by=day&on=2026-03-29").text


def test_a_bar_leads_into_what_it_is_made_of(consumer: Browser) -> None:
    assert "/history?by=month&on=2026-09-01&register=1-0:1.8.0*255" in consumer.page("/history?by=year").links
    assert "/history?by=day&on=2026-10-25&register=1-0:1.8.0*255" in consumer.page("/history?by=month").links


def test_before_and_after_end_where_her_time_ends(consumer: Browser) -> None:
    today, first = (consumer.get(f"/history?by=day&on={day}").text for day in ("2026-10-29", "2024-01-01"))
    assert 'rel="next"' not in today
    assert 'rel="prev"' in today
    assert 'rel="prev"' not in first
    assert 'rel="next"' in first


def test_one_meter_of_several(consumer: Browser) -> None:
    """Each alone is less than both together, and together they are that (in whole watt-hours)."""
    sums = [
        consumer.get(f"/history?by=month&on=2026-09-01{meter}").text
        for meter in ("", f"&meter={FIRST}", f"&meter={SECOND}")
    ]
    whole, one, other = (float(text.partition('class="figure">')[2].partition("<")[0]) for text in sums)
    assert 0 < min(one, other) < max(one, other) < whole
    assert abs(one + other - whole) < 0.2


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("by=week", 400),
        ("on=2026-13-01", 400),
        ("on=garbage", 400),
        ("on=0001-01-01", 400),
        ("on=9999-12-31", 400),
        ("register=1-0:3.8.0*255", 404),
        ("register=1-0:1.7.0*255", 404),
        ("meter=1ISK0099999999", 404),
        ("meter=" + "a" * 100, 400),
        ("by=day&on=2199-01-01", 200),
    ],
)
def test_what_cannot_be_shown(consumer: Browser, question: str, status: int) -> None:
    assert consumer.get(f"/history?{question}").status_code == status


def test_the_script_is_told_where_it_is_and_has_its_figures(consumer: Browser) -> None:
    text = consumer.get("/history?by=day&on=2026-10-28").text
    assert 'data-source="/api/v1/series"' in text
    begin = text.partition('data-begin="')[2].partition('"')[0]
    assert begin == "1793142000"
    question = (
        "register=1-0:1.8.0*255&resolution=quarter-hour&begin=2026-10-27T23:00:00.000Z&end=2026-10-28T23:00:00.000Z"
    )
    series = consumer.get(f"/api/v1/series?{question}").get_json()
    assert set(series) >= {"bounds", "energies", "scaler", "doubtful"}
    assert len(series["energies"]) == 96
