"""Commands as a person types them, each a process of its own; only starting Python and importing is done once.

A process that has imported a program and done nothing else forks for every command, so that a test pays for what a
command does. Everything else is real: arguments, working folder, environment, umask, standard streams, exit code, and
the interpreter's own end. What others see of a program from outside, as its environment in /proc, is the forge's.
"""

import atexit
import ctypes
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
MODULES = {
    "smgw": "smgw.__main__",
    "smgw-datacenter": "datacenter.__main__",
    "smgw-pki": "pki.__main__",
    "smgw-admin": "admin.__main__",
    "tests.smgw.premises": "tests.smgw.premises",
}
"""Where the function ``main`` of a command is."""
LATER = {
    "smgw-datacenter": ["datacenter.serve", "sqlalchemy.dialects.sqlite", "gunicorn.workers.sync"],
    "smgw-admin": [f"admin.commands.{file.stem}" for file in (ROOT / "admin" / "commands").glob("[a-z]*.py")]
    + ["rich.table", "werkzeug.security"],
}
"""What a program imports only once it is told to do what needs it: that too is done once."""
ENVIRONMENTS = {"smgw-datacenter": {"OPENSSL_CONF": str(ROOT / "datacenter" / "openssl.cnf")}}
"""What a program must find before it imports anything: OpenSSL reads its configuration once."""
_LARGEST = 1 << 17
_PR_SET_PDEATHSIG = 1
"""Of prctl(2): tests that are killed leave no gateway behind, which would hold ports and pseudo-terminals of others."""
_LOOK_SECONDS = 0.02


def typed(name: str, *words: str | Path, cwd: Path = ROOT, timeout: float = 180) -> subprocess.CompletedProcess[str]:
    """What ``name`` said and how it ended. Raises subprocess.TimeoutExpired."""
    command = [name, *map(str, words)]
    request = {"command": command, "cwd": str(cwd), "environment": dict(os.environ), "umask": _umask()}
    forge = _forge(name)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        socket.send_fds(forge, [json.dumps(request).encode()], [out.fileno(), err.fileno()])
        child = int(forge.recv(_LARGEST))
        forge.settimeout(timeout)
        try:
            code = int(forge.recv(_LARGEST))
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            forge.settimeout(None)
            forge.recv(_LARGEST)
            raise subprocess.TimeoutExpired(command, timeout) from None
        finally:
            forge.settimeout(None)
        return subprocess.CompletedProcess(command, code, _read(out), _read(err))


@dataclass(slots=True)
class Started:
    """A command that goes on running, with all that it starts in one process group."""

    name: str
    process: int
    log: Path
    code: int | None = None
    """How it ended, once somebody looked."""

    @property
    def pid(self) -> int:
        """As :class:`subprocess.Popen` has it."""
        return self.process

    def poll(self) -> int | None:
        """How it ended, or nothing while it runs."""
        if self.code is None and (answer := self._asked("look")):
            self.code = int(answer)
        return self.code

    def wait(self, timeout: float) -> int:
        """How it ended. Raises subprocess.TimeoutExpired."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.name, timeout)
            time.sleep(_LOOK_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """To the process alone."""
        os.kill(self.process, number)

    def said(self) -> str:
        """What it said so far."""
        return self.log.read_text()

    def kill(self) -> None:
        """End all of it as a loss of power would, wherever it is; returns when it is gone."""
        for end in (os.killpg, os.kill) if self.code is None else ():  # it may not have a group yet
            with suppress(ProcessLookupError):
                end(self.process, signal.SIGKILL)
        if self.code is None:
            self.code = int(self._asked("wait"))

    def _asked(self, what: str) -> bytes:
        forge = _forge(self.name)
        forge.send(json.dumps({what: self.process}).encode())
        return forge.recv(_LARGEST).strip()


def started(name: str, *words: str | Path, log: Path, cwd: Path = ROOT) -> Started:
    """Start ``name`` and do not wait for it; what it says goes to the end of ``log``."""
    command = [name, *map(str, words)]
    environment = {**os.environ, **ENVIRONMENTS.get(name, {})}
    request = {"command": command, "cwd": str(cwd), "environment": environment, "umask": _umask(), "goes on": True}
    forge = _forge(name)
    with log.open("ab") as said:
        socket.send_fds(forge, [json.dumps(request).encode()], [said.fileno(), said.fileno()])
    return Started(name, int(forge.recv(_LARGEST)), log)


def mortal(*words: str | Path) -> list[str | Path]:
    """A program of its own that ends with the tests, however these end; to be started by their main thread."""
    setpriv = shutil.which("setpriv")
    return [*words] if setpriv is None else [setpriv, "--pdeathsig", "KILL", "--", *words]


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _umask() -> int:
    os.umask(mask := os.umask(0))
    return mask


@cache
def _forge(name: str) -> socket.socket:
    """The way to the process that forks for ``name``; it ends with the tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    words = [sys.executable, "-m", "tests.typed", name, str(theirs.fileno())]
    process = subprocess.Popen(
        words, cwd=ROOT, pass_fds=[theirs.fileno()], env={**os.environ, **ENVIRONMENTS.get(name, {})}
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(way: socket.socket, main: Callable[[], object]) -> None:
    gc.freeze()  # or every child would search through what all share, and so make a copy of it
    while True:
        data, streams, _, _ = socket.recv_fds(way, _LARGEST, 2)
        if not data:
            return
        request = json.loads(data)
        if "wait" in request or "look" in request:
            process = request.get("wait") or request["look"]
            ended, status = os.waitpid(process, 0 if "wait" in request else os.WNOHANG)
            # An empty message would be the end of the conversation.
            way.send(str(os.waitstatus_to_exitcode(status)).encode() if ended else b" ")
            continue
        forge, child = os.getpid(), os.fork()
        if child == 0:
            way.close()
            _end_with(forge)
            _become(request, streams)
            main()
            return
        for stream in streams:
            os.close(stream)
        way.send(str(child).encode())
        if "goes on" not in request:
            way.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _end_with(parent: int) -> None:
    """Die as soon as ``parent`` does; it ends with the tests, because nobody speaks with it then."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    if "goes on" in request:
        os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for standard, stream in enumerate(streams, 1):
        os.dup2(stream, standard)
        os.close(stream)
    os.chdir(request["cwd"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = list(request["command"])
    sys.modules["__main__"].__package__ = ""  # or click would call the command by the module that runs this file


if __name__ == "__main__":
    for _module in LATER.get(sys.argv[1], []):
        import_module(_module)
    _serve(socket.socket(fileno=int(sys.argv[2])), import_module(MODULES[sys.argv[1]]).main)
