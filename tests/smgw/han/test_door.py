"""Who comes in: by password, by Digest, by certificate, by session; everybody else is answered alike."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.han.digest import Algorithm
from smgw.han.door import LONGEST_CERTIFICATE
from smgw.han.lock_out import FREE_ATTEMPTS
from smgw.han.port import LoginRefusedError, RefusedReason, Visitor
from smgw.han.sessions import IDLE_SECONDS
from smgw.han.views import OwnDoor
from smgw.logs.errors import LogAccessError
from smgw.logs.readers import Interface, Reader, Role, require_reader
from smgw.store.database import Database
from smgw.store.events import Log
from tests.smgw.han.entrance import (
    CERTIFICATE,
    CERTIFIED,
    FINGERPRINT,
    FLAT,
    HOUSE,
    PASSWORDS,
    REALM,
    SERVICE,
    START,
    Entrance,
    client_certificate,
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


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    """For what changes nothing."""
    database = open_database(tmp_path_factory.mktemp("lasting"))
    yield Entrance(database)
    database.close()


def refused(entrance: Entrance, name: str, password: str) -> RefusedReason:
    with pytest.raises(LoginRefusedError) as refusal:
        entrance.door.by_password(name, password, entrance.at)
    return refusal.value.reason


def refused_digest(
    entrance: Entrance, header: str, *, method: str = "GET", target: str = "/", older: bool = False
) -> RefusedReason:
    with pytest.raises(LoginRefusedError) as refusal:
        entrance.door.by_digest(header, method, target, entrance.at, older=older)
    return refusal.value.reason


def refused_certificate(entrance: Entrance, der: bytes) -> RefusedReason:
    with pytest.raises(LoginRefusedError) as refusal:
        entrance.door.by_certificate(der, entrance.at)
    return refusal.value.reason


def test_it_is_the_door_of_the_port(entrance: Entrance) -> None:
    door: OwnDoor = entrance.door
    assert door is entrance.door


def test_a_consumer_comes_in_as_herself(entrance: Entrance) -> None:
    """PP-0073 FIA_UAU.5, FIA_ATD.1, FIA_USB.1: what she may see follows from her account."""
    assert entrance.door.by_password("house", PASSWORDS["house"], START) == VISITOR
    # FIA_USB.1: her log, and nobody else's.
    require_reader(VISITOR.reader, Log.CONSUMER, "consumer-house")
    with pytest.raises(LogAccessError):
        require_reader(VISITOR.reader, Log.CONSUMER, "consumer-flat")


def test_a_technician_comes_in_at_the_service_interface(entrance: Entrance) -> None:
    """FIA_ATD.1; FAU_SAR.1/SYS: he reads the system log and nobody's data."""
    visitor = entrance.door.by_password("service", PASSWORDS["service"], START)
    assert visitor == Visitor("service", SERVICE.id, Reader(Role.TECHNICIAN, Interface.SERVICE))
    require_reader(visitor.reader, Log.SYSTEM)
    with pytest.raises(LogAccessError):
        require_reader(visitor.reader, Log.CONSUMER, "consumer-house")


def test_what_a_telephone_writes_in_capitals_is_the_same_name(entrance: Entrance) -> None:
    assert entrance.door.by_password(" House ", PASSWORDS["house"], START) == VISITOR


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("house", PASSWORDS["flat"]),
        ("house", ""),
        ("house", PASSWORDS["house"] + " "),
        ("attic", PASSWORDS["house"]),
        ("nobody", PASSWORDS["house"]),
        ("account-house", PASSWORDS["house"]),
        ("müller\ud800", PASSWORDS["house"]),
        ("", PASSWORDS["house"]),
        ("h" * 1000, PASSWORDS["house"]),
        ("house", "x" * 1000),
        ("house", "\x00"),
    ],
)
def test_nobody_else_comes_in(entrance: Entrance, name: str, password: str) -> None:
    """FIA_UAU.2, FIA_UID.2: which of the two was wrong is told to nobody."""
    assert refused(entrance, name, password) is RefusedReason.WRONG


def test_an_account_counts_while_it_holds_and_stands_in_the_set_of_now(entrance: Entrance) -> None:
    """FIA_ATD.1."""
    entrance.put(replace(HOUSE, valid_from=START, valid_until=START + timedelta(seconds=10)))
    assert entrance.door.by_password("house", PASSWORDS["house"], START) == VISITOR
    entrance.at = START - timedelta(seconds=1)
    assert refused(entrance, "house", PASSWORDS["house"]) is RefusedReason.WRONG
    entrance.at = START + timedelta(seconds=10)
    assert refused(entrance, "house", PASSWORDS["house"]) is RefusedReason.WRONG
    entrance.at = START
    entrance.withdraw(HOUSE)
    assert refused(entrance, "house", PASSWORDS["house"]) is RefusedReason.WRONG


