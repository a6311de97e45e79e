"""``smgw-admin profiles``: from a file to a gateway that holds it."""

import pytest

from admin.exit import Exit
from tests.admin.bureau import GATEWAY, OTHER
from tests.admin.commands.desk import Desk
from tests.admin.commands.open_line import open_line
from tests.admin.samples import METER, NETZ, SERIES

pytestmark = pytest.mark.token


@pytest.fixture
def drafted(desk: Desk) -> Desk:
    for name, text in (("netz", NETZ), ("meter", METER), ("series", SERIES)):
        (desk.bureau.folder / f"{name}.toml").write_text(text)
        desk("profiles", "draft", name, str(desk.bureau.folder / f"{name}.toml"))
    return desk


def test_drafts(drafted: Desk) -> None:
    assert [row["draft"] for row in drafted.lines("profiles", "list")] == ["meter", "netz", "series"]
    assert "evaluation" in drafted("profiles", "list").stdout
    assert drafted("profiles", "show", "netz").stdout == NETZ
    assert drafted.one("profiles", "show", "netz")["text"] == NETZ
    drafted("profiles", "delete", "netz")
    assert "no draft 'netz'" in drafted("profiles", "show", "netz", code=Exit.REFUSED).stderr


def test_many_drafts_at_once_are_called_as_their_files(desk: Desk) -> None:
    (desk.bureau.folder / "netz.toml").write_text(NETZ)
    (desk.bureau.folder / "bad.toml").write_text("kind = 1")
    good, bad = str(desk.bureau.folder / "netz.toml"), str(desk.bureau.folder / "bad.toml")
    assert "bad" not in desk("profiles", "import", good, bad, code=Exit.REFUSED).stdout
    assert [row["draft"] for row in desk.lines("profiles", "list")] == ["netz"]
    assert desk.lines("profiles", "import", good) == [{"draft": "netz", "kind": "communication", "id": "netz"}]


def test_a_draft_from_standard_input(desk: Desk) -> None:
    assert "profiles issue netz" in desk("profiles", "draft", "netz", "-", text=NETZ).stdout


def test_a_draft_that_is_no_profile_says_which_key(desk: Desk) -> None:
    told = desk("profiles", "draft", "netz", "-", text=NETZ + "prot = 1\n", code=Exit.REFUSED)
    assert "prot" in told.stderr
    (desk.bureau.folder / "x.toml").write_bytes(b"\xff\xfe")
    assert "UTF-8" in desk("profiles", "draft", "x", str(desk.bureau.folder / "x.toml"), code=Exit.REFUSED).stderr


def test_checking(drafted: Desk) -> None:
    told = drafted.one("profiles", "check", "netz", "meter", "series", GATEWAY.text)
    assert [row["id"] for row in told["profiles"]] == ["netz", "meter", "netz-series"]
    refused = drafted("profiles", "check", "series", GATEWAY.text, code=Exit.REFUSED).stderr
    assert "unknown party: netz" in refused
    assert "unknown meter" in refused


def test_a_contradiction_queues_nothing(drafted: Desk) -> None:
    drafted("profiles", "issue", "series", GATEWAY.text, code=Exit.REFUSED)
    assert drafted.lines("orders", "list") == []


def test_issuing_and_withdrawing(drafted: Desk) -> None:
    with open_line(drafted):
        told = drafted.one("profiles", "issue", "netz", "meter", "series", GATEWAY.text)
        assert (told["state"], told["ending"], told["wake"]["outcome"]) == ("confirmed", "done", "came")
        rows = drafted.lines("profiles", "installed", GATEWAY.text)
        assert [row["id"] for row in rows] == ["netz", "netz-series", "meter"]
        assert (
            "did change-profiles" in drafted("profiles", "withdraw", "evaluation", "netz-series", GATEWAY.text).stdout
        )
        assert len(drafted.lines("profiles", "installed", GATEWAY.text)) == 2
        assert "netz" in drafted("profiles", "installed", GATEWAY.text).stdout


def test_queuing_without_waiting(drafted: Desk) -> None:
    told = drafted("profiles", "issue", "netz", GATEWAY.text, "--no-wait").stdout
    assert "orders run EABC0012345678" in told
    assert [row["state"] for row in drafted.lines("orders", "list")] == ["queued"]


def test_a_gateway_that_does_not_come(drafted: Desk) -> None:
    told = drafted("profiles", "issue", "netz", GATEWAY.text, code=Exit.SILENCE)
    assert "order 1 stays woken; EABC0012345678 did not come within 20 s (4 wake-ups sent):" in told.stderr
    assert "smgw-admin serve" in told.stderr


def test_unknown_gateways_and_kinds(drafted: Desk) -> None:
    drafted("profiles", "installed", OTHER.text, code=Exit.REFUSED)
    drafted("profiles", "check", "netz", OTHER.text, code=Exit.REFUSED)
    drafted("profiles", "withdraw", "tariff", "x", GATEWAY.text, code=Exit.REFUSED)
