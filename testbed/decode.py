"""``smgw-testbed decode``: what is in a capture of a meter, as a table or as JSON.

Decides only how a file is read and how its content is shown; what the octets mean is ``wire``'s business. A wrong check
is shown as wrong. Bad input ends in one sentence and exit code 1.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from wire.errors import Iec62056Error
from wire.meter.iec62056 import (
    BlockCheck,
    Line,
    LoadProfile,
    Readout,
    Transcript,
    has_parity_bits,
    is_transcript,
    parity_errors,
    parse_capture,
    parse_transcript,
)
from wire.meter.iec62056.characters import SEVEN_BITS
from wire.meter.iec62056.readout import MAXIMUM_CAPTURE

MAXIMUM_FILE: Final = 4 * MAXIMUM_CAPTURE
"""Octets of a file: a capture of the greatest size written in hexadecimal digits with blanks."""

_HEX_DUMP = re.compile(rb"[0-9A-Fa-f\s]+")
_XXD = re.compile(r"[0-9A-Fa-f]{4,8}: ((?:(?:[0-9A-Fa-f]{2}){1,2} ){1,16}) .*")
_HEXDUMP = re.compile(r"[0-9A-Fa-f]{4,8}(?:  ((?:[0-9A-Fa-f]{2} {1,2}){1,16}) *\|.*\|)?")
"""Lines of ``xxd`` and of ``hexdump -C``: offset, up to sixteen octets, and the same as text."""


@click.group(epilog="Example: smgw-testbed decode iec62056 capture.bin --json")
def decode() -> None:
    """Show what is in a recorded capture."""


@decode.command(epilog="Example: smgw-testbed decode iec62056 meter.session.txt --json")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def iec62056(file: str, as_json: bool) -> None:
    """Decode FILE, a capture of an IEC 62056-21 meter ("-" reads standard input).

    FILE holds the octets as they were on the line (with or without parity bits), the same as a dump of hexadecimal
    digits, or a transcript with a message on each line: TX (reader) or RX (meter), then hexadecimal digits.
    """
    try:
        data = _read(file)
        content, parity = _decode(data)
    except (Iec62056Error, OSError) as error:
        sentence = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise click.ClickException(f"{'standard input' if file == '-' else file}: {sentence}") from error
    if parity:
        click.echo(f"note: {parity}", err=True)
    if as_json:
        click.echo(json.dumps(as_document(content), indent=1))
    else:
        show(content)


def _read(file: str) -> bytes:
    if file == "-":
        data = sys.stdin.buffer.read(MAXIMUM_FILE + 1)
    else:
        with Path(file).open("rb") as stream:
            data = stream.read(MAXIMUM_FILE + 1)
    if len(data) > MAXIMUM_FILE:
        raise Iec62056Error(f"more than {MAXIMUM_FILE} octets")
    if not data.strip():
        raise Iec62056Error("nothing is in it")
    return data


def _decode(data: bytes) -> tuple[Readout | Transcript, str]:
    """The content, and what is to be said about its parity bits. Raises Iec62056Error."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    if is_transcript(text):
        transcript = parse_transcript(text)
        return transcript, "parity bits were taken off" if transcript.parity_bits else ""
    octets = _from_dump(data)
    if not has_parity_bits(octets):
        return parse_capture(octets), ""
    wrong = parity_errors(octets)
    note = "parity bits were taken off" + (f"; {wrong} of {len(octets)} characters had odd parity" if wrong else "")
    return parse_capture(octets.translate(SEVEN_BITS)), note


def _from_dump(data: bytes) -> bytes:
    """``data`` itself, or the octets that it spells out. No message of a meter is hexadecimal digits alone."""
    if _HEX_DUMP.fullmatch(data):
        digits = b"".join(data.split())
        if len(digits) % 2:
            raise Iec62056Error("an odd number of hexadecimal digits")
        return bytes.fromhex(digits.decode("ascii"))
    lines = data.decode("latin-1").split("\n")
    for form in (_XXD, _HEXDUMP):
        columns = [form.fullmatch(line.rstrip("\r ")) for line in lines if line.strip()]
        if all(columns):
            return bytes.fromhex("".join(match[1] or "" for match in columns if match is not None))
    return data


