"""What another process does at the same time: ``python -m tests.admin.other_process count|sign|serve FILE ...``."""

import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from admin.config import Configuration
from admin.database import open_database, writing
from admin.errors import OrderBookError
from admin.office import Office
from testbed.small_pki import NOW
from tests.admin.listener import serve_orders
from wire.orders import Reply, RunSelfTest
from wire.wakeup import SIZE, WakeUp

ROOT = Path(__file__).parents[2]
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


def serve(file: Path, answer: str) -> None:
    """What ``smgw-admin serve`` and a gateway do together, from a wake-up on, until standard input ends."""
    refusal = {"refused": lambda sequence: Reply.refusal(sequence, "busy", "A self-test runs.")}
    with (
        Office(Configuration.load(file), monotonic=time.monotonic) as office,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        office.signer()
        react = serve_orders(office, refusal.get(answer))
        udp.bind(("127.0.0.1", 0))
        sys.stdout.write(f"{udp.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            readable, _, _ = select.select([udp, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            wake_up = WakeUp.from_bytes(udp.recv(SIZE + 1))
            if answer == "nothing":
                office.tunnels.opened(wake_up.gateway, NOW)
            else:
                react(wake_up)
                # Once it is done the tunnel ends, so that the next command wakes it again.
                tunnel = office.tunnels.last(wake_up.gateway)
                office.tunnels.closed(tunnel.number if tunnel else 0, "broken up", NOW)


def run_several(what: str, file: Path, times: int, processes: int = 3) -> None:
    """Run ``what`` in several processes at once; each must end well."""
    command = [sys.executable, "-m", "tests.admin.other_process", what, str(file), str(times)]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(processes)]
    ends = [(process.communicate()[1], process.returncode) for process in running]
    assert ends == [("", 0)] * processes


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]), sys.argv[3])
    else:
        {"count": count, "sign": sign}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
