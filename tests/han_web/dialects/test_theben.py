"""What clients of a CONEXA 3.0 ask (interface description IF_GW_CON 1.4), as they send it."""

import json

import pytest
from werkzeug.test import TestResponse

from han_web.api.problems import REFUSED_HEADER
from han_web.dialects import collected
from tests.han_web.place import BASE, CHALLENGE, Place, digest_answer
from tests.smgw.han.house import FIRST, PASSWORDS

PATH = "/smgw/m2m/house.sm/json"
SERIES = "01005e318027.house-series.sm"
STAGES = "01005e318022.house-stages.sm"


def post(place: Place, method: str, **members: object) -> TestResponse:
    return post_to(PATH, place, method, **members)


def post_to(path: str, place: Place, method: str, **members: object) -> TestResponse:
    return place.ask("house", path, "POST", json={"method": method, **members})


def ask(place: Place, method: str, **members: object) -> dict[str, object]:
    response = post(place, method, **members)
    assert response.status_code == 200, response.text
    document = json.loads(response.data)
    assert (document["method"], document["version"]) == (method, "1.2.0")
    found: dict[str, object] = document[method]
    return found


def by_md5(place: Place, path: str, verb: str = "POST", **members: object) -> TestResponse:
    """As the client does that answers every challenge by MD5, whatever it names: a fresh one for each question."""
    asked = {"method": verb, "base_url": BASE, "json": members} if members else {"method": verb, "base_url": BASE}
    first = place.client.open(path, **asked)
    challenge = first.headers[CHALLENGE]
    assert ("algorithm=SHA-256" in challenge, "MD5" in challenge) == (True, False)
    answer = digest_answer(challenge, "house", PASSWORDS["house"], verb, path, "MD5")
    return place.client.open(path, **asked, headers={"Authorization": answer})


def test_a_client_that_insists_on_md5_reads_for_an_account_that_is_open_to_it(place: Place) -> None:
    """FIA_UAU.5: its three questions one after the other, and nothing outside this dialect."""
    with place.house.open_to_older_clients("house"):
        points = json.loads(by_md5(place, PATH, method="user-info").data)["user-info"]["usage-points"]
        (point, *_) = [one for one in points if (one["taf-state"], one["taf-number"]) == ("running", "7")]
        wanted = {"usage-point-id": point["usage-point-id"], "database": "origin", "last-reading": "true"}
        channels = json.loads(by_md5(place, PATH, method="readings", **wanted).data)["readings"]["channels"]
        assert all(len(one["readings"]) == 1 for one in channels)
        assert json.loads(by_md5(place, PATH, method="smgw-info").data)["smgw-info"]["firmware-info"]["hash"]
        assert by_md5(place, "/smgw/m2m", "GET").status_code == 307
        for path in ("/api/v1/now", "/cgi-bin/hanservice.cgi", "/json/metering/origin"):
            assert by_md5(place, path, "GET").status_code == 401
        assert by_md5(place, "/login/digest", "GET").status_code == 400
    refused = by_md5(place, PATH, method="user-info")
    assert (refused.status_code, refused.headers[REFUSED_HEADER]) == (401, "malformed")
    assert "MD5" in json.loads(refused.data)["detail"]


def test_a_user_is_led_to_her_path(place: Place) -> None:
    """A-2.1: 307 with a log-in, 401 without."""
    for path in ("/smgw/m2m", "/smgw/m2m/"):
        response = place.ask("house", path)
        assert (response.status_code, response.headers["Location"]) == (307, PATH)
    assert place.client.get("/smgw/m2m", base_url=BASE).status_code == 401


def test_a_question_at_the_root_is_answered_there(place: Place) -> None:
    """The first step of two of the clients, with a trailing slash."""
    assert post_to("/smgw/m2m/", place, "smgw-info").status_code == 200


def test_another_users_path_is_one_that_does_not_exist(place: Place) -> None:
    """FDP_ACF.1."""
    answers = [post_to(f"/smgw/m2m/{one}.sm/json", place, "smgw-info") for one in ("flat", "nobody")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].data == answers[1].data


def test_the_path_takes_no_other_method(place: Place) -> None:
    assert place.client.get(PATH, base_url=BASE).status_code == 405


def test_smgw_info_has_version_and_hash(place: Place) -> None:
    found = ask(place, "smgw-info")
    assert found["firmware-info"] == {"component": "Firmware", "hash": "ab" * 32, "version": "1.0"}
    assert found["smgw-state"] == "a0000000"


def test_user_info_has_contracts_with_their_periods(place: Place) -> None:
    points = {one["usage-point-id"]: one for one in ask(place, "user-info")["usage-points"]}  # type: ignore[attr-defined]
    assert (points[SERIES]["taf-number"], points[SERIES]["taf-state"]) == ("7", "running")
    assert points[SERIES]["meter"] == [{"meter-id": FIRST.text.lower()}]
    assert points[SERIES]["billing-Periods"] == []
    periods = points[STAGES]["billing-Periods"]
    assert periods == sorted(periods, key=lambda one: one["start-time"])
    assert not any("flat" in one for one in points)


def test_usage_point_info_has_scaler_unit_and_a_signed_profile(place: Place) -> None:
    found = ask(place, "usage-point-info", **{"usage-point-id": SERIES, "database": "origin"})
    assert found["databases"] == [
        {
            "channels": [
                {"obis": "0100010800ff", "scaler": "-1", "unit": "30"},
                {"obis": "0100020800ff", "scaler": "-1", "unit": "30"},
            ],
            "database": "origin",
        }
    ]
    signed = bytes.fromhex(str(found["taf-profile"]))
    assert b'"contract":"house-series"' in signed