def test_two_accounts_of_one_name_are_none(entrance: Entrance) -> None:
    """Nobody is guessed."""
    other = replace(HOUSE, id="account-other", consumer="consumer-other")
    entrance.install(other, PASSWORDS["house"])
    assert refused(entrance, "house", PASSWORDS["house"]) is RefusedReason.WRONG
    entrance.put(replace(other, valid_until=START))
    assert entrance.door.by_password("house", PASSWORDS["house"], START) == VISITOR


@pytest.mark.parametrize("name", ["house", "flat", "attic", "service", "nobody"])
def test_the_fifth_wrong_attempt_locks_any_name(entrance: Entrance, name: str) -> None:
    """FIA_AFL.1: whether or not it exists, the answers are the same, and say until when."""
    seen = list[tuple[RefusedReason, int | None]]()
    for pause in (0, 0, 0, 0, 0, 59, 1, 0, 119, 1, 0):
        entrance.wait(pause)
        with pytest.raises(LoginRefusedError) as refusal:
            entrance.door.by_password(name, "wrong", entrance.at)
        until = refusal.value.until
        seen.append((refusal.value.reason, None if until is None else round((until - entrance.at).total_seconds())))
    wrong, locked = RefusedReason.WRONG, RefusedReason.LOCKED
    assert seen == [
        *[(wrong, None)] * 5,
        (locked, 1),
        (wrong, None),
        (locked, 120),
        (locked, 1),
        (wrong, None),
        (locked, 240),
    ]


def test_while_it_is_locked_the_right_password_is_not_looked_at_and_no_attempt_counts(entrance: Entrance) -> None:
    """FIA_AFL.1."""
    for _ in range(FREE_ATTEMPTS):
        refused(entrance, "house", "wrong")
    for _ in range(50):
        assert refused(entrance, "house", "wrong") is RefusedReason.LOCKED
    assert refused(entrance, "house", PASSWORDS["house"]) is RefusedReason.LOCKED
    assert refused_digest(entrance, next(entrance.answers("house", PASSWORDS["house"]))) is RefusedReason.LOCKED
    assert entrance.door.by_password("flat", PASSWORDS["flat"], entrance.at).account == FLAT.id
    entrance.wait(60)
    assert entrance.door.by_password("house", PASSWORDS["house"], entrance.at) == VISITOR
    # A right one forgets.
    assert refused(entrance, "house", "wrong") is RefusedReason.WRONG
    assert entrance.door.by_password("house", PASSWORDS["house"], entrance.at) == VISITOR


def test_a_restart_frees_nobody(entrance: Entrance) -> None:
    """FIA_AFL.1."""
    for _ in range(FREE_ATTEMPTS):
        refused(entrance, "house", "wrong")
    entrance.wait(20)
    entrance.now = 3.0  # the machine started anew
    entrance.restart()
    with pytest.raises(LoginRefusedError) as refusal:
        entrance.door.by_password("house", PASSWORDS["house"], entrance.at)
    assert refusal.value.until == entrance.at + timedelta(seconds=40)
    entrance.wait(40)
    assert refused(entrance, "house", "wrong") is RefusedReason.WRONG
    entrance.wait(119)
    assert refused(entrance, "house", "wrong") is RefusedReason.LOCKED


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_is_set_locks_nobody_out_for_long(entrance: Entrance, days: int) -> None:
    """FIA_AFL.1."""
    entrance.put(replace(HOUSE, valid_from=START - timedelta(days=9999), valid_until=START + timedelta(days=9999)))
    for _ in range(FREE_ATTEMPTS):
        refused(entrance, "house", "wrong")
    entrance.at += timedelta(days=days)
    assert refused(entrance, "house", "wrong") is RefusedReason.LOCKED
    entrance.wait(60)
    assert entrance.door.by_password("house", PASSWORDS["house"], entrance.at) == VISITOR


def test_a_newer_version_of_an_account_is_not_locked(entrance: Entrance) -> None:
    """The administrator gave her another password: attempts at the one before count no more."""
    for _ in range(FREE_ATTEMPTS):
        refused(entrance, "house", "wrong")
    newer = replace(HOUSE, version=2)
    entrance.install(newer, NEW)
    assert entrance.door.by_password("house", NEW, entrance.at) == VISITOR


def test_attempts_at_once_are_looked_at_one_after_the_other(entrance: Entrance) -> None:
    """FIA_AFL.1: whoever tries in many connections has no more attempts."""

    def attempt(_: int) -> RefusedReason:
        try:
            entrance.door.by_password("house", "wrong", START)
        except LoginRefusedError as error:
            return error.reason
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(24)))
    assert sorted(answers) == [RefusedReason.LOCKED] * 19 + [RefusedReason.WRONG] * 5


