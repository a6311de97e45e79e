"""A real gateway on a machine of its own, with the interfaces in its configuration."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smgw.__main__ import Exit
from smgw.firewall.apply import PROGRAM
from smgw.status import StatusError, read_status
from tests.smgw.premises import Premises
from tests.smgw.wan.namespaces import Machine, star
from tests.typed import mortal

pytestmark = [pytest.mark.token, pytest.mark.peer]
ROOT = Path(__file__).parents[3]
SECONDS = 120.0
_SHOW_AND_APPLY = """
import sys
from smgw.__main__ import main
for command in ("show", "apply"):
    main(["firewall", command, sys.argv[1]], standalone_mode=False)
"""


@pytest.fixture
def machine() -> Iterator[Machine]:
    if not PROGRAM.exists():
        pytest.skip("nft is not installed (apt install nftables)")
    with star("wan") as machines:
        yield machines[""]


@contextmanager
def gateway(machine: Machine, premises: Premises, *words: str) -> Iterator["subprocess.Popen[str]"]:
    command = machine.command(*mortal(sys.executable, "-m", "smgw", *words, premises.file))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until(reached: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + SECONDS
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.1)


def forwarding(machine: Machine, value: int) -> None:
    machine.run("sh", "-c", f"for each in /proc/sys/net/ipv?/conf/*/forwarding; do echo {value} > $each; done")


def test_it_starts_behind_its_rules_or_not_at_all(machine: Machine, premises: Premises) -> None:
    """FMT_MSA.3/FW, FDP_IFC.2/FW: refused on a router; else the rules stand, return when taken away, and outlive it."""
    premises.write_configuration(lines='[firewall]\nwan = "wan"\n')
    forwarding(machine, 1)
    with gateway(machine, premises, "run") as refused:
        _, said = refused.communicate(timeout=SECONDS)
    assert refused.returncode == Exit.FIREWALL, said
    assert "smgw: firewall: forwarding: " in said
    assert "smgw" not in machine.run(PROGRAM, "list", "tables")
    forwarding(machine, 0)

    def status() -> dict[str, object]:
        try:
            return dict(read_status(premises.folder / "store"))
        except StatusError:
            return {}

    def standing() -> bool:
        return "inet smgw" in machine.run(PROGRAM, "list", "tables")

    with gateway(machine, premises, "run") as process:
        until(lambda: bool(status()), process)
        rules = machine.run(PROGRAM, "list", "ruleset")
        assert "127.0.0.1 . 1" in rules  # its administrator and its party
        assert f"meta skuid {os.geteuid()}" in rules.replace('"root"', "0")
        told = status()
        assert told["deviations"] == []
        assert isinstance(told["firewall"], dict)
        assert told["firewall"]["standing"] is True
        machine.run(PROGRAM, "flush", "ruleset")
        until(standing, process)
        assert machine.run(PROGRAM, "list", "ruleset") == rules
        process.terminate()
        assert process.wait(SECONDS) == 0, process.communicate()
    assert standing()
    machine.run(PROGRAM, "flush", "ruleset")
    shown = machine.run(sys.executable, "-c", _SHOW_AND_APPLY, premises.file)
    assert "elements = { 127.0.0.1 . 1 }" in shown
    assert machine.run(PROGRAM, "list", "ruleset") == rules
