"""``smgw-testbed fleet``: many gateways in one process, woken and configured by the administrator's real programs.

Decides nothing about gateways or orders: it makes the folder, starts gateways and ``smgw-admin serve``, and types the
two commands that a person would type.
"""

import random
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from admin.config import Configuration
from smgw.trust import TrustFolder
from testbed.demo.processes import ChildError, Children
from testbed.demo.scene import SceneError, softhsm_module
from testbed.fleet.gateway import Clocks, FleetGateway
from testbed.fleet.ground import Ground, GroundError
from wire.profiles import AdministratorProfile

FILES_EACH: Final = 32
"""Open files of one gateway: sockets, a tunnel, and three files for each connection to its database."""
STOPPING: Final = 16
"""Gateways that are stopped at a time: each may be waiting for its tunnel's end."""


@contextmanager
def running(ground: Ground, administrator: AdministratorProfile) -> Iterator[list[FleetGateway]]:
    """Every gateway of ``ground``, listening. Raises what a gateway raises that cannot start."""
    trust = TrustFolder(ground.trust)
    clocks = Clocks(lambda: datetime.now(UTC), time.monotonic, random.random)
    members = ground.members()
    _allow_files(FILES_EACH * len(members))
    started: list[FleetGateway] = []
    try:
        for member in members:
            one = FleetGateway(member, administrator, trust, clocks)
            started.append(one)
            one.start()
        yield started
    finally:
        with ThreadPoolExecutor(STOPPING) as pool:
            list(pool.map(FleetGateway.stop, started))


@click.command(epilog="Example: smgw-testbed fleet --gateways 200 --state fleet-state")
@click.option("--gateways", type=click.IntRange(1, 2000), default=200, show_default=True)
@click.option(
    "--state", type=click.Path(file_okay=False, path_type=Path), default=Path("fleet-state"), show_default=True
)
@click.option("--first-port", type=click.IntRange(1024, 60_000), default=24_000, show_default=True, help="UDP.")
@click.option("--parallel", type=click.IntRange(1, 200), default=32, show_default=True, help="Woken at a time.")
@click.option("--stay", is_flag=True, help="Stay until Ctrl-C: wake and configure them by hand.")
def fleet(*, gateways: int, state: Path, first_port: int, parallel: int, stay: bool) -> None:
    """Start so many gateways, enter them in an inventory, and give all their profiles in one run.

    A second run in the same folder finds them configured. Result of the run: STATE/result.csv.
    """
    try:
        ground = Ground(state.absolute(), softhsm_module())
        sys.exit(run(ground, gateways, first_port=first_port, parallel=parallel, stay=stay, say=_say))
    except (GroundError, ChildError, SceneError) as error:
        raise click.ClickException(str(error)) from error


def run(
    ground: Ground, gateways: int, *, first_port: int, parallel: int, stay: bool, say: Callable[[str], None]
) -> int:
    """Do what the command does; gives the exit code of ``smgw-admin fleet configure``."""
    begun = time.monotonic()
    ground.prepare(gateways, first_port=first_port, say=say)
    say(f"{gateways} gateways lie in {ground.state} after {time.monotonic() - begun:.1f} s")
    port = Configuration.load(ground.configuration).management.port
    begun = time.monotonic()
    with running(ground, ground.administrator()), Children(ground.state / "logs") as children:
        say(f"{gateways} gateways listen after {time.monotonic() - begun:.1f} s")
        children.start("administrator", administer(ground, "serve"), ready=lambda: answers(port))
        code = _type(ground, "fleet", "add", str(ground.list), "--state", "operating", say=say)
        if code == 0:
            words = [word for draft in ground.drafts for word in ("--profiles", str(draft))]
            words += ["--gateways", str(ground.list), "--parallel", str(parallel)]
            words += ["--result", str(ground.state / "result.csv")]
            code = _type(ground, "fleet", "configure", *words, say=say)
        if stay:
            say(f"by hand: smgw-admin status EABC0000000001 --refresh --config {ground.configuration} (Ctrl-C ends)")
            try:
                while True:
                    children.check()
                    time.sleep(1)
            except KeyboardInterrupt:
                say("stopping")
    return code


def administer(ground: Ground, *words: str) -> list[str]:
    """``smgw-admin`` as an argument list, with this fleet's configuration."""
    return [sys.executable, "-m", "admin", *words, "--config", str(ground.configuration)]


def _type(ground: Ground, *words: str, say: Callable[[str], None]) -> int:
    """One command as it would be typed; its output is ours."""
    say("$ smgw-admin " + " ".join(words))
    begun = time.monotonic()
    code = subprocess.run(administer(ground, *words), stdin=subprocess.DEVNULL, check=False).returncode
    say(f"ended with {code} after {time.monotonic() - begun:.1f} s")
    return code


def answers(port: int) -> bool:
    """Whether somebody listens on the TCP ``port`` of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _allow_files(count: int) -> None:
    """Raise our own limit of open files as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))


def _say(sentence: str) -> None:
    click.echo(sentence)
    sys.stdout.flush()
