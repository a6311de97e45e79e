"""The demonstration as a person starts it: real processes, real lines, real tunnels; and a second start goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

PLAN = Path(__file__).with_name("small.toml")


def up(state: Path, seconds: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "smgw-testbed"), "up", "--state", str(state), *options]
    return subprocess.run(
        [*command, "--duration", str(seconds)], capture_output=True, text=True, check=False, timeout=200
    )


def delivered(output: str) -> int:
    """Rows of the series that the last look saw."""
    (line,) = [line for line in output.splitlines() if "delivery netz-series" in line][-1:]
    return int(line.split(" rows")[0].rsplit(" ", 1)[1])


@pytest.mark.token
@pytest.mark.peer
def test_all_nine_steps_are_seen_and_a_second_start_goes_on(tmp_path: Path) -> None:
    first = up(tmp_path / "state", 35, "--plan", str(PLAN))
    assert first.returncode == 0, first.stdout + first.stderr
    assert "MISSING" not in first.stdout
    assert first.stdout.count("ok      9 row in the datacenter's table") == 2
    assert "datenhandel: no evaluation profile, ok      refused no-profile" in first.stdout

    # A second start too short for every step says which one is missing, and has not forgotten what was there.
    second = up(tmp_path / "state", 1)
    assert second.returncode == 1
    assert "MISSING" in second.stdout
    assert "not every step was seen" in second.stderr
    assert "the scene stands already" in second.stdout
    assert delivered(second.stdout) >= delivered(first.stdout) > 0

    marker = b"PRIVATE " + b"KEY"
    files = [path for path in (tmp_path / "state" / "gateway").rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not any(marker in path.read_bytes() for path in files), "the gateway's private keys are in its token alone"


def test_another_plan_for_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("gateway = 'EABC0012345678'\n")
    refused = up(tmp_path, 1, "--plan", str(PLAN))
    assert refused.returncode == 1
    assert "another plan" in refused.stderr
