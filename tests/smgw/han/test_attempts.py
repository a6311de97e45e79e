"""What an attempt leaves behind: an entry in the log of the one account that it was about, and no trace of a name."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
import sqlalchemy as sa

from smgw.han.attempts import STRANGER, SUBJECT, WRITES_SECONDS, Attempts, LoginReason, Way
from smgw.han.lock_out import FORGOTTEN_SECONDS, FREE_ATTEMPTS
from smgw.han.port import LoginRefusedError, RefusedReason
from smgw.han.sessions import IDLE_SECONDS, Moment
from smgw.logs.texts import Language, render
from smgw.logs.words import GERMAN
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.events import Event, Outcome
from smgw.store.logs import SystemLog
from tests.smgw.han.entrance import CERTIFICATE, PASSWORDS, START, Entrance, client_certificate
from tests.smgw.store.samples import open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def entrance(database: Database) -> Entrance:
    return Entrance(database)


def fail(entrance: Entrance, name: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(LoginRefusedError):
            entrance.door.by_password(name, "wrong", entrance.at)


def fail_by_certificate(entrance: Entrance, der: bytes) -> None:
    with pytest.raises(LoginRefusedError):
        entrance.door.by_certificate(der, entrance.at)


def told(entrance: Entrance, consumer: str) -> list[tuple[str, str, Outcome, dict[str, str | int]]]:
    return [
        (entry.subject, entry.user, entry.outcome, entry.parameters)
        for entry in entrance.log_of(consumer)
        if entry.event is Event.CONSUMER_LOGIN
    ]


@pytest.mark.parametrize("words", [Way, LoginReason])
def test_every_word_that_a_consumer_reads_has_its_german(words: type[StrEnum]) -> None:
    assert {word.value for word in words} <= GERMAN.keys()


def test_a_consumer_reads_who_came_in_and_who_did_not(entrance: Entrance) -> None:
    """FAU_GEN.1/CON, FIA_AFL.1: success, failure and lock-out, in her own log alone (FAU_GEN.2)."""
    fail(entrance, "house", FREE_ATTEMPTS + 3)
    entrance.wait(60)
    entrance.door.by_password("house", PASSWORDS["house"], entrance.at)
    wrong = {"how": "password", "reason": "wrong"}
    assert told(entrance, "consumer-house") == [
        ("house", STRANGER, Outcome.FAILURE, wrong),
        ("house", STRANGER, Outcome.FAILURE, wrong | {"until": "2026-01-15T12:01:00Z"}),
        ("house", "consumer-house", Outcome.SUCCESS, {"how": "password"}),
    ]
    # What is tried while it is locked is no entry: nobody fills her log.
    assert [entry.repetition_count for entry in entrance.log_of("consumer-house")] == [FREE_ATTEMPTS - 2, 0, 0]
    assert entrance.log_of("consumer-flat") == []
    assert entrance.system_log() == []
    assert [render(entry, Language.GERMAN) for entry in entrance.log_of("consumer-house")] == [
        "Anmeldung von house abgewiesen (Passwort: falsch)",
        "Anmeldung von house abgewiesen (Passwort: falsch), gesperrt bis 2026-01-15T12:01:00Z",
        "Anmeldung von house (Passwort)",
    ]
    assert render(entrance.log_of("consumer-house")[1], Language.ENGLISH) == (
        "Login of house refused (password: wrong), locked until 2026-01-15T12:01:00Z"
    )


def test_a_technicians_attempts_stand_in_the_system_log(entrance: Entrance) -> None:
    """FAU_GEN.1/SYS."""
    fail(entrance, "service")
    entrance.door.by_password("service", PASSWORDS["service"], entrance.at)
    assert [(entry.event, entry.user, entry.outcome) for entry in entrance.system_log()] == [
        (Event.TECHNICIAN_LOGIN, STRANGER, Outcome.FAILURE),
        (Event.TECHNICIAN_LOGIN, "service", Outcome.SUCCESS),
    ]


def test_names_that_nobody_has_are_one_entry_without_a_name(entrance: Entrance) -> None:
    """The system log is no list of what people typed, and nobody fills it."""
    for number in range(20):
        fail(entrance, f"tried-{number}")
        entrance.wait(1)
    fail_by_certificate(entrance, client_certificate())
    (entry,) = entrance.system_log()
    assert (entry.event, entry.subject, entry.user) == (Event.LOGIN_REFUSED, SUBJECT, STRANGER)
    assert entry.parameters == {}
    assert entry.repetition_count == 20
    assert "tried" not in repr(entry)


def test_trying_names_wears_out_no_disk(database: Database) -> None:
    """Beyond so many in an hour they are counted and told with the next one."""
    attempts = Attempts(database, writes=5)
    for number in range(12):
        attempts.wrong(f"tried-{number}", None, Way.PASSWORD, Moment(START, 0))
    log = SystemLog(database)
    assert [entry.repetition_count for entry in log.entries()] == [4]
    attempts.wrong("tried", None, Way.PASSWORD, Moment(START, WRITES_SECONDS))
    assert [entry.repetition_count for entry in log.entries()] == [12]


def test_a_name_that_exists_and_one_that_does_not_cost_the_same_writes(entrance: Entrance) -> None:
    """FIA_AFL.1: not even the work tells them apart."""
    statements = list[str]()

    def spied(name: str) -> list[str]:
        statements.clear()
        fail(entrance, name)
        return [
            one.split(" WHERE ")[0].split(" VALUES ")[0]
            for one in statements
            if one[:6] in {"INSERT", "UPDATE", "DELETE"}
        ]

    fail(entrance, "house")  # loads what an earlier run left
    sa.event.listen(entrance.database._engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    fail(entrance, "tried")
    existing, unknown = spied("house"), spied("tried")
    assert existing == unknown
    assert any("han_lock_outs" in one for one in existing)


def test_a_program_that_asks_again_and_again_is_told_once(entrance: Entrance) -> None:
    """It came in when it began, and anew after ten minutes in which it asked nothing."""
    answers = entrance.answers("house", PASSWORDS["house"])
    for _ in range(5):
        entrance.door.by_digest(next(answers), "GET", "/", entrance.at)
        entrance.door.by_certificate(CERTIFICATE, entrance.at)
        entrance.wait(IDLE_SECONDS / 6)
    assert [entry.repetition_count for entry in entrance.log_of("consumer-house")] == [0]
    entrance.wait(IDLE_SECONDS)
    entrance.door.by_digest(next(entrance.answers("house", PASSWORDS["house"])), "GET", "/", entrance.at)
    entrance.door.by_certificate(CERTIFICATE, entrance.at)
    for consumer, how in (("consumer-house", "digest"), ("consumer-attic", "certificate")):
        assert told(entrance, consumer) == [
            (consumer.removeprefix("consumer-"), consumer, Outcome.SUCCESS, {"how": how})
        ]
        assert [entry.repetition_count for entry in entrance.log_of(consumer)] == [1]


def test_a_program_that_begins_anew_is_forgiven_and_one_that_goes_on_asking_is_not(entrance: Entrance) -> None:
    """FIA_AFL.1: many a program answers a fresh challenge each time, and would give anybody attempts in between."""
    for _ in range(2):
        fail(entrance, "house", FREE_ATTEMPTS - 1)
        entrance.wait(IDLE_SECONDS)
        entrance.door.by_digest(next(entrance.answers("house", PASSWORDS["house"])), "GET", "/", entrance.at)
    for _ in range(FREE_ATTEMPTS - 1):
        fail(entrance, "house")
        entrance.door.by_digest(next(entrance.answers("house", PASSWORDS["house"])), "GET", "/", entrance.at)
    fail(entrance, "house")
    with pytest.raises(LoginRefusedError) as caught:
        entrance.door.by_password("house", PASSWORDS["house"], entrance.at)
    assert caught.value.reason is RefusedReason.LOCKED


def test_what_is_a_day_old_counts_no_more_after_a_restart_either(entrance: Entrance) -> None:
    fail(entrance, "house", FREE_ATTEMPTS)
    entrance.wait(FORGOTTEN_SECONDS)
    entrance.restart()
    fail(entrance, "house", FREE_ATTEMPTS - 1)
    entrance.door.by_password("house", PASSWORDS["house"], entrance.at)


def test_a_certificate_whose_time_is_over_is_told_once_in_ten_minutes(entrance: Entrance) -> None:
    entrance.at += timedelta(days=60)
    for _ in range(3):
        fail_by_certificate(entrance, CERTIFICATE)
    entry = ("attic", STRANGER, Outcome.FAILURE, {"how": "certificate", "reason": "not-valid"})
    assert told(entrance, "consumer-attic") == [entry]
    assert entrance.log_of("consumer-attic")[0].repetition_count == 0
    assert entrance.system_log() == []
    entrance.wait(IDLE_SECONDS)
    fail_by_certificate(entrance, CERTIFICATE)
    assert entrance.log_of("consumer-attic")[0].repetition_count == 1


def test_trying_begins_nobodys_log(entrance: Entrance) -> None:
    """FDP_RIP.2: the log of a consumer whose contract ended is not there again because somebody tried her name."""
    SystemLog(entrance.database).concern(())
    fail(entrance, "house")
    entrance.door.by_password("house", PASSWORDS["house"], START)
    assert entrance.log_of("consumer-house") == []


def test_an_attempt_that_cannot_be_written_counts_and_lets_nobody_in(entrance: Entrance) -> None:
    """FIA_AFL.1: a full disk is no way to try on."""
    fail(entrance, "house")
    with entrance.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE han_lock_outs RENAME TO gone")
    for _ in range(FREE_ATTEMPTS - 1):
        with pytest.raises(StoreError):
            entrance.door.by_password("house", "wrong", START)
    with pytest.raises(LoginRefusedError):
        entrance.door.by_password("house", PASSWORDS["house"], START)
