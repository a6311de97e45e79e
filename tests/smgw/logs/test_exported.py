"""An exported log is checked anywhere; as it is typed, ``smgw.start`` decides that nothing of a gateway is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from smgw.__main__ import Exit
from smgw.logs.exported import EXIT_LOG, verify_alone
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import ANNA, SYSTEM, Archive
from tests.smgw.store.samples import GATEWAY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export, and the root that it leads to."""
    folder = tmp_path_factory.mktemp("exported")
    archive = Archive(SmallPki(), folder)
    archive.days(1)
    archive.seal()
    (folder / "export.json").write_bytes(archive.export([SYSTEM, ANNA]).to_bytes())
    (folder / "root.pem").write_bytes(archive.trust.roots[0].public_bytes(Encoding.PEM))
    archive.close()
    return folder


def line(folder: Path, *more: str) -> list[str]:
    return ["--export", str(folder / "export.json"), "--root", str(folder / "root.pem"), *more]


def test_what_holds_and_what_does_not(folder: Path) -> None:
    """FAU_STG.2."""
    result = CliRunner().invoke(verify_alone, line(folder))
    assert result.exit_code == 0
    assert result.output.startswith(f"gateway {GATEWAY}: signed ")
    result = CliRunner().invoke(verify_alone, line(folder, "--gateway", "EXYZ0012345678"))
    assert result.exit_code == EXIT_LOG
    assert "smgw: gateway: " in result.output
    assert Exit.LOG.value == EXIT_LOG
    assert CliRunner().invoke(verify_alone, line(folder)[:2]).exit_code == 2


def test_nothing_of_a_gateway_is_loaded(folder: Path) -> None:
    script = (
        "import sys; from smgw.start import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print([one for one in ('sqlalchemy', 'pkcs11', 'OpenSSL', 'smgw.store') if one in sys.modules])"
    )
    words = [sys.executable, "-c", script, "logs", "verify", *line(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
