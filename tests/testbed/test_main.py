"""The command group: each command is found, says how it is used, and loads only what it needs."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from testbed.__main__ import main


@pytest.mark.parametrize("command", ["consumer-log", "decode", "meter", "up"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output or "smgw-testbed" in result.output


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["frobnicate"]).exit_code == 2


def test_decoding_needs_no_simulator_and_no_token() -> None:
    source = (
        "import sys; from testbed.__main__ import main; "
        "main(['decode', '--help'], standalone_mode=False); "
        "print(sorted({'pandas', 'pkcs11', 'serial', 'flask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_gateway_alone_has_no_testbed_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "testbed.decode", raising=False)
    result = CliRunner().invoke(main, ["decode", "--help"])
    assert result.exit_code == 1
    assert "[testbed]" in result.output