def test_a_program_answers_a_challenge_again_and_again(entrance: Entrance) -> None:
    """FIA_UAU.5: Digest, for what it asks for and nothing else."""
    answers = entrance.answers("house", PASSWORDS["house"], target="/api/v1/now?a=b")
    for _ in range(3):
        assert entrance.door.by_digest(next(answers), "GET", "/api/v1/now?a=b", entrance.at) == VISITOR
    for target in ("/api/v1/now", "/api/v1/now?a=b&", "/"):
        assert refused_digest(entrance, next(answers), target=target) is RefusedReason.MALFORMED
    assert refused_digest(entrance, next(answers), method="POST", target="/api/v1/now?a=b") is RefusedReason.WRONG


def test_an_answer_for_another_gateway_is_none(entrance: Entrance) -> None:
    header = next(entrance.answers("house", PASSWORDS["house"]))
    assert refused_digest(entrance, header.replace(REALM, "EABC0099999999")) is RefusedReason.MALFORMED
    assert refused_digest(entrance, "Basic aG91c2U6eA==") is RefusedReason.MALFORMED


def test_a_wrong_answer_counts_as_an_attempt_and_a_stale_one_does_not(entrance: Entrance) -> None:
    """FIA_AFL.1, FIA_UAU.6: only who knows the password is told that the challenge is old."""
    good, bad = entrance.answers("house", PASSWORDS["house"]), entrance.answers("house", "wrong")
    first = next(good)
    assert entrance.door.by_digest(first, "GET", "/", entrance.at) == VISITOR
    assert refused_digest(entrance, first) is RefusedReason.STALE
    entrance.wait(IDLE_SECONDS)
    for _ in range(2 * FREE_ATTEMPTS):
        assert refused_digest(entrance, next(good)) is RefusedReason.STALE
    assert "stale=true" in entrance.door.challenge(entrance.at, stale=True)
    for _ in range(FREE_ATTEMPTS):
        assert refused_digest(entrance, next(bad)) is RefusedReason.WRONG
    assert refused_digest(entrance, next(good)) is RefusedReason.LOCKED


def test_a_program_that_goes_on_asking_gives_nobody_more_attempts(entrance: Entrance) -> None:
    """FIA_AFL.1: only whoever begins anew makes wrong attempts forgotten."""
    answers = entrance.answers("house", PASSWORDS["house"])
    entrance.door.by_digest(next(answers), "GET", "/", entrance.at)
    for _ in range(FREE_ATTEMPTS):
        assert refused(entrance, "house", "wrong") is RefusedReason.WRONG
        with suppress(LoginRefusedError):
            entrance.door.by_digest(next(answers), "GET", "/", entrance.at)
    assert refused(entrance, "house", "wrong") is RefusedReason.LOCKED


def test_an_account_that_is_open_to_older_clients_takes_an_answer_by_md5(entrance: Entrance) -> None:
    """FIA_UAU.5: that account alone, and only where its caller takes such answers; everything else goes on."""
    opened = replace(HOUSE, version=2, md5=True)
    entrance.install(opened, PASSWORDS["house"])
    entrance.concern()
    older = entrance.answers("house", PASSWORDS["house"], algorithm=Algorithm.MD5)
    visitor = replace(VISITOR, older_clients=True)
    assert entrance.door.by_digest(next(older), "GET", "/", entrance.at, older=True) == visitor
    # Not at the page, and not in the interface.
    assert refused_digest(entrance, next(older)) is RefusedReason.MALFORMED
    # An answer counts once, by whichever hash, and what was right by one is nothing by the other.
    taken = next(older)
    assert entrance.door.by_digest(taken, "GET", "/", entrance.at, older=True) == visitor
    assert refused_digest(entrance, taken, older=True) is RefusedReason.STALE
    usual = next(entrance.answers("house", PASSWORDS["house"]))
    assert entrance.door.by_digest(usual, "GET", "/", entrance.at) == visitor
    assert entrance.door.by_password("house", PASSWORDS["house"], entrance.at) == visitor
    # With a password of her own it goes on as it was (FIA_UAU.6).
    entrance.door.change_password(visitor, PASSWORDS["house"], NEW, entrance.at)
    own = entrance.answers("house", NEW, algorithm=Algorithm.MD5)
    assert entrance.door.by_digest(next(own), "GET", "/", entrance.at, older=True) == visitor
    assert refused_digest(entrance, next(older), older=True) is RefusedReason.WRONG
    told = [entry.parameters.get("how") for entry in entrance.log_of("consumer-house")]
    assert told.count("outdated-digest-md5") == 2


