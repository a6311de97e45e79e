"""The server in front: an nginx child whose TLS key never leaves the security module, and who looks after it.

Decides when nginx is started, started again and ended. It inherits the gateway's own listening sockets, its
configuration and certificate in anonymous memory and the PIN in a pipe that is read once; nothing secret is in an
argument, its environment or a file. It ends with the gateway, however that ends: the kernel tells it (prctl,
PR_SET_PDEATHSIG), and it is started by a thread that lives as long as it does, because that is whose end is told.

PP-0073 FTP_ITC.1/USR, FCS_COP.1/TLS.
"""

import grp
import logging
import os
import pwd
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Final

from han_web.allowance import Allowance
from han_web.front_configuration import Inherited, configure, configure_openssl
from pki import softhsm
from pki.errors import CertificateError, TokenError
from pki.token_module import LOCK
from smgw.han.settings import HanIdentity, HanSettings, ServingError, ServingReason

_logger = logging.getLogger(__name__)

PROGRAM: Final = Path("/usr/sbin/nginx")
_SETPRIV: Final = Path("/usr/bin/setpriv")
START_SECONDS: Final = 60.0
"""For nginx to read its configuration and log in to the token; usual is less than one, more on a busy machine."""
LOOK_SECONDS: Final = 0.5
IDENTITY_SECONDS: Final = 60.0
"""Between two looks whether the certificate was renewed."""
EXIT_SECONDS: Final = 3.0
SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Before nginx is started again; doubled each time, until it has run for the longest."""
_READY: Final = b"start worker process "
_HANDSHAKE, _NO_KEY = "SSL_do_handshake() failed (SSL: error:", "PKCS#11 module::"
"""How a line begins and what stands in it where the token no longer gives the key; no client has a say in either."""
_VERSION: Final = re.compile(r"(?:built|running) with OpenSSL (\d+)\.(\d+)")
_LEVEL: Final = re.compile(r"\[(warn|error|crit|alert|emerg)\] \d+#\d+: (?:\*\d+ )?(.*)")
_WHO: Final = re.compile(r", (?:client|server|request|upstream|host|referrer): .*")


@dataclass(frozen=True, slots=True)
class Nginx:
    """The installed program."""

    program: Path
    openssl: tuple[int, int]
    missing: tuple[str, ...]
    """Modules it was built without."""

    @classmethod
    def look(cls, program: Path = PROGRAM) -> "Nginx":
        """Ask it. Raises ServingError FRONT."""
        for needed, package in ((program, "nginx-light"), (_SETPRIV, "util-linux")):
            if not needed.is_file():
                sentence = f"[han] needs {needed}: apt install {package} libengine-pkcs11-openssl, or take [han] out"
                raise ServingError(ServingReason.FRONT, sentence)
        asked = subprocess.run(  # noqa: S603 - a configured program without words from outside
            [program, "-V"], capture_output=True, text=True, check=False, timeout=START_SECONDS, env={}
        )
        versions = _VERSION.findall(asked.stderr)
        if asked.returncode != 0 or not versions:
            raise ServingError(ServingReason.FRONT, f"{program} is no nginx with OpenSSL: apt install nginx-light")
        missing = tuple(one for one in ("fastcgi", "uwsgi", "scgi") if f"--without-http_{one}_module" in asked.stderr)
        return cls(program, (int(versions[-1][0]), int(versions[-1][1])), missing)


class Front:
    """Keeps one nginx running. ``start`` and ``stop`` are called once each."""

    def __init__(self, settings: HanSettings, listening: Sequence[socket.socket], nginx: Nginx) -> None:
        """``listening`` stays the caller's; he closes it after :meth:`stop`."""
        self._settings = settings
        self._listening = tuple(listening)
        self._nginx = nginx
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._refused: Exception | None = None
        self._child: Child | None = None
        self._shown: HanIdentity | None = None
        self._thread = threading.Thread(target=self._run, name="han-front", daemon=True)

    def start(self) -> None:
        """Return once it serves. Raises ServingError, TokenError, CertificateError or OSError where it cannot."""
        self._thread.start()
        self._settled.wait()
        if self._refused is not None:
            self._thread.join()
            raise self._refused

    def stop(self) -> None:
        """End it and wait for its end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def serving(self) -> bool:
        """Whether there is one now."""
        return self._child is not None

    @property
    def process_id(self) -> int | None:
        """Of nginx, where one runs."""
        child = self._child
        return None if child is None else child.process.pid

    def fingerprint(self) -> str:
        """Of the certificate that is shown; empty before there was one."""
        return "" if self._shown is None else self._shown.fingerprint

    def _run(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._serve_once()
            except Exception as error:
                # Also a defect of ours: whoever looks after nginx must not end while others believe that he does.
                if not isinstance(error, ServingError | TokenError | CertificateError | OSError):
                    _logger.exception("front")
                if not self._settled.is_set():
                    self._refused = error
                    self._settled.set()
                    return
                self._tell(error)
                pause = SHORTEST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
                self._stopping.wait(pause)

    def _serve_once(self) -> None:
        """From the start of one nginx to its end in order. Raises ServingError where it ends by itself."""
        self._shown = identity = self._settings.identity()
        self._child = child = start(self._nginx, self._settings, identity, self._listening)
        try:
            self._settled.set()
            self._settings.changed("")
            looked = time.monotonic()
            while not self._stopping.wait(LOOK_SECONDS):
                if child.ended():
                    raise ServingError(ServingReason.FRONT, f"nginx ended: {child.last_words()}")
                if child.lost_its_key.is_set():
                    raise ServingError(ServingReason.FRONT, f"nginx lost its key: {child.last_words()}")
                if time.monotonic() - looked >= IDENTITY_SECONDS:
                    looked = time.monotonic()
                    if self._settings.identity() != identity:
                        return  # the next one shows the renewed certificate
        finally:
            self._child = None
            child.end()

    def _tell(self, error: Exception) -> None:
        _logger.warning("the home area network is not served: %s", error)
        reason = getattr(error, "reason", None)
        self._settings.changed(ServingReason.FRONT.value if reason is None else str(reason.value))


class Child:
    """One nginx: its processes and what they say."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        """Take over ``process``, whose standard error is a pipe."""
        self.process = process
        self.lost_its_key = threading.Event()
        """The token's files were away for a moment: a module that saw it finds its key no more, nobody can connect."""
        self._ready = threading.Event()
        self._said: list[str] = []
        if process.stderr is None:
            message = "its standard error is a pipe"
            raise RuntimeError(message)
        self._listener = threading.Thread(target=self._listen, args=(process.stderr,), name="han-log", daemon=True)
        self._listener.start()

    def wait_ready(self) -> None:
        """Raises ServingError with its own words where it does not start."""
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.wait(LOOK_SECONDS / 10):
            if self.ended() or time.monotonic() > deadline:
                self.end()
                raise ServingError(ServingReason.FRONT, f"nginx does not start: {self.last_words()}")

    def ended(self) -> bool:
        """Whether the first process is gone; it is not reaped by this, so its number stays its own."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> None:
        """In order, then by force: no process of it stays, also where the first one was killed and left the others."""
        deadline = time.monotonic() + EXIT_SECONDS
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)
            while not self.ended() and time.monotonic() < deadline:
                time.sleep(0.01)
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._listener.join(EXIT_SECONDS)

    def last_words(self) -> str:
        """The gravest line that it said, without anybody's address."""
        return self._said[-1] if self._said else "it said nothing"

    def _listen(self, stream: IO[bytes]) -> None:
        allowance = Allowance()
        with stream:
            for line in stream:
                if _READY in line:
                    self._ready.set()
                found = _LEVEL.search(line.decode("utf-8", "replace"))
                if found is None:
                    continue
                if found[2].startswith(_HANDSHAKE) and _NO_KEY in found[2]:
                    self.lost_its_key.set()
                if allowance.take(time.monotonic()) is None:
                    continue
                words = impersonal(found[2])
                self._said = [*self._said[-4:], words]
                _logger.log(logging.INFO if found[1] in {"warn", "error"} else logging.WARNING, "nginx: %s", words)


