"""The audit log and its proof; notifications."""

import pytest
import sqlalchemy as sa

from admin.database import writing
from tests.admin.bureau import GATEWAY
from tests.admin.web.desk import Place, words
from wire.notification import Notification

pytestmark = pytest.mark.token


def test_the_log_and_its_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.web.books.ENTRIES", 2)
    for note in "abcd":
        place.office.inventory.set_note(GATEWAY, f"note-{note}", "otto", place.now)
    person = place.person()
    shown = words(person.get("/audit"))
    assert ("note-d" in shown, "note-c" in shown, "note-b" in shown) == (True, True, False)
    last = place.office.audit.latest(1)[0].number
    older = words(person.get(f"/audit?before={last - 1}"))
    assert ("note-c" in older, "note-b" in older, "note-a" in older) == (False, True, True)
    for odd in ("x", "-1", "9" * 40, "²", "0"):
        assert person.get(f"/audit?before={odd}").status_code == 200


def test_the_proof(place: Place) -> None:
    shown = words(place.person().get("/audit/proof"))
    assert f"{len(place.office.audit.entries())} entries are as they were written" in shown


def test_a_broken_log_is_told_with_its_entry(place: Place) -> None:
    with writing(place.office.engine) as connection:
        connection.execute(sa.text("DROP TRIGGER audit_UPDATE"))
        connection.execute(sa.text("UPDATE audit SET signature = zeroblob(64) WHERE number = 1"))
    shown = words(place.person().get("/audit/proof"))
    assert "The log is not whole" in shown
    assert "entry 1 " in shown


def test_what_gateways_told(place: Place) -> None:
    told = Notification(
        gateway=GATEWAY,
        number=1,
        event="clock-deviation",
        outcome="failure",
        subject="<clock>",
        at=place.now,
        parameters={"milliseconds": 31_000},
    )
    place.office.reports.keep_notification(told, place.now)
    person = place.person()
    for path in ("/notifications", f"/notifications?gateway={GATEWAY}", f"/gateways/{GATEWAY}"):
        text = person.get(path).text
        assert "clock-deviation" in text
        assert "&lt;clock&gt;" in text
    assert "None." in words(person.get("/notifications?gateway=EABC0099999999"))
