"""``make bench``: runs every measurement and prints one table; ``--json FILE`` keeps the figures.

Figures are ratios within one run. A measurement whose peer or program is absent says so and is left out; it never
invents a figure.
"""

import importlib
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from testbed.bench.figures import Figure

MEASUREMENTS = (
    "parse",
    "poll",
    "wakeup",
    "gateway",
    "seal",
    "outbox",
    "ingest",
    "fronts",
    "tunnel",
    "fleet",
    "tariff",
    "year",
    "customers",
)


@click.command(epilog="Example: python -m testbed.bench parse seal --json bench.json")
@click.argument("names", nargs=-1, type=click.Choice(MEASUREMENTS))
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
def main(names: tuple[str, ...], json_file: Path | None) -> None:
    """Measure NAMES (all by default) and print the figures."""
    figures: dict[str, list[Figure]] = {}
    failed = False
    for name in names or MEASUREMENTS:
        click.echo(f"measuring {name} ...", err=True)
        try:
            figures[name] = importlib.import_module(f"testbed.bench.{name}").run()
        except Exception as error:  # noqa: BLE001 -- one broken measurement must not hide the others; the exit code tells
            click.echo(f"  {name} failed: {error!r}", err=True)
            failed = True
    show(figures)
    if json_file is not None:
        machine = {"python": sys.version.split()[0], "machine": platform.machine(), "system": platform.platform()}
        rows = {name: [asdict(figure) for figure in rows] for name, rows in figures.items()}
        json_file.write_text(json.dumps({"host": machine, "figures": rows}, indent=2) + "\n")
    sys.exit(1 if failed else 0)


def show(figures: dict[str, list[Figure]]) -> None:
    """Print one table; figures of one measurement stay together."""
    table = Table("what", "value", "unit", "against", "asked", "note", title="Measured in this run")
    for name, rows in figures.items():
        table.add_section()
        for row in rows:
            table.add_row(f"{name}: {row.name}", f"{row.value:.3g}", row.unit, row.against, row.target, row.note)
    Console(width=None if sys.stdout.isatty() else 200).print(table)


if __name__ == "__main__":
    main()
