"""``smgw-admin fleet``: many gateways at once, entered from a file and given their profiles in one run.

Decides what is told of a run: how far it is while somebody looks, and of every gateway what became of it and why, so
that whoever starts the run again knows what is left.
"""

import csv
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from admin.commands.done import timeout_option
from admin.drafts import MAXIMUM_CHARACTERS, parse_draft
from admin.errors import ConfigError, DraftError, DraftReason, FleetError, LineFault
from admin.exit import Exit, leave
from admin.fleet import GATEWAY, FleetLine, enter, filled, read_fleet, records
from admin.fleet_run import SUCCESS, Counts, FleetRun, Outcome, Wish
from admin.life_cycle import LifeCycle
from admin.office import Office
from admin.session import Session, administers
from pki.store import write_atomically

PARALLEL: Final = 32
"""Gateways at a time: far below the tunnels that one server serves (admin/workers.py)."""
MOST_PARALLEL: Final = 200
PLAIN_EVERY: Final = 5.0
"""Seconds between two lines where nobody looks on a terminal."""
_CODES: Final = {
    Outcome.REFUSED: Exit.GATEWAY_REFUSED,
    Outcome.NOT_WOKEN: Exit.REFUSED,
    Outcome.SILENCE: Exit.SILENCE,
    Outcome.UNANSWERED: Exit.UNANSWERED,
    Outcome.CUT_SHORT: Exit.UNANSWERED,
}
"""The code of a run is that of the first of these that any gateway met."""
_COLUMNS = ("gateway", "outcome", "order", "milliseconds", "reason")
_states = click.Choice([str(state) for state in LifeCycle])


@click.group(epilog="Example: smgw-admin fleet add fleet.csv; smgw-admin fleet configure --profiles netz")
def fleet() -> None:
    """Enter many gateways from a file, and give them their profiles in one run that can be started again."""


@fleet.command(epilog="Example: smgw-admin fleet add fleet.csv --state delivered")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--state", type=_states, default=LifeCycle.DELIVERED.value, show_default=True)
@administers
def add(session: Session, *, file: Path, state: str) -> None:
    """Enter the gateways in FILE: CSV with the columns gateway, host, port, certificates, note; or TOML.

    The certificates are a folder beside FILE. Other columns are for placeholders in profiles. Nothing is entered of a
    file with a bad line; what stands in the inventory exactly so is left alone.
    """
    lines = read_fleet(file)
    with session.office() as office:
        wanted = records(
            lines, office.inventory, office.trust(), base=file.parent, state=LifeCycle(state), at=session.now
        )
        for done in enter(office.inventory, wanted, session.operator, session.now):
            if not session.as_json:
                click.echo(f"{done} of {len(wanted)} entered", err=True)
    there = len(lines) - len(wanted)
    session.one(
        {"entered": len(wanted), "there_before": there},
        f"{len(wanted)} gateways are entered as {state}; {there} stood in the inventory before",
    )


@fleet.command(epilog="Example: smgw-admin fleet configure --profiles meter.toml --profiles netz --gateways fleet.csv")
@click.option(
    "--profiles",
    "names",
    multiple=True,
    required=True,
    metavar="DRAFT",
    help="A draft, or a file *.toml; {gateway} and every other column of the fleet file may stand in its texts.",
)
@click.option(
    "--gateways", "chosen", default="*", show_default=True, help="A fleet file, or a pattern such as EABC00123*."
)
@click.option("--state", type=_states, default=LifeCycle.OPERATING.value, show_default=True, help="Only in this state.")
@click.option(
    "--parallel",
    type=click.IntRange(1, MOST_PARALLEL),
    default=PARALLEL,
    show_default=True,
    help="How many are woken and not done yet at any time.",
)
@click.option(
    "--result",
    "result_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what became of every gateway here (CSV).",
)
@timeout_option
@administers
def configure(
    session: Session,
    *,
    names: tuple[str, ...],
    chosen: str,
    state: str,
    parallel: int,
    result_file: Path | None,
    timeout: int | None,
) -> None:
    """Have every chosen gateway hold the profiles: check all, queue, wake, wait.

    Run it again after whatever went wrong: who holds its profiles is left alone, who has its order is only woken.
    """
    if result_file is not None:
        _require_writable(result_file)
    with session.office() as office:
        templates = {name: _template(office, name) for name in names}
        wishes = _wishes(_selected(office, chosen, LifeCycle(state)), templates)
        run = FleetRun(office, wishes, session.timing(office, timeout), session.operator, parallel)
        try:
            with _telling(session) as tell:
                run.go(tell)
        except KeyboardInterrupt:
            click.echo("stopped; what was ordered stays ordered, start it again for the rest", err=True)
        finally:
            if result_file is not None and run.results:
                _keep(result_file, run)
    _show(session, run)


