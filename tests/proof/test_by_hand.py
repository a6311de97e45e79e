"""What docs/proof.md tells a person to type, typed: one reading checked with openssl and nothing of ours."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from proof.__main__ import Exit
from testbed.small_pki import SmallPki
from tests.proof.sample import Sample

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed (apt install openssl)"),
]

PAGE = Path(__file__).parents[2] / "docs" / "proof.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def typed(command: str, folder: Path) -> str:
    line = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


def laid(sample: Sample, folder: Path, **changes: int) -> None:
    """The files that the page speaks of."""
    first = sample.bundle.measured[0]
    rows = (first.rows[0]._replace(**changes), *first.rows[1:])  # type: ignore[arg-type]  # members of a row by name
    bundle = replace(sample.bundle, measured=(replace(first, rows=rows),))
    (folder / "proof.json").write_bytes(bundle.to_bytes())
    (folder / "root.pem").write_bytes(sample.root)


def test_a_reading_is_checked_by_hand(sample: Sample, tmp_path: Path) -> None:
    """FCO_NRO.2; PTB-A 50.8, inner signature: anybody can, with what every computer has."""
    laid(sample, tmp_path)
    script, signature, chain = blocks("sh")[:3]
    told = typed(script, tmp_path)
    assert (tmp_path / "reading.bin").stat().st_size == 76, told
    assert "Verified OK" in typed(signature, tmp_path)
    told = typed(chain, tmp_path)
    assert ": OK" in told


def test_an_altered_reading_is_found_by_hand(sample: Sample, tmp_path: Path) -> None:
    laid(sample, tmp_path, value=12)
    script, signature, _ = blocks("sh")[:3]
    typed(script, tmp_path)
    assert "Verified OK" not in typed(signature, tmp_path)


def test_another_root_is_found_by_hand(sample: Sample, tmp_path: Path) -> None:
    laid(sample, tmp_path)
    for command in blocks("sh")[:2]:
        typed(command, tmp_path)
    (tmp_path / "root.pem").write_bytes(SmallPki(seed=2).hierarchy.root.certificate.public_bytes(Encoding.PEM))
    assert ": OK" not in typed(blocks("sh")[2], tmp_path)


def test_the_command_on_the_page_is_one(sample: Sample, tmp_path: Path) -> None:
    laid(sample, tmp_path)
    (line,) = blocks("console")
    name, *words = line.removeprefix("$ ").split()
    done = subprocess.run([sys.executable, "-m", "proof", *words], cwd=tmp_path, capture_output=True, check=False)
    assert (name, done.returncode) == ("smgw-verify", Exit.GENUINE)
