"""How long it takes from a wake-up to a management tunnel that can be used: the first answer to ``GET /status``.

A real gateway process is woken again and again, one with its TLS key in the token and stunnel before it, and one with
the key in its own memory; after each tunnel an ``openssl s_client`` shakes hands with the same port, from the start of
its process to the end of the handshake as the server sees it. The time between a gateway's tunnels is not counted.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pki import cms
from pki.acceptor import AcceptedTunnel, Acceptor
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.files import write_certificates, write_keys
from pki.tls import TlsIdentity
from pki.wakeup import sign_wake_up
from testbed.bench.figures import Figure
from testbed.small_pki import SmallPki
from wire.http import HttpClient, Response
from wire.management import CMS, MAX_ANSWER_BYTES, ORDERS, STATUS
from wire.orders import BreakUp, Order
from wire.profiles import AdministratorProfile
from wire.reading import DeviceId

WAKES: Final = 200
WARM_UP: Final = 3
PATIENCE: Final = 20.0
RESEND_SECONDS: Final = 2.0
REST_SECONDS: Final = 0.3
"""Between two tunnels: a gateway that is just ending one hears no call."""
MODULE: Final = Path("/usr/lib/softhsm/libsofthsm2.so")
_GATEWAY: Final = DeviceId("EABC0012345678")
_OTHER: Final = DeviceId("EABC0012345679")
_HOME: Final = "127.0.0.1"
_KINDS: Final = {
    "token key, stunnel": 'tunnel = "stunnel"',
    "key in memory": 'tunnel = "private-key-in-process-memory"\ntls_key_file = "TLS.key"',
}
_CONFIGURATION = """\
[gateway]
id = "{gateway}"
[token]
module = "{module}"
configuration = "softhsm2.conf"
label = "{gateway}"
pin_file = "pin"
[store]
folder = "store"
[trust]
folder = "trust"
certificates = "certificates"
administrator = "administrator.pem"
[administrator]
profile = "administrator.cms"
[wake_up]
host = "127.0.0.1"
port = {port}
[wan]
{tunnel}
"""


def run() -> list[Figure]:
    """Wake both gateways; one after the other, so that they do not share a processor."""
    figures: list[Figure] = []
    for name, tunnel in _KINDS.items():
        with tempfile.TemporaryDirectory() as folder, _Place(Path(folder), tunnel) as place:
            woken, bare, repeated = place.measure(WAKES)
        for share in (50, 99):
            ours, theirs = _percentile(woken, share), _percentile(bare, share)
            told = f"{len(woken)} wakes, {repeated} called twice; {ours * 1000:.0f} ms against {theirs * 1000:.0f} ms"
            figures.append(
                Figure(f"wake-up to first answer, p{share}, {name}", ours / theirs, "x", "openssl s_client", note=told)
            )
    return figures


def _percentile(values: Sequence[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


@dataclass
class _Place:
    """A gateway's folder and process, and the administrator's end of its tunnels."""

    folder: Path
    tunnel: str
    sequence: int = 0
    _opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        now = datetime.now(UTC).replace(microsecond=0)
        self.pki = SmallPki(seed=int.from_bytes(os.urandom(16)), now=now - timedelta(hours=1))
        self.trust = self.pki.trust()
        self.tls, self.sig = (self.pki.holder(Role.GWA, purpose, "Verwalter") for purpose in (Purpose.TLS, Purpose.SIG))
        self.stranger = self.pki.holder(Role.SMGW, Purpose.TLS, _OTHER.text)
        self.acceptor = Acceptor(
            _HOME,
            0,
            identity=TlsIdentity((self.tls.certificate, self.pki.hierarchy.sub_ca.certificate), self.tls.key),
            trust=lambda: self.trust,
            verify=self._verify,
            clock=lambda: datetime.now(UTC),
        )
        self._opened.callback(self.acceptor.close)
        self.udp = self._opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._prepare(now)
        self._opened.enter_context(self._process())
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def measure(self, wakes: int) -> tuple[list[float], list[float], int]:
        """Seconds of each wake, of each bare handshake, and how many wakes took more than one wake-up."""
        woken: list[float] = []
        bare: list[float] = []
        repeated = 0
        for number in range(WARM_UP + wakes):
            seconds, calls = self._wake()
            time.sleep(REST_SECONDS)
            handshake = self._bare()
            if number >= WARM_UP:
                woken.append(seconds)
                bare.append(handshake)
                repeated += calls > 1
        return woken, bare, repeated

    def _wake(self) -> tuple[float, int]:
        calls, incoming, begun = 0, None, time.monotonic()
        while incoming is None:
            if time.monotonic() - begun > PATIENCE:
                raise RuntimeError("the gateway did not come")
            now = datetime.now(UTC).replace(microsecond=0)
            datagram = sign_wake_up(_GATEWAY, now, os.urandom(16), self.sig.key)
            begun = begun if calls else time.monotonic()
            self.udp.sendto(datagram, (_HOME, self.port))
            calls += 1
            incoming = self.acceptor.accept(RESEND_SECONDS)
        tunnel = incoming.shake_hands(PATIENCE)
        try:
            client = HttpClient(maximum_body_bytes=MAX_ANSWER_BYTES)
            answer = _ask(tunnel, client, STATUS)
            seconds = time.monotonic() - begun
            if answer.status != 200:
                raise RuntimeError(f"the gateway answered with status {answer.status}")
            _ask(tunnel, client, ORDERS, self._break_up())
            tunnel.receive(1, PATIENCE)
        finally:
            tunnel.close()
        return seconds, calls

    def _bare(self) -> float:
        """From the start of ``openssl s_client`` to the end of its handshake with us."""
        command = ["openssl", "s_client", "-quiet", "-tls1_2", "-connect", f"{_HOME}:{self.acceptor.port}"]
        command += ["-cert", "stranger/TLS.pem", "-key", "stranger/TLS.key", "-cert_chain", "trust/sub.pem"]
        command += ["-CAfile", "trust/root.pem", "-curves", "prime256v1:brainpoolP256r1:brainpoolP384r1"]
        nothing = subprocess.DEVNULL
        begun = time.monotonic()
        with subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing
        ) as client:
            try:
                incoming = self.acceptor.accept(PATIENCE)
                if incoming is None:
                    raise RuntimeError("openssl s_client did not dial")
                tunnel = incoming.shake_hands(PATIENCE)
                seconds = time.monotonic() - begun
                tunnel.close()
            finally:
                client.kill()
        return seconds

    def _verify(self, certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        pinned = {fingerprint(self.own), fingerprint(self.stranger.certificate)}
        return trust.verify(certificate, role=Role.SMGW, purpose=Purpose.TLS, at=at, pinned=pinned)

    def _break_up(self) -> bytes:
        self.sequence += 1
        now = datetime.now(UTC).replace(microsecond=0)
        order = Order(
            gateway=_GATEWAY,
            sequence=self.sequence,
            valid_from=now,
            valid_until=now + timedelta(hours=1),
            command=BreakUp(),
        )
        return cms.sign_document(order.to_bytes(), signer=self.sig.certificate, key=self.sig.key)

    def _prepare(self, now: datetime) -> None:
        """What ``smgw init`` makes, what a CA answers, and what the administrator brings."""
        for name in ("trust", "certificates"):
            (self.folder / name).mkdir()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((_HOME, 0))
            self.port = int(probe.getsockname()[1])
        for name, issuer in (("root", self.pki.hierarchy.root), ("sub", self.pki.hierarchy.sub_ca)):
            (self.folder / "trust" / f"{name}.pem").write_bytes(issuer.certificate.public_bytes(Encoding.PEM))
        for number, crl in enumerate(self.pki.crls()):
            (self.folder / "trust" / f"{number}.crl").write_bytes(crl.public_bytes(Encoding.PEM))
        (self.folder / "administrator.pem").write_bytes(self.sig.certificate.public_bytes(Encoding.PEM))
        profile = AdministratorProfile(
            id="administrator",
            version=1,
            party="Verwalter",
            host=_HOME,
            management_port=self.acceptor.port,
            service_port=9,
            tls_certificate=self.tls.certificate.public_bytes(Encoding.DER),
            signature_certificate=self.sig.certificate.public_bytes(Encoding.DER),
            valid_from=now - timedelta(hours=1),
            valid_until=now + timedelta(days=1),
        )
        document = cms.sign_document(profile.to_bytes(), signer=self.sig.certificate, key=self.sig.key)
        (self.folder / "administrator.cms").write_bytes(document)
        write_certificates(self.folder / "stranger", {Purpose.TLS: self.stranger.certificate})
        write_keys(self.folder / "stranger", {Purpose.TLS: self.stranger.key})
        text = _CONFIGURATION.format(gateway=_GATEWAY.text, module=MODULE, port=self.port, tunnel=self.tunnel)
        (self.folder / "gateway.toml").write_text(text)
        init = [sys.executable, "-m", "smgw", "init", str(self.folder / "gateway.toml"), "--create-token"]
        subprocess.run(init, check=True, capture_output=True)
        certificates = {}
        for purpose in Purpose:
            request = x509.load_pem_x509_csr((self.folder / "certificates" / f"{purpose}.csr").read_bytes())
            key = request.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise TypeError(f"the gateway's {purpose} key is on no curve")
            certificates[purpose] = self.pki.certify(key, Role.SMGW, purpose, _GATEWAY.text)
        write_certificates(self.folder / "certificates", certificates)
        self.own = certificates[Purpose.TLS]

    @contextmanager
    def _process(self) -> Iterator[None]:
        command = [sys.executable, "-m", "smgw", "run", str(self.folder / "gateway.toml")]
        with (self.folder / "gateway.log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                yield
            finally:
                process.terminate()


def _ask(tunnel: AcceptedTunnel, client: HttpClient, target: str, order: bytes = b"") -> Response:
    """Hand in ``order``, or else read ``target``."""
    headers = {"Content-Type": CMS} if order else {}
    tunnel.send(client.request(target, "gateway", headers, order, method="POST" if order else "GET"))
    while True:
        data = tunnel.receive(65_536, PATIENCE)
        if not data:
            raise RuntimeError("the gateway ended the tunnel")
        response = client.receive(data)
        if response is not None:
            return response
