"""Read-outs taken apart per second, against the PyPI package iec62056-21 (pwitab) on the same published octets.

Both do the same work on the same message from STX to its block check character: check it, and find every data set. A
read-out that the peer refuses is left out and counted.
"""

import math
import os
from collections.abc import Callable
from pathlib import Path

from iec62056_21.exceptions import Iec6205621Exception
from iec62056_21.messages import ReadoutDataMessage

from testbed.bench.figures import Figure, paired
from wire.meter.iec62056 import BlockCheck, DataMessage, parse_data_sets

TARGET = 3.0
_STX, _ETX = b"\x02", b"\x03"
_REPOSITORY = Path(__file__).parents[2]


def run() -> list[Figure]:
    """The smallest and the mean ratio over all published read-outs, and one figure for each of them."""
    rows: list[Figure] = []
    ratios: list[float] = []
    refused = 0
    for name, message in published():
        theirs, ours = _peer(message), _own(message)
        if theirs is None:
            refused += 1
            continue
        mine, others = paired(ours, theirs)
        ratios.append(others / mine)
        note = f"{len(message)} octets, {len(ours())} data sets, {1 / mine:,.0f} read-outs a second"
        rows.append(Figure(name, ratios[-1], "times as fast", "iec62056-21 0.0.2", f">= {TARGET:g}", note))
    if not ratios:
        raise FileNotFoundError(f"no published read-out in {folder()} (set SMGW_VECTORS)")
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    note = f"{len(ratios)} read-outs, {refused} refused by the peer (wrong block check)"
    return [
        Figure("smallest ratio", min(ratios), "times as fast", "iec62056-21 0.0.2", f">= {TARGET:g}", note),
        Figure("geometric mean", mean, "times as fast", "iec62056-21 0.0.2", "", note),
        *rows,
    ]


def folder() -> Path:
    """Where the published vectors lie."""
    root = Path(os.environ.get("SMGW_VECTORS", _REPOSITORY / ".." / "shared" / "vectors"))
    return root.resolve() / "iec62056"


def published() -> list[tuple[str, bytes]]:
    """Every published read-out with a block check, from STX to the check character."""
    found: list[tuple[str, bytes]] = []
    for path in sorted(folder().glob("*.bin")):
        octets = path.read_bytes()
        begin, end = octets.find(_STX), octets.find(_ETX)
        # An error answer is no read-out: it has no end mark.
        if 0 <= begin < end < len(octets) - 1 and b"!" in octets[begin:end]:
            found.append((path.stem, octets[begin : end + 2]))
    return found


def _own(message: bytes) -> Callable[[], list[tuple[str, tuple[str, ...]]]]:
    def read() -> list[tuple[str, tuple[str, ...]]]:
        block = DataMessage.from_bytes(message)
        if block.check is not BlockCheck.RIGHT:
            raise ValueError("the block check is wrong")
        return list(parse_data_sets(block.body.decode("latin-1")).data_sets)

    return read


def _peer(message: bytes) -> Callable[[], object] | None:
    """The peer's reading of ``message``, or None where it refuses it."""
    try:
        ReadoutDataMessage.from_bytes(message)
    except (ValueError, Iec6205621Exception):
        return None
    return lambda: ReadoutDataMessage.from_bytes(message)
