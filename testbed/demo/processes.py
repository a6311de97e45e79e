"""Child processes of the demonstration: started in order, watched, and always stopped.

Each writes to a log file of its own below the state folder. A child that dies early is an error that quotes the end of
its log, because that is what a person would look at first; one that asks to be started again (its own exit code says
so) is, as whoever runs a gateway has to.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

READY_SECONDS = 120.0
"""How long a child may take to begin: far more than it takes, for a machine that does much else."""
STOP_SECONDS = 10.0
"""How long a child may take to finish what it is doing before it is killed."""
QUOTED_LINES = 15
POLL_SECONDS = 0.05


class ChildError(Exception):
    """A child process died or did not become ready; the text quotes the end of its log."""


class Children:
    """The processes of one run, stopped in reverse order when the run ends (a context manager)."""

    def __init__(self, logs: Path) -> None:
        """Keep logs below the folder ``logs``, one file a child, appended over restarts."""
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._restarted: dict[str, tuple[int, Sequence[str]]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, whatever happened."""
        for name in reversed(list(self._running)):
            self.stop(name)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        seconds: float = READY_SECONDS,
        again: int | None = None,
    ) -> None:
        """Start ``command`` and wait until ``ready()``. Raises ChildError if it dies or is not ready in ``seconds``.

        One that ends with the exit code ``again`` is started anew.
        """
        if again is not None:
            self._restarted[name] = (again, command)
        self._open(name, command)
        give_up = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > give_up:
                raise ChildError(f"{name} was not ready after {seconds:.0f} s.\n{self._end_of_log(name)}")
            time.sleep(POLL_SECONDS)

    def _open(self, name: str, command: Sequence[str]) -> None:
        with (self._logs / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches only the parent, which then stops the children in order.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._running[name] = process

    def process_id(self, name: str) -> int:
        """Of a running child."""
        return self._running[name].pid

    def check(self) -> None:
        """Raise ChildError if any child has died; one that asked for it is started again."""
        for name, process in list(self._running.items()):
            code = process.poll()
            again, command = self._restarted.get(name, (None, ()))
            if code is not None and code == again:
                self._open(name, command)
            elif code is not None:
                raise ChildError(f"{name} ended with exit code {process.returncode}.\n{self._end_of_log(name)}")

    def stop(self, name: str) -> None:
        """End one child: SIGTERM, then SIGKILL after STOP_SECONDS."""
        process = self._running.pop(name)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _end_of_log(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-QUOTED_LINES:]
        return "\n".join([f"The end of {path}:", *(f"  {line}" for line in lines)])
