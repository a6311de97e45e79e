"""Whoever is refused is told why, in his language, and what to do next; and never more than that."""

import json

import pytest

from han_web.api import problems
from han_web.api.problems import MEDIA_TYPE, PROBLEMS, REFUSED_HEADER
from smgw.han.port import HanError, HanReason, RefusedReason
from tests.han_web.place import BASE, CHALLENGE, Place, digest_answer


def test_every_reason_of_the_gateway_has_its_words() -> None:
    assert {one.value for one in HanReason} | {one.value for one in RefusedReason} <= set(PROBLEMS)


def test_what_is_not_found_is_told_without_the_sentence_of_whoever_looked(place: Place) -> None:
    """FDP_ACF.1: two sentences would be two answers."""
    with place.app.test_request_context("/api/v1/now", base_url=BASE):
        told = [problems.refused(HanError(HanReason.NOT_FOUND, one)).data for one in ("of the flat", "nowhere")]
        assert told[0] == told[1]
        assert b"too long" in problems.refused(HanError(HanReason.TOO_MUCH, "too long")).data


def test_nobody_is_let_in_and_a_program_is_challenged(place: Place) -> None:
    """FIA_UAU.2."""
    response = place.client.get("/api/v1/now", base_url=BASE)
    assert response.status_code == 401
    assert response.content_type == MEDIA_TYPE
    assert response.headers[CHALLENGE].startswith("Digest ")
    assert "SHA-256" in response.headers[CHALLENGE]


def test_a_script_of_the_page_is_not_challenged(place: Place) -> None:
    """A browser would open a dialogue over the page."""
    response = place.client.get("/api/v1/now", base_url=BASE, headers={"Sec-Fetch-Mode": "cors"})
    assert response.status_code == 401
    assert not response.headers[CHALLENGE].startswith("Digest ")


@pytest.mark.parametrize(("language", "title"), [("de", "Anmeldung nötig"), ("en", "Log-in needed")])
def test_a_refusal_is_in_the_language_that_was_asked_for(place: Place, language: str, title: str) -> None:
    response = place.client.get("/api/v1/now", base_url=BASE, headers={"Accept-Language": language})
    assert json.loads(response.data)["title"] == title
    assert response.headers["Content-Language"] == language


def wrong(place: Place, name: str) -> tuple[int, dict[str, object], str]:
    first = place.client.get("/api/v1/now", base_url=BASE)
    answer = digest_answer(first.headers[CHALLENGE], name, "not the password", "GET", "/api/v1/now")
    response = place.client.get("/api/v1/now", base_url=BASE, headers={"Authorization": answer})
    document = json.loads(response.data)
    assert (document["status"] == 429) == ("Retry-After" in response.headers)
    return response.status_code, document, response.headers[REFUSED_HEADER]


def test_a_lock_out_says_until_when_whether_or_not_there_is_such_a_name(place: Place) -> None:
    """FIA_AFL.1: five wrong attempts, then the name is locked, and a program is told so."""
    told = {}
    for name in ("attic", "nobody"):
        told[name] = [wrong(place, name) for _ in range(6)]
        assert [status for status, _, _ in told[name]] == [401] * 5 + [429]
        assert told[name][-1][1]["reason"] == told[name][-1][2] == "locked"
        assert told[name][-1][1]["until"]
    assert told["attic"] == told["nobody"]


def test_a_program_that_answers_by_md5_is_told_so_and_not_locked_out(place: Place) -> None:
    first = place.client.get("/api/v1/now", base_url=BASE)
    answer = digest_answer(first.headers[CHALLENGE], "house", "x", "GET", "/api/v1/now").replace("SHA-256", "MD5")
    for _ in range(6):
        response = place.client.get("/api/v1/now", base_url=BASE, headers={"Authorization": answer})
        assert response.status_code == 401
        assert response.headers[REFUSED_HEADER] == "malformed"
        assert "MD5" in json.loads(response.data)["detail"]
    assert place.ask("house", "/api/v1/now").status_code == 200


def test_a_session_changes_nothing_without_the_token_of_its_forms(place: Place) -> None:
    """Another site's page can make a browser send the cookie, and never learns the token."""
    headers = place.session("flat")
    token = headers.pop("X-Form-Token")
    path = "/api/v1/prices?contract=flat-series&since=2026-01-01T00:00:00Z"
    refused = place.client.delete(path, base_url=BASE, headers=headers)
    assert (refused.status_code, json.loads(refused.data)["reason"]) == (403, "form-token")
    other = place.client.delete(path, base_url=BASE, headers=headers | {"X-Form-Token": "0" * len(token)})
    assert other.status_code == 403
    # With the token she is heard: there are no such prices.
    assert place.client.delete(path, base_url=BASE, headers=headers | {"X-Form-Token": token}).status_code == 404


def test_another_sites_page_changes_nothing_with_her_browsers_digest(place: Place) -> None:
    response = place.client.post("/api/v1/self-test", base_url=BASE, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403


def test_an_address_that_there_is_not_is_a_problem_document(place: Place) -> None:
    for path, method, status in (("/api/v1/nothing", "GET", 404), ("/api/v1/now", "POST", 405)):
        response = place.client.open(path, method=method, base_url=BASE)
        assert (response.status_code, response.content_type) == (status, MEDIA_TYPE)
    assert set(place.client.post("/api/v1/now", base_url=BASE).headers["Allow"].split(", ")) == {"GET", "HEAD"}
