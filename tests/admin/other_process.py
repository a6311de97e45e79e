"""What another process does at the same time.

Each is a process of its own, forked from one that has imported the administrator and done nothing else, so that a test
pays for what a process does and not for its imports.
"""

import multiprocessing
import os
import select
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from admin import database
from admin.config import Configuration
from admin.database import open_database, writing
from admin.errors import OrderBookError
from admin.office import Office
from testbed.small_pki import NOW
from tests.admin.listener import serve_orders
from wire.orders import Reply, RunSelfTest
from wire.wakeup import SIZE, WakeUp

ROOT = Path(__file__).parents[2]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "pytest"])
RAISE = "UPDATE servers SET seen_at = {value} WHERE name = 'x'"
READ = "SELECT seen_at FROM servers WHERE name = 'x'"


def count(file: Path, times: int) -> None:
    """Read, think, write: what loses updates wherever a writer does not hold the lock from the start."""
    engine = open_database(file)
    for _ in range(times):
        with writing(engine) as connection:
            value = connection.exec_driver_sql(READ).scalar_one()
            connection.exec_driver_sql(RAISE.format(value=value + 1))
    engine.dispose()


def sign(file: Path, times: int) -> None:
    """Queue orders for one gateway and sign whatever is the next, as every process of an administrator may."""
    with Office(Configuration.load(file), monotonic=time.monotonic) as office:
        gateway = office.inventory.all()[0].gateway
        for _ in range(times):
            office.orders.queue(gateway, RunSelfTest(), "other", NOW)
            for record in office.orders.open(gateway):
                # Somebody else may have been faster, which must be told and do no harm.
                with suppress(OrderBookError):
                    office.orders.sign_next(record.number, office.sign_order, NOW)
                    office.orders.failed(record.number, "done with", NOW)


def serve(file: Path, answer: str, way: Connection) -> None:
    """What ``smgw-admin serve`` and a gateway do together, from a wake-up on, until the other end of ``way`` closes."""
    refusal = {"refused": lambda sequence: Reply.refusal(sequence, "busy", "A self-test runs.")}
    with (
        Office(Configuration.load(file), monotonic=time.monotonic) as office,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        office.signer()
        react = serve_orders(office, refusal.get(answer))
        udp.bind(("127.0.0.1", 0))
        way.send(udp.getsockname()[1])
        while True:
            readable, _, _ = select.select([udp.fileno(), way.fileno()], [], [])
            if way.fileno() in readable:
                return
            wake_up = WakeUp.from_bytes(udp.recv(SIZE + 1))
            if answer == "nothing":
                office.tunnels.opened(wake_up.gateway, NOW)
            else:
                react(wake_up)
                # Once it is done the tunnel ends, so that the next command wakes it again.
                tunnel = office.tunnels.last(wake_up.gateway)
                office.tunnels.closed(tunnel.number if tunnel else 0, "broken up", NOW)


@contextmanager
def running(does: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Another process that does this at the same time; it must end well and say nothing."""
    with tempfile.NamedTemporaryFile() as errors:
        with chdir(ROOT):  # where it finds this file
            forkserver.ensure_running()
        process = _FORKS.Process(target=_quietly, args=(errors.name, does, *arguments))
        process.start()
        try:
            yield
        finally:
            process.join()
        assert (Path(errors.name).read_text(), process.exitcode) == ("", 0)


def _quietly(errors: str, does: Callable[..., None], *arguments: Any) -> None:
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    # Several that do nothing but write, on a disk that others use too: here everybody has his turn in the end.
    database.BUSY_MILLISECONDS = 180_000
    does(*arguments)


def run_several(does: Callable[[Path, int], None], file: Path, times: int, processes: int = 3) -> None:
    """Do it in several processes at once."""
    with ExitStack() as stack:
        for _ in range(processes):
            stack.enter_context(running(does, file, times))


@contextmanager
def serving(file: Path, answer: str) -> Iterator[int]:
    """:func:`serve` in another process; gives the port at which it waits for wake-ups."""
    ours, theirs = _FORKS.Pipe()
    with running(serve, file, answer, theirs), ours:
        theirs.close()
        yield ours.recv()
