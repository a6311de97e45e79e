"""The administrator's end of a gateway that runs as a process: it calls by UDP and waits for the gateway to dial."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from pki import cms
from pki.acceptor import AcceptedTunnel, Acceptor
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import TunnelError, TunnelReason
from pki.tls import TlsIdentity
from pki.wakeup import sign_wake_up
from tests.smgw.premises import GATEWAY, Premises, now
from wire.http import HttpClient, Response
from wire.management import CMS, MAX_ANSWER_BYTES, ORDERS
from wire.orders import Command, Order, Reply
from wire.reading import DeviceId

PATIENCE = 90.0
"""For what a gateway does within seconds on an idle machine, and may try again when something was late."""
RESEND_SECONDS = 2.0
"""A gateway that is just closing a tunnel hears no call; datagrams may be lost as well."""


class Caller:
    """Listens on a port of its own from the beginning, so that a profile can name it."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self.sequence = 0
        chain = (premises.dialled.certificate, premises.pki.hierarchy.sub_ca.certificate)
        trust = premises.pki.trust()
        self.acceptor = Acceptor(
            "127.0.0.1", 0, identity=TlsIdentity(chain, premises.dialled.key), trust=lambda: trust, verify=self._verify,
            clock=lambda: datetime.now(UTC),
        )  # fmt: skip
        self.wake_up_port = premises.wake_up_port
        self.expected: x509.Certificate | None = None
        """The gateway's TLS certificate, where it is no longer its first."""

    def _verify(self, certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        own = (self.premises.folder / "certificates" / "TLS.pem").read_bytes()
        expected = self.expected or x509.load_pem_x509_certificate(own)
        pinned = {fingerprint(expected)}
        return trust.verify(certificate, role=Role.SMGW, purpose=Purpose.TLS, at=at, pinned=pinned)

    def wake(self) -> None:
        datagram = sign_wake_up(DeviceId(GATEWAY), now(), os.urandom(16), self.premises.administrator.key)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(datagram, ("127.0.0.1", self.wake_up_port))

    @contextmanager
    def tunnel(self) -> Iterator["Conversation"]:
        """Wake the gateway, again and again as UDP asks for it, and take its call."""
        incoming = None
        for _ in range(int(PATIENCE / RESEND_SECONDS)):
            self.wake()
            incoming = self.acceptor.accept(RESEND_SECONDS)
            if incoming is not None:
                break
        assert incoming is not None, "the gateway did not dial"
        accepted = incoming.shake_hands(PATIENCE)
        try:
            yield Conversation(self, accepted)
        finally:
            accepted.close()

    def tried(self) -> bool:
        """Take a connection on which nothing is said; whether it was ended by the gateway, in whatever way."""
        incoming = self.acceptor.accept(PATIENCE)
        assert incoming is not None, "the gateway did not dial"
        try:
            tunnel = incoming.shake_hands(PATIENCE)
        except TunnelError:
            return True
        try:
            return tunnel.receive(1, PATIENCE) == b""
        except TunnelError as error:
            return error.reason is not TunnelReason.TIMEOUT
        finally:
            tunnel.close()

    def document(self, command: Command) -> bytes:
        """The next order, signed."""
        self.sequence += 1
        begin, signer = now(), self.premises.administrator
        order = Order(
            gateway=DeviceId(GATEWAY), sequence=self.sequence, valid_from=begin,
            valid_until=begin + timedelta(hours=1), command=command,
        )  # fmt: skip
        return cms.sign_document(order.to_bytes(), signer=signer.certificate, key=signer.key)

    def close(self) -> None:
        self.acceptor.close()


class Conversation:
    """Requests through one tunnel."""

    def __init__(self, caller: Caller, tunnel: AcceptedTunnel) -> None:
        self.caller = caller
        self.tunnel = tunnel
        self.client = HttpClient(maximum_body_bytes=MAX_ANSWER_BYTES)

    def ask(self, target: str, body: bytes = b"", method: str = "GET", **headers: str) -> Response:
        self.tunnel.send(self.client.request(target, "gateway", headers, body, method=method))
        while True:
            data = self.tunnel.receive(65_536, PATIENCE)
            assert data, "the gateway ended the tunnel"
            response = self.client.receive(data)
            if response is not None:
                return response

    def order(self, command: Command) -> Reply:
        return self.hand_in(self.caller.document(command))

    def hand_in(self, document: bytes) -> Reply:
        return Reply.from_bytes(self.ask(ORDERS, document, "POST", **{"Content-Type": CMS}).body)

    def told(self, target: str) -> Any:
        response = self.ask(target)
        assert response.status == 200, response
        return json.loads(response.body)

    def ended(self) -> bool:
        """Whether the gateway ends the tunnel in order."""
        return self.tunnel.receive(1, PATIENCE) == b""
