"""``smgw-admin gateways``."""

import os
import pwd

import pytest
from cryptography import x509

from admin.exit import Exit
from pki.certificates import Purpose
from tests.admin.bureau import GATEWAY, OTHER, pem
from tests.admin.commands.desk import Desk

pytestmark = pytest.mark.token
USER = pwd.getpwuid(os.getuid()).pw_name


def write_triple(desk: Desk, name: str = "new") -> str:
    folder = desk.bureau.folder / name
    folder.mkdir()
    for purpose, der in desk.bureau.triple(OTHER).items():
        (folder / f"{purpose}.pem").write_bytes(pem(x509.load_der_x509_certificate(der)))
    return str(folder)


def test_the_inventory_as_a_table_and_as_json(desk: Desk) -> None:
    table = desk("gateways", "list").stdout
    assert GATEWAY.text in table
    assert "127.0.0.1:9" in table
    (row,) = desk.lines("gateways", "list")
    assert (row["gateway"], row["state"], row["certificates"]) == (GATEWAY.text, "operating", "operational")
    assert desk.lines("gateways", "list", "--state", "retired") == []


def test_entering_a_gateway(desk: Desk) -> None:
    told = desk.one("gateways", "add", OTHER.text, "--host", "192.0.2.7", "--note", "attic", "--as", "Anna")
    assert (told["state"], told["certificates"], told["address"]) == ("delivered", "none", "192.0.2.7:4059")
    assert "in the inventory already" in desk("gateways", "add", OTHER.text, "--host", "x", code=Exit.REFUSED).stderr
    last = desk.lines("audit", "list", "--limit", "1")[0]
    assert (last["action"], last["by"]) == ("gateway-added", f"Anna ({USER})")


def test_entering_one_with_its_certificates(desk: Desk) -> None:
    folder = write_triple(desk)
    told = desk.one("gateways", "add", OTHER.text, "--host", "x.example", "--certificates", folder)
    assert told["certificates"] == "operational"
    refused = desk("gateways", "certificates", GATEWAY.text, folder, code=Exit.REFUSED)
    assert f"is of {OTHER}" in refused.stderr


def test_replacing_certificates(desk: Desk) -> None:
    desk("gateways", "add", OTHER.text, "--host", "x.example")
    assert "operational" in desk("gateways", "certificates", OTHER.text, write_triple(desk)).stdout
    shown = desk.one("gateways", "show", OTHER.text)
    assert all(len(shown[f"{purpose.value.lower()}_certificate"]) == 64 for purpose in Purpose)


def test_moving_along_the_life(desk: Desk) -> None:
    assert desk.one("gateways", "state", GATEWAY.text, "locked") == {"gateway": GATEWAY.text, "state": "locked"}
    told = desk("gateways", "state", GATEWAY.text, "delivered", code=Exit.REFUSED).stderr
    assert "possible: installed, operating, retired" in told
    assert desk("gateways", "state", GATEWAY.text, "asleep", code=2).stdout == ""


def test_address_and_note(desk: Desk) -> None:
    desk("gateways", "address", GATEWAY.text, "192.0.2.9", "4060")
    desk("gateways", "note", GATEWAY.text, "cellar")
    shown = desk.one("gateways", "show", GATEWAY.text)
    assert (shown["address"], shown["note"], shown["tunnel_open"]) == ("192.0.2.9:4060", "cellar", False)
    assert "cellar" in desk("gateways", "show", GATEWAY.text).stdout
    assert "UDP port" in desk("gateways", "address", GATEWAY.text, "192.0.2.9", "0", code=Exit.REFUSED).stderr


def test_one_that_is_not_there(desk: Desk) -> None:
    told = desk("gateways", "show", OTHER.text, code=Exit.REFUSED).stderr
    entering = f"enter it: smgw-admin gateways add {OTHER} --host ADDRESS"
    assert told == f"smgw-admin: {OTHER} is not in the inventory; {entering}\n"
