"""Users: names, passwords, the last supervisor, and the lock-out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from admin.database import reading, to_seconds, writing
from admin.errors import UserError, UserReason
from admin.office import Office
from admin.schema import attempts, users
from admin.users import LONGEST_DELAY, UserRole, Users, delay
from tests.admin.bureau import BY, NOW, SECOND
from tests.admin.passwords import PASSWORD, hash_in_haste, hastily

pytestmark = pytest.mark.token


@pytest.fixture
def people(office: Office, monkeypatch: pytest.MonkeyPatch) -> Users:
    hash_in_haste(monkeypatch)
    with writing(office.engine) as connection:
        for name, role in (("susi", UserRole.SUPERVISOR), ("otto", UserRole.OPERATOR)):
            row = {"name": name, "role": role.value, "password": hastily(), "added_at": to_seconds(NOW)}
            connection.execute(users.insert(), row)
    return office.users


def refused(reason: UserReason) -> "pytest.RaisesExc[UserError]":
    return pytest.raises(UserError, check=lambda error: error.reason is reason)


def test_a_role_may_what_lower_ones_may(people: Users) -> None:
    otto = people.get("otto")
    assert [otto.may(role) for role in (UserRole.VIEWER, UserRole.OPERATOR, UserRole.SUPERVISOR)] == [True, True, False]


def test_passwords_are_kept_as_scrypt(office: Office) -> None:
    office.users.add("susi", UserRole.SUPERVISOR, PASSWORD, BY, NOW)
    office.users.add("otto", UserRole.OPERATOR, PASSWORD, BY, NOW)
    with reading(office.engine) as connection:
        kept = list(connection.scalars(sa.select(users.c.password)))
    assert all(one.startswith("scrypt:32768:8:1$") for one in kept)
    assert len(set(kept)) == 2, "the same password, salted differently"


@pytest.mark.parametrize("name", ["", "Otto", "1x", "o" * 41, "a b", "ötto", "x\n", "?1"])
def test_names(people: Users, name: str) -> None:
    with refused(UserReason.NAME):
        people.add(name, UserRole.VIEWER, PASSWORD, BY, NOW)


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 257, "aaaaaaaaaaaaaaaa", " padded with space ", "anna anna anna1"]
)
def test_poor_passwords(people: Users, password: str) -> None:
    with refused(UserReason.PASSWORD):
        people.add("anna", UserRole.VIEWER, password, BY, NOW)


def test_a_name_belongs_to_one(people: Users) -> None:
    with refused(UserReason.EXISTS):
        people.add("otto", UserRole.SUPERVISOR, PASSWORD, BY, NOW)
    assert people.get("otto").role is UserRole.OPERATOR


def test_there_is_always_a_supervisor(people: Users) -> None:
    changes: tuple[Callable[[], object], ...] = (
        lambda: people.remove("susi", BY, NOW),
        lambda: people.change_role("susi", UserRole.OPERATOR, BY, NOW),
    )
    for change in changes:
        with refused(UserReason.LAST_SUPERVISOR):
            change()
    people.change_role("otto", UserRole.SUPERVISOR, BY, NOW)
    people.remove("susi", BY, NOW)
    assert [one.name for one in people.all()] == ["otto"]


def test_who_is_unknown(people: Users) -> None:
    changes: tuple[Callable[[], object], ...] = (
        lambda: people.get("nobody"),
        lambda: people.remove("nobody", BY, NOW),
        lambda: people.set_password("nobody", PASSWORD, BY, NOW),
        lambda: people.change_role("nobody", UserRole.VIEWER, BY, NOW),
    )
    for change in changes:
        with refused(UserReason.UNKNOWN):
            change()


def test_every_change_is_in_the_audit_log(people: Users, office: Office) -> None:
    people.change_role("otto", UserRole.VIEWER, "susi", NOW)
    people.set_password("otto", PASSWORD + "!", "susi", NOW)
    people.remove("otto", "susi", NOW)
    told = [(one.action, one.subject, one.by) for one in office.audit.latest(3)]
    assert told == [
        ("operator-changed", "otto", "susi"),
        ("operator-changed", "otto", "susi"),
        ("operator-removed", "otto", "susi"),
    ]
    assert PASSWORD not in str([one.content for one in office.audit.entries()])


def test_the_delay_doubles_and_has_an_end() -> None:
    assert [int(delay(one).total_seconds()) for one in range(1, 7)] == [0, 0, 5, 10, 20, 40]
    assert delay(10**6) == LONGEST_DELAY


def test_while_it_is_locked_no_password_is_looked_at(people: Users, office: Office) -> None:
    for _ in range(3):
        with refused(UserReason.LOG_IN):
            people.log_in("otto", "wrong", NOW)
    before = len(office.audit.entries())
    for password in ("wrong", PASSWORD):
        with refused(UserReason.LOCKED):
            people.log_in("otto", password, NOW + 4 * SECOND)
    assert len(office.audit.entries()) == before, "a flood fills no audit log"
    with refused(UserReason.LOG_IN):
        people.log_in("otto", "wrong", NOW + 5 * SECOND)
    with refused(UserReason.LOCKED):
        people.log_in("otto", PASSWORD, NOW + 14 * SECOND)
    assert people.log_in("otto", PASSWORD, NOW + 15 * SECOND).name == "otto"
    for _ in range(2):
        with refused(UserReason.LOG_IN):
            people.log_in("otto", "wrong", NOW + 15 * SECOND)
    assert people.log_in("otto", PASSWORD, NOW + 15 * SECOND).name == "otto", "the count begins anew"


def test_many_at_once_get_no_more_tries(people: Users) -> None:
    def guess(_: int) -> UserReason:
        with pytest.raises(UserError) as caught:
            people.log_in("otto", "wrong", NOW)
        return caught.value.reason

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(guess, range(24)))
    assert found.count(UserReason.LOG_IN) == 3


def test_unknown_names_fill_no_table_and_are_locked_out_too(
    people: Users, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin.users.UNKNOWN_BUCKETS", 2)
    for _ in range(3):
        with refused(UserReason.LOG_IN):
            people.log_in("nobody", PASSWORD, NOW)
    with refused(UserReason.LOCKED):
        people.log_in("nobody", PASSWORD, NOW)
    for one in range(5):
        with pytest.raises(UserError):
            people.log_in(f"nobody{one}", "", NOW + timedelta(hours=1))
    with reading(office.engine) as connection:
        assert (connection.scalar(sa.select(sa.func.count()).select_from(attempts)) or 0) <= 2
    assert people.log_in("otto", PASSWORD, NOW).name == "otto"


def test_a_new_password_ends_the_lock_out(people: Users) -> None:
    for _ in range(3):
        with pytest.raises(UserError):
            people.log_in("otto", "wrong", NOW)
    people.set_password("otto", PASSWORD + "!", "susi", NOW)
    assert people.log_in("otto", PASSWORD + "!", NOW).name == "otto"
