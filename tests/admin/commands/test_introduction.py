"""``smgw-admin introduction``: one file, for a gateway that is still in the workshop."""

from pathlib import Path

import pytest

from admin.exit import Exit
from pki import cms
from pki.certificates import Purpose, Role
from tests.admin.bureau import Bureau, pem
from tests.admin.commands.desk import Desk

pytestmark = pytest.mark.token


def test_the_document_is_written_and_signed(bureau: Bureau, tmp_path: Path) -> None:
    tunnel = bureau.pki.holder(Role.GWA, Purpose.TLS, bureau.name)
    (bureau.folder / "certificates" / "TLS.pem").write_bytes(pem(tunnel.certificate))
    desk, file = Desk(bureau), tmp_path / "administrator.cms"
    assert "a gateway that has it knows us" in desk("introduction", str(file), "--host", "admin.example").stdout
    first = cms.open_document(file.read_bytes(), signers=[bureau.office_certificate()]).content
    assert desk.one("introduction", str(file), "--host", "admin.example", "--number", "2")["version"] == 2
    assert cms.open_document(file.read_bytes(), signers=[bureau.office_certificate()]).content != first
    desk("introduction", str(tmp_path / "no" / "folder"), "--host", "admin.example", code=Exit.CONFIGURATION)


def test_without_certificates_nothing_is_written(bureau: Bureau, tmp_path: Path) -> None:
    file = tmp_path / "administrator.cms"
    Desk(bureau)("introduction", str(file), "--host", "admin.example", code=Exit.CONFIGURATION)
    assert not file.exists()
