"""What clients of a PPC gateway ask of ``hanservice.cgi``, as they send it, and what they look for in the answers."""

import re

import pytest
from werkzeug.test import TestResponse

from pki.certificates import Purpose
from pki.cms import open_document
from tests.han_web.place import BASE, Place
from tests.smgw.han.house import FIRST, FLAT, SECOND

PATH = "/cgi-bin/hanservice.cgi"
SPAN = {"from": "2026-10-25 00:00:00", "to": "2026-10-26 00:15:00"}
"""What the daily fetch of one client asks for; 25 hours, because the clocks are set back, and a quarter."""


def post(place: Place, action: str, **fields: str) -> TestResponse:
    return place.ask("house", PATH, "POST", data={"action": action, **fields})


def page(place: Place, action: str, **fields: str) -> str:
    response = post(place, action, **fields)
    assert response.status_code == 200, response.text
    assert response.content_type.startswith("text/html")
    return response.text


def cells(text: str, column: str) -> list[str]:
    return re.findall(f'<td id="table_metervalues_col_{column}">([^<]*)</td>', text)


def test_a_login_gives_a_cookie_and_a_token(place: Place) -> None:
    response = place.ask("house", PATH)
    assert response.headers["Set-Cookie"].startswith("session=")
    # One client takes the first input of the page, another the one of this name.
    first = re.search(r"<input[^>]*>", response.text)
    assert first is not None
    assert re.search(r'name="tkn" value="[^"]+"', first.group())
    assert '<p id="div_fwversion">1.0</p>' in response.text


