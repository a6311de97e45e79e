"""The command's own decisions; the run itself is tests/e2e/test_demonstration.py."""

import fcntl
from pathlib import Path

from click.testing import CliRunner

from testbed.up import up


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(up, ["--help"])
    assert "--duration 90" in result.output


def test_two_demonstrations_in_one_folder_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "demonstration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = CliRunner().invoke(up, ["--state", str(tmp_path), "--duration", "1"])
    assert result.exit_code == 1
    assert "another demonstration" in result.output
