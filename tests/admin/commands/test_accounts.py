"""``smgw-admin accounts``: a password is shown once, and everything else without it."""

import stat
from pathlib import Path

import pytest

from admin.accounts import new_password
from admin.exit import Exit
from pki.certificates import Purpose, Role, fingerprint
from tests.admin.bureau import GATEWAY, NOW, OTHER, pem
from tests.admin.commands.desk import Desk, random_octets
from tests.admin.commands.open_line import open_line
from tests.admin.samples import METER
from wire.canonical_json import JsonObject

pytestmark = pytest.mark.token

PASSWORD = new_password(random_octets)
HOUSE = ("house", "--consumer", "house", "--no-wait")


@pytest.fixture
def metered(desk: Desk) -> Desk:
    """A desk at whose gateway a meter that measures ``house`` is ordered."""
    with desk.bureau.open() as office:
        office.drafts.save("meter", METER, "anna", NOW)
        office.drafts.issue_together(["meter"], GATEWAY, "anna", NOW)
    return desk


def kept(desk: Desk) -> bytes:
    """All that the administrator keeps on its disk, the audit log included."""
    return b"".join(file.read_bytes() for file in desk.bureau.folder.rglob("*") if file.is_file())


def test_the_letter_is_printed_once(metered: Desk) -> None:
    shown = metered("accounts", "new", GATEWAY.text, *HOUSE).stdout
    assert "Ihr Zugang zum Smart-Meter-Gateway EABC0012345678" in shown
    assert shown.count(PASSWORD) == 1
    assert "orders run EABC0012345678" in shown
    assert PASSWORD.encode() not in kept(metered)
    for later in (("accounts", "list"), ("audit", "list"), ("orders", "show", "2"), ("orders", "show", "2", "--json")):
        assert PASSWORD not in metered(*later).output
    english = metered("accounts", "reset", GATEWAY.text, "house", "--language", "en", "--no-wait").stdout
    assert "Your access to the smart meter gateway" in english
    assert PASSWORD in english


def test_the_letter_goes_into_a_file_and_nowhere_else(metered: Desk) -> None:
    file = metered.bureau.folder / "house.txt"
    told = metered("accounts", "new", GATEWAY.text, *HOUSE, "--letter", str(file), "--address", "https://smgw.local")
    assert PASSWORD not in told.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text("utf-8")
    assert PASSWORD in text
    assert "https://smgw.local" in text
    # A second one does not take its place, and orders nothing.
    metered("accounts", "reset", GATEWAY.text, "house", "--letter", str(file), code=Exit.REFUSED)
    assert file.read_text("utf-8") == text
    assert [row["version"] for row in metered.lines("accounts", "list")] == [1]


def test_what_is_refused_leaves_no_letter(metered: Desk) -> None:
    file = metered.bureau.folder / "letter.txt"
    told = metered("accounts", "new", GATEWAY.text, "a", "--consumer", "x", "--letter", str(file), code=Exit.REFUSED)
    assert "no meter at EABC0012345678 measures 'x'; its consumers are: house" in told.stderr
    assert not file.exists()


def test_what_the_gateway_told_of_its_page_stands_in_the_letter(metered: Desk) -> None:
    with metered.bureau.open() as office:
        page: JsonObject = {"addresses": ["https://gateway.local/", "https://192.0.2.8/"], "sha256": "ab" * 32}
        office.reports.keep_status(GATEWAY, {"han": page}, NOW)
    shown = metered("accounts", "new", GATEWAY.text, *HOUSE).stdout
    assert "  Adresse        https://gateway.local/\n  oder           https://192.0.2.8/\n" in shown
    assert shown.count("AB:AB:AB") >= 2


