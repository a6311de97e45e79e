"""A fleet on paper: the file that lists gateways, and the profiles that each of them gets out of one template.

Decides what a fleet file may say (CSV, or TOML with one ``[[gateway]]`` each): a gateway in every line, none twice, and
texts in columns whose names can stand as placeholders in profiles. A file is looked at as a whole: every bad line is
told, and nothing of a file with a bad line is used. A placeholder is replaced inside the texts of a profile only, after
the profile was read as TOML, so no column can bring more into a profile than a text.
"""

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from admin.certificates import judged, read_folder
from admin.errors import DraftError, DraftReason, FleetError, InventoryError, LineFault
from admin.inventory import WAKE_PORT, GatewayRecord, Inventory, require_enterable
from admin.life_cycle import LifeCycle
from pki.certificates import TrustStore
from wire.errors import WireError
from wire.reading import DeviceId

MAXIMUM_BYTES: Final = 16 * 1024 * 1024
"""A hundred thousand lines of 160 characters."""
MAXIMUM_TEXT: Final = 4096
"""Characters of one column: a certificate in PEM has less."""
ENTERED_AT_ONCE: Final = 100
"""Gateways in one transaction: each is an entry of the audit log, signed in the token, and servers write meanwhile."""
GATEWAY, HOST, PORT, CERTIFICATES, NOTE = "gateway", "host", "port", "certificates", "note"
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FleetLine:
    """One gateway of a fleet file; ``columns`` are all its texts, the empty ones left out."""

    number: int
    gateway: DeviceId
    columns: Mapping[str, str]


def read_fleet(file: Path) -> tuple[FleetLine, ...]:
    """The lines of ``file``: TOML where its name says so, else CSV. Raises FleetError with every bad line."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise FleetError(f"{file} cannot be read: {error.strerror}") from error
    return parse_fleet(data, toml=file.suffix == ".toml")


def parse_fleet(data: bytes, *, toml: bool) -> tuple[FleetLine, ...]:
    """The lines in ``data``.

    1. It is not larger than a fleet is, and text.
    2. It has columns that can be named, the gateway's among them.
    3. Each line names a gateway, no two the same one, and has printable texts of no great length.

    Raises:
        FleetError: with every line that fails step 3.
    """
    # 1. It is not larger than a fleet is, and text.
    if len(data) > MAXIMUM_BYTES:
        raise FleetError(f"the file is larger than {MAXIMUM_BYTES} octets")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FleetError("the file is not UTF-8") from error
    # 2. It has columns that can be named, the gateway's among them.
    found = list(_toml(text) if toml else _csv(text))
    # 3. Each line names a gateway, no two the same one, and has printable texts of no great length.
    lines: list[FleetLine] = []
    faults: list[LineFault] = []
    seen: dict[DeviceId, int] = {}
    for number, columns in found:
        try:
            line = _line(number, columns)
        except FleetError as error:
            faults.append(LineFault(number, str(error)))
            continue
        if line.gateway in seen:
            faults.append(LineFault(number, f"{line.gateway} stands in line {seen[line.gateway]} already"))
        seen.setdefault(line.gateway, number)
        lines.append(line)
    if faults:
        raise FleetError("nothing was done", faults)
    if not lines:
        raise FleetError("the file has no gateway in it")
    return tuple(lines)


def records(
    lines: Iterable[FleetLine], inventory: Inventory, trust: TrustStore, *, base: Path, state: LifeCycle, at: datetime
) -> list[GatewayRecord]:
    """What is to be entered of ``lines``: nothing of what stands in the inventory exactly so.

    ``certificates`` names a folder, relative to ``base``. Raises FleetError with every line that cannot be entered.
    """
    wanted: list[GatewayRecord] = []
    faults: list[LineFault] = []
    there = {record.gateway: record for record in inventory.all()}
    for line in lines:
        try:
            record = _record(line, trust, base=base, state=state, at=at)
            if record.gateway not in there:
                require_enterable(record)
                wanted.append(record)
            elif not _alike(record, there[record.gateway]):
                told = (
                    f"{record.gateway} is in the inventory with other values: smgw-admin gateways show {record.gateway}"
                )
                faults.append(LineFault(line.number, told))
        except (FleetError, InventoryError) as error:
            faults.append(LineFault(line.number, str(error)))
    if faults:
        raise FleetError("nothing was entered", faults)
    return wanted


def enter(inventory: Inventory, wanted: Sequence[GatewayRecord], by: str, at: datetime) -> Iterator[int]:
    """Enter what :func:`records` gave, some at a time; gives how many are there after each time."""
    for begin in range(0, len(wanted), ENTERED_AT_ONCE):
        some = wanted[begin : begin + ENTERED_AT_ONCE]
        inventory.add_all(some, by, at)
        yield begin + len(some)


def filled(name: str, table: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """The draft ``name`` with ``columns`` in place of its placeholders. Raises DraftError(MALFORMED)."""

    def text(found: re.Match[str]) -> str:
        if found[1] not in columns:
            raise DraftError(
                DraftReason.MALFORMED, f"{name} has the placeholder {found[0]}, and the fleet no such column"
            )
        return columns[found[1]]

    def fill(value: Any) -> Any:
        match value:
            case str():
                return _PLACEHOLDER.sub(text, value)
            case list():
                return [fill(one) for one in value]
            case dict():
                return {key: fill(one) for key, one in value.items()}
            case _:
                return value

    return {key: fill(value) for key, value in table.items()}


def _csv(text: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Lines with their numbers; a file whose first line has semicolons and no comma is separated by them."""
    head = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), strict=True, delimiter=";" if ";" in head and "," not in head else ","
    )
    names: list[str] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not names:
                names = _named([cell.strip().lower() for cell in row])
                continue
            # A cell too many has no name: the line is refused where lines are looked at.
            cells = {name: cell for name, cell in zip(names, row, strict=False) if cell.strip()}
            yield reader.line_num, cells | ({"": row} if len(row) > len(names) else {})
    except csv.Error as error:
        raise FleetError(f"line {reader.line_num}: not CSV: {error}") from error
    if not names:
        raise FleetError("the first line must name the columns: gateway,host,port,certificates,note")


