"""Sessions at the door end with what they rest on: the account, its version, the password."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.han.door import LOCKED, NO_PASSWORD, WRONG_PASSWORD
from smgw.han.lock_out import FREE_ATTEMPTS
from smgw.han.passwords import SENTENCES, PasswordReason
from smgw.han.port import HanError, HanReason, LoginRefusedError, RefusedReason, Visitor
from smgw.han.sessions import IDLE_SECONDS, SESSION_SECONDS
from smgw.logs.readers import Interface, Reader, Role
from smgw.store.database import Database
from smgw.store.events import Event, Outcome
from tests.smgw.han.entrance import (
    CERTIFICATE,
    HOUSE,
    PASSWORDS,
    START,
    Entrance,
)
from tests.smgw.store.samples import open_database

NEW = "Stuhl-Nebel-Anker-64"
VISITOR = Visitor("house", HOUSE.id, Reader(Role.CONSUMER, Interface.CONSUMER, "consumer-house"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def entrance(database: Database) -> Entrance:
    return Entrance(database)


def refused(entrance: Entrance, name: str, password: str) -> RefusedReason:
    with pytest.raises(LoginRefusedError) as refusal:
        entrance.door.by_password(name, password, entrance.at)
    return refusal.value.reason


def test_a_session_is_hers_until_she_leaves(entrance: Entrance) -> None:
    """FIA_UAU.6."""
    secret = entrance.door.open_session(VISITOR, START)
    assert entrance.door.session(secret, entrance.at) == VISITOR
    assert entrance.door.session(secret[::-1], entrance.at) is None
    entrance.door.close_session(secret, entrance.at)
    assert entrance.door.session(secret, entrance.at) is None


def test_a_session_ends_by_itself(entrance: Entrance) -> None:
    """FIA_UAU.6: ten idle minutes, 48 hours."""
    idle, busy = (entrance.door.open_session(VISITOR, entrance.at) for _ in range(2))
    opened = entrance.now
    while entrance.now - opened < SESSION_SECONDS - IDLE_SECONDS:
        entrance.wait(IDLE_SECONDS - 1)
        assert entrance.door.session(busy, entrance.at) == VISITOR
        assert (entrance.door.session(idle, entrance.at, used=False) is None) is (entrance.now - opened >= IDLE_SECONDS)
    entrance.wait(IDLE_SECONDS)
    assert entrance.door.session(busy, entrance.at) is None


def test_a_session_ends_with_its_account_and_with_a_newer_version(entrance: Entrance) -> None:
    secret = entrance.door.open_session(VISITOR, START)
    entrance.put(replace(HOUSE, version=2))
    assert entrance.door.session(secret, START) is None
    entrance.put(HOUSE)
    assert entrance.door.session(secret, START) is None
    for last in (replace(HOUSE, valid_until=START), None):
        entrance.put(HOUSE)
        secret = entrance.door.open_session(VISITOR, START)
        if last is None:
            entrance.withdraw(HOUSE)
        else:
            entrance.put(last)
        assert entrance.door.session(secret, START) is None
        with pytest.raises(LoginRefusedError):
            entrance.door.open_session(VISITOR, START)


def test_another_password_holds_at_once_and_ends_every_session(entrance: Entrance) -> None:
    """FIA_UAU.6: whoever had the old one is out."""
    secret = entrance.door.open_session(VISITOR, START)
    flat = entrance.door.open_session(entrance.door.by_password("flat", PASSWORDS["flat"], START), START)
    refused(entrance, "house", "wrong")
    entrance.door.change_password(VISITOR, PASSWORDS["house"], NEW, START)
    assert entrance.door.session(secret, START) is None
    assert entrance.door.session(flat, START) is not None
    assert refused(entrance, "house", PASSWORDS["house"]) is RefusedReason.WRONG
    assert entrance.door.by_password("house", NEW, START) == VISITOR
    entrance.restart()
    assert entrance.door.by_password("house", NEW, START) == VISITOR
    changed = [entry for entry in entrance.log_of("consumer-house") if entry.event is Event.PASSWORD_CHANGED]
    assert [(entry.user, entry.subject) for entry in changed] == [("consumer-house", "house")]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("wrong", NEW, WRONG_PASSWORD),
        ("\x00", NEW, WRONG_PASSWORD),
        (PASSWORDS["house"], "short", SENTENCES[PasswordReason.TOO_SHORT]),
        (PASSWORDS["house"], PASSWORDS["house"], SENTENCES[PasswordReason.THE_OLD_ONE]),
    ],
)
def test_a_password_that_is_not_changed_says_why(entrance: Entrance, old: str, new: str, sentence: str) -> None:
    secret = entrance.door.open_session(VISITOR, START)
    with pytest.raises(HanError, match=sentence) as refusal:
        entrance.door.change_password(VISITOR, old, new, START)
    assert refusal.value.reason is HanReason.BAD_QUESTION
    assert entrance.door.session(secret, START) == VISITOR
    assert entrance.door.by_password("house", PASSWORDS["house"], START) == VISITOR


def test_an_open_session_is_no_way_to_try_passwords(entrance: Entrance) -> None:
    """FIA_AFL.1, FIA_UAU.6."""
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(HanError, match=WRONG_PASSWORD):
            entrance.door.change_password(VISITOR, "wrong", NEW, START)
    with pytest.raises(HanError, match=LOCKED) as refusal:
        entrance.door.change_password(VISITOR, PASSWORDS["house"], NEW, START)
    assert (refusal.value.reason, refusal.value.until) == (HanReason.TOO_SOON, START + timedelta(seconds=60))


def test_who_has_no_password_changes_none(entrance: Entrance) -> None:
    visitor = entrance.door.by_certificate(CERTIFICATE, START)
    with pytest.raises(HanError, match=NO_PASSWORD):
        entrance.door.change_password(visitor, "", NEW, START)
    technician = entrance.door.by_password("service", PASSWORDS["service"], START)
    with pytest.raises(HanError) as refusal:
        entrance.door.change_password(technician, PASSWORDS["service"], NEW, START)
    assert refusal.value.reason is HanReason.NOT_ALLOWED
    entrance.withdraw(HOUSE)
    with pytest.raises(HanError, match=NO_PASSWORD):
        entrance.door.change_password(VISITOR, PASSWORDS["house"], NEW, START)


def test_no_secret_comes_into_a_log(entrance: Entrance) -> None:
    """Nor a name that somebody tried."""
    refused(entrance, "house", "wrong-secret")
    refused(entrance, "tried-name", "wrong-secret")
    entrance.door.change_password(VISITOR, PASSWORDS["house"], NEW, START)
    entries = repr([*entrance.system_log(), *entrance.log_of("consumer-house")])
    for secret in ("wrong-secret", "tried-name", NEW, *PASSWORDS.values()):
        assert secret not in entries
    outcomes = [entry.outcome for entry in entrance.log_of("consumer-house")]
    assert outcomes == [Outcome.FAILURE, Outcome.SUCCESS]