def impersonal(line: str) -> str:
    """What nginx said without who asked for what, and without what could not stand in one line of a log."""
    return "".join(one if one.isprintable() else "?" for one in _WHO.sub("", line.rstrip()))[:300]


def start(nginx: Nginx, settings: HanSettings, identity: HanIdentity, listening: Sequence[socket.socket]) -> Child:
    """Start one and wait until it serves; from a thread that outlives it. Raises ServingError, TokenError, OSError."""
    with LOCK, suppress(OSError):  # it logs in to the token by itself
        softhsm.mend(identity.key.module)
    with _pipe(settings.pin()) as pin, _memory(identity.certificate) as certificate:
        text = configure(
            [(ip_address(str(one.getsockname()[0]).partition("%")[0]), one.getsockname()[1]) for one in listening],
            identity.key.uri(),
            Inherited(certificate, pin),
            openssl=nginx.openssl,
            missing=nginx.missing,
            user=_user(),
        )
        with (
            _memory(text.encode()) as configuration,
            _memory(configure_openssl(identity.key.module).encode()) as openssl,
        ):
            sockets = [one.fileno() for one in listening]
            process = subprocess.Popen(  # noqa: S603 - a configured program, descriptors only, no shell
                [_SETPRIV, "--pdeathsig", "TERM", nginx.program, "-e", "stderr", "-p", "./",
                 "-c", f"/proc/self/fd/{configuration}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=settings.folder,
                env={
                    **identity.key.environment,
                    "OPENSSL_CONF": f"/proc/self/fd/{openssl}",
                    "NGINX": "".join(f"{one};" for one in sockets),
                },
                pass_fds=(*sockets, pin, certificate, configuration, openssl),
                umask=0o077,
                start_new_session=True,
            )  # fmt: skip
    child = Child(process)
    child.wait_ready()
    with LOCK, suppress(OSError):
        softhsm.keep(identity.key.module)
    return child


def _user() -> str | None:
    """Whom nginx's processes run as, where it would choose another one."""
    if os.geteuid() != 0:
        return None
    return f"{pwd.getpwuid(0).pw_name} {grp.getgrgid(os.getegid()).gr_name}"


@contextmanager
def _memory(content: bytes) -> Iterator[int]:
    """A descriptor of anonymous memory with ``content``, closed at the end (a child has its own by then)."""
    descriptor = os.memfd_create("public")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _pipe(secret: str) -> Iterator[int]:
    """A descriptor from which ``secret`` is read once; without a line end, which the engine would take for a digit."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(secret.encode("ascii"))  # some octets into an empty pipe of 64 kB: this cannot block
        yield reading
    finally:
        os.close(reading)
