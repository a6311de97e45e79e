"""Her readings as a table and as JSON: for a spreadsheet, and for programs (docs/han-exports.md).

Decides that a table opens right in a German spreadsheet: semicolons, a comma in numbers, UTF-8 with a mark at its
begin. No cell can be taken for a formula, and a status word cannot be taken for a number. Values are exact decimals,
never floats, and each stands with the gateway's inner signature (PTB-A 50.8, display).
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from smgw.han.export_lists import Listed, Row
from smgw.han.export_source import Source
from smgw.han.shown import UNIT_SYMBOLS
from smgw.metering.status import ptb_status
from smgw.metering.tariffs.calendar import ZONE

JSON_FORM: Final = "smgw-readings-1"
HEADER: Final = (
    "meter",
    "register",
    "time",
    "time_utc",
    "captured_utc",
    "value",
    "unit",
    "status",
    "ptb",
    "signature",
)
_MARK: Final = "\ufeff"
"""By it a spreadsheet knows that the file is UTF-8."""
_FORMULA: Final = tuple("=+-@\t\r\n")
"""What a spreadsheet may take for the begin of a formula (OWASP, CSV injection)."""


def table(lists: Sequence[Listed]) -> bytes:
    """One file with one header, a line a reading."""
    data = io.BytesIO()  # of a text in memory every character would take four octets
    out = io.TextIOWrapper(data, encoding="utf-8", newline="")
    out.write(_MARK)
    lines = csv.writer(out, delimiter=";", lineterminator="\r\n")
    lines.writerow(HEADER)
    for one in lists:
        meter, register, unit = (
            text(each) for each in (one.register.meter.text, str(one.register.obis), UNIT_SYMBOLS[one.unit])
        )
        for row in one.rows:
            lines.writerow(
                (
                    meter,
                    register,
                    local(row.target),
                    utc(row.target),
                    utc(row.stored.at),
                    exact(row, one.scaler).replace(".", ","),
                    unit,
                    f"0x{row.stored.status:016X}",
                    int(ptb_status(row.stored.status)),
                    row.stored.signature.hex().upper(),
                )
            )
    out.flush()
    return data.getvalue()


def document(source: Source, lists: Sequence[Listed], at: datetime, begin: int, end: int) -> bytes:
    """The same for programs: an object with a list for each register, a line a reading."""
    head = {
        "form": JSON_FORM,
        "gateway": source.gateway.text,
        "consumer": source.consumer,
        "exported_at": utc(int(at.timestamp())),
        "begin": utc(begin),
        "end": utc(end),
    }
    data = io.BytesIO()  # written as it comes: the objects of a year would take ten times as much
    data.write(_json(head)[:-1] + b',"lists":[')
    for place, one in enumerate(lists):
        kind = {
            "meter": one.register.meter.text,
            "register": str(one.register.obis),
            "unit": UNIT_SYMBOLS[one.unit],
            "unit_code": int(one.unit),
            "scaler": one.scaler,
            "registered_seconds": one.register.registered_seconds,
        }
        data.write((b",\n" if place else b"\n") + _json(kind)[:-1] + b',"readings":[')
        for number, row in enumerate(one.rows):
            data.write((b",\n" if number else b"\n") + _json(_reading(row, one.scaler)))
        data.write(b"]}")
    data.write(b"]}\n")
    return data.getvalue()


def _reading(row: Row, scaler: int) -> dict[str, str | int | bool]:
    ptb = ptb_status(row.stored.status)
    return {
        "time": local(row.target),
        "time_utc": utc(row.target),
        "captured_utc": utc(row.stored.at),
        "value": exact(row, scaler),
        "raw": str(row.stored.value),
        "status": f"{row.stored.status:016X}",
        "ptb": int(ptb),
        "usable": ptb.usable,
        "signature": row.stored.signature.hex().upper(),
    }


def _json(part: Mapping[str, object]) -> bytes:
    return json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()


def text(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def exact(row: Row, scaler: int) -> str:
    """The value in its unit, with as many decimals as the register has."""
    return f"{Decimal(row.stored.value).scaleb(scaler):f}"


def local(at: int) -> str:
    """Legal time with its offset: so the hour that comes twice is told apart."""
    return datetime.fromtimestamp(at, ZONE).isoformat()


def utc(at: int) -> str:
    """The same instant as ``2026-01-01T00:00:00Z``."""
    return datetime.fromtimestamp(at, UTC).isoformat()[:19] + "Z"
