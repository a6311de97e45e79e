import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.administration.reports import calibration_page, report, system_page
from smgw.store.calibration_log import CalibrationLog
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome, SystemLog, note
from tests.smgw.store.samples import START, open_database
from wire.canonical_json import JsonValue
from wire.errors import CanonicalJsonError
from wire.management import MAX_ANSWER_BYTES, PAGE_ENTRIES


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    opened.close()


def test_an_entry_of_the_system_log_keeps_its_first_and_last_occurrence(database: Database) -> None:
    log = SystemLog(database)
    for hour in range(3):
        log.record(Event.TUNNEL_FAILED, "administrator", Outcome.FAILURE, at=START + timedelta(hours=hour), reason="x")
    (entry,) = json.loads(system_page(log, 0))["entries"]
    assert len(bytes.fromhex(entry.pop("hash"))) == 32
    assert entry == {
        "record_number": 1,
        "event": "TUNNEL_FAILED",
        "event_id": 50055,
        "event_sub_id": 1,
        "vendor_id": "OPEN",
        "level": 2,
        "outcome": 1,
        "subject": "administrator",
        "user": "gateway",
        "parameters": {"reason": "x"},
        "first_at": "2026-01-01T00:00:00Z",
        "last_at": "2026-01-01T02:00:00Z",
        "seconds_index": 0,
        "repetition_count": 2,
        "parent_record_number": None,
        "repetition_counter": 0,
        "text": {"de": "Kein Kanal zu administrator: x", "en": "No tunnel to administrator: x"},
    }
    assert json.loads(system_page(log, 1)) == {"entries": []}


def test_an_entry_of_the_calibration_log_stands_for_one_occurrence(database: Database) -> None:
    for _ in range(2):
        SystemLog(database).record(
            Event.CLOCK_DEVIATION,
            "clock",
            Outcome.FAILURE,
            at=START,
            deviation_milliseconds=31_000,
            tolerance_milliseconds=27_000,
        )
    (entry,) = json.loads(calibration_page(CalibrationLog(database), 1))["entries"]
    assert (entry["record_number"], entry["repetition_count"], entry["first_at"]) == (2, 0, "2026-01-01T00:00:00Z")
    assert entry["text"]["de"] == "Uhr weicht um 31000 ms ab, erlaubt 27000 ms"


def test_a_full_page_of_the_longest_entries_fits(database: Database) -> None:
    log = SystemLog(database)
    for number in range(PAGE_ENTRIES + 1):
        log.record(Event.PROFILE_REFUSED, "s" * 100, Outcome.FAILURE, at=START, reason=f"r{number}", sentence="x" * 200)
    page = system_page(log, 0)
    numbers = [entry["record_number"] for entry in json.loads(page)["entries"]]
    assert numbers == list(range(1, PAGE_ENTRIES + 1))
    assert [entry["record_number"] for entry in json.loads(system_page(log, PAGE_ENTRIES))["entries"]] == [501]


def test_a_page_of_too_long_entries_is_shorter_and_the_next_goes_on(database: Database) -> None:
    numbers = list[int]()
    with database.write() as connection:
        for number in range(PAGE_ENTRIES):
            parameters = {"reason": f"{number:0500}", "sentence": "\u00fc" * 500}
            note(connection, Event.PROFILE_REFUSED, "s", Outcome.FAILURE, at=START, parameters=parameters)
    log = SystemLog(database)
    while page := json.loads(system_page(log, numbers[-1] if numbers else 0))["entries"]:
        assert len(page) < PAGE_ENTRIES
        numbers += [entry["record_number"] for entry in page]
    assert numbers == list(range(1, PAGE_ENTRIES + 1))


@pytest.mark.parametrize("value", ["x" * MAX_ANSWER_BYTES, 1 << 64])
def test_what_has_no_bounded_canonical_form_is_not_told(value: JsonValue) -> None:
    with pytest.raises(CanonicalJsonError):
        report({"value": value})
