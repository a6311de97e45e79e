"""``smgw tariff``: a bill recalculated from two files, without a gateway, a token or a store.

Decides how the files are opened and how the bill is shown: raw integers as one JSON object for programs, a table with
units for people, and one sentence with its own exit code where there is no bill. Never shows part of a bill.
"""

import json
import sys
import zlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import click

from smgw.metering.tariffs.calendar import local
from smgw.metering.tariffs.errors import TariffError
from smgw.recalculation.bill import Bill, recalculate
from wire.ar2418 import Ar2418Reader, ReadingType, UnitSymbol, UsagePoint
from wire.errors import Ar2418Error
from wire.obis import Obis
from wire.profiles.tariff import TOTAL

EXIT_NO_BILL: Final = 15
_PIECE: Final = 65_536
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
"""zlib: a gzip header, the largest window."""
_MOST_DIGITS: Final = 15
_KILO: Final = 3
"""Its power of ten."""
_SYMBOLS: Final = {
    UnitSymbol.WATT_HOUR: "kWh",
    UnitSymbol.VOLT_AMPERE_HOUR: "kVAh",
    UnitSymbol.VAR_HOUR: "kvarh",
    UnitSymbol.CUBIC_METRE: "m³",
}
_FILE: Final = click.Path(readable=False, path_type=Path)
"""Whether it can be read is found out by reading it, so that each refusal is one sentence with one exit code."""


class UnreadableError(Exception):
    """A file cannot be opened or unpacked."""


@click.command(
    epilog="Example: smgw tariff --data gateway.xml --supplier tariff.xml --taf 2 --json prints"
    ' {"registers": {"1-0:1.8.1*255": 800, "1-0:1.8.2*255": 1200, "1-0:1.8.63*255": 0}}'
)
@click.option("--data", required=True, type=_FILE, help="The gateway's lists, .xml or .xml.gz.")
@click.option("--supplier", required=True, type=_FILE, help="The tariff, .xml or .xml.gz.")
@click.option("--taf", required=True, type=click.Choice(["1", "2"]), help="The tariff use case.")
@click.option(
    "--digits",
    type=click.IntRange(1, _MOST_DIGITS),
    help="Digits of the meters' registers in the raw unit: after 99...9 follows 0. Without it one that stood in"
    " the last tenth of its digits and stands in the first has begun again.",
)
@click.option("--json", "as_json", is_flag=True, help="Raw amounts as one JSON object.")
def tariff(data: Path, supplier: Path, taf: str, digits: int | None, *, as_json: bool) -> None:
    """Calculate a bill once more from a gateway's original value lists and a supplier's tariff.

    Both files have the form of VDE AR 2418-6, as for the display software TRuDI. Where there is no bill, one sentence
    says why and the exit code is 15.
    """
    try:
        bill = recalculate(
            read_file(data), read_file(supplier), int(taf), turnover=None if digits is None else 10**digits
        )
    except (UnreadableError, Ar2418Error, TariffError) as error:
        click.echo(f"smgw: {error}", err=True)
        sys.exit(EXIT_NO_BILL)
    for note in bill.notes:
        click.echo(f"note: {note}", err=True)
    if as_json:
        click.echo(json.dumps({"registers": {str(obis): amount for obis, amount in bill.registers.items()}}))
        return
    click.echo(f"TAF-{taf} from {local(bill.begin)} to {local(bill.end)}")
    for obis, amount in (*bill.registers.items(), *totals(bill).items()):
        shown = in_units(amount, bill.kinds[obis.c]) if obis.c in bill.kinds else ""
        click.echo(f"{obis!s:<20} {amount:>16} {shown:>24}".rstrip())


def read_file(path: Path) -> UsagePoint:
    """Read ``path``, unpacked if it is packed. Raises UnreadableError and, with its name, Ar2418Error."""
    reader = Ar2418Reader()
    try:
        # A pipe that nobody writes to, and a device, would be waited for without end.
        if not (path.is_file() or path.is_dir()) and path.exists():
            raise UnreadableError(f"{path}: is not a file")
        with path.open("rb") as file:
            head = file.read(len(_GZIP))
            file.seek(0)
            unpacking = zlib.decompressobj(_GZIP_WINDOW) if head == _GZIP else None
            while piece := file.read(_PIECE):
                if unpacking is None:
                    reader.feed(piece)
                else:
                    unpacking = _unpack(piece, unpacking, reader)
        if unpacking is not None and not unpacking.eof:
            raise UnreadableError(f"{path}: the packed file ends too early")
        return reader.close()
    except Ar2418Error as error:
        raise Ar2418Error(f"{path}: {error}") from error
    except zlib.error as error:
        raise UnreadableError(f"{path}: the packed file is damaged") from error
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from error


def _unpack(piece: bytes, unpacking: "zlib._Decompress", reader: Ar2418Reader) -> "zlib._Decompress":
    """Feed ``piece`` unpacked, never more of it at once than a piece: the reader says when it was too much."""
    while True:
        plain = unpacking.decompress(piece, _PIECE)
        reader.feed(plain)
        if unpacking.eof:
            piece = unpacking.unused_data
            if not piece:
                return unpacking
            unpacking = zlib.decompressobj(_GZIP_WINDOW)  # what follows is another packed part of the same file
        else:
            piece = unpacking.unconsumed_tail
            if not piece and len(plain) < _PIECE:
                return unpacking


def totals(bill: Bill) -> dict[Obis, int]:
    """x.8.0 of each direction: all its registers, errors included. A register that is x.8.0 itself has no other."""
    found: dict[Obis, int] = {}
    for obis, amount in bill.registers.items():
        total = replace(obis, e=TOTAL)
        found[total] = found.get(total, 0) + amount
    return {total: amount for total, amount in found.items() if total not in bill.registers}


def in_units(amount: int, kind: ReadingType) -> str:
    """``amount`` in the unit that people know, exact, with as many decimals as the register has."""
    symbol = _SYMBOLS.get(kind.unit, "")
    exponent = kind.scaler + kind.power_of_ten - (_KILO if symbol.startswith("k") else 0)
    return f"{Decimal(amount).scaleb(exponent):f} {symbol}".rstrip()
