"""Children are started in order, watched, and always stopped."""

import signal
import sys
from pathlib import Path

import pytest

from testbed.demo.processes import ChildError, Children

PATIENCE = 60.0
"""Seconds for a Python to start, on a machine that has much else to do."""


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def test_a_child_is_ready_and_then_stopped(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    source = f"import pathlib,time; pathlib.Path({str(flag)!r}).write_text('x'); time.sleep(60)"
    with Children(tmp_path / "logs") as children:
        children.start("sleeper", python(source), ready=flag.exists, seconds=PATIENCE)
        children.check()
        sleeper = children._running["sleeper"]
    assert sleeper.returncode == -signal.SIGTERM, "the kill is for those that ignore it"


def test_a_child_that_dies_quotes_its_log(tmp_path: Path) -> None:
    source = "print('no such meter', flush=True); raise SystemExit(3)"
    with Children(tmp_path) as children, pytest.raises(ChildError, match=r"exit code 3.*\n.*\n.*no such meter"):
        children.start("liar", python(source), ready=lambda: False, seconds=PATIENCE)


def test_a_child_that_is_never_ready_is_an_error(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(ChildError, match="not ready"):
        children.start("slow", python("import time; time.sleep(60)"), ready=lambda: False, seconds=0.3)


def test_a_later_death_is_noticed(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.start("short", python("import time; time.sleep(0.2)"), ready=lambda: True)
        children._running["short"].wait(PATIENCE)
        with pytest.raises(ChildError, match="short ended"):
            children.check()


def test_a_child_that_asks_for_it_is_started_again_and_no_other(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    source = (
        f"import pathlib, time; marks = pathlib.Path({str(marks)!r}); "
        "first = not marks.exists(); marks.open('a').write('x'); "
        "raise SystemExit(75) if first else time.sleep(60)"
    )
    with Children(tmp_path / "logs") as children:
        children.start(
            "gateway",
            python(source),
            ready=lambda: marks.exists() and marks.read_text() == "xx",
            again=75,
            seconds=PATIENCE,
        )
        children.check()
    with Children(tmp_path / "logs") as children, pytest.raises(ChildError, match="exit code 75"):
        children.start("other", python("raise SystemExit(75)"), ready=lambda: False, again=1, seconds=PATIENCE)
