"""``smgw-testbed meter``: simulated meters on a pseudo-terminal or on a real serial port, until Ctrl-C.

Decides the words of the command line. Everything goes to standard error but the path of the line, which is the one line
on standard output: ``PORT=$(smgw-testbed meter --quiet | head -1)`` style scripts can wait for it.
"""

import dataclasses
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import serial

from testbed.faults import Fault, parse_fault
from testbed.meter.settings import LineSettings, LoadKind, MeterSettings, Mode, SettingsError, parse_line
from testbed.meter.simulator import SimulatedLine

_FAULTS = ", ".join(sorted(Fault))

EXAMPLES = """
\b
Examples:
  One meter on a pseudo-terminal whose path is printed; read it with any IEC 62056-21 reader, 300 Bd first:
    smgw-testbed meter --serial 00471100 --link /tmp/meter
\b
  On a real RS-485 adapter without any change of speed, hearing its own echo:
    smgw-testbed meter --port /dev/ttyUSB1 --speed 9600 --top-speed none --echo
\b
  A meter whose next two answers have a wrong block check character, a simulated day an hour:
    smgw-testbed meter --fault wrong-block-check:2 --speed-factor 24
\b
  What a real meter once said, byte for byte:
    smgw-testbed meter --replay captured.bin
\b
  Several meters on one line, from a file:
    smgw-testbed meter --line line.toml
\b
      speed = 9600                       # of the line before any change
      echo = true
      [[meters]]
      serial = "00471100"
      annual_watt_hours = 2_000_000
      [[meters]]
      serial = "00471101"
      mode = "C"
      top_speed = 19200
\b
While it runs, a line on standard input makes things go wrong:
  silence:3                   the next three messages to any meter are not answered
  00471100 noise              noise before the next answer of that meter
  pull / plug                 take the adapter out / put it in (pseudo-terminals with --link)
"""


class _TopSpeed(click.ParamType[int | None]):
    name = "BAUD|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if isinstance(value, int) or value.isdigit():
            return int(value)
        if value == "none":
            return None
        return self.fail(f"{value!r} is neither a speed nor 'none'", param, ctx)


