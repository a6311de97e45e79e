"""The units of ``deploy/systemd``: well formed, as closed as their documentation says, and in step with the programs.

Nothing here starts them. ``systemd-analyze`` judges files and needs no systemd that runs.
"""

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from smgw import boot
from smgw.__main__ import Exit
from smgw.firewall.apply import PROGRAM, PacketFilter
from smgw.firewall.openings import Openings
from smgw.firewall.render import render
from tests.smgw.firewall.world import SETTINGS, WAKE_UP
from tests.smgw.wan.namespaces import star

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
EXPOSURE = {
    "smgw.service": 21,
    "smgw-admin.service": 14,
    "smgw-admin-web.service": 14,
    "smgw-closed.service": 18,
    "smgw-datacenter.service": 14,
}
"""Tenths of the score of ``systemd-analyze security`` (systemd 252); 10.0 is a program without any sandbox."""


@pytest.fixture(scope="module")
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (apt install systemd)")
    return program


def lists(unit: Path, key: str) -> list[list[str]]:
    """What stands after each ``key=``."""
    return [line.partition("=")[2].split() for line in unit.read_text().splitlines() if line.startswith(f"{key}=")]


def test_every_unit_has_its_limit() -> None:
    assert [unit.name for unit in UNITS] == sorted(EXPOSURE)


def test_systemd_understands_every_line(analyze: str, tmp_path: Path) -> None:
    """With programs where they are installed, nothing is left to complain about."""
    for name in ("smgw-boot", "smgw-admin", "smgw-datacenter", "nft"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for unit in UNITS:
        text = unit.read_text().replace("/opt/smgw/bin/", f"{tmp_path}/").replace("/usr/sbin/nft", f"{tmp_path}/nft")
        (tmp_path / unit.name).write_text(text)
    copies = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run([analyze, "verify", "--man=no", *copies], check=False, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if "Unit sysinit.target not found" in said:
        pytest.skip("the units of systemd itself are not installed here")
    assert (done.returncode, said) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_no_unit_is_more_exposed_than_documented(analyze: str, unit: Path) -> None:
    command = [analyze, "security", "--offline=true", f"--threshold={EXPOSURE[unit.name]}", str(unit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze does not judge files (older than 250)")
    assert done.returncode == 0, done.stdout[-200:]
    score = f"{EXPOSURE[unit.name] / 10:.1f}"
    assert f"| `{unit.name}` | {score} |" in (DEPLOY.parent / "docs" / "operations.md").read_text()


def test_exit_codes_are_those_of_the_programs() -> None:
    unit = DEPLOY / "systemd" / "smgw.service"
    assert lists(unit, "RestartForceExitStatus") == [[str(int(Exit.RESTART))]] == [[str(boot.RESTART)]]
    final = (Exit.CONFIGURATION, Exit.RUNNING, boot.NO_PROGRAM)
    assert lists(unit, "RestartPreventExitStatus") == [[str(int(code)) for code in final]]
    (seconds,) = lists(unit, "TimeoutStopSec")
    assert float(seconds[0]) > boot.END_SECONDS


def test_only_the_gateway_has_rights_and_only_those_two() -> None:
    """FDP_IFC.2/FW: whoever may change the rules is the gateway, and nobody becomes more than he was."""
    for unit in UNITS:
        assert lists(unit, "NoNewPrivileges") == [["yes"]]
        rights = {
            "smgw.service": ["CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"],  # rules; port 443 of the page
            "smgw-closed.service": ["CAP_NET_ADMIN"],
        }
        assert lists(unit, "CapabilityBoundingSet") == [rights.get(unit.name, [])]
    # Without its view of /proc/sys the gateway could not tell whether the machine is a router.
    assert lists(DEPLOY / "systemd" / "smgw.service", "ProcSubset") == []


def test_what_flushes_all_rules_when_it_starts_goes_first() -> None:
    """FMT_MSA.3/FW: Debian's nftables.service begins with ``flush ruleset``; nothing is open after it."""
    (after,) = lists(DEPLOY / "systemd" / "smgw-closed.service", "After")
    assert "nftables.service" in after


def test_a_router_is_none_after_the_switches_are_set(tmp_path: Path) -> None:
    """O.SeparateIF: what the gateway demands of the kernel is what is installed with it."""
    parser = RawConfigParser(strict=True)
    parser.read_string("[all]\n" + (DEPLOY / "sysctl.d" / "50-smgw.conf").read_text())
    for name, value in parser["all"].items():
        assert re.fullmatch(r"net(\.\w+)+", name)
        switch = tmp_path.joinpath(*name.split(".")[1:])
        switch.parent.mkdir(parents=True, exist_ok=True)
        switch.write_text(value + "\n")
    PacketFilter(kernel=tmp_path).require_no_router()


def test_closed_until_the_gateway_says_what_may_pass() -> None:
    """FMT_MSA.3/FW: before the gateway runs nothing passes, and its own rules take the place of that."""
    if not PROGRAM.exists():
        pytest.skip("nft is not installed (apt install nftables)")
    with star() as machines:
        machine = machines[""]
        machine.run(PROGRAM, "-f", DEPLOY / "nftables" / "closed.nft")
        tables, rules = machine.run(PROGRAM, "list", "tables"), machine.run(PROGRAM, "list", "ruleset")
        assert rules.count("policy drop") == 6
        assert "accept" not in rules
        machine.run("sh", "-c", f"{PROGRAM} -f - <<'END'\n{render(SETTINGS, WAKE_UP, Openings(), user=0)}\nEND")
        assert machine.run(PROGRAM, "list", "tables") == tables