def _toml(text: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Tables, counted from one: TOML keeps no lines."""
    try:
        root = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FleetError(f"not TOML: {error}") from error
    tables = root.pop("gateway", None)
    if root or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise FleetError("a fleet in TOML has [[gateway]] tables and nothing else")
    for number, table in enumerate(tables, start=1):
        values = {"gateway" if key == "id" else key: value for key, value in table.items()}
        yield number, {key: str(value) if type(value) is int else value for key, value in values.items()}


def _named(names: list[str]) -> list[str]:
    for name in names:
        if _COLUMN.fullmatch(name) is None:
            raise FleetError(f"{name[:40]!r} cannot name a column: small letters, digits and underscores")
    if len(set(names)) != len(names) or GATEWAY not in names:
        raise FleetError(f"each column has a name of its own, and one of them is {GATEWAY}")
    return names


def _line(number: int, columns: Mapping[str, object]) -> FleetLine:
    texts: dict[str, str] = {}
    for name, value in columns.items():
        if not name:
            raise FleetError("it has more cells than there are columns")
        if _COLUMN.fullmatch(name) is None:
            raise FleetError(f"{name[:40]!r} cannot name a column: small letters, digits and underscores")
        if not isinstance(value, str):
            raise FleetError(f"{name} is no text")
        if len(value) > MAXIMUM_TEXT or not value.replace("\n", "").isprintable():
            raise FleetError(f"{name} is longer than {MAXIMUM_TEXT} characters, or not printable")
        texts[name] = value.strip()
    said = texts.get(GATEWAY, "").upper()
    try:
        gateway = DeviceId(said)
    except WireError as error:
        raise FleetError(f"{said[:40]!r} is no gateway; expected fourteen characters such as EABC0012345678") from error
    return FleetLine(number, gateway, {**texts, GATEWAY: gateway.text})


def _record(line: FleetLine, trust: TrustStore, *, base: Path, state: LifeCycle, at: datetime) -> GatewayRecord:
    host, port = line.columns.get(HOST), line.columns.get(PORT, str(WAKE_PORT))
    if host is None:
        raise FleetError(f"{line.gateway} has no {HOST}: where are its wake-ups sent?")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise FleetError(f"{line.gateway}: {port[:20]!r} is no port")
    folder = line.columns.get(CERTIFICATES)
    certificates = {} if folder is None else read_folder(base / folder)
    seal = bool(certificates) and judged(certificates, line.gateway, trust, at)
    note = line.columns.get(NOTE, "")
    return GatewayRecord(line.gateway, state, host, int(port), certificates, seal, note=note)


def _alike(record: GatewayRecord, there: GatewayRecord) -> bool:
    """Whether an earlier run entered it, or somebody did, just so; where its life stands does not matter."""
    return replace(there, state=record.state, next_sequence=1, last_tunnel_at=None) == record
