"""The shape of the tree, held by tests: small files, a twin test for every source file, nothing secret in git."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("wire", "pki", "proof", "smgw", "datacenter", "admin", "han_web", "testbed")
LINES = 400
TESTED_ELSEWHERE = {
    # Composition roots and measurements: what they put together is tested where it lives, and they are run whole
    # by tests/e2e and by `make bench`.
    "testbed/bench",
}


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT, check=True, capture_output=True
    )
    return [ROOT / line for line in listing.stdout.decode().splitlines() if (ROOT / line).is_file()]


def test_no_file_outgrows_a_reader() -> None:
    long = {str(path.relative_to(ROOT)): count for path in tracked("*.py") if (count := lines(path)) > LINES}
    assert long == {}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_source_file_has_its_twin(package: str) -> None:
    missing = []
    for path in tracked(f"{package}/*.py"):
        relative = path.relative_to(ROOT)
        if path.name == "__init__.py" or any(str(relative).startswith(prefix) for prefix in TESTED_ELSEWHERE):
            continue
        name = "main" if path.stem == "__main__" else path.stem
        folder = ROOT / "tests" / relative.parent
        if not list(folder.glob(f"test_{name}*.py")):
            missing.append(str(relative))
    assert missing == []


def test_no_private_key_is_in_git() -> None:
    marker = b"PRIVATE " + b"KEY-----"
    assert [path for path in tracked() if marker in path.read_bytes()] == []
