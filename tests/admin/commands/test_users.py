"""``smgw-admin users``: passwords are asked for or read from a file, and never stand in a command."""

from pathlib import Path

import pytest

from admin.commands.users import users
from admin.exit import Exit
from tests.admin.bureau import NOW
from tests.admin.commands.desk import Desk
from tests.admin.passwords import PASSWORD, hash_in_haste

pytestmark = pytest.mark.token


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_in_haste(monkeypatch)


def logs_in(desk: Desk, name: str, password: str) -> bool:
    with desk.bureau.office() as office:
        return office.users.log_in(name, password, NOW).name == name


def test_a_password_is_asked_for_twice_and_not_shown(desk: Desk) -> None:
    found = desk("users", "add", "susi", "--role", "supervisor", text=f"{PASSWORD}\n{PASSWORD}\n")
    assert PASSWORD not in found.output
    assert "susi may log in as supervisor" in found.stdout
    assert logs_in(desk, "susi", PASSWORD)


def test_or_read_from_a_file_or_standard_input(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\nsecond line\n")
    desk("users", "add", "susi", "--password-file", str(file))
    desk("users", "add", "otto", "--password-file", "-", text=f"{PASSWORD}\n")
    assert logs_in(desk, "susi", PASSWORD)
    assert logs_in(desk, "otto", PASSWORD)
    file.write_bytes(b"\xff\xff\n")
    assert "cannot be read" in desk("users", "password", "otto", "--password-file", str(file), code=2).output
    assert "--password-file" in desk("users", "add", "erna", code=2).stderr


def test_no_option_takes_a_password() -> None:
    names = {option for command in users.commands.values() for one in command.params for option in one.opts}
    assert {one for one in names if "password" in one} == {"--password-file"}


def test_the_whole_life_of_a_user(desk: Desk) -> None:
    for name, role in (("susi", "supervisor"), ("otto", "viewer")):
        desk("users", "add", name, "--role", role, "--password-file", "-", text=PASSWORD)
    desk("users", "role", "otto", "operator")
    desk("users", "password", "otto", "--password-file", "-", text=f"{PASSWORD}!")
    assert logs_in(desk, "otto", f"{PASSWORD}!")
    assert [(one["name"], one["role"]) for one in desk.lines("users", "list")] == [
        ("otto", "operator"),
        ("susi", "supervisor"),
    ]
    desk("users", "remove", "otto")
    assert "last supervisor" in desk("users", "remove", "susi", code=Exit.REFUSED).output
    assert "there is no user" in desk("users", "password", "otto", code=Exit.REFUSED).output


def test_a_poor_password_is_refused(desk: Desk) -> None:
    told = desk("users", "add", "susi", "--password-file", "-", code=Exit.REFUSED, text="short\n")
    assert "a password has 12 to 256 characters" in told.output
    assert desk.lines("users", "list") == []