def test_the_cookie_opens_nothing(place: Place) -> None:
    """FIA_UAU.2: each request proves who asks."""
    cookie = place.ask("house", PATH).headers["Set-Cookie"].partition(";")[0]
    response = place.client.post(PATH, base_url=BASE, headers={"Cookie": cookie}, data={"action": "meterform"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Digest")


def test_another_sites_page_asks_nothing_with_her_browsers_digest(place: Place) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert place.client.post(PATH, base_url=BASE, headers=headers, data={"action": "selftest"}).status_code == 403


def test_meters_stand_in_a_choice(place: Place) -> None:
    text = page(place, "meterform")
    assert '<select id="meterform_select_meter" name="mid">' in text
    assert re.findall(r'<option value="([^"]*)">([^<]*)</option>', text) == [
        (one.text, f"01005e318002.{one.text.lower()}.sm") for one in (FIRST, SECOND)
    ]


def test_a_form_that_does_not_say_that_it_is_one_is_read_all_the_same(place: Place) -> None:
    """As httpx sends a string."""
    assert "meterform_select_meter" in place.ask("house", PATH, "POST", data=b"tkn=x&action=meterform").text
    assert place.ask("house", PATH, "POST", data=b"\xff").status_code == 400


def test_the_last_readings_are_in_legal_time_and_kilowatt_hours(place: Place) -> None:
    text = page(place, "showMeterProfile", mid=FIRST.text)
    assert cells(text, "obis") == ["1-0:1.8.0", "1-0:2.8.0"]
    assert cells(text, "timestamp") == ["2026-10-29 13:00:00"] * 2
    assert cells(text, "wert") == ["10717.3550", "15093.4060"]
    assert cells(text, "istvalide") == ["1", "1"]


def test_feed_in_that_is_not_measured_is_no_row(place: Place) -> None:
    """A client of it showed 0 where there was none."""
    assert cells(page(place, "showMeterProfile", mid=SECOND.text), "obis") == ["1-0:1.8.0"]


def test_readings_of_a_day_come_newest_first(place: Place) -> None:
    form = page(place, "showMeterValuesForm", mid=FIRST.text)
    assert f'<input type="hidden" name="mid" value="{FIRST}">' in form
    moments = cells(page(place, "showMeterValues", mid=FIRST.text, **SPAN), "timestamp")
    assert len(moments) == 2 * 102
    assert moments[0] == "2026-10-26 00:15:00"
    assert moments[-1] == "2026-10-25 00:00:00"
    # One hour has its name twice, and both are there.
    assert sum(one.startswith("2026-10-25 02:") for one in moments) == 2 * 8


def test_an_hour_that_comes_twice_is_asked_for_from_its_first_begin_to_its_second_end(place: Place) -> None:
    span = {"from": "2026-10-25 02:00:00", "to": "2026-10-25 02:59:59"}
    assert len(cells(page(place, "showMeterValues", mid=SECOND.text, **span), "wert")) == 8


def test_a_day_without_readings_is_an_empty_table_that_says_so(place: Place) -> None:
    text = page(
        place, "showMeterValues", mid=FIRST.text, **{"from": "2019-01-01 00:00:00", "to": "2019-01-02 00:00:00"}
    )
    assert 'id="metervalue"' in text
    assert cells(text, "wert") == []
    assert "Keine Daten vorhanden." in text


@pytest.mark.parametrize("action", ["exportMeterValues", "exportMeterProfile", "exportLogData"])
def test_files_are_signed_by_the_gateway(place: Place, action: str) -> None:
    log = {"from": "2026-10-01 00:00:00", "to": "2026-10-30 00:00:00"}
    response = post(place, action, mid=FIRST.text, **(log if action == "exportLogData" else SPAN))
    assert response.content_type == "application/pkcs7-mime"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    signer = place.house.identity.certificates[Purpose.SIG]
    content = open_document(response.data, signers=[signer]).content
    assert content.startswith(b"<?xml")
    # A client cuts the document out of the message: it lies there in one piece.
    assert content in response.data


def test_a_file_without_readings_is_whole_and_signed(place: Place) -> None:
    span = {"from": "2019-01-01 00:00:00", "to": "2019-01-02 00:00:00"}
    response = post(place, "exportMeterValues", mid=FIRST.text, **span)
    assert response.status_code == 200
    assert b'<ns1:column id="1" count="0"></ns1:column>' in response.data


def test_a_log_without_entries_says_so(place: Place) -> None:
    span = {"from": "2019-01-01 00:00:00", "to": "2019-01-02 00:00:00"}
    assert "Keine Daten vorhanden." in page(place, "exportLogData", **span)


def test_versions_are_rows_of_three(place: Place) -> None:
    text = page(place, "swversions")
    rows = re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td></tr>", text)
    assert rows == [(name, "1.0", "ab" * 32) for name in ("smgw-bootstream", "smgw-services")]


def test_a_self_test_once_in_ten_minutes(place: Place) -> None:
    """FPT_TST.1; whichever dialect asked first."""
    asked = [post(place, "selftest") for _ in range(2)]
    assert asked[0].status_code in {200, 429}
    assert asked[1].status_code == 429
    assert int(asked[1].headers["Retry-After"]) > 0


def test_logging_out_forgets_the_cookie(place: Place) -> None:
    assert "Max-Age=0" in post(place, "logout").headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"action": "reboot"}, 400),
        ({"action": "showMeterValues", "mid": FIRST.text, "from": "yesterday", "to": "today"}, 400),
        ({"action": "showMeterValues", "mid": FIRST.text, "from": SPAN["to"], "to": SPAN["from"]}, 400),
        ({"action": "showMeterValues", "mid": FIRST.text, "from": "0001-01-01 00:00:00", "to": SPAN["to"]}, 400),
        ({"action": "showMeterProfile", "mid": "1ISK9999999999"}, 404),
    ],
)
def test_what_is_malformed_is_refused(place: Place, fields: dict[str, str], status: int) -> None:
    assert place.ask("house", PATH, "POST", data=fields).status_code == status


def test_another_consumers_meter_is_one_that_does_not_exist(place: Place) -> None:
    """FDP_ACF.1."""
    answers = [post(place, "exportMeterProfile", mid=one) for one in (FLAT.text, "1ISK9999999999")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].data == answers[1].data
