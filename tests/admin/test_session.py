"""What every command shares: options, the operator's name, output that no gateway can abuse."""

import json
import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from admin.errors import ConfigError
from admin.session import Environment, GatewayType, Session, administers, clean, operator, shown
from admin.wake import Progress
from tests.admin.bureau import GATEWAY, NOW, Bureau, FakeTime

FAKE = FakeTime()
ENVIRONMENT = Environment(FAKE.clock, FAKE.monotonic, FAKE.sleep, bytes)


def session(*, as_json: bool = False) -> Session:
    return Session(Path("admin.toml"), "anna", as_json, ENVIRONMENT)


def test_the_operator_is_the_user_of_the_system_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    user = pwd.getpwuid(os.getuid()).pw_name
    assert operator("") == user
    assert operator("Anna Muster") == f"Anna Muster ({user})"


@pytest.mark.parametrize("alias", ["x" * 41, "a\nb", "\x1b[31m"])
def test_a_name_that_cannot_be_shown(alias: str) -> None:
    with pytest.raises(ConfigError):
        operator(alias)


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    assert operator("") == "uid 3999999999"


def test_nothing_that_a_gateway_tells_reaches_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J\x07[red]name[/red]\n"
    session().rows(("event",), [{"event": hostile}], "nothing")
    session().one({hostile: hostile})
    session().one({}, hostile)
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[red]name[/red]" in told
    assert clean("a\x00b") == "a\N{REPLACEMENT CHARACTER}b"


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    session(as_json=True).rows(("a",), [{"a": NOW}, {"a": GATEWAY, "b": None}], "nothing")
    session(as_json=True).rows(("a",), [], "nothing")
    session(as_json=True).one({"a": True}, "a sentence")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"a": "2026-01-15T12:00:00Z"}, {"a": GATEWAY.text, "b": None}, {"a": True}]


def test_a_table_that_nobody_looks_at_breaks_no_cell(capsys: pytest.CaptureFixture[str]) -> None:
    session().rows(("a", "b"), [{"a": "x" * 60, "b": "y" * 60}], "nothing")
    assert f"{'x' * 60} " in capsys.readouterr().out
    session().rows(("a",), [], "nothing is there")
    assert capsys.readouterr().out == "nothing is there\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (7, "7"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04:05"),
        (["a", 1], "a, 1"),
        ({"a": {"b": None}}, "a=b=-"),
        ({"checks": [{"name": "clock", "detail": ""}, {"name": "logs"}]}, "checks=name=clock; name=logs"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert shown(value) == text


@click.command()
@click.argument("gateway", type=GatewayType())
@administers
def command(session: Session, *, gateway: object) -> None:
    session.one({"gateway": str(gateway), "by": session.operator})


def test_a_gateway_is_written_in_any_case() -> None:
    told = CliRunner().invoke(command, ["eabc0012345678", "--json"], obj=ENVIRONMENT)
    assert json.loads(told.stdout)["gateway"] == GATEWAY.text


def test_what_is_no_gateway_is_a_wrong_command_line() -> None:
    told = CliRunner().invoke(command, ["EABC"], obj=ENVIRONMENT)
    assert told.exit_code == 2
    assert "fourteen characters" in told.stderr


def test_without_clocks_nothing_runs() -> None:
    assert isinstance(CliRunner().invoke(command, [GATEWAY.text]).exception, RuntimeError)


@pytest.mark.token
def test_waiting_is_as_configured_unless_it_is_said_otherwise(bureau: Bureau) -> None:
    with bureau.open() as office:
        assert session().timing(office, None).timeout == timedelta(seconds=20)
        assert session().timing(office, 3).timeout == timedelta(seconds=3)
        assert session().timing(office, None).resend == timedelta(seconds=5)


def test_progress_is_for_terminals(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with session().progress("waiting") as progress:
        progress(Progress(timedelta(seconds=3), 1))
    assert capsys.readouterr() == ("", "")
    # A terminal of its own, whatever the tests run on.
    for name, value in {"TTY_COMPATIBLE": "1", "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    with session().progress("waiting for EABC") as progress:
        progress(Progress(timedelta(seconds=3), 1))
    assert "waiting for EABC" in capsys.readouterr().err