def test_for_programs(metered: Desk) -> None:
    account, order = metered.lines("accounts", "new", GATEWAY.text, *HOUSE)
    assert (account["password"], account["name"], account["consumer"]) == (PASSWORD, "house", "house")
    assert (account["account"], account["order"], order["order"]) == ("account-1", 2, 2)
    file = str(metered.bureau.folder / "new.txt")
    again, _ = metered.lines("accounts", "reset", GATEWAY.text, "house", "--letter", file, "--no-wait")
    assert (again["letter"], again["version"], "password" in again) == (file, 2, False)
    (row,) = metered.lines("accounts", "list", GATEWAY.text)
    assert (row["name"], row["password"], row["certificates"], row["state"]) == ("house", True, 0, "ordered")


def test_certificates_open_the_page_too(metered: Desk, tmp_path: Path) -> None:
    """PP-0073 FIA_UAU.5."""
    certificate = metered.bureau.pki.holder(Role.EMT, Purpose.TLS).certificate
    file = tmp_path / "client.pem"
    file.write_bytes(pem(certificate))
    options = ("--certificate", str(file), "--no-password")
    shown = metered("accounts", "new", GATEWAY.text, "service", "--technician", *options, "--no-wait").stdout
    assert PASSWORD not in shown
    assert fingerprint(certificate)[:2].upper() + ":" in shown
    (row,) = metered.lines("accounts", "list")
    assert (row["role"], row["password"], row["certificates"]) == ("technician", False, 1)
    assert "technician" in metered("accounts", "list").stdout
    file.write_bytes(b"none")
    told = metered("accounts", "new", GATEWAY.text, "b", "--technician", *options, code=Exit.REFUSED)
    assert f"{file} is no certificate" in told.stderr


def test_older_clients_are_let_in_by_an_explicit_word_that_says_what_it_means(metered: Desk) -> None:
    """PP-0073 FIA_UAU.5."""
    made = metered("accounts", "new", GATEWAY.text, *HOUSE, "--older-clients")
    for told in ("MD5", "TR-03116-3 permits SHA-2 alone", "smgw-admin accounts reset EABC0012345678 house"):
        assert told in made.stderr
    assert "veraltetes Anmeldeverfahren" in made.stdout
    (row,) = metered.lines("accounts", "list")
    assert row["older_clients"] is True
    closed = metered("accounts", "reset", GATEWAY.text, "house", "--no-wait")
    assert "MD5" not in closed.output
    (row,) = metered.lines("accounts", "list")
    assert row["older_clients"] is False
    metered("accounts", "reset", GATEWAY.text, "house", "--older-clients", "--no-password", code=Exit.CONFIGURATION)


def test_until_the_last_day(metered: Desk) -> None:
    account, _ = metered.lines("accounts", "new", GATEWAY.text, *HOUSE, "--until", "2026-12-31")
    assert account["valid_until"] == "2027-01-01T00:00:00Z"


def test_whose_it_is_must_be_said(metered: Desk) -> None:
    for whose in ((), ("--consumer", "house", "--technician")):
        told = metered("accounts", "new", GATEWAY.text, "house", *whose, code=Exit.CONFIGURATION)
        assert "either --consumer ID or --technician" in told.stderr
    told = metered("accounts", "new", GATEWAY.text, *HOUSE, "--no-password", code=Exit.REFUSED)
    assert "--certificate FILE" in told.stderr
    metered("accounts", "withdraw", GATEWAY.text, "house", code=Exit.REFUSED)
    metered("accounts", "list", OTHER.text, code=Exit.REFUSED)


def test_no_accounts_say_how_to_make_one(desk: Desk) -> None:
    assert "smgw-admin accounts new GATEWAY NAME" in desk("accounts", "list").stdout


def test_installed_and_withdrawn(metered: Desk) -> None:
    with open_line(metered):
        shown = metered("accounts", "new", GATEWAY.text, "house", "--consumer", "house").stdout
        assert shown.index(PASSWORD) < shown.index("did change-profiles")
        assert [row["state"] for row in metered.lines("accounts", "list", GATEWAY.text)] == ["confirmed"]
        assert "did change-profiles" in metered("accounts", "withdraw", GATEWAY.text, "house").stdout
        assert metered.lines("accounts", "list", GATEWAY.text) == []
