"""What gateways told is kept as it came, and what somebody wants to read is on record."""

from dataclasses import replace

import pytest

from admin.errors import StorageError
from admin.office import Office
from admin.reports import MAXIMUM_FAILURE, Subject, text_of
from tests.admin.bureau import BY, GATEWAY, NOW, OTHER, SECOND
from wire.canonical_json import JsonObject
from wire.notification import Notification

pytestmark = pytest.mark.token
TOLD = Notification(
    gateway=GATEWAY, number=1, event="secure-state", outcome="FAILURE", subject="clock", at=NOW, parameters={"by": 30}
)


def entry(number: int, repetitions: int = 0) -> JsonObject:
    return {"record_number": number, "event": "gateway-started", "repetition_count": repetitions}


def test_a_wish_to_read_waits_and_is_answered(office: Office) -> None:
    reports = office.reports
    first = reports.ask(GATEWAY, Subject.STATUS, BY, NOW)
    second = reports.ask(GATEWAY, Subject.SYSTEM_LOG, BY, NOW)
    assert [(one.number, one.subject) for one in reports.open(GATEWAY)] == [
        (first, Subject.STATUS),
        (second, Subject.SYSTEM_LOG),
    ]
    reports.answered(first, NOW + SECOND)
    reports.answered(second, NOW + SECOND, "x" * 5000)
    reports.answered(second, NOW + 2 * SECOND)
    assert reports.open(GATEWAY) == reports.open(OTHER) == []
    found = reports.inquiry(second)
    assert found is not None
    assert (found.answered_at, found.failure) == (NOW + SECOND, "x" * MAXIMUM_FAILURE)
    assert reports.inquiry(99) is None
    told = office.audit.entries()[-1]
    assert (told.action, told.by, told.parameters) == ("inquiry", BY, {"subject": "system"})


def test_nothing_is_asked_of_a_gateway_that_is_not_there(office: Office) -> None:
    with pytest.raises(StorageError):
        office.reports.ask(OTHER, Subject.STATUS, BY, NOW)


def test_there_is_no_subject_for_what_an_administrator_may_not_read() -> None:
    assert {str(subject) for subject in Subject} == {"status", "system", "calibration"}


def test_the_newest_status_is_kept(office: Office) -> None:
    assert office.reports.status(GATEWAY) is None
    office.reports.keep_status(GATEWAY, {"version": "1.0.0"}, NOW)
    office.reports.keep_status(GATEWAY, {"version": "1.0.1"}, NOW + SECOND)
    found = office.reports.status(GATEWAY)
    assert found is not None
    assert (found.document, found.received_at) == ({"version": "1.0.1"}, NOW + SECOND)


def test_entries_of_a_log_are_kept_once_each_log_by_itself(office: Office) -> None:
    reports = office.reports
    assert reports.last_entry(GATEWAY, Subject.SYSTEM_LOG) == 0
    assert reports.keep_entries(GATEWAY, Subject.SYSTEM_LOG, [entry(1), entry(2)], NOW) == 2
    assert reports.keep_entries(GATEWAY, Subject.SYSTEM_LOG, [entry(2, 7), entry(3)], NOW) == 2
    assert reports.keep_entries(GATEWAY, Subject.CALIBRATION_LOG, [entry(9)], NOW) == 1
    assert reports.keep_entries(GATEWAY, Subject.SYSTEM_LOG, [], NOW) == 0
    assert reports.entries(GATEWAY, Subject.SYSTEM_LOG) == [entry(1), entry(2, 7), entry(3)]
    assert reports.entries(GATEWAY, Subject.SYSTEM_LOG, after=1, limit=1) == [entry(2, 7)]
    assert reports.last_entry(GATEWAY, Subject.SYSTEM_LOG) == 3
    assert reports.last_entry(GATEWAY, Subject.CALIBRATION_LOG) == 9


@pytest.mark.parametrize("number", [None, True, "7", 1.5])
def test_an_entry_without_a_number_is_none(office: Office, number: object) -> None:
    spoiled: JsonObject = {"record_number": number}  # type: ignore[dict-item]
    assert office.reports.keep_entries(GATEWAY, Subject.SYSTEM_LOG, [spoiled, entry(1)], NOW) == 1


def test_a_notification_is_kept_once(office: Office) -> None:
    assert office.reports.keep_notification(TOLD, NOW)
    assert not office.reports.keep_notification(replace(TOLD, subject="another text"), NOW)
    assert office.reports.keep_notification(replace(TOLD, number=2), NOW + SECOND)
    assert office.reports.notifications() == office.reports.notifications(GATEWAY) == [TOLD, replace(TOLD, number=2)]
    assert office.reports.notifications(OTHER) == []
    assert office.reports.notifications(limit=1) == [replace(TOLD, number=2)]
    assert [one.action for one in office.audit.entries()].count("notification") == 2


def test_the_text_of_an_entry_is_what_the_gateway_calls_it() -> None:
    entry: JsonObject = {"text": {"de": "Uhr gestellt", "en": 7}}
    others: list[JsonObject] = [entry, {}, {"text": "x"}]
    assert [text_of(one, "de") for one in others] == ["Uhr gestellt", "", ""]
    assert text_of(entry, "en") == ""
