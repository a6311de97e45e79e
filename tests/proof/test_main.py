"""The command as it is typed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proof.__main__ import Exit, main
from tests.proof.sample import Sample, cases

FORBIDDEN = ("sqlalchemy", "pkcs11", "flask", "OpenSSL", "smgw", "asn1crypto")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proofs")
    sample = Sample(folder)
    (folder / "root.pem").write_bytes(sample.root)
    (folder / "hollow.json").write_bytes(replace(sample.bundle, measured=(), derived=(), log=None).to_bytes())
    files = cases(sample)
    for name in (
        *("nothing", "value", "log later", "a log alone", "log of another", "white space", "no authority"),
        *("no such event", "no such level", "no such log", "no such member"),
    ):
        (folder / f"{name}.json").write_bytes(files[name][0])
    return folder


def typed(folder: Path, name: str, *more: str, root: str = "root.pem") -> Result:
    line = [str(folder / f"{name}.json"), "--root", str(folder / root), *more]
    return CliRunner().invoke(main, line, env={"LANG": "C", "LC_ALL": "", "LC_MESSAGES": ""})


def test_a_good_proof(folder: Path) -> None:
    """FCO_NRO.2, FAU_STG.2."""
    result = typed(folder, "nothing")
    assert result.exit_code == Exit.GENUINE
    lines = result.output.splitlines()
    assert lines[0].startswith("A proof of gateway EABC0012345678 for “anna”")
    assert "Everything that is signed in this file is genuine." in lines
    assert "Values checked: 27." in result.output
    assert "Number of values: 1." in result.output
    assert "What this does not prove" in result.output


def test_what_does_not_hold_is_named_and_is_an_exit_code(folder: Path) -> None:
    result = typed(folder, "value")
    assert result.exit_code == Exit.NOT_GENUINE
    assert "! 1ISK0012345678 1-0:2.8.0*255 2026-01-15T14:00:00Z: The signature does not fit" in result.output
    assert "Not everything in this file is genuine.\nNot proven: 1 of 27 values." in result.output
    result = typed(folder, "log of another", "--language", "de")
    assert result.exit_code == Exit.NOT_GENUINE
    assert "Das Log ist nicht das dieses Kunden." in result.output
    assert "! 1ISK0012345678 1-0:2.8.0*255" in typed(folder, "no authority").output


def test_a_log_alone(folder: Path) -> None:
    result = typed(folder, "a log alone", "--gateway", "EABC0012345678")
    assert result.exit_code == Exit.GENUINE
    assert "Log (system log): entries 1 to" in result.output
    result = typed(folder, "a log alone", "--gateway", "EXYZ0012345678", "--json")
    assert result.exit_code == Exit.NOT_GENUINE
    assert json.loads(result.output)["log"]["reason"] == "gateway"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no such event", "altered"),
        ("no such level", "altered"),
        ("no such log", "altered"),
        ("no such member", "form"),
    ],
)
def test_a_log_that_was_altered_is_not_genuine_whatever_it_names(folder: Path, name: str, reason: str) -> None:
    """FAU_STG.2: an altered log is never taken for one that nobody can check."""
    result = typed(folder, name, "--json")
    assert result.exit_code == Exit.NOT_GENUINE
    assert json.loads(result.output)["log"]["reason"] == reason
    assert typed(folder, name).exit_code == Exit.NOT_GENUINE


def test_the_language_is_that_of_the_terminal(folder: Path) -> None:
    line = [str(folder / "nothing.json"), "--root", str(folder / "root.pem")]
    result = CliRunner().invoke(main, line, env={"LANG": "de_DE.UTF-8", "LC_ALL": "", "LC_MESSAGES": ""})
    assert "Alles, was in dieser Datei signiert ist, ist echt." in result.output


def test_what_is_not_signed_yet_is_said_and_not_counted_as_what_the_gateway_wrote(folder: Path) -> None:
    told = {name: typed(folder, name).output for name in ("nothing", "log later")}
    assert "it is chained, but not signed yet" in told["log later"]
    (sealed,) = (line for line in told["nothing"].splitlines() if "entries 1 to" in line)
    assert sealed in told["log later"]


@pytest.mark.parametrize(
    ("name", "more", "sentence"),
    [
        ("white space", [], "download it once more"),
        ("none", [], "No such file"),
        ("nothing", ["--gateway", "EXYZ0012345678"], "not of EXYZ0012345678"),
    ],
)
def test_a_refusal_says_what_to_do(folder: Path, name: str, more: list[str], sentence: str) -> None:
    result = typed(folder, name, *more)
    assert result.exit_code == Exit.NOTHING_TO_CHECK
    assert sentence in result.output
    assert result.output.count("\n") == 1


def test_a_proof_of_nothing_is_neither_genuine_nor_altered(folder: Path) -> None:
    result = typed(folder, "hollow")
    assert result.exit_code == Exit.NOTHING_TO_CHECK
    assert "There was nothing to check." in result.output


def test_what_is_no_root_is_refused(folder: Path) -> None:
    result = typed(folder, "nothing", root="nothing.json")
    assert result.exit_code == Exit.NOTHING_TO_CHECK
    assert "BEGIN CERTIFICATE" in result.output
    assert CliRunner().invoke(main, ["x.json"]).exit_code == 2


def test_it_loads_nothing_of_a_gateway(folder: Path) -> None:
    """A person who checks a proof waits for no database and no token, and trusts none of it."""
    script = f"import sys, proof.__main__; print([one for one in {FORBIDDEN!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
    line = [sys.executable, "-m", "proof", str(folder / "nothing.json"), "--root", str(folder / "root.pem"), "--json"]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["genuine"] is True
