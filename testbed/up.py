"""``smgw-testbed up``: the whole system on one machine; what ``make demo`` runs.

Starts meters, datacenters and the gateway as processes of their own, shows what they do, and at the end says for every
configured delivery which of the nine steps of the walk were seen. Everything listens on the loopback interface only.
"""

import fcntl
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live

from smgw.status import StatusError, read_status
from testbed.demo.observe import Seen, look, steps
from testbed.demo.processes import ChildError, Children
from testbed.demo.scene import Party, Say, Scene, SceneError, program
from testbed.demo.view import lines, summary, tables

REFRESH_SECONDS = 1.0
PLAIN_EVERY_SECONDS = 10.0
EXIT_INCOMPLETE = 1


@click.command(epilog="Example: smgw-testbed up --state state --duration 90")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), default="state", show_default=True)
@click.option(
    "--duration", type=click.IntRange(min=1), metavar="SECONDS", help="Stop by itself and judge what was seen."
)
@click.option(
    "--plan",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Lines, meters, parties and profiles of a new scene (TOML); the default is testbed/demo/demo.toml.",
)
@click.option("--plain", is_flag=True, help="Plain lines instead of a live view, as when the output is no terminal.")
def up(state: Path, duration: int | None, plan: Path | None, *, plain: bool) -> None:
    """Run meters, gateway and datacenters until Ctrl-C, or for DURATION seconds.

    With --duration the exit status is 0 only if all nine steps were seen for every configured delivery. State is kept
    in one folder: another start goes on where this one stops; remove the folder to begin anew.
    """
    try:
        scene = Scene(state, plan)
        with _alone(scene.state), Children(scene.state / "logs") as children:
            scene.prepare(click.echo)
            start(scene, children, click.echo)
            before = look(scene)
            seen = _watch(scene, children, duration, plain=plain or not sys.stdout.isatty(), before=before)
    except (SceneError, ChildError) as error:
        raise click.ClickException(str(error)) from error
    told, whole = summary(scene, steps(scene, seen, before), seen)
    click.echo("\n".join(told))
    if duration is not None and not whole:
        click.echo("not every step was seen; logs are in " + str(scene.state / "logs"), err=True)
        sys.exit(EXIT_INCOMPLETE)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Two demonstrations in one folder would fight over every lock in it."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / "demonstration.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SceneError(f"another demonstration runs in {state}") from error
        yield


def start(scene: Scene, children: Children, say: Say) -> None:
    """Meters first, then who receives, then the gateway: each is ready before the next begins."""
    for line in scene.plan["lines"]:
        name = line["name"]
        link = scene.port_of(name)
        link.unlink(missing_ok=True)
        command = [
            program("smgw-testbed"),
            "meter",
            "--line",
            str(scene.line_file(name)),
            "--link",
            str(link),
            "--quiet",
        ]
        children.start(f"meters-{name}", command, ready=link.exists)
        say(f"meters on line {name}: {link}")
    for party in scene.parties:
        command = [program("smgw-datacenter"), "serve", "--config", str(party.configuration)]
        children.start(f"datacenter-{party.id}", command, ready=lambda party=party: _listens(party))  # type: ignore[misc]
        say(f"datacenter of {party.name}: 127.0.0.1:{party.port}")
    command = [program("smgw"), "run", str(scene.gateway_configuration)]
    children.start("gateway", command, ready=lambda: _answers(scene))
    say(f"gateway {scene.gateway_id}: smgw status {scene.gateway_configuration}")


def _listens(party: Party) -> bool:
    try:
        socket.create_connection(("127.0.0.1", party.port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(scene: Scene) -> bool:
    try:
        read_status(scene.gateway / "store")
    except StatusError:
        return False
    return True


def _watch(scene: Scene, children: Children, duration: int | None, *, plain: bool, before: Seen) -> Seen:
    """Show what happens until the time is over or somebody stops it; returns the last look."""
    stopped = []
    previous = signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    begin = time.monotonic()
    shown = begin - PLAIN_EVERY_SECONDS
    seen = before
    with ExitStack() as shows:
        shows.callback(signal.signal, signal.SIGTERM, previous)
        live = None if plain else shows.enter_context(Live(console=Console(), auto_refresh=False, screen=False))
        try:
            while not stopped and (duration is None or time.monotonic() - begin < duration):
                children.check()
                seen = look(scene)
                if live is not None:
                    live.update(tables(scene, seen, _note(duration, time.monotonic() - begin)), refresh=True)
                elif time.monotonic() - shown >= PLAIN_EVERY_SECONDS:
                    shown = time.monotonic()
                    click.echo("\n".join(lines(seen)))
                time.sleep(REFRESH_SECONDS)
        except KeyboardInterrupt:
            click.echo("stopping")
    return look(scene)


def _note(duration: int | None, elapsed: float) -> str:
    return "Ctrl-C stops" if duration is None else f"{max(0, duration - elapsed):.0f} s left; Ctrl-C stops"