def test_the_last_reading_as_home_assistant_asks_for_it(place: Place) -> None:
    found = ask(place, "readings", **{"usage-point-id": SERIES, "database": "origin", "last-reading": "true"})
    channels = found["channels"]
    assert [one["obis"] for one in channels] == ["0100010800ff", "0100020800ff"]  # type: ignore[attr-defined]
    (reading,) = channels[0]["readings"]  # type: ignore[index]
    # The client divides by 10,000: it takes the scaler -1 for granted.
    assert int(reading["value"]) == 107_173_550
    assert reading["smgw-status"] == "a0000000"
    assert len(reading["signature"]) == 128


def test_readings_of_a_time_exclude_its_begin_and_include_its_end(place: Place) -> None:
    """A-2.6: t > fromtime and t <= totime."""
    span = {"fromtime": "2026-10-24T22:00:00Z", "totime": "2026-10-25T23:00:00Z"}
    code = {"channels": [{"channel": "0100010800ff"}]}
    found = ask(place, "readings", **{"usage-point-id": SERIES, "database": "origin", **span, **code})
    assert found["records"] == "100"
    moments = [one["capture-time"] for one in found["channels"][0]["readings"]]  # type: ignore[index]
    assert (moments[0], moments[-1]) == ("2026-10-24T22:15:00Z", "2026-10-25T23:00:00Z")
    days = ask(place, "readings", **{"usage-point-id": SERIES, "database": "daily", **span, **code})
    assert days["records"] == "1"


def test_a_time_without_readings_is_a_valid_empty_answer(place: Place) -> None:
    span = {"fromtime": "2019-01-01T00:00:00Z", "totime": "2019-01-02T00:00:00Z"}
    found = ask(place, "readings", **{"usage-point-id": SERIES, "database": "origin", **span})
    assert found == {"channels": [], "records": "0"}


@pytest.mark.parametrize("database", ["derived", "calculated"])
def test_values_of_tariff_stages(place: Place, database: str) -> None:
    found = ask(place, "readings", **{"usage-point-id": STAGES, "database": database, "last-reading": True})
    codes = {one["obis"] for one in found["channels"]}  # type: ignore[attr-defined]
    assert {"0100010801ff", "0100010802ff"} <= codes


def test_the_log_by_index_and_by_time(place: Place) -> None:
    """A-2.5."""
    every = ask(place, "log")["entries"]
    numbers = [int(one["index"]) for one in every]  # type: ignore[attr-defined]
    assert numbers == sorted(numbers)
    third = ask(place, "log", fromindex=str(numbers[2]), count=2)
    assert [int(one["index"]) for one in third["entries"]] == numbers[2:4]  # type: ignore[attr-defined]
    none = ask(place, "log", fromtime="2019-01-01T00:00:00Z", totime="2019-01-02T00:00:00Z")
    assert none == {"entries": [], "records": "0"}


def test_of_a_long_log_the_newest_entries_are_looked_through(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [one["index"] for one in ask(place, "log")["entries"]]  # type: ignore[attr-defined]
    monkeypatch.setattr(collected, "LOG_PAGE", 2)
    monkeypatch.setattr(collected, "LOG_PAGES", 1)
    newest = ask(place, "log", fromtime="2019-01-01T00:00:00Z")
    assert [one["index"] for one in newest["entries"]] == every[-2:]  # type: ignore[attr-defined]
    first = ask(place, "log", fromindex="1", fromtime="2019-01-01T00:00:00Z")
    assert [one["index"] for one in first["entries"]] == every[:2]  # type: ignore[attr-defined]


def test_a_self_test_too_soon_is_forbidden_as_there(place: Place) -> None:
    """A-2.7: 403 within ten minutes."""
    # Whoever asked first: a test of another dialect may have.
    assert post(place, "self-test").status_code in {200, 403}
    response = post(place, "self-test")
    assert response.status_code == 403
    assert int(response.headers["Retry-After"]) > 0
    assert response.get_json()["reason"] == "too-soon"


@pytest.mark.parametrize(
    "members",
    [
        {"database": "origin", "usage-point-id": SERIES},
        {"usage-point-id": SERIES, "last-reading": True},
        {
            "database": "origin",
            "usage-point-id": SERIES,
            "fromtime": "2026-01-01T00:00:00Z",
            "totime": "2026-02-02T00:00:00Z",
        },
    ],
)
def test_what_is_missing_or_too_long_is_a_bad_request(place: Place, members: dict[str, object]) -> None:
    response = post(place, "readings", **members)
    assert response.status_code == 400
    assert response.get_json()["parameter"] in {"fromtime", "database", "totime"}


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 20_000, b'{"method": "\\ud800"}', b"1" * 5000])
def test_what_is_no_question_is_a_bad_request(place: Place, body: bytes) -> None:
    assert place.ask("house", PATH, "POST", data=body).status_code == 400


def test_another_consumers_contract_is_one_that_does_not_exist(place: Place) -> None:
    """FDP_ACF.1."""
    answers = [
        post(place, "readings", **{"usage-point-id": one, "database": "origin", "last-reading": True})
        for one in ("01005e318027.flat-series.sm", "01005e318027.nothing.sm")
    ]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].data == answers[1].data
