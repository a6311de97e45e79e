"""What a client of an EMH CASA asks, and takes from the answers."""

from tests.han_web.place import Place
from tests.smgw.han.house import FIRST, FLAT, SECOND

PATH = "/json/metering/origin/"
JSON = {"Content-Type": "application/json"}
"""Clients send it with every question, whether or not it has a body."""


def test_meters_are_listed(place: Place) -> None:
    response = place.ask("house", PATH, headers=JSON)
    assert response.get_json() == [FIRST.text, SECOND.text]


def test_a_meter_has_its_last_readings(place: Place) -> None:
    found = place.ask("house", f"{PATH}{FIRST}/extended", headers=JSON).get_json()
    values = {one["logical_name"].partition(".")[0]: one for one in found["values"]}
    # The client computes float(value) * 10**scaler, and kWh of unit 30.
    drawn = values["0100010800ff"]
    assert (drawn["unit"], drawn["scaler"]) == (30, -1)
    assert int(drawn["value"]) > 100_000_000
    assert len(drawn["signature"]) == 128
    # What the meter shows at this moment is its own word; nobody signed it.
    assert values["0100010700ff"] == {
        "logical_name": f"0100010700ff.{FIRST.text.lower()}.sm",
        "scaler": values["0100010700ff"]["scaler"],
        "signature": "-",
        "unit": 27,
        "value": values["0100010700ff"]["value"],
    }
    assert found["capture_time"].endswith("+01:00")
    assert len(found["status"]) == 16


def test_feed_in_that_is_not_measured_is_not_there(place: Place) -> None:
    """Never 0: the second meter has no register for it."""
    found = place.ask("house", f"{PATH}{SECOND}/extended").get_json()
    assert [one["logical_name"].partition(".")[0] for one in found["values"]] == ["0100010800ff"]


def test_another_consumers_meter_is_one_that_does_not_exist(place: Place) -> None:
    """FDP_ACF.1."""
    answers = [place.ask("house", f"{PATH}{one}/extended") for one in (FLAT, "1ISK9999999999")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].data == answers[1].data
