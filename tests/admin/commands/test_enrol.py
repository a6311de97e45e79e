from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from admin.config import AuthorityConfiguration
from admin.exit import Exit
from admin.inventory import LifeCycle
from tests.admin.commands.server import Desk, desk
from tests.admin.server_world import GATEWAY, certified
from tests.softhsm import MODULE
from wire.orders import Reply

pytestmark = pytest.mark.token
GATEWAY_ID = GATEWAY.text


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch, seal=True) as made:
        monkeypatch.setattr("admin.commands.enrol.certifier", lambda _: lambda where: certified(made.here, where))
        authority = AuthorityConfiguration(tmp_path / "pki", tmp_path / "pki.pin", MODULE)
        made.here.office.configuration = replace(made.here.office.configuration, authority=authority)
        yield made


def state(at: Desk) -> LifeCycle:
    return at.here.office.inventory.get(GATEWAY).state


def test_one_command(at: Desk) -> None:
    (row,) = at.json("enrol", GATEWAY_ID)
    folder = at.here.folder / "enrolment" / GATEWAY_ID
    assert row == {"gateway": GATEWAY_ID, "state": "operating", "seal": False, "folder": str(folder)}
    assert state(at) is LifeCycle.OPERATING
    assert "operates already" in at.run("enrol", GATEWAY_ID, code=Exit.REFUSED).output


def test_step_by_step_in_a_folder_of_ones_own(at: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    at.run("enrol", "request", GATEWAY_ID, "--folder", folder)
    assert (folder / "renewal.der").exists()
    at.run("enrol", "certify", GATEWAY_ID, "--folder", folder)
    assert sorted(path.name for path in folder.iterdir()) == ["ENC.pem", "SIG.pem", "TLS.pem", "renewal.der"]
    at.run("enrol", "install", GATEWAY_ID, "--folder", folder)
    assert state(at) is LifeCycle.INSTALLED
    result = at.run("enrol", "confirm", GATEWAY_ID, "--folder", folder)
    assert result.stdout.strip() == f"{GATEWAY_ID} is operating"


def test_without_an_authority_it_says_how_to_go_on(at: Desk) -> None:
    at.here.office.configuration = replace(at.here.office.configuration, authority=None)
    result = at.run("enrol", GATEWAY_ID, code=Exit.REFUSED)
    assert "smgw-pki renew" in result.output
    assert f"smgw-admin enrol install {GATEWAY_ID}" in result.output


def test_silence_and_refusal_have_codes_of_their_own(at: Desk) -> None:
    at.device.reply = lambda order: Reply.refusal(order.sequence, "token", "no place for keys")
    assert "no place for keys" in at.run("enrol", GATEWAY_ID, code=Exit.GATEWAY_REFUSED).output
    at.device.leave()
    at.here.why()
    at.here.office.inventory.set_address(GATEWAY, "127.0.0.1", 9, "erika", at.here.clock())
    assert "did not come" in at.run("enrol", GATEWAY_ID, "--timeout", "1", code=Exit.SILENCE).output


@pytest.mark.parametrize("words", [(), ("request",), ("nonsense",), ("install", "short")])
def test_a_wrong_command_line(at: Desk, words: tuple[str, ...]) -> None:
    at.run("enrol", *words, code=2)
    assert at.device.orders == []


def test_every_step_has_an_example(at: Desk) -> None:
    for words in (("enrol",), *(("enrol", step) for step in ("request", "certify", "install", "confirm"))):
        assert "Example: smgw-admin enrol" in at.run(*words, "--help").output