def test_where_no_account_is_open_to_older_clients_there_is_no_md5(entrance: Entrance) -> None:
    """FIA_UAU.5: by default nothing is compared, and so a program that insists on it locks nobody out."""
    for name in ("house", "nobody"):
        older = entrance.answers(name, PASSWORDS["house"], algorithm=Algorithm.MD5)
        for _ in range(2 * FREE_ATTEMPTS):
            assert refused_digest(entrance, next(older), older=True) is RefusedReason.MALFORMED
    assert entrance.door.by_password("house", PASSWORDS["house"], entrance.at) == VISITOR
    # One that is over opens nothing.
    entrance.install(replace(FLAT, version=2, md5=True, valid_until=START), PASSWORDS["flat"])
    older = entrance.answers("flat", PASSWORDS["flat"], algorithm=Algorithm.MD5)
    assert refused_digest(entrance, next(older), older=True) is RefusedReason.MALFORMED


@pytest.mark.parametrize("name", ["house", "flat", "attic", "service", "nobody"])
def test_by_md5_nobody_learns_which_account_is_open_to_it(entrance: Entrance, name: str) -> None:
    """FIA_AFL.1, FIA_UAU.5: open to it, not open to it, or nobody's: a wrong answer is answered and counted alike."""
    entrance.install(replace(HOUSE, version=2, md5=True), PASSWORDS["house"])
    entrance.concern()
    # The right password helps nobody but the one whose account is open to it.
    password = "wrong" if name == "house" else PASSWORDS.get(name, "")
    older = entrance.answers(name, password, algorithm=Algorithm.MD5)
    answered = [refused_digest(entrance, next(older), older=True) for _ in range(FREE_ATTEMPTS + 1)]
    assert answered == [RefusedReason.WRONG] * FREE_ATTEMPTS + [RefusedReason.LOCKED]
    if name == "flat":
        # Her own log tells her why, and nobody else's does.
        *_, entry = entrance.log_of("consumer-flat")
        assert (entry.parameters["how"], entry.parameters["reason"]) == (
            "outdated-digest-md5",
            "not-open-to-older-clients",
        )


def test_a_pinned_certificate_lets_in(entrance: Entrance) -> None:
    """FIA_UAU.5, HKS1: the TLS layer saw that the client has its key."""
    visitor = entrance.door.by_certificate(CERTIFICATE, START)
    reader = Reader(Role.CONSUMER, Interface.CONSUMER, "consumer-attic")
    assert visitor == Visitor("attic", CERTIFIED.id, reader, has_password=False)


def test_a_certificate_that_nobody_pins_is_none(entrance: Entrance) -> None:
    other = client_certificate()
    assert refused_certificate(entrance, other) is RefusedReason.WRONG
    entrance.put(replace(CERTIFIED, valid_until=START))
    assert refused_certificate(entrance, CERTIFICATE) is RefusedReason.WRONG
    entrance.withdraw(CERTIFIED)
    assert refused_certificate(entrance, CERTIFICATE) is RefusedReason.WRONG


def test_what_is_far_too_long_is_not_looked_at(entrance: Entrance) -> None:
    assert refused_certificate(entrance, CERTIFICATE + bytes(LONGEST_CERTIFICATE)) is RefusedReason.MALFORMED
    assert refused_certificate(entrance, CERTIFICATE + b"\0") is RefusedReason.MALFORMED


def test_a_certificate_that_two_accounts_pin_is_nobodys(entrance: Entrance) -> None:
    entrance.put(replace(FLAT, fingerprints=(FINGERPRINT,)))
    assert refused_certificate(entrance, CERTIFICATE) is RefusedReason.WRONG


@pytest.mark.parametrize("days", [-2, 40])
def test_a_certificate_holds_within_its_own_time(entrance: Entrance, days: int) -> None:
    entrance.at += timedelta(days=days)
    assert refused_certificate(entrance, CERTIFICATE) is RefusedReason.WRONG


@pytest.mark.filterwarnings("ignore")  # the parser warns of a serial below one and of names of a forbidden length
@given(spoiling=st.one_of(st.binary(), st.tuples(st.integers(0, len(CERTIFICATE) - 1), st.integers(1, 255))))
def test_whatever_comes_as_a_certificate_nobody_comes_in(lasting: Entrance, spoiling: bytes | tuple[int, int]) -> None:
    der = (
        spoiling
        if isinstance(spoiling, bytes)
        else bytes(octet ^ spoiling[1] if place == spoiling[0] else octet for place, octet in enumerate(CERTIFICATE))
    )
    with pytest.raises(LoginRefusedError):
        lasting.door.by_certificate(der, START)
