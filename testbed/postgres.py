"""A PostgreSQL of one's own: a private cluster on a Unix socket in a temporary folder, for tests and measurements.

Listens on no network address and is durable as delivered (fsync stays on): a measurement with it off would be a lie.
Tests of what a server that went makes of others may do without: nobody cuts the power, and a disk that is busy with
other things lets it start within a moment and not within half a minute.
PostgreSQL refuses to run as root, so a root user hands the folder to ``nobody`` and starts it as that.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

SUPERUSER = "postgres"
_UNPRIVILEGED = "nobody"
_WAIT_SECONDS = "300"
"""How long it may take to start or stop, on a machine that has much else to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster; ``folder`` holds its data and its socket."""

    folder: Path
    programs: Path
    durable: bool = True

    def url(self, database: str) -> sa.URL:
        """Where ``database`` is."""
        return sa.URL.create(
            "postgresql+psycopg", username=SUPERUSER, database=database, query={"host": str(self.folder)}
        )

    def create_database(self, name: str) -> sa.URL:
        """A new empty database."""
        _run_as_server(self.programs / "createdb", "-h", str(self.folder), "-U", SUPERUSER, name)
        return self.url(name)

    def stop(self) -> None:
        """Stop at once, as a crash would: what was committed must be there after :meth:`start`."""
        _control(self, "stop", "-m", "immediate")

    def start(self) -> None:
        """Start (again)."""
        options = f"-k {self.folder} -c listen_addresses= -c max_connections=60 -c shared_buffers=64MB"
        options += "" if self.durable else " -c fsync=off"
        _control(self, "start", "-o", options, "-l", str(self.folder / "log"))

    def processor_seconds(self) -> float:
        """Processor time, user and system, of all server processes that are running now."""
        ticks = 0
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:  # ended meanwhile
                continue
            if postmaster in (int(status.parent.name), int(fields[1])):
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def programs_folder() -> Path | None:
    """Where ``initdb`` is, newest version first; None if PostgreSQL's server is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3].zfill(4))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def cluster(*, durable: bool = True) -> Iterator[Cluster]:
    """Start a new cluster; stopped and deleted at the end. Raises FileNotFoundError where there is no server.

    What a ``durable`` one committed outlives a loss of power; any outlives :meth:`Cluster.stop`.
    """
    programs = programs_folder()
    if programs is None:
        raise FileNotFoundError("PostgreSQL's server is not installed (apt: postgresql)")
    # Not pytest's folders: those are closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="smgw-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _UNPRIVILEGED)
        _run_as_server(
            programs / "initdb", "-D", str(folder / "data"), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        running = Cluster(folder, programs, durable)
        running.start()
        try:
            yield running
        finally:
            # Not "fast": nobody needs the checkpoint of a cluster that is deleted.
            _control(running, "stop", "-m", "immediate", check=False)


def _control(running: Cluster, *arguments: str, check: bool = True) -> None:
    program, data = running.programs / "pg_ctl", str(running.folder / "data")
    _run_as_server(program, "-D", data, "-w", "-t", _WAIT_SECONDS, "-s", *arguments, check=check)


def _run_as_server(program: Path, *arguments: str, check: bool = True) -> None:
    prefix = ["setpriv", f"--reuid={_UNPRIVILEGED}", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*prefix, str(program), *arguments],
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if check and done.returncode:
        raise RuntimeError(f"{program.name}: {done.stderr.decode(errors='replace').strip()}")
