"""One call of the command line: whose it is, where its office is, and how its results are shown.

Decides the options that every command has (``--config``, ``--as``, ``--json``) and how an operator is called in the
audit log: by the name of the operating system's user, which ``--as`` extends and never hides. Text that gateways or
files brought is shown without its control characters.
"""

import json
import os
import pwd
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from admin.config import Configuration
from admin.errors import ConfigError
from admin.exit import refusals
from admin.office import Office
from admin.wake import Progress, Timing
from wire.errors import WireError
from wire.instant import format_instant
from wire.reading import DeviceId

MAXIMUM_NAME = 40
"""Characters of a name after ``--as``."""
PIPED_COLUMNS = 200
"""Width of a table that nobody looks at on a terminal: wide enough that no cell is broken."""

F = TypeVar("F", bound=Callable[..., Any])
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Environment:
    """Clocks, sleep and randomness, which ``__main__`` alone owns."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[int], bytes]


class GatewayType(click.ParamType[DeviceId]):
    """Fourteen characters of DIN 43863-5."""

    name = "GATEWAY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> DeviceId:
        """The identification. Ends with a usage error where it is none."""
        if isinstance(value, DeviceId):
            return value
        try:
            return DeviceId(str(value).upper())
        except WireError:
            self.fail(f"{value!r} is no gateway; expected fourteen characters such as EABC0012345678", param, ctx)


@dataclass(frozen=True, slots=True)
class Session:
    """One call of the command line."""

    path: Path
    operator: str
    as_json: bool
    environment: Environment

    @property
    def now(self) -> datetime:
        """The time."""
        return self.environment.clock()

    def configuration(self) -> Configuration:
        """The configuration. Raises ConfigError."""
        return Configuration.load(self.path)

    def office(self) -> Office:
        """The office, to be closed by the caller's ``with``. Raises ConfigError, StorageError."""
        return Office(self.configuration(), monotonic=self.environment.monotonic)

    def timing(self, office: Office, timeout: int | None) -> Timing:
        """How long to wait and how often to wake, by the configuration where the operator said nothing."""
        chosen = office.configuration.wake_up
        return Timing(
            clock=self.environment.clock,
            monotonic=self.environment.monotonic,
            sleep=self.environment.sleep,
            timeout=timedelta(seconds=timeout or chosen.timeout_seconds),
            resend=timedelta(seconds=chosen.resend_seconds),
        )

    @contextmanager
    def progress(self, sentence: str) -> Iterator[Callable[[Progress], None]]:
        """A line on a terminal that tells how long it has taken; nothing where nobody looks."""
        if self.as_json or not (sys.stderr.isatty() or "FORCE_COLOR" in os.environ):
            yield lambda _: None
            return
        from rich.console import Console  # noqa: PLC0415 - most commands are typed where nobody looks
        from rich.text import Text  # noqa: PLC0415 - as above

        console = Console(stderr=True)
        with console.status(Text(clean(sentence))) as status:
            yield lambda one: status.update(
                Text(clean(f"{sentence}: {one.waited.total_seconds():.0f} s, {one.wake_ups} wake-ups sent"))
            )

    def rows(self, columns: Sequence[str], rows: Sequence[Row], nothing: str) -> None:
        """Show many things: a table, or one JSON object per line."""
        if self.as_json:
            for row in rows:
                click.echo(json.dumps(row, sort_keys=True, default=_plain))
            return
        if not rows:
            click.echo(nothing)
            return
        _show(columns, [[shown(row.get(column)) for column in columns] for row in rows])

    def one(self, row: Row, sentence: str = "") -> None:
        """Show one thing: a JSON object; or a sentence, or a table of names and values."""
        if self.as_json:
            click.echo(json.dumps(row, sort_keys=True, default=_plain))
        elif sentence:
            click.echo(clean(sentence))
        else:
            _show((), [[clean(name), shown(value)] for name, value in row.items()])


def administers(command: F) -> Callable[..., None]:
    """Give a command the options of every command and, as its first argument, its :class:`Session`."""

    @click.option(
        "--config",
        "path",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("admin.toml"),
        show_default=True,
        help="Configuration file (TOML).",
    )
    @click.option("--as", "alias", metavar="NAME", default="", help="Who you are, for the audit log.")
    @click.option("--json", "as_json", is_flag=True, help="JSON instead of tables and sentences.")
    @wraps(command)
    def run(*, path: Path, alias: str, as_json: bool, **arguments: Any) -> None:
        environment = click.get_current_context().find_object(Environment)
        if environment is None:
            message = "the command line was started without its clocks"
            raise RuntimeError(message)
        with refusals():
            command(Session(path, operator(alias), as_json, environment), **arguments)

    return run


def operator(alias: str) -> str:
    """The operator's name in the audit log. Raises ConfigError for a name that cannot be shown."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    if not alias:
        return user
    if len(alias) > MAXIMUM_NAME or not alias.isprintable():
        raise ConfigError(f"--as takes at most {MAXIMUM_NAME} printable characters")
    return f"{alias} ({user})"


def clean(text: str) -> str:
    """``text`` without control characters: a terminal would obey them."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def shown(value: object) -> str:
    """A value in a cell."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case list() | tuple():
            between = "; " if any(isinstance(item, dict) for item in value) else ", "
            return between.join(shown(item) for item in value)
        case dict():
            return " ".join(f"{clean(str(name))}={shown(item)}" for name, item in value.items() if item != "")
        case _:
            return clean(str(value))


def _plain(value: object) -> str:
    return format_instant(value.replace(microsecond=0)) if isinstance(value, datetime) else str(value)


def _show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; without ``columns`` it has no head."""
    from rich.console import Console  # noqa: PLC0415 - most commands show no table
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(*columns, show_header=bool(columns))
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    wide: Console = console if console.is_terminal else Console(highlight=False, width=PIPED_COLUMNS)
    wide.print(table)
