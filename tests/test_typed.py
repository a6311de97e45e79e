import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.typed import ROOT, started, typed


def test_a_command_says_and_ends_as_the_program_does(tmp_path: Path) -> None:
    for words in (["--help"], ["run", "none.toml"], ["nonsense"]):
        real = subprocess.run(
            [str(Path(sys.executable).with_name("smgw")), *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        done = typed("smgw", *words, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (real.returncode, real.stdout, real.stderr)


def test_each_command_is_a_process_of_its_own_in_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "never.toml")
    with pytest.raises(subprocess.TimeoutExpired):
        typed("smgw", "status", "never.toml", cwd=tmp_path, timeout=0.2)
    monkeypatch.setenv("COLUMNS", "40")
    narrow = typed("smgw", "--help").stdout
    monkeypatch.setenv("COLUMNS", "80")
    assert typed("smgw", "--help").stdout != narrow


def test_a_command_that_goes_on_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never.toml")
    waiting = started("smgw", "status", tmp_path / "never.toml", log=tmp_path / "log")
    assert Path(f"/proc/{waiting.process}").exists()
    waiting.kill()
    assert not Path(f"/proc/{waiting.process}").exists()
    assert typed("smgw", "--help").returncode == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.typed import started
print(started("smgw", "status", sys.argv[1], log=Path(sys.argv[2])).process, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_command_that_goes_on_ends_with_the_tests_however_they_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never.toml")
    words: list[str | Path] = [sys.executable, "-c", KILLED, tmp_path / "never.toml", tmp_path / "log"]
    told = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    deadline = time.monotonic() + 60
    while _runs(int(told.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(process: int) -> bool:
    """What has ended may stay in the table until its new parent looks."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
