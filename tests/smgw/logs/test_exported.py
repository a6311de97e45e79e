"""An exported log is checked anywhere; as it is typed, ``smgw.start`` decides that nothing of a gateway is loaded."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding

from smgw.__main__ import Exit
from smgw.logs.command import verify
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


def hands(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One copy for each member of the file, down to those of an entry, that is another or is not there any more."""

    def walk(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            if isinstance(value[key], dict | list):
                yield from walk(value[key], (*path, key))

    for *path, last in walk(document, ()):
        for gone in (False, True):
            copied = json.loads(json.dumps(document))
            holder: Any = copied
            for key in path:
                holder = holder[key]
            if gone:
                del holder[last]
            else:
                former = holder[last]
                holder[last] = former + 1 if isinstance(former, int) else f"{former}0" if isinstance(former, str) else 7
            yield copied


def test_every_altered_copy_is_told_by_the_same_code(folder: Path, tmp_path: Path) -> None:
    """FAU_STG.2: whatever member of an export is another or is missing, also a name that nobody knows."""
    document = json.loads((folder / "export.json").read_bytes())
    del document["logs"][0]
    names, file = set(), tmp_path / "altered.json"

    def told(written: dict[str, Any]) -> Result:
        file.write_text(json.dumps(written, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
        return CliRunner().invoke(verify_alone, ["--export", str(file), "--root", str(folder / "root.pem")])

    assert told(document).exit_code == 0
    for altered in hands(document):
        result = told(altered)
        assert (result.exit_code, result.stdout) == (EXIT_LOG, "")
        assert result.stderr.startswith("smgw: ")
        names.add(result.stderr.split(":")[1].strip())
    assert {"form", "altered", "checkpoint", "certificate", "order", "gap", "cut-start"} <= names


def test_the_codes_are_told(folder: Path) -> None:
    assert f"{EXIT_LOG} they are not" in " ".join(CliRunner().invoke(verify_alone, ["--help"]).output.split())
    assert f"{EXIT_LOG} they are not" in " ".join(CliRunner().invoke(verify, ["--help"]).output.split())
    assert CliRunner().invoke(verify_alone, ["--export", str(folder / "none"), *line(folder)[2:]]).exit_code == 2


def test_nothing_of_a_gateway_is_loaded(folder: Path) -> None:
    script = (
        "import sys; from smgw.start import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print([one for one in ('sqlalchemy', 'pkcs11', 'OpenSSL', 'smgw.store') if one in sys.modules])"
    )
    words = [sys.executable, "-c", script, "logs", "verify", *line(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
