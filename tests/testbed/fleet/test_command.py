"""``smgw-testbed fleet``: the real programs over a small fleet, and a run that is killed in its middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from admin.exit import Exit
from testbed.__main__ import main
from testbed.fleet.ground import Ground
from tests.softhsm import shared_configuration
from tests.testbed.fleet.world import FleetWorld, fleet
from wire.orders import ChangeProfiles

pytestmark = [pytest.mark.token]
COUNT = 10
PATIENCE = 180.0


def configure(world: FleetWorld) -> list[str]:
    ground = world.ground
    words = [sys.executable, "-m", "admin", "fleet", "configure", "--config", str(ground.configuration), "--json"]
    words += ["--gateways", str(ground.list), "--parallel", "1"]
    return words + [word for draft in ground.drafts for word in ("--profiles", str(draft))]


def test_a_run_that_is_interrupted_tells_what_is_left(tmp_path: Path) -> None:
    with fleet(tmp_path, 4) as world:
        for deaf in world.gateways[1:]:
            deaf.stop()  # or all might be done before anybody interrupts
        with subprocess.Popen(configure(world), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as stopped:
            deadline = time.monotonic() + PATIENCE
            while not any(gateway.changes for gateway in world.gateways):
                assert stopped.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            stopped.send_signal(signal.SIGINT)
            said, complained = stopped.communicate()
        assert stopped.returncode == Exit.UNANSWERED
        assert b"start it again for the rest" in complained
        told = json.loads(said)
        assert told["confirmed"] + told["cut-short"] == 4
        assert told["cut-short"] >= 1


def test_a_run_that_is_killed_is_started_again_and_nothing_is_done_twice(tmp_path: Path) -> None:
    with fleet(tmp_path, COUNT) as world:
        command = configure(world)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as killed:
            deadline = time.monotonic() + PATIENCE
            while sum(gateway.changes for gateway in world.gateways) < 3:
                assert killed.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            killed.send_signal(signal.SIGKILL)
        assert killed.returncode == -signal.SIGKILL
        assert sum(gateway.changes for gateway in world.gateways) < COUNT
        done = subprocess.run(command, check=True, capture_output=True)
        told = json.loads(done.stdout)
        assert told["held"] + told["confirmed"] == told["gateways"] == COUNT
        assert told["held"] >= 2
        assert [gateway.changes for gateway in world.gateways] == [1] * COUNT
        confirmed = [record for record in world.office.orders.all() if record.kind == ChangeProfiles.KIND]
        assert len({record.gateway for record in confirmed}) == len(confirmed) == COUNT
        assert {record.state.value for record in confirmed} == {"confirmed"}


def test_the_command_configures_a_fleet_and_finds_it_configured(tmp_path: Path) -> None:
    shared_configuration()  # skips where there is no SoftHSM2
    command = [sys.executable, "-m", "testbed", "fleet", "--gateways", "3", "--state", str(tmp_path / "state")]
    command += ["--first-port", str(20_000 + os.getpid() % 4000 * 3)]
    first = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "3 gateways are entered as operating" in first.stdout
    assert "3 of 3 gateways hold their profiles (0 did before)" in first.stdout
    second = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "3 stood in the inventory before" in second.stdout
    assert "3 of 3 gateways hold their profiles (3 did before)" in second.stdout
    assert (tmp_path / "state" / "result.csv").read_text().count("held") == 3
    refused = CliRunner().invoke(main, ["fleet", "--gateways", "4", "--state", str(tmp_path / "state")])
    assert refused.exit_code == 1
    assert "holds a fleet of 3 gateways" in refused.output
    assert len(Ground(tmp_path / "state").members()) == 3
