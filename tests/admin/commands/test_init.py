"""``smgw-admin init``: from a configuration to requests that the CA certifies."""

import pytest

from pki.certificates import Role
from pki.files import read_requests
from pki.requests import common_name_of, read_triple
from tests.admin.bureau import Bureau
from tests.admin.commands.desk import Desk

pytestmark = pytest.mark.token


def test_keys_requests_and_database(bureau: Bureau) -> None:
    (bureau.folder / "pin.so").write_text("9876543210")
    (bureau.folder / "pin.so").chmod(0o600)
    told = Desk(bureau)("init").stdout
    folder = bureau.folder / "certificates"
    assert f'smgw-pki issue STATE {folder} --role GWA --name "Verwalter"' in told
    read_triple(read_requests(folder), common_name_of(Role.GWA, "Verwalter"))
    assert (bureau.folder / "admin.db").exists()
    assert Desk(bureau).one("init")["requests"] == str(folder)
