"""``smgw-admin audit``."""

import sqlite3

import pytest

from admin.exit import Exit
from pki.certificates import Purpose, Role
from tests.admin.bureau import GATEWAY, pem
from tests.admin.commands.desk import Desk

pytestmark = pytest.mark.token


def test_reading(desk: Desk) -> None:
    desk("gateways", "note", GATEWAY.text, "cellar")
    rows = desk.lines("audit", "list")
    assert [row["action"] for row in rows] == ["gateway-added", "gateway-note"]
    assert desk.lines("audit", "list", "--after", "1") == rows[1:]
    assert "gateway-note" in desk("audit", "list", "--limit", "1").stdout


def test_proving(desk: Desk) -> None:
    assert desk("audit", "verify").stdout.startswith(
        "1 entries are as they were written; an end that was cut off would not be seen"
    )
    assert desk.one("audit", "verify") == {"entries": 1, "head_known": False}


def test_a_log_that_was_cut_off_is_found_with_its_head(desk: Desk) -> None:
    desk("gateways", "note", GATEWAY.text, "cellar")
    head = desk.bureau.folder / "head.json"
    head.write_bytes(desk("audit", "head").stdout_bytes)
    assert "as the known head has it" in desk("audit", "verify", "--head", str(head)).stdout
    with sqlite3.connect(desk.bureau.folder / "admin.db") as plain:
        plain.execute("DROP TRIGGER audit_DELETE")
        plain.execute("DELETE FROM audit WHERE number = 2")
    plain.close()
    desk("audit", "verify")
    told = desk("audit", "verify", "--head", str(head), code=Exit.AUDIT).stderr
    assert told.startswith("smgw-admin: audit log: cut-off: entry 2 is missing")
    head.write_text("no head")
    assert "no head of an audit log" in desk("audit", "verify", "--head", str(head), code=Exit.AUDIT).stderr


def test_entries_of_a_former_certificate_need_it(desk: Desk) -> None:
    former = desk.bureau.folder / "former.pem"
    former.write_bytes(desk.bureau.signature_file.read_bytes())
    new = desk.bureau.pki.holder(Role.GWA, Purpose.SIG, "Verwalter")
    desk.bureau.signature_file.write_bytes(pem(new.certificate))
    assert "none of the given certificates" in desk("audit", "verify", code=Exit.AUDIT).stderr
    desk("audit", "verify", "--certificate", str(former))


def test_an_empty_log_has_no_head(desk: Desk) -> None:
    (desk.bureau.folder / "admin.db").unlink()
    assert "empty" in desk("audit", "head", code=Exit.REFUSED).stderr
    assert desk("audit", "list").stdout == "the audit log is empty\n"
