"""One stunnel child: what it is told, what it says, and the tunnel through it.

Decides the child's configuration (the TLS profile of ``pki.tls`` in stunnel's words), which line of its log means what,
and that no child outlives its tunnel. The PIN of the token passes through one pipe, once: it is in no argument, no
environment and no file. The child's environment holds what it is given and nothing of ours. A child whose configuration
fails repeats it in its log, PIN included: the PIN is struck out before a word of that log is kept or explained.
"""

import os
import re
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pki.errors import TunnelError, TunnelReason
from pki.tls import GROUPS, SEND_TIMEOUT, SUITES
from pki.tunnel import MAX_TUNNEL_AGE, PROBE_AFTER, PROBE_EVERY, PROBES, require_age

CONNECTED: Final = "TLS connected:"
"""What stunnel says once the handshake is done, at level ``info``."""
_ORDERLY_END: Final = "TLS closed (SSL_read)"
"""After the peer's close_notify; a line that was cut reads "TLS socket closed"."""
_KEPT_LOG: Final = 32_768
"""Bytes of a child's log that are kept: its start and one handshake take 5 kB."""
_EXIT_GRACE: Final = 5.0
"""Seconds for a child to hand over what it was given and to say goodbye, before it is killed. Without other work the
machine needs none of them, and a peer that does not answer the goodbye is waited for by ``TIMEOUTclose`` alone."""

_PROBING: Final = f"""socket = r:SO_KEEPALIVE=1
socket = r:TCP_KEEPIDLE={PROBE_AFTER}
socket = r:TCP_KEEPINTVL={PROBE_EVERY}
socket = r:TCP_KEEPCNT={PROBES}
"""

_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}", re.ASCII)
_OURS_ABOUT_PEER = re.compile(r"Rejected by \w+ at depth=\d+: .*|CERT: .*(?:error|not found).*")
_ALERT = re.compile(r"alert [a-z ]+")
_TOKEN = re.compile(r"(?:pkcs11 engine|ENGINE_load_private_key|PKCS11_|Unable to load module|PIN).*")
_REPEATED: Final = "Executing engine control command"
"""A child whose configuration failed shows what it was told before it shows what was wrong."""
_STRUCK_OUT: Final = b"[struck out]"
_NETWORK = re.compile(r"s_connect: connect .*|No more addresses.*|[Ee]rror resolving.*|Cannot resolve.*")


@dataclass(frozen=True, slots=True)
class ChildConfiguration:
    """All that a child needs; descriptors are inherited and hold public certificates and lists in PEM.

    ``key_uri`` is an RFC 7512 URI without a PIN.
    """

    module: Path
    pin: str = field(repr=False)
    key_uri: str
    host: str
    port: int
    own_chain: int
    trusted: int
    revocations: int
    connect_seconds: int
    probed: bool = False

    def to_text(self) -> str:
        """The configuration file. Raises TunnelError(HANDSHAKE) where a value could not stand in one line of it."""
        values = (str(self.module), self.pin, self.key_uri)
        if not _HOST.fullmatch(self.host) or not 0 < self.port < 65_536 or not all(_is_one_word(v) for v in values):
            raise TunnelError(TunnelReason.HANDSHAKE, "an address, path, PIN or key name cannot be handed to stunnel")
        age = int(MAX_TUNNEL_AGE.total_seconds())
        return f"""foreground = yes
syslog = no
debug = info
engine = pkcs11
engineCtrl = MODULE_PATH:{self.module}
engineCtrl = PIN:{self.pin}
client = yes
connect = {self.host}:{self.port}
engineId = pkcs11
key = {self.key_uri}
cert = /proc/self/fd/{self.own_chain}
CAfile = /proc/self/fd/{self.trusted}
CRLfile = /proc/self/fd/{self.revocations}
verifyChain = yes
verifyPeer = yes
sslVersion = TLSv1.2
ciphers = {SUITES}
curves = {":".join(GROUPS)}
renegotiation = no
options = NO_TICKET
options = NO_COMPRESSION
OCSPaia = no
TIMEOUTconnect = {self.connect_seconds}
TIMEOUTidle = {age}
TIMEOUTclose = 1
{_PROBING if self.probed else ""}"""