def as_document(content: Readout | Transcript) -> dict[str, Any]:
    """The form of the published expectations: ``profiles`` and what else a capture does not hold is left out.

    A transcript is its ``messages``; what the meter said in all of them stands under ``readout`` like a capture.
    """
    if isinstance(content, Transcript):
        return {"messages": [_message(line) for line in content.lines], "readout": as_document(content.readout)}
    identification = content.identification
    document: dict[str, Any] = {
        "manufacturer": identification.manufacturer if identification else None,
        "baud_char": identification.baud_character if identification else None,
        "identification": identification.text if identification else None,
        "bcc": _check(content),
        "data_sets": [[address, list(values)] for address, values in content.data_sets],
    }
    if content.profiles:
        document["profiles"] = [_profile(profile) for profile in content.profiles]
    if content.checksum is not None:
        document["dsmr_crc"] = {"sent": content.checksum, "ok": content.checksum_right}
    if content.values:
        document["values"] = list(content.values)
    if content.unparsed_lines:
        document["unparsed_lines"] = content.unparsed_lines
    if content.error is not None:
        document["error"] = content.error
    return document


def _check(readout: Readout) -> dict[str, object] | None:
    if readout.sent_check is None or readout.computed_check is None:
        return None
    return {
        "sent": f"{readout.sent_check:02X}",
        "computed": f"{readout.computed_check:02X}",
        "ok": readout.check is BlockCheck.RIGHT,
    }


def _profile(profile: LoadProfile) -> dict[str, object]:
    return {
        "obis": profile.obis,
        "start": profile.start,
        "status": profile.status,
        "period_min": profile.period_minutes,
        "channels": len(profile.columns),
        "columns": [list(column) for column in profile.columns],
        "rows": [list(row) for row in profile.rows],
    }


def _message(line: Line) -> dict[str, object]:
    message: dict[str, object] = {"dir": line.direction, "text": line.characters.decode("latin-1")}
    if line.checks is not None:
        sent, computed = line.checks
        message |= {"bcc_computed": f"{computed:02X}", "bcc_sent": f"{sent:02X}", "bcc_ok": sent == computed}
    return message


def show(content: Readout | Transcript) -> None:
    """Print ``content`` as tables; control characters are shown, never sent to the terminal."""
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 120)
    if isinstance(content, Transcript):
        _show_messages(console, content)
    readout = content.readout if isinstance(content, Transcript) else content
    if (identification := readout.identification) is not None:
        speed = f"{identification.speed} Bd" if identification.speed else "no change of speed"
        console.print(f"manufacturer    {identification.manufacturer}")
        console.print(f"baud character  {_visible(identification.baud_character)} ({speed})")
        console.print(f"identification  {_visible(identification.text)}")
    if (check := _check(readout)) is None:
        console.print("block check     none")
    else:
        console.print(f"block check     {readout.check.value} (sent {check['sent']}, computed {check['computed']})")
    if readout.checksum is not None:
        console.print(f"P1 checksum     {'right' if readout.checksum_right else 'wrong'} (sent {readout.checksum})")
    if readout.error is not None:
        console.print(f"error answer    {_visible(readout.error)}")
    if readout.data_sets or readout.values:
        table = Table("address", "values")
        for address, values in (*readout.data_sets, *([("", readout.values)] if readout.values else [])):
            table.add_row(_visible(address), _visible("  ".join(values)))
        console.print(table)
    for profile in readout.profiles:
        title = f"{profile.obis} from {profile.start}, every {profile.period_minutes} min, status {profile.status}"
        table = Table(*(_visible(f"{name} {unit}".strip()) for name, unit in profile.columns), title=_visible(title))
        for row in profile.rows:
            # A row that is too long goes into its last cell, so that nothing is hidden.
            last = len(profile.columns) - 1
            table.add_row(*map(_visible, row[:last]), _visible("  ".join(row[last:])))
        console.print(table)
    for line in readout.unparsed_lines:
        console.print(f"not understood  {_visible(line)}")


def _show_messages(console: Console, transcript: Transcript) -> None:
    table = Table("", "message", "block check")
    for line in transcript.lines:
        checks = line.checks
        verdict = "" if checks is None else "right" if checks[0] == checks[1] else "wrong"
        table.add_row(line.direction, _visible(line.characters.decode("latin-1")), verdict)
    console.print(table)


def _visible(text: str) -> str:
    return "".join(character if character.isprintable() else f"<{ord(character):02X}>" for character in text)
