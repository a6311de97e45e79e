"""State diagrams and tables for the documentation, drawn from the tables that the programs run by.

Decides nothing: a diagram that differs from its table is a defect of the page (``tests/testbed/test_diagrams.py``).
``python -m testbed.diagrams docs/administration.md`` writes the current ones into a page, between its own marks.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from admin.life_cycle import GATEWAY_TRANSITIONS, ORDER_TRANSITIONS
from smgw.clock import TRANSITIONS as CLOCK_TRANSITIONS
from smgw.firmware.slots import TABLE as SLOTS
from smgw.keys.state import ENTRIES
from smgw.keys.state import TABLE as KEYS
from smgw.secure_states import FOLLOWS, GRACE, WORKS, Duty, SecureState
from smgw.wan.management import TRANSITIONS as TUNNEL_TRANSITIONS

_MARK = re.compile(r"(<!-- states: (?P<name>[a-z]+) -->\n)```mermaid\n.*?```\n", re.DOTALL)
_TABLE = re.compile(r"(<!-- table: (?P<name>[a-z]+) -->\n)(?:\|.*\n)*")

_State = TypeVar("_State", bound=str)
Arrow = tuple[str, str, str]
"""From, to, and what causes it (may be empty)."""


def gateways() -> Iterable[Arrow]:
    """The life of a gateway in the administrator's inventory."""
    return _plain(GATEWAY_TRANSITIONS)


def orders() -> Iterable[Arrow]:
    """The life of an order in the administrator's book."""
    return _plain(ORDER_TRANSITIONS)


def tunnel() -> Iterable[Arrow]:
    """The management tunnel of a gateway."""
    return _plain(TUNNEL_TRANSITIONS)


def clock() -> Iterable[Arrow]:
    """What a gateway knows of its clock."""
    return ((old, new, event) for (old, event), new in CLOCK_TRANSITIONS.items() if old != new)


def slots() -> Iterable[Arrow]:
    """One of the two slots of a gateway's program."""
    return ((old, new, move) for (old, move), new in SLOTS.items() if old != new)


def keys() -> Iterable[Arrow]:
    """The keys of a gateway during a renewal; "power lost" is where the next start goes on."""
    for phase, entries in ENTRIES.items():
        yield from ((phase, entry, "an order") for entry in entries)
    for phase, row in KEYS.items():
        if row.action is not None:
            yield phase, row.done, row.action
            if row.lost not in (phase, row.done):
                yield phase, row.lost, "power lost"


def secure() -> Iterable[Arrow]:
    """What is wrong with a gateway, and the state that follows."""
    for condition, state in FOLLOWS.items():
        later = f" for {GRACE[condition].days} days" if condition in GRACE else ""
        yield SecureState.NORMAL, state, condition + later
    yield from ((state, SecureState.NORMAL, "put right") for state in SecureState if state is not SecureState.NORMAL)


def duties() -> Iterable[Sequence[str]]:
    """What a gateway does in which state."""
    yield ("", *SecureState)
    for duty in Duty:
        yield (duty, *("yes" if duty in WORKS[state] else "" for state in SecureState))


DIAGRAMS: Final[Mapping[str, Callable[[], Iterable[Arrow]]]] = {
    "gateways": gateways,
    "orders": orders,
    "tunnel": tunnel,
    "clock": clock,
    "slots": slots,
    "keys": keys,
    "secure": secure,
}
TABLES: Final[Mapping[str, Callable[[], Iterable[Sequence[str]]]]] = {"duties": duties}


def mermaid(arrows: Iterable[Arrow]) -> str:
    """A ``stateDiagram-v2`` with its fences."""
    lines = [f"    {_name(old)} --> {_name(new)}" + (f" : {cause}" if cause else "") for old, new, cause in arrows]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """A table whose first row is its head."""
    lines = [f"| {' | '.join(row)} |".replace("  ", " ") for row in rows]
    columns = lines[0].count("|") - 1
    return "\n".join([lines[0], "|---" * columns + "|", *lines[1:], ""])


def redrawn(page: str) -> str:
    """``page`` with all that is marked as its table has it now. Raises KeyError for a mark without a table."""
    page = _TABLE.sub(lambda match: match[1] + markdown(TABLES[match["name"]]()), page)
    return _MARK.sub(lambda match: match[1] + mermaid(DIAGRAMS[match["name"]]()), page)


def _plain(transitions: Mapping[_State, frozenset[_State]]) -> Iterable[Arrow]:
    for old, following in transitions.items():
        yield from ((old, new, "") for new in sorted(following) if new != old)


def _name(state: str) -> str:
    """Mermaid takes no hyphen in a name."""
    return state.replace("-", "_")


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        file.write_text(redrawn(file.read_text("utf-8")), "utf-8")