def _faults(_ctx: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> list[tuple[Fault, int | None]]:
    try:
        return [parse_fault(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(epilog=EXAMPLES)
@click.option("--port", metavar="PATH", help="A serial port to answer on; without it a pseudo-terminal is made.")
@click.option("--link", type=click.Path(path_type=Path), help="Make this path a link to the pseudo-terminal.")
@click.option(
    "--line",
    "line_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with a line of several meters (see below); replaces the options of meter and line.",
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.C.value,
    show_default=True,
    help="Protocol mode: A no change of speed, B change without acknowledgement, C with one, D pushes.",
)
@click.option("--speed", type=int, default=300, show_default=True, help="Baud rate of the line before any change.")
@click.option(
    "--top-speed",
    type=_TopSpeed(),
    default=9600,
    show_default=True,
    help="Baud rate after the change; 'none' for a line that never changes.",
)
@click.option("--serial", "serial_number", default="12345678", show_default=True, help="Serial number (C.1.0, 0.0.0).")
@click.option("--address", help="Device address; leading zeros do not count.  [default: the serial number]")
@click.option("--manufacturer", default="ISK", show_default=True, help="Three letters; a lower-case third: fast.")
@click.option("--identification", default="MT831-0.1", show_default=True, help="Text after the baud character.")
@click.option("--password", help="Password that programming mode wants (P1).  [default: none is wanted]")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_faults,
    metavar="NAME[:COUNT|:always]",
    help=f"Something that goes wrong, the next COUNT times: {_FAULTS}.",
)
@click.option("--replay", type=click.Path(exists=True, dir_okay=False), help="Answer with this captured read-out.")
@click.option("--annual-kwh", type=int, default=3500, show_default=True, help="Consumption of a year.")
@click.option(
    "--load",
    type=click.Choice([kind.value for kind in LoadKind]),
    default=LoadKind.H25.value,
    show_default=True,
    help="Consumption over the day: BDEW standard load profile H25, or flat.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed is the same household.")
@click.option(
    "--speed-factor",
    type=float,
    default=1.0,
    show_default=True,
    help="Simulated time runs this many times as fast; the line itself stays in real time.",
)
@click.option(
    "--start", type=click.DateTime(["%Y-%m-%dT%H:%M:%S"]), help="Simulated time (UTC) to start at. [default: now]"
)
@click.option("--echo", is_flag=True, help="The reader hears itself, as on two-wire adapters.")
@click.option("--no-parity", is_flag=True, help="An 8N1 line: parity bits are neither made nor checked.")
@click.option("--quiet", "-q", is_flag=True, help="Do not log messages to standard error.")
def meter(
    port: str | None,
    link: Path | None,
    line_file: Path | None,
    faults: list[tuple[Fault, int | None]],
    quiet: bool,
    **options: Any,
) -> None:
    """A simulated IEC 62056-21 electricity meter with the timing of a real one.

    It keeps true character times at every baud rate, makes and checks parity, hears only what comes at its own speed
    and under its address, and shows registers that advance along a household's standard load profile. Its registers,
    status and errors are those of an Iskraemeco MT83x as far as these are public (no read-out of one is); read-outs,
    load profile windows (R5/R6 P.01(from;to)) and the log book (P.98) can be asked for.
    """
    try:
        settings = parse_line(line_file.read_text("utf-8")) if line_file else _settings(**options)
        simulated = SimulatedLine(settings, port=port, link=link, now=datetime.now(UTC), log=_silent if quiet else _log)
    except (SettingsError, OSError, serial.SerialException, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error
    # A simulator that is ended by its parent takes its link with it, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with simulated:
        for fault, count in faults:
            simulated.inject(fault, count)
        click.echo(simulated.path)
        for name, device in simulated.meters.items():
            _log(
                f"{name}: /{device.settings.manufacturer} {device.settings.identification}, mode {device.settings.mode}"
            )
        threading.Thread(target=_obey, args=(simulated,), daemon=True).start()
        try:
            simulated.wait()
        except KeyboardInterrupt:
            _log("stopped")


def _settings(
    *,
    serial_number: str,
    annual_kwh: int,
    no_parity: bool,
    speed: int,
    echo: bool,
    seed: int,
    speed_factor: float,
    start: datetime | None,
    password: str | None,
    **meter_options: Any,
) -> LineSettings:
    if password is not None:
        meter_options |= {"password": password, "needs_password": True}
    one = MeterSettings(serial=serial_number, annual_watt_hours=annual_kwh * 1000, seed=seed, **meter_options)
    return LineSettings(
        meters=(dataclasses.replace(one, mode=Mode(one.mode), load=LoadKind(one.load)),),
        speed=speed,
        echo=echo,
        parity=not no_parity,
        seed=seed,
        speed_factor=speed_factor,
        start=start.replace(tzinfo=UTC) if start else None,
    )


def _obey(simulated: SimulatedLine) -> None:
    """Carry out what is typed; a word that means nothing is said so and has no effect."""
    for text in sys.stdin:
        try:
            _carry_out(simulated, text.split())
        except (ValueError, KeyError, OSError) as error:
            _log(str(error))


def _carry_out(simulated: SimulatedLine, words: list[str]) -> None:
    match words:
        case []:
            return
        case ["pull"]:
            simulated.pull()
        case ["plug"]:
            simulated.plug()
        case [fault]:
            simulated.inject(*parse_fault(fault))
        case [name, fault]:
            simulated.inject(*parse_fault(fault), meter=name)
        case _:
            raise ValueError(f"not understood: {' '.join(words)!r}")


def _log(text: str) -> None:
    click.echo(f"{datetime.now(UTC):%H:%M:%S.%f} {text}"[:200], err=True)


def _silent(_text: str) -> None:
    return
