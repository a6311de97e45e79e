"""The service connection: the gateway says or asks something of its own accord (ADMIN-SERVICE, NTP-HTTPS).

Decides whom it dials: the administrator of the stored profile at his service port, with the pinned certificate good at
that moment, and nobody else. A connection is short: opened for what there is to say, bounded in time, closed again. It
decides nothing about what is said.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from pki.certificates import Role, TrustStore
from pki.errors import CertificateError, TunnelError, TunnelReason
from pki.tunnel import Tunnel, TunnelBackend, TunnelPeer
from smgw.wan.management import HANDSHAKE_TIMEOUT, DialReason, good_administrator
from wire.errors import HttpError
from wire.http import HttpClient, Response, host_field
from wire.profiles.administrator import AdministratorProfile

ANSWER_TIMEOUT: Final = 20.0
"""Seconds from the first byte sent to the last byte of the answer; the administrator needs milliseconds."""
MAXIMUM_ANSWER_BYTES: Final = 4096
"""An NTP packet has 48 octets, every other answer is one small JSON object."""
_RECEIVE_BYTES: Final = 4096


class ServiceReason(StrEnum):
    """Why there is no answer, beside DialReason and the reasons of ``pki.errors.TunnelReason``."""

    BROKEN_ANSWER = "broken-answer"
    """The other end does not speak HTTP as agreed."""
    REFUSED_FOR_NOW = "refused-for-now"
    """The administrator answered that he does not take it, and not that he never will."""


class ServiceError(Exception):
    """Nothing is known of what was said or asked; it may be tried again."""

    def __init__(self, reason: str, sentence: str) -> None:
        """A reason for programs and a sentence for people."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ServicePorts:
    """What a visit needs."""

    administrator: Callable[[], AdministratorProfile | None]
    trust: Callable[[], TrustStore]
    backend: TunnelBackend
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(slots=True)
class Visit:
    """One open service connection."""

    tunnel: Tunnel
    host: str
    monotonic: Callable[[], float]
    client: HttpClient = field(default_factory=lambda: HttpClient(maximum_body_bytes=MAXIMUM_ANSWER_BYTES))

    @property
    def reusable(self) -> bool:
        """Whether something more may be said."""
        return self.client.reusable

    def post(self, target: str, media_type: str, body: bytes) -> Response:
        """Say one thing and take its answer, whatever its status. Raises ServiceError."""
        deadline = self.monotonic() + ANSWER_TIMEOUT
        try:
            self.tunnel.send(self.client.request(target, self.host, {"Content-Type": media_type}, body))
            while True:
                left = deadline - self.monotonic()
                if left <= 0:
                    raise ServiceError(TunnelReason.TIMEOUT.value, f"no complete answer within {ANSWER_TIMEOUT:.0f} s")
                response = self.client.receive(self.tunnel.receive(_RECEIVE_BYTES, left))
                if response is not None:
                    return response
        except TunnelError as error:
            raise ServiceError(error.reason.value, str(error)) from error
        except HttpError as error:
            raise ServiceError(ServiceReason.BROKEN_ANSWER.value, str(error)) from error


@contextmanager
def visit(ports: ServicePorts) -> Iterator[Visit]:
    """A connection to the administrator of this moment, closed at the end. Raises ServiceError.

    1. A profile is stored and holds now. 2. Both certificates of it are good now and of one party. 3. The tunnel leads
    to the pinned one.
    """
    at, profile = ports.clock(), ports.administrator()
    # 1
    if profile is None or not profile.valid_from <= at < profile.valid_until:
        raise ServiceError(DialReason.NO_ADMINISTRATOR.value, "no profile of an administrator holds now")
    # 2
    try:
        verified = good_administrator(profile, ports.trust(), at)
    except CertificateError as error:
        raise ServiceError(DialReason.ADMINISTRATOR_CERTIFICATE.value, str(error)) from error
    # 3
    try:
        peer = TunnelPeer(profile.host, profile.service_port, verified.certificate, Role.GWA)
        tunnel = ports.backend.open(peer, timeout=HANDSHAKE_TIMEOUT)
    except TunnelError as error:
        raise ServiceError(error.reason.value, str(error)) from error
    try:
        yield Visit(tunnel, host_field(profile.host, profile.service_port), ports.monotonic)
    finally:
        tunnel.close()
