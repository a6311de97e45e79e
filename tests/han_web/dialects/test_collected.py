"""Readings of several registers, within bounds, and none invented."""

from datetime import UTC, datetime, timedelta

import pytest

from han_web.dialects import collected
from han_web.dialects.collected import between, daily, last, registers_of
from smgw.han.port import HanError, HanReason
from tests.han_web.place import Place
from tests.smgw.han.house import EXPORT, FIRST, IMPORT, NOW, SECOND

BEGIN = datetime(2026, 10, 24, 22, tzinfo=UTC)
"""Midnight of legal time, on the day on which the clocks are set back."""
END = datetime(2026, 10, 26, 23, tzinfo=UTC)
PAIR = (FIRST.text, str(IMPORT))


def test_channels_are_of_her_meters_and_of_the_contract(place: Place) -> None:
    view = place.house.view("house")
    contract = next(one for one in view.contracts(NOW) if one.id == "house-series")
    assert registers_of(view.meters(NOW), contract) == [PAIR, (FIRST.text, str(EXPORT))]
    assert (SECOND.text, str(IMPORT)) in registers_of(view.meters(NOW))
    assert (SECOND.text, str(EXPORT)) not in registers_of(view.meters(NOW))


def test_readings_are_oldest_first_and_all_there(place: Place) -> None:
    (channel,) = between(place.house.view("house"), [PAIR], BEGIN, END)
    moments = [one.captured_at for one in channel.readings]
    assert moments == sorted(moments)
    assert len(moments) == 100 + 96


def test_pages_are_put_together_without_seam(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    view = place.house.view("house")
    whole = between(view, [PAIR], BEGIN, END)
    for size in (1 + len(whole[0].readings), 60, 49):
        monkeypatch.setattr(collected, "PAGE", size)
        assert between(view, [PAIR], BEGIN, END) == whole


def test_more_than_an_answer_holds_is_refused(place: Place) -> None:
    with pytest.raises(HanError) as caught:
        between(place.house.view("house"), [PAIR, (FIRST.text, str(EXPORT))], BEGIN, END, 300)
    assert caught.value.reason is HanReason.TOO_MUCH


def test_a_day_begins_at_its_midnight_whatever_the_clock_does(place: Place) -> None:
    (channel,) = daily(place.house.view("house"), [PAIR], BEGIN, END)
    assert [datetime.fromtimestamp(one.captured_at, UTC) for one in channel.readings] == [
        BEGIN,
        BEGIN + timedelta(hours=25),
    ]


def test_days_are_not_counted_by_what_lies_between_their_midnights(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected, "MAXIMUM_VALUES", 100)
    view, month = place.house.view("house"), timedelta(days=31)
    (channel,) = daily(view, [PAIR], END - month, END)
    moments = [datetime.fromtimestamp(one.captured_at, UTC) for one in channel.readings]
    assert moments[-2:] == [BEGIN, BEGIN + timedelta(hours=25)]
    assert len(moments) == 30, "it begins an hour after a midnight, for the clocks are set back"
    # Both ends are kept: of the first day nothing is left, of the last one its begin is not in it.
    (channel,) = daily(view, [PAIR], BEGIN + timedelta(minutes=1), BEGIN + timedelta(hours=25))
    assert channel.readings == ()


def test_the_last_reading_is_one_or_none(place: Place) -> None:
    newest, nothing = last(place.house.view("house"), [PAIR, (FIRST.text, "1-0:1.7.0*255")], NOW)
    assert len(newest.readings) == 1
    assert newest.readings[0].captured_at <= NOW.timestamp()
    assert nothing.readings == ()
