"""Kills one process after the other in the midst of a renewal; started by test_ring.py, never imported by it.

``python -m tests.smgw.keys.power FOLDER TOKEN MOMENT...``: for each moment a child begins a renewal and is ended there
with ``os._exit``; another child starts the gateway again and must find one working set.
"""

import os
import sys
from pathlib import Path

from smgw.keys.state import Phase
from testbed.small_pki import SmallPki
from tests.smgw.keys.world import World, cut_the_process, metered_files, open_token

KILLED = 42
DONE = 43


def renew_until(folder: Path, label: str, cut_at: int) -> None:
    with open_token(label) as token:
        world = World(folder, token, SmallPki())
        world.meter.cut_at, world.meter.cut = cut_at, cut_the_process
        with metered_files(world):
            ring = world.start()
            world.renew(ring)


def start_again(folder: Path, label: str) -> None:
    with open_token(label) as token:
        world = World.again(folder, token, SmallPki())
        ring = world.start()
        world.check(ring)
        world.renew(ring)
        assert world.check(ring).phase is Phase.SETTLED


def in_a_child(function: object, *arguments: object) -> int:
    """The exit code of a child that does this; the parent never touches a token, so each child finds a fresh module."""
    child = os.fork()
    if child == 0:
        try:
            function(*arguments)  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001
            print(repr(error), file=sys.stderr, flush=True)  # noqa: T201
            os._exit(1)
        os._exit(DONE)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, label: str, moments: list[int]) -> int:
    for moment in moments:
        place = folder / str(moment)
        code = in_a_child(renew_until, place, label, moment)
        if code != KILLED or in_a_child(start_again, place, label) != DONE:
            print(f"moment {moment}: {code}", flush=True)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], [int(moment) for moment in sys.argv[3:]]))