def _is_one_word(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value and value != ""


def explain(log: str) -> TunnelError:
    """What a child's log means, once there will be no (more) tunnel: the most telling line wins."""
    # Lines of the configuration phase about the certificate's file, which the engine is asked for first, are noise.
    noise = ("invalid id", _REPEATED)
    lines = [
        line
        for line in log.splitlines()
        if not any(words in line for words in noise) and "certificate" not in line.lower()[:20]
    ]
    text = "\n".join(lines)
    if refusals := _OURS_ABOUT_PEER.findall(text):
        return TunnelError(TunnelReason.PEER_CERTIFICATE, f"the peer's certificate is refused: {'; '.join(refusals)}")
    if "TIMEOUTconnect exceeded" in text:
        return TunnelError(TunnelReason.TIMEOUT, "the peer's machine does not answer")
    if found := _NETWORK.search(text):
        return TunnelError(TunnelReason.UNREACHABLE, f"the peer's machine is not reachable: {found.group()}")
    if found := _ALERT.search(text):
        return TunnelError(TunnelReason.HANDSHAKE, f"the peer ended the handshake with: {found.group()}")
    if found := _TOKEN.search(text):
        return TunnelError(TunnelReason.HANDSHAKE, f"the token does not give the TLS key: {found.group()}")
    last = next((line for line in reversed(lines) if "LOG3" in line or "[!]" in line), "it said nothing")
    return TunnelError(TunnelReason.HANDSHAKE, f"stunnel made no tunnel: {last[-200:]}")


class StunnelTunnel:
    """A tunnel through one child; made by ``pki.token_tls.StunnelBackend``."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stream: socket.socket,
        log: socket.socket,
        clock: Callable[[], datetime],
        *,
        pin: str,
    ) -> None:
        """Take over the child, our end of its stream and our end of its log; ``pin`` is never kept of that log."""
        self._pin = pin.encode("ascii")
        self._process = process
        self._stream = stream
        self._log = log
        self._clock = clock
        self._opened_at = clock()
        self._said = b""
        self._closed = False
        log.settimeout(0)

    @property
    def opened_at(self) -> datetime:
        """When the handshake was done (before that: when it began), aware UTC."""
        return self._opened_at

    @property
    def process_id(self) -> int:
        """Of the child."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What the child has said so far, as far as it is kept."""
        return self._said.decode("utf-8", "replace")

    def shake_hands(self, remaining: Callable[[], float]) -> None:
        """Wait for the child's word that the handshake is done; closes the tunnel and raises TunnelError otherwise."""
        while CONNECTED.encode() not in self._said:
            left = remaining()
            if left <= 0:
                self._process.kill()  # in its handshake it would not notice that we are gone, and it has nothing to say
                self.close()
                raise TunnelError(TunnelReason.TIMEOUT, "the peer does not finish the handshake in time")
            self._log.settimeout(left)
            try:
                ended = not self._listen()
            except TimeoutError:
                continue
            if ended:
                self.close()
                raise explain(self.log)
        self._log.settimeout(0)
        self._opened_at = self._clock()

    def send(self, data: bytes) -> None:
        """Hand over all of ``data``. Raises TunnelError: CLOSED or TIMEOUT; the tunnel is closed then."""
        self._require_open()
        try:
            self._stream.settimeout(SEND_TIMEOUT)
            self._stream.sendall(data)
        except TimeoutError as error:
            self.close()
            raise TunnelError(TunnelReason.TIMEOUT, "the peer does not take what we send") from error
        except OSError as error:
            self.close()
            raise TunnelError(TunnelReason.CLOSED, f"the tunnel broke: {self._last_words()}") from error

    def receive(self, count: int, timeout: float) -> bytes:
        """One to ``count`` bytes, or ``b""`` after the peer's orderly end. Raises TunnelError: TIMEOUT or CLOSED."""
        self._require_open()
        try:
            self._stream.settimeout(max(timeout, 0.001))
            data = self._stream.recv(count)
        except TimeoutError as error:
            raise TunnelError(TunnelReason.TIMEOUT, "the peer does not answer in time") from error
        except OSError as error:
            self.close()
            raise TunnelError(TunnelReason.CLOSED, f"the tunnel broke: {self._last_words()}") from error
        if data:
            return data
        # The stream ends in the same way whether the peer said goodbye or somebody cut the line: the log tells which.
        self.close()
        if _ORDERLY_END not in self.log:
            raise TunnelError(TunnelReason.CLOSED, f"the tunnel broke: {self._last_words()}")
        return b""

    def close(self) -> None:
        """End the child: politely, then by force. It is reaped in either case."""
        if self._closed:
            return
        self._closed = True
        self._stream.close()
        try:
            self._process.wait(_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.settimeout(0)
        self._drain()
        self._log.close()

    def _require_open(self) -> None:
        if self._closed:
            raise TunnelError(TunnelReason.CLOSED, "the tunnel is closed")
        self._drain()
        try:
            require_age(self._opened_at, self._clock())
        except TunnelError:
            self.close()
            raise

    def _drain(self) -> None:
        """Take what the child has said, so that it never waits for us to listen."""
        try:
            while self._listen():
                pass
        except BlockingIOError:
            return

    def _listen(self) -> bool:
        data = self._log.recv(4096)
        # Struck out in what has come so far, not in the piece: a PIN that arrives in two pieces is whole here.
        self._said = (self._said + data).replace(self._pin, _STRUCK_OUT)[-_KEPT_LOG:]
        return bool(data)

    def _last_words(self) -> str:
        lines = [line for line in self.log.splitlines() if "LOG3" in line]
        return lines[-1][-200:] if lines else "stunnel ended"


def start(
    program: Path, configuration: bytes, environment: dict[str, str], inherited: tuple[int, ...]
) -> tuple[subprocess.Popen[bytes], socket.socket, socket.socket]:
    """Start one child in inetd mode: (process, our end of the stream, our end of its log).

    Raises TunnelError(PROGRAM_MISSING).
    """
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair()
    log, log_end = socket.socketpair()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(configuration)  # Some 1 kB into an empty pipe of 64 kB: this cannot block.
        process = subprocess.Popen(  # noqa: S603 - a configured program, descriptors only, no shell
            [program, "-fd", str(reading)],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=log_end.fileno(),
            cwd="/",
            env=environment,
            pass_fds=(reading, *inherited),
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        log.close()
        raise TunnelError(TunnelReason.PROGRAM_MISSING, f"{program} does not start: install stunnel4") from error
    finally:
        os.close(reading)
        theirs.close()
        log_end.close()
    return process, ours, log
