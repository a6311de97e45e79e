"""``smgw-testbed up``: the whole system on one machine; what ``make demo`` runs.

Starts meters, datacenters, the administrator's server and the gateway as processes of their own, has the administrator
call the gateway and order what it is to do, shows what they all do, and at the end says which of the administrator's
steps were seen, for every configured delivery which of the nine steps of the walk, and which of the gateway's duties:
logs that prove themselves, secure state and self-test, retention, concealment. Everything listens on the loopback
interface only, where no firewall is applied: its rules are shown.
"""

import fcntl
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live

from admin.config import Configuration
from smgw.__main__ import Exit
from smgw.status import StatusError, read_status
from testbed.demo.administer import Administration, by_hand
from testbed.demo.duties import Looked, look_at_duties, seen_duties
from testbed.demo.observe import Seen, desk_steps, look, steps
from testbed.demo.processes import ChildError, Children
from testbed.demo.scene import Say, Scene, SceneError, program
from testbed.demo.view import duties, lines, summary, tables

REFRESH_SECONDS = 1.0
PLAIN_EVERY_SECONDS = 20.0
DUTIES_SECONDS = 8
"""The last of DURATION: logs are exported and verified while the machines run."""
EXIT_INCOMPLETE = 1


@click.command(epilog="Example: smgw-testbed up --state state --duration 90")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), default="state", show_default=True)
@click.option(
    "--duration", type=click.IntRange(min=1), metavar="SECONDS", help="Stop by itself and judge what was seen."
)
@click.option("--until-seen", is_flag=True, help="Stop as soon as every step was seen.")
@click.option(
    "--plan",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Lines, meters, parties and profiles of a new scene (TOML); the default is testbed/demo/demo.toml.",
)
@click.option("--plain", is_flag=True, help="Plain lines instead of a live view, as when the output is no terminal.")
def up(state: Path, duration: int | None, plan: Path | None, *, until_seen: bool, plain: bool) -> None:
    """Run meters, gateway, administrator and datacenters until Ctrl-C, or for DURATION seconds.

    With --duration the exit status is 0 only if the administrator's steps were seen, all nine steps for every
    configured delivery, and the gateway's duties. State is kept in one folder: another start goes on where this one
    stops; remove the folder to begin anew.
    """
    try:
        scene = Scene(state, plan)
        with _alone(scene.state), Children(scene.state / "logs") as children:
            scene.prepare(click.echo)
            start(scene, children, click.echo)
            watching = _Watching(scene, children, look(scene), duration, until_seen=until_seen)
            if duration is None:
                click.echo("\n".join(by_hand(scene)))
            seen = watching.watch(plain=plain or not sys.stdout.isatty())
            looked = _look_at_duties(scene)
    except (SceneError, ChildError) as error:
        raise click.ClickException(str(error)) from error
    told, whole = watching.judge(seen, looked)
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


def _look_at_duties(scene: Scene) -> Looked:
    """Logs and rules, while the machines run; whoever is in a hurry types Ctrl-C once more."""
    click.echo("the logs are exported and verified")
    # However it is ended here, the machines are stopped.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return look_at_duties(scene)
    except KeyboardInterrupt:
        return Looked()
    finally:
        signal.signal(signal.SIGTERM, previous)


def start(scene: Scene, children: Children, say: Say) -> None:
    """Meters first, then who receives, who administers, and the gateway: each is ready before the next begins."""
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
        children.start(f"datacenter-{party.id}", command, ready=lambda port=party.port: _listens(port))  # type: ignore[misc]
        say(f"datacenter of {party.name}: 127.0.0.1:{party.port}")
    ports = Configuration.load(scene.administrator_configuration)
    command = [program("smgw-admin"), "serve", "--config", str(scene.administrator_configuration)]
    children.start("administrator", command, ready=lambda: _listens(ports.management.port))
    say(f"administrator {ports.name}: management on 127.0.0.1:{ports.management.port}, service on {ports.service.port}")
    command = [program("smgw"), "run", str(scene.gateway_configuration)]
    children.start("gateway", command, ready=lambda: _answers(scene), again=Exit.RESTART)
    say(f"gateway {scene.gateway_id}: smgw status {scene.gateway_configuration}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(scene: Scene) -> bool:
    try:
        read_status(scene.gateway / "store")
    except StatusError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Watching:
    """How long somebody looks on: until the time is over, everything was seen or somebody stops it."""

    scene: Scene
    children: Children
    before: Seen
    duration: int | None
    until_seen: bool

    def watch(self, *, plain: bool) -> Seen:
        """Show what happens; returns the last look. Raises ChildError, SceneError."""
        stopped, last = list[bool](), None
        previous = signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
        begin = time.monotonic()
        shown = begin - PLAIN_EVERY_SECONDS
        with ExitStack() as shows:
            shows.callback(signal.signal, signal.SIGTERM, previous)
            console = Console(highlight=False)
            live = None if plain else shows.enter_context(Live(console=console, auto_refresh=False, screen=False))
            say = click.echo if live is None else partial(console.print, markup=False)
            administration = shows.enter_context(Administration(self.scene, say))
            try:
                while not stopped and not self._over(elapsed := time.monotonic() - begin):
                    self.children.check()
                    administration.check()
                    told = live is not None or time.monotonic() - shown >= PLAIN_EVERY_SECONDS
                    # Nothing is whole while the administrator types; looking costs as much as reading a meter.
                    ends = self.until_seen and not administration.typing
                    if told or ends:
                        seen = look(self.scene)
                        if live is not None:
                            note = _note(administration.typing, self.duration, elapsed)
                            live.update(tables(self.scene, seen, desk_steps(seen, self.before), note), refresh=True)
                        elif told:
                            shown = time.monotonic()
                            click.echo("\n".join(lines(seen)))
                        if ends and self.judge(seen)[1]:
                            last = seen
                            break
                    time.sleep(REFRESH_SECONDS)
            except KeyboardInterrupt:
                click.echo("stopping")
        # What was whole is what is judged: in another look something new may just have begun.
        last = last or look(self.scene)
        if plain:
            click.echo("\n".join(lines(last)))
        return last

    def judge(self, seen: Seen, looked: Looked | None = None) -> tuple[list[str], bool]:
        """The summary, and whether nothing is missing of what could be seen by now: ``looked`` comes at the end."""
        told, delivered = summary(self.scene, steps(self.scene, seen, self.before), desk_steps(seen, self.before), seen)
        at_the_end = looked or Looked()
        shown, done = duties([*seen_duties(seen, self.before), *at_the_end.duties], at_the_end.consumers)
        return [*told, *shown], delivered and done and (looked is None or bool(looked.duties))

    def _over(self, elapsed: float) -> bool:
        if self.duration is None:
            return False
        return elapsed >= max(self.duration - DUTIES_SECONDS, self.duration / 2)


def _note(typing: str, duration: int | None, elapsed: float) -> str:
    left = "Ctrl-C stops" if duration is None else f"{max(0, duration - elapsed):.0f} s left; Ctrl-C stops"
    return f"the administrator types: {typing}; {left}" if typing else left
