"""Which half of the program a command loads, seen from a process of its own."""

import subprocess
import sys

import pytest

from smgw import start

LOADED = """
import sys
from smgw.start import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
print(sorted({{"sqlalchemy", "pkcs11", "OpenSSL", "serial"}} & sys.modules.keys()))
"""


def loaded(*arguments: str) -> str:
    code = LOADED.format(arguments=list(arguments))
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return told.stdout.splitlines()[-1]


def test_a_bill_needs_nothing_of_a_gateway() -> None:
    assert loaded("tariff", "--help") == "[]"


def test_every_other_command_is_the_whole_programs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        start.main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "Usage: smgw " in told
    assert "tariff" in told
