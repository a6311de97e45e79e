"""The command's own decisions; the run itself is tests/e2e/test_demonstration.py."""

import fcntl
from collections import Counter
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.demo.duties import Looked
from testbed.demo.observe import Seen, Shown
from testbed.demo.scene import Scene
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


def test_what_was_not_seen_is_named_and_ends_with_a_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine is started here: looking at none sees no step."""

    class Idle(AbstractContextManager["Idle"]):
        typing = ""

        def check(self) -> None:
            """Nothing failed."""

        def __exit__(self, *_: object) -> None:
            """Nothing began."""

    monkeypatch.setattr(Scene, "prepare", lambda *_: None)
    monkeypatch.setattr("testbed.up.start", lambda *_: None)
    monkeypatch.setattr("testbed.up.look", lambda _: Seen(datetime.now(UTC), received=Counter()))
    monkeypatch.setattr("testbed.up.Administration", lambda *_: Idle())
    monkeypatch.setattr("testbed.up.look_at_duties", lambda _: Looked((Shown("a log was altered", good=False),)))
    result = CliRunner().invoke(up, ["--state", str(tmp_path), "--duration", "1"])
    assert result.exit_code == 1
    assert "MISSING woken by a signed wake-up (0)" in result.output
    assert "MISSING a log was altered" in result.output
    assert "not every step was seen" in result.output
