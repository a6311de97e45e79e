"""Each question has its answer: of the house that asks, and of nobody else."""

import json

import pytest

from han_web.api.routes import ROUTES
from han_web.api.views import VIEWS
from tests.han_web.place import Place
from tests.smgw.han.house import FIRST, FLAT, IMPORT

DAY = "begin=2026-10-25T00:00:00%2B02:00&end=2026-10-26T00:00:00%2B01:00"


def test_there_is_a_view_for_each_route() -> None:
    assert list(VIEWS) == [route.name for route in ROUTES]


def ask(place: Place, path: str, name: str = "house") -> dict[str, object]:
    response = place.ask(name, f"/api/v1{path}")
    assert response.status_code == 200, response.text
    found: dict[str, object] = json.loads(response.data)
    return found


def test_now_tells_power_and_energies(place: Place) -> None:
    now = ask(place, "/now")
    assert now["powers"]
    drawn = now["drawn"]
    assert [one["resolution"] for one in drawn] == ["day", "month", "year"]  # type: ignore[attr-defined]
    assert now["fed_in"] is not None
    # Nothing of the flat can feed in: that is told as nothing, never as 0.
    assert ask(place, "/now", "flat")["fed_in"] is None


def test_the_day_of_the_clock_change_has_a_hundred_quarter_hours(place: Place) -> None:
    found = ask(place, f"/series?register={IMPORT}&resolution=quarter-hour&{DAY}")
    assert len(found["energies"]) == 100  # type: ignore[arg-type]
    assert len(found["bounds"]) == 101  # type: ignore[arg-type]


def test_readings_come_in_pages(place: Place) -> None:
    """PTB-A 50.8, display: each with its signature and the verdict of its check."""
    path = f"/readings?meter={FIRST}&register={IMPORT}&begin=2026-10-25T00:00:00%2B02:00&limit=60&end="
    first = ask(place, path + "2026-10-26T00:00:00%2B01:00")
    second = ask(place, path + str(first["next"]))
    both = [one["captured_at"] for one in first["readings"] + second["readings"]]  # type: ignore[operator]
    assert len(both) == len(set(both)) == 100
    assert both == sorted(both, reverse=True)
    assert second["next"] is None
    assert {one["verdict"] for one in first["readings"]} == {"genuine"}  # type: ignore[attr-defined]


def test_contracts_and_their_billing_periods(place: Place) -> None:
    names = [one["contract"] for one in ask(place, "/contracts")["contracts"]]  # type: ignore[attr-defined]
    assert "house-stages" in names
    assert "flat-series" not in names
    assert ask(place, "/contracts/house-stages/billing-periods?limit=2")["billing_periods"]


def test_transmissions_come_in_pages(place: Place) -> None:
    every = ask(place, "/transmissions")["transmissions"]
    first = ask(place, "/transmissions?limit=3")
    second = ask(place, f"/transmissions?limit=3&before={first['next']}")
    assert first["transmissions"] + second["transmissions"] == every[:6]  # type: ignore[operator, index]


def test_the_log_is_read_to_its_end(place: Place) -> None:
    """FAU_SAR.1/CON."""
    first = ask(place, "/log?limit=2")
    second = ask(place, f"/log?after={first['next']}")
    numbers = [one["record_number"] for one in first["entries"] + second["entries"]]  # type: ignore[operator]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] <= second["last"]
    assert ask(place, "/log/integrity") == {"whole": True, "cause": ""}


def test_texts_are_in_the_language_that_was_asked_for(place: Place) -> None:
    texts = [
        json.loads(place.ask("house", "/api/v1/log", headers={"Accept-Language": tongue}).data)["entries"][0]["text"]
        for tongue in ("de", "en")
    ]
    assert texts[0] != texts[1]


def test_prices_are_entered_and_taken_back(place: Place) -> None:
    given = {
        "contract": "house-sum",
        "since": "2026-01-01T00:00:00Z",
        "base_per_month": 119900,
        "per_kilowatt_hour": [{"stage": 0, "price": 3150}],
    }
    assert place.ask("house", "/api/v1/prices", "PUT", json=given).get_json() == given
    assert ask(place, "/prices") == {"prices": [given]}
    assert ask(place, "/prices", "flat") == {"prices": []}
    path = "/api/v1/prices?contract=house-sum&since=2026-01-01T00:00:00Z"
    assert place.ask("house", path, "DELETE").status_code == 204
    assert ask(place, "/prices") == {"prices": []}


def test_a_technician_reads_the_system_log_and_no_consumers_data(place: Place) -> None:
    """FAU_SAR.1/SYS; TR-03109-1, technician: read only, and nothing of anybody's energy."""
    found = ask(place, "/technician/log?limit=5", "service")
    assert found["entries"]
    assert ask(place, "/technician/status", "service")["gateway"]
    assert place.ask("service", "/api/v1/meters").status_code == 403
    assert place.ask("house", "/api/v1/technician/log").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/readings?meter={meter}&register={register}&" + DAY,
        "/series?meter={meter}&resolution=day&register={register}&" + DAY,
    ],
)
def test_another_consumers_meter_is_one_that_does_not_exist(place: Place, path: str) -> None:
    """FDP_ACF.1: octet for octet the same answer."""
    answers = [
        place.ask("house", "/api/v1" + path.format(meter=meter, register=IMPORT)) for meter in (FLAT, "1ISK9999999999")
    ]
    assert {one.status_code for one in answers} == {404}
    assert answers[0].data == answers[1].data


def test_another_consumers_contract_is_one_that_does_not_exist(place: Place) -> None:
    """FDP_ACF.1, TR-03109-1, consumer."""
    answers = [place.ask("house", f"/api/v1/contracts/{one}/billing-periods") for one in ("flat-series", "nobody")]
    assert {one.status_code for one in answers} == {404}
    assert answers[0].data == answers[1].data


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", f"/readings?meter={FIRST}&register={IMPORT}&begin=x&end=y", {}),
        ("GET", f"/series?register={IMPORT}&resolution=week&{DAY}", {}),
        ("GET", f"/series?register={IMPORT}&resolution=day&begin=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", {}),
        ("GET", "/meters?meter=1", {}),
        ("GET", "/transmissions?before=%00", {}),
        ("GET", f"/export?form=xml&{DAY}", {}),
        ("PUT", "/prices", {"data": "{", "content_type": "application/json"}),
        ("PUT", "/prices", {"json": []}),
        ("PUT", "/prices", {"data": '{"\\ud800": 1}', "content_type": "application/json"}),
        ("PUT", "/prices", {"data": "[" * 20_000, "content_type": "application/json"}),
    ],
)
def test_a_malformed_question_is_refused_by_name(place: Place, method: str, path: str, more: dict[str, object]) -> None:
    response = place.ask("house", "/api/v1" + path, method, **more)
    assert response.status_code == 400
    assert response.get_json()["parameter"]
