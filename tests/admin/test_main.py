"""``smgw-admin`` as a whole: every command has help with an example, and the usual options."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from admin.__main__ import main
from tests.admin.bureau import Bureau


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = list(commands(main))
LEAVES = [(path, command) for path, command in ALL if not isinstance(command, click.Group)]


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_help_has_an_example_that_can_be_typed(path: tuple[str, ...], command: click.Command) -> None:
    told = CliRunner().invoke(main, [*path, "--help"])
    assert told.exit_code == 0
    example = re.search(r"Example: smgw-admin (.+)", " ".join(told.stdout.split()))
    assert example is not None, path
    assert example[1].startswith(" ".join(path)), example[1]
    assert command.get_short_help_str()


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_every_command_takes_the_usual_options(path: tuple[str, ...], command: click.Command) -> None:
    assert {"path", "alias", "as_json"} <= {parameter.name for parameter in command.params}


def test_everything_of_the_desk_is_there() -> None:
    expected = "audit break-up clock crl gateways init logs notifications orders profiles restart retention self-test"
    assert set(expected.split()) | {"status", "wake"} <= {path[0] for path, _ in ALL}


def test_without_a_configuration_it_says_how_to_name_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "admin", "gateways", "list"]
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("smgw-admin: admin.toml cannot be read")
    assert "--config" in ended.stderr


@pytest.mark.token
def test_it_runs_with_its_own_clocks(bureau: Bureau) -> None:
    told = CliRunner().invoke(main, ["gateways", "list", "--config", str(bureau.file)])
    assert (told.exit_code, told.stdout.startswith("no gateways")) == (0, True)
