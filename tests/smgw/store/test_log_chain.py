from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from smgw.store import log_chain
from smgw.store.database import Database
from smgw.store.events import Event, Log, Outcome
from smgw.store.log_chain import (
    CAPACITY,
    CLOCK_WENT_BACK,
    Happening,
    append,
    chains,
    concerned,
    head,
    read,
    set_concerns,
)
from smgw.store.log_entry import GENESIS
from tests.smgw.store.samples import START, open_database

SYSTEM = (Log.SYSTEM, "")
_SAME_NAMES = ("log", "owner", "event", "subject", "parameters", "outcome", "user")
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    database: Database = open_database(tmp_path)
    with database.write() as connection:
        yield connection
    database.close()


def happening(at: datetime, subject: str = "line", *, user: str = "") -> Happening:
    return Happening(Event.LINE_STATE, subject, Outcome.FAILURE, at, user, {"state": "lost"})


def test_entries_are_numbered_and_chained(connection: sa.Connection) -> None:
    """FAU_STG.2; TR-03109-1, log entries: numbers without a gap."""
    assert head(connection, SYSTEM) == (0, GENESIS)
    for number in range(3):
        assert append(connection, SYSTEM, happening(START, f"{number}"), 100)
    first, second, third = read(connection, SYSTEM)
    assert (first.previous, second.previous, third.previous) == (GENESIS, first.hash, second.hash)
    assert head(connection, SYSTEM) == (3, third.hash)
    assert chains(connection) == [(Log.CALIBRATION, ""), SYSTEM]
    assert [entry.record_number for entry in read(connection, SYSTEM, after=1, limit=1)] == [2]


def test_by_another_it_is_another_entry(connection: sa.Connection) -> None:
    """FAU_GEN.2: what two did is not counted together."""
    assert append(connection, SYSTEM, happening(START), 100)
    assert append(connection, SYSTEM, happening(START, user="technician"), 100)
    assert not append(connection, SYSTEM, happening(START), 100)


def test_the_time_of_the_logs_never_goes_back(connection: sa.Connection) -> None:
    """TR-03109-1, log entries: secondsIndex, over clock changes; what is told a little late does not make it run."""
    moments = [START, START + HOUR, START + HOUR - timedelta(seconds=10), START - 1000 * HOUR, START - 999 * HOUR]
    for number, moment in enumerate(moments):
        append(connection, SYSTEM, happening(moment, f"{number}"), 100)
    seconds = CLOCK_WENT_BACK
    assert [entry.seconds_index for entry in read(connection, SYSTEM)] == [0, seconds, seconds, seconds, 2 * seconds]


def test_a_flood_costs_one_entry_and_one_count(connection: sa.Connection) -> None:
    """TR-03109-1, log repetitions: the first time, the last and the number of times stay."""
    for number in range(50):
        append(connection, SYSTEM, happening(START + timedelta(seconds=number)), 100)
    (entry,) = read(connection, SYSTEM)
    assert (entry.repetition_count, entry.last_at) == (49, START + timedelta(seconds=49))
    log_chain.fold(connection, START, CAPACITY)
    log_chain.fold(connection, START, CAPACITY)
    assert [one.repetition_counter for one in read(connection, SYSTEM)] == [0, 49]


def test_who_is_concerned(connection: sa.Connection) -> None:
    set_concerns(connection, [("anna", "meter"), ("bert", "meter"), ("anna", "tariff")])
    assert concerned(connection, "meter") == ["anna", "bert"]
    assert concerned(connection, "") == ["anna", "bert"]
    set_concerns(connection, [("bert", "meter")])
    assert (concerned(connection, "tariff"), concerned(connection, "")) == ([], ["bert"])
    set_concerns(connection, [])
    assert concerned(connection, "") == []


def test_no_question_of_a_log_reads_a_whole_log(connection: sa.Connection) -> None:
    """What is asked with every entry is asked of an index, by all that it has."""
    same = str(log_chain._SAME.compile(compile_kwargs={"literal_binds": False}))
    for question, by in (
        (same, "log_entries_same (log=? AND owner=? AND event=? AND subject=? AND parameters=?)"),
        ("SELECT * FROM log_entries WHERE log = '' AND owner = '' AND record_number > 7", "record_number>?"),
        ("SELECT consumer FROM log_concerns WHERE subject = 's' ORDER BY consumer", "subject=?"),
    ):
        asked = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {question}", dict.fromkeys(_SAME_NAMES, "") if by.startswith("log") else ()
        )
        plan = " ".join(str(row.detail) for row in asked)
        assert by in plan, plan
        assert "TEMP B-TREE" not in plan, plan


def test_only_the_calibration_log_is_no_ring() -> None:
    """FAU_STG.4/CAL: nothing of it is ever overwritten."""
    assert [log for log in Log if log_chain.ring(log) == 0] == [Log.CALIBRATION]
