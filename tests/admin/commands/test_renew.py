from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from admin.config import AuthorityConfiguration
from admin.exit import Exit
from tests.admin.commands.server import Desk, desk
from tests.admin.server_world import GATEWAY, certified
from tests.softhsm import MODULE

pytestmark = pytest.mark.token


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        monkeypatch.setattr("admin.commands.enrol.certifier", lambda _: lambda where: certified(made.here, where))
        authority = AuthorityConfiguration(tmp_path / "pki", tmp_path / "pki.pin", MODULE)
        made.here.office.configuration = replace(made.here.office.configuration, authority=authority)
        yield made


def held(at: Desk) -> object:
    return at.here.office.inventory.get(GATEWAY).certificates


def test_one_gateway(at: Desk) -> None:
    before = held(at)
    (row,) = at.json("renew", GATEWAY.text)
    assert (row["gateway"], row["state"]) == (GATEWAY.text, "operating")
    assert held(at) == at.device.keys.der != before


def test_those_that_are_due(at: Desk) -> None:
    before = held(at)
    assert at.json("renew", "--due-within", "30") == []
    (listed,) = at.json("renew", "--due-within", "1000", "--list")
    assert listed["gateway"] == GATEWAY.text
    assert held(at) == before
    assert at.json("renew", "--due-within", "1000") == [{"gateway": GATEWAY.text, "renewed": True, "failure": ""}]
    assert held(at) != before


def test_one_that_fails_is_told_and_ends_with_a_code(at: Desk) -> None:
    at.here.office.inventory.set_address(GATEWAY, "127.0.0.1", 9, "erika", at.here.clock())
    result = at.run("renew", "--due-within", "1000", "--timeout", "1", code=Exit.UNANSWERED)
    assert GATEWAY.text in result.stdout
    assert "did not come" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        (),
        (GATEWAY.text, "--due-within", "3"),
        ("--list",),
        (GATEWAY.text, "--list"),
        ("--due-within", "99999999999", "--list"),
        ("--due-within", "3", "--folder", "somewhere", "--list"),
    ],
)
def test_a_wrong_command_line(at: Desk, words: tuple[str, ...]) -> None:
    at.run("renew", *words, code=2)
    assert at.device.orders == []
