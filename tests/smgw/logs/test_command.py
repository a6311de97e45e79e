"""The commands as they are typed, where they need no gateway; with one they are typed in tests/smgw/test_main.py."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from smgw.logs.command import Clocks, print_entry, show, verify
from smgw.logs.errors import LogAccessError, LogIntegrityError
from smgw.logs.texts import Language
from smgw.store.log_chain import read
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import ANNA, SYSTEM, Archive
from tests.smgw.store.samples import GATEWAY, START

CLOCKS = Clocks(lambda: START, lambda: 0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export, and the root that it leads to."""
    folder = tmp_path_factory.mktemp("export")
    archive = Archive(SmallPki(), folder)
    archive.days(3)
    archive.seal()
    archive.days(1)
    (folder / "export.json").write_bytes(archive.export([SYSTEM, ANNA]).to_bytes())
    root = archive.trust.roots[0].public_bytes(Encoding.PEM)
    (folder / "root.pem").write_bytes(root)
    archive.close()
    return folder


def words(folder: Path, *more: str) -> list[str]:
    return ["--export", str(folder / "export.json"), "--root", str(folder / "root.pem"), *more]


def test_an_export_is_verified_anywhere(folder: Path) -> None:
    """FAU_STG.2: no gateway, no token; what is not signed yet is said, whose log it is is not."""
    result = CliRunner().invoke(verify, words(folder, "--gateway", GATEWAY.text), obj=CLOCKS)
    assert result.exit_code == 0
    assert result.output.splitlines()[0].startswith(f"gateway {GATEWAY}: signed ")
    assert "the last 1 are not signed yet and prove nothing" in result.output
    assert "anna" not in result.output


def test_what_does_not_hold_is_an_error_of_its_own(folder: Path) -> None:
    for more, sentence in ((["--gateway", "EXYZ0012345678"], "not of EXYZ0012345678"),):
        result = CliRunner().invoke(verify, words(folder, *more), obj=CLOCKS)
        assert isinstance(result.exception, LogIntegrityError)
        assert sentence in str(result.exception)
    cut = folder / "cut.json"
    cut.write_bytes((folder / "export.json").read_bytes()[:-1])
    result = CliRunner().invoke(verify, ["--export", str(cut), "--root", str(folder / "root.pem")], obj=CLOCKS)
    assert isinstance(result.exception, LogIntegrityError)


def test_a_wrong_command_line_is_another(folder: Path) -> None:
    for line in ([], ["--export", str(folder / "export.json")], [*words(folder), str(folder / "root.pem")]):
        assert CliRunner().invoke(verify, line, obj=CLOCKS).exit_code == 2
    (folder / "none.pem").write_text("none")
    line = ["--export", str(folder / "export.json"), "--root", str(folder / "none.pem")]
    assert CliRunner().invoke(verify, line, obj=CLOCKS).exit_code == 2


@pytest.mark.parametrize("log", ["calibration", "consumer"])
def test_a_technician_reads_the_system_log_only(folder: Path, log: str) -> None:
    """FAU_SAR.1/SYS, FDP_ACF.1: refused before a token is asked."""
    result = CliRunner().invoke(show, [str(folder / "root.pem"), "--log", log], obj=CLOCKS)
    assert isinstance(result.exception, LogAccessError)


def test_an_entry_is_told_to_people_and_to_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = Archive(SmallPki(), tmp_path)
    archive.days(1)
    with archive.database.read() as connection:
        entry = next(iter(read(connection, SYSTEM)))
    print_entry(entry, Language.GERMAN, as_json=False)
    print_entry(entry, Language.ENGLISH, as_json=True)
    line, document = capsys.readouterr().out.splitlines()
    assert line.endswith("INFO SUCCESS DELIVERY_ACKNOWLEDGED tariff party=grid (+0) tariff: an grid gesendet")
    told = json.loads(document)
    assert (told["event_id"], told["vendor_id"], told["text"]) == (16001, "BSI", "tariff: sent to grid")
    archive.close()
