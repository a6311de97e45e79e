from pathlib import Path

import pytest

from smgw.store.consumer_log import ConsumerLog
from smgw.store.events import Event, Outcome
from smgw.store.logs import SystemLog
from tests.smgw.store.samples import START, open_database


def test_each_consumer_has_a_log_of_her_own(tmp_path: Path) -> None:
    """FAU_GEN.1/CON: consecutive for each consumer, and nobody else's."""
    database = open_database(tmp_path)
    log = SystemLog(database)
    log.concern([("anna", "a"), ("bert", "b"), ("anna", "both"), ("bert", "both")])
    for subject in ("a", "b", "both", "a"):
        log.record(Event.DELIVERY_ACKNOWLEDGED, subject, Outcome.SUCCESS, at=START, party="grid", values=len(subject))
    anna, bert = ConsumerLog(database, "anna"), ConsumerLog(database, "bert")
    assert [(entry.record_number, entry.subject, entry.repetition_count) for entry in anna.entries()] == [
        (1, "a", 1),
        (2, "both", 0),
    ]
    assert [(entry.record_number, entry.subject) for entry in bert.entries(limit=9)] == [(1, "b"), (2, "both")]
    assert [entry.record_number for entry in anna.entries(after=1)] == [2]
    assert ConsumerLog(database, "carl").entries() == []
    database.close()


def test_a_consumer_log_is_somebodys(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with pytest.raises(ValueError, match="somebody"):
        ConsumerLog(database, "")
    database.close()
