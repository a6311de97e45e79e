"""Children are started in order, watched, and always stopped."""

import sys
import time
from pathlib import Path

import pytest

from testbed.demo.processes import ChildError, Children


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def test_a_child_is_ready_and_then_stopped(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    source = f"import pathlib,time; pathlib.Path({str(flag)!r}).write_text('x'); time.sleep(60)"
    with Children(tmp_path / "logs") as children:
        children.start("sleeper", python(source), ready=flag.exists)
        children.check()
        begin = time.monotonic()
    assert time.monotonic() - begin < 9, "SIGTERM ends it; the kill is for those that ignore it"


def test_a_child_that_dies_quotes_its_log(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(ChildError, match=r"exit code 3.*\n.*\n.*no such meter"):
        children.start("liar", python("print('no such meter', flush=True); raise SystemExit(3)"), ready=lambda: False)


def test_a_child_that_is_never_ready_is_an_error(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(ChildError, match="not ready"):
        children.start("slow", python("import time; time.sleep(60)"), ready=lambda: False, seconds=0.3)


def test_a_later_death_is_noticed(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.start("short", python("import time; time.sleep(0.2)"), ready=lambda: True)
        time.sleep(1.0)
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
        children.start("gateway", python(source), ready=lambda: marks.exists() and marks.read_text() == "xx", again=75)
        children.check()
    with Children(tmp_path / "logs") as children, pytest.raises(ChildError, match="exit code 75"):
        children.start("other", python("raise SystemExit(75)"), ready=lambda: False, again=1)