def _require_writable(file: Path) -> None:
    """Raise ConfigError now rather than after an hour's run."""
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise ConfigError(f"{file} cannot be written: {file.parent} is no folder that you may write to")


def _keep(file: Path, run: FleetRun) -> None:
    """Write what became of every gateway; where that fails, it is still shown."""
    try:
        write_atomically(file, _csv(run), mode=0o600)
    except OSError as error:
        click.echo(f"{file} cannot be written: {error.strerror}", err=True)


def _template(office: Office, name: str) -> dict[str, Any]:
    if not name.endswith(".toml"):
        return parse_draft(name, office.drafts.get(name).text)
    try:
        with Path(name).open(encoding="utf-8") as file:
            return parse_draft(name, file.read(MAXIMUM_CHARACTERS + 1))
    except OSError as error:
        raise DraftError(DraftReason.UNKNOWN, f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DraftError(DraftReason.MALFORMED, f"{name} is not UTF-8") from error


def _selected(office: Office, chosen: str, state: LifeCycle) -> Sequence[FleetLine]:
    """The gateways in ``state`` that a file names or a pattern fits. Raises FleetError, also where there is none."""
    file = Path(chosen)
    if file.is_file():
        lines = read_fleet(file)
        states = {record.gateway: record.state for record in office.inventory.all()}
        faults = [
            LineFault(line.number, f"{line.gateway} is not in the inventory: smgw-admin fleet add {chosen}")
            for line in lines
            if line.gateway not in states
        ]
        if faults:
            raise FleetError("nothing was queued", faults)
        found = [line for line in lines if states[line.gateway] is state]
    else:
        found = [
            FleetLine(number, record.gateway, {GATEWAY: record.gateway.text})
            for number, record in enumerate(office.inventory.find(state, match=chosen), start=1)
        ]
    if not found:
        raise FleetError(f"no gateway of {chosen} is {state}: smgw-admin gateways list --state {state}")
    return found


def _wishes(lines: Sequence[FleetLine], templates: Mapping[str, Mapping[str, Any]]) -> list[Wish]:
    wishes: list[Wish] = []
    faults: list[LineFault] = []
    for line in lines:
        try:
            tables = {name: filled(name, table, line.columns) for name, table in templates.items()}
            wishes.append(Wish(line.gateway, tables, line.number))
        except DraftError as error:
            faults.append(LineFault(line.number, f"{line.gateway}: {error}"))
    if faults:
        raise FleetError("nothing was queued", faults)
    return wishes


@contextmanager
def _telling(session: Session) -> Iterator[Callable[[Counts], None]]:
    """A bar on a terminal; else a line every few seconds; nothing beside JSON."""
    if session.as_json:
        yield lambda _: None
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        told = [session.environment.monotonic()]

        def tell(counts: Counts) -> None:
            now = session.environment.monotonic()
            if now - told[0] >= PLAIN_EVERY or counts.finished == counts.total:
                told[0] = now
                click.echo(counts.sentence, err=True)

        yield tell
        return
    columns = BarColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("")
        yield lambda counts: bar.update(
            task, total=counts.total, completed=counts.finished, description=counts.sentence
        )


def _rows(run: FleetRun) -> list[dict[str, Any]]:
    return [
        {
            "gateway": result.gateway.text,
            "outcome": result.outcome.value,
            "order": result.order,
            "milliseconds": result.milliseconds,
            "reason": result.reason,
        }
        for result in sorted(run.results, key=lambda result: result.gateway.text)
    ]


def _csv(run: FleetRun) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(_rows(run))
    return text.getvalue().encode()


def _show(session: Session, run: FleetRun) -> None:
    counts = run.counts
    code = next((_CODES[one] for one in _CODES if counts.outcomes.get(one, 0)), Exit.DONE)
    rows = _rows(run)
    if session.as_json:
        summary = {outcome.value: counts.outcomes.get(outcome, 0) for outcome in Outcome}
        milliseconds = int(1000 * counts.elapsed.total_seconds())
        session.one({"gateways": counts.total, "milliseconds": milliseconds, **summary, "results": rows})
    else:
        left = [row for row in rows if row["outcome"] not in SUCCESS]
        if left:
            session.rows(_COLUMNS, left, "")
        whole = counts.total - len(left)
        click.echo(
            f"{whole} of {counts.total} gateways hold their profiles "
            f"({counts.outcomes.get(Outcome.HELD, 0)} did before), after {counts.elapsed.total_seconds():.1f} s"
        )
    if code is not Exit.DONE:
        sys.stdout.flush()
        leave(code)
