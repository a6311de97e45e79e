"""A gateway that comes when it is woken, and the server that has it do everything: in another process, as in life."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.admin.bureau import GATEWAY, StandingTime
from tests.admin.commands.desk import Desk
from tests.admin.other_process import serving
from tests.admin.server_world import until


@contextmanager
def open_line(desk: Desk, answer: str = "done") -> Iterator[None]:
    """From now on the gateway comes; ``answer`` is done, refused, or nothing for one that comes and says nothing."""
    with serving(desk.bureau.file, answer) as port:
        desk("gateways", "address", GATEWAY.text, "127.0.0.1", str(port))
        # No time passes until the gateway has done what it does; where it says nothing, from its coming on.
        database = desk.bureau.folder / "admin.db"
        if answer == "nothing":
            desk.line = StandingTime(goes=lambda: tunnels(database) > 0)
        else:
            # A command may end before the tunnel: the next one would find it open and wake nobody.
            desk.line, desk.ready = StandingTime(), lambda: until(lambda: tunnels(database, "closed_at IS NULL") == 0)
        try:
            yield
        finally:
            desk.line, desk.ready = None, lambda: None


def tunnels(database: Path, which: str = "true") -> int:
    """How many tunnels there are, or ever were."""
    with closing(sqlite3.connect(database, timeout=60)) as plain:
        return int(plain.execute(f"SELECT count(*) FROM tunnels WHERE {which}").fetchone()[0])  # noqa: S608
