import contextlib
import dataclasses
import os
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate
from pki.errors import CertificateError, CertificateReason, TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.tls import (
    InProcessBackend,
    InProcessTunnel,
    TlsEngine,
    TlsIdentity,
    chain_of,
    client_context,
    server_context,
    shake_hands,
)
from pki.tunnel import MAX_TUNNEL_AGE, PROBE_AFTER, TunnelPeer
from tests.pki.tunnel_world import (
    STARTED,
    TIMEOUT,
    clock,
    ends,
    openssl_server,
    probed_within,
    python_server,
    tcp_server,
)

WORLD = ends()


def backend() -> InProcessBackend:
    return InProcessBackend(WORLD.identity(WORLD.gateway), WORLD.trust, clock=clock)


def dial(peer: TunnelPeer, timeout: float = TIMEOUT) -> InProcessTunnel:
    return backend().open(peer, timeout=timeout)


def refused(reason: TunnelReason, action: Callable[[], object]) -> None:
    with pytest.raises(TunnelError) as caught:
        action()
    assert caught.value.reason is reason, caught.value


def receive_all(tunnel: InProcessTunnel, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = tunnel.receive(count - len(data), TIMEOUT)
        assert part
        data += part
    return data


def test_a_conversation_with_another_stack() -> None:
    with python_server() as server:
        tunnel = dial(WORLD.peer(server.port))
        tunnel.send(b"a reading")
        assert receive_all(tunnel, 9) == b"a reading"
        assert STARTED <= tunnel.opened_at <= clock()
        tunnel.close()
        tunnel.close()
    shown = WORLD.gateway.certificate.public_bytes(Encoding.DER)
    assert server.seen == [(shown, ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128))]
    refused(TunnelReason.CLOSED, lambda: tunnel.send(b"more"))


@pytest.mark.peer
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "secp256r1"),
        (["-groups", "brainpoolP256r1"], "brainpoolP256r1"),
        (["-groups", "brainpoolP384r1:brainpoolP256r1", "-serverpref"], "brainpoolP384r1"),
    ],
)
def test_the_groups_are_offered_in_their_order(options: list[str], expected: str) -> None:
    """FCS_CKM.1/TLS: session keys are agreed over the demanded curves."""
    with openssl_server("-tls1_2", *options) as port:
        tunnel = dial(WORLD.peer(port))
        tunnel.send(b"abc\n")
        assert receive_all(tunnel, 4) == b"cba\n"
        assert tunnel.parameters == ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", expected)
        tunnel.close()


@pytest.mark.peer
@pytest.mark.parametrize("options", [["-tls1_1"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"]])
def test_outside_the_profile_there_is_no_handshake(options: list[str]) -> None:
    """FCS_COP.1/TLS: no other version, suite or curve."""
    with openssl_server(*options) as port:
        refused(TunnelReason.HANDSHAKE, lambda: dial(WORLD.peer(port)))


def test_large_transfers_both_ways() -> None:
    data = random.Random(3).randbytes(3_000_000)

    def store_then_return(connection: ssl.SSLSocket, _: list[object]) -> None:
        stored = b""
        while len(stored) < len(data):
            stored += connection.recv(65_536)
        connection.sendall(stored)
        connection.unwrap().close()

    with python_server(store_then_return) as server:
        tunnel = dial(WORLD.peer(server.port))
        tunnel.send(data)
        assert receive_all(tunnel, len(data)) == data
        assert tunnel.receive(1, TIMEOUT) == b""
        tunnel.close()


def test_a_cut_line_is_not_an_orderly_end() -> None:
    def cut(connection: ssl.SSLSocket, _: list[object]) -> None:
        connection.recv(1)
        connection.sendall(b"half")
        os.close(connection.detach())

    with python_server(cut) as server:
        tunnel = dial(WORLD.peer(server.port))
        tunnel.send(b"x")
        assert receive_all(tunnel, 4) == b"half"
        refused(TunnelReason.CLOSED, lambda: tunnel.receive(1, TIMEOUT))


def test_a_peer_that_does_not_answer_in_time_leaves_the_tunnel_usable() -> None:
    waited = threading.Event()

    def late(connection: ssl.SSLSocket, _: list[object]) -> None:
        connection.recv(1)
        waited.wait(TIMEOUT)
        connection.sendall(b"late")
        connection.recv(1)

    with python_server(late) as server:
        tunnel = dial(WORLD.peer(server.port))
        tunnel.send(b"x")
        refused(TunnelReason.TIMEOUT, lambda: tunnel.receive(4, 0.05))
        waited.set()
        assert receive_all(tunnel, 4) == b"late"
        tunnel.close()


def test_a_peer_that_hangs_in_the_handshake() -> None:
    def hang(connection: socket.socket, _: list[object]) -> None:
        with contextlib.suppress(ConnectionError):
            while connection.recv(10_000):
                pass

    with tcp_server(hang) as server:
        refused(TunnelReason.TIMEOUT, lambda: dial(WORLD.peer(server.port), timeout=0.2))


def test_nobody_listens_and_no_such_host() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        refused(TunnelReason.UNREACHABLE, lambda: dial(WORLD.peer(probe.getsockname()[1])))
    nowhere = dataclasses.replace(WORLD.peer(443), host="nowhere.invalid")
    refused(TunnelReason.UNREACHABLE, lambda: dial(nowhere))


def test_a_peer_that_ends_the_handshake() -> None:
    with tcp_server(lambda raw, _: raw.close()) as server, pytest.raises(TunnelError) as caught:
        dial(WORLD.peer(server.port))
    assert caught.value.reason in {TunnelReason.HANDSHAKE, TunnelReason.CLOSED}


def test_a_peer_that_is_refused_and_gone_is_refused_for_what_it_was() -> None:
    """It does not hear the alert any more, and nothing of that hides the reason."""

    def verify(certificate: x509.Certificate) -> VerifiedCertificate:
        return VerifiedCertificate(certificate, Role.EMT, Purpose.TLS, "Netz")

    def refuse(certificate: x509.Certificate) -> VerifiedCertificate:
        raise CertificateError(CertificateReason.NOT_PINNED, "somebody")

    client = TlsEngine(client_context(WORLD.identity(WORLD.gateway), WORLD.trust), server=False, verify=verify)
    server = TlsEngine(server_context(WORLD.identity(WORLD.participant), WORLD.trust), server=True, verify=refuse)
    server.receive(client.outgoing())
    client.receive(server.outgoing())
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(client.outgoing())
        theirs.close()
        refused(TunnelReason.PEER_CERTIFICATE, lambda: shake_hands(ours, server, time.monotonic() + TIMEOUT))


def test_another_certificate_of_the_same_ca_is_refused() -> None:
    with python_server(holder=WORLD.pki.holder(Role.EMT, Purpose.TLS, "Andere")) as server:
        refused(TunnelReason.PEER_CERTIFICATE, lambda: dial(WORLD.peer(server.port)))


def test_a_pinned_certificate_that_is_not_good_is_not_dialled() -> None:
    revocation = Revocation(WORLD.participant.certificate.serial_number, STARTED)
    trust = WORLD.pki.trust(sub_ca=(revocation,))
    revoking = InProcessBackend(WORLD.identity(WORLD.gateway), trust, clock=clock)
    with python_server() as server:
        refused(TunnelReason.PEER_CERTIFICATE, lambda: revoking.open(WORLD.peer(server.port), timeout=TIMEOUT))
        wrong_role = dataclasses.replace(WORLD.peer(server.port), role=Role.GWA)
        refused(TunnelReason.PEER_CERTIFICATE, lambda: dial(wrong_role))
    assert server.seen == []


def test_after_48_hours_the_tunnel_refuses_service() -> None:
    """FIA_UAU.6: after 48 hours both ends prove themselves anew."""
    shift = timedelta()
    shifted = InProcessBackend(WORLD.identity(WORLD.gateway), WORLD.trust, clock=lambda: clock() + shift)
    with python_server() as server:
        tunnel = shifted.open(WORLD.peer(server.port), timeout=TIMEOUT)
        shift = MAX_TUNNEL_AGE
        refused(TunnelReason.CLOSED, lambda: tunnel.send(b"x"))


def test_the_chain_we_show_is_our_own_only() -> None:
    sealed = WORLD.pki.holder(Role.SMGW, Purpose.TLS, "EABC0012345678", seal=True).certificate
    sub_ca, seal_ca = WORLD.pki.hierarchy.sub_ca.certificate, WORLD.pki.seal_ca.certificate
    assert chain_of(WORLD.gateway.certificate, WORLD.trust) == (WORLD.gateway.certificate, sub_ca)
    assert chain_of(sealed, WORLD.trust) == (sealed, seal_ca)
    assert chain_of(sealed, TrustStore(WORLD.trust.roots, [sub_ca], [])) == (sealed,)
    assert chain_of(sub_ca, WORLD.trust) == (sub_ca,)


def test_a_key_that_is_not_the_certificates_makes_no_context() -> None:
    identity = TlsIdentity((WORLD.gateway.certificate,), WORLD.participant.key)
    refused(TunnelReason.HANDSHAKE, lambda: client_context(identity, WORLD.trust))
    refused(TunnelReason.HANDSHAKE, lambda: client_context(TlsIdentity((), WORLD.gateway.key), WORLD.trust))


def test_an_identity_does_not_show_its_key() -> None:
    assert "key" not in repr(WORLD.identity(WORLD.gateway)).lower().replace("publickey", "")


@pytest.mark.parametrize("probed", [True, False])
def test_a_silent_peer_is_probed_where_that_is_wanted(probed: bool) -> None:
    with python_server() as server:
        tunnel = dial(dataclasses.replace(WORLD.peer(server.port), probed=probed))
        found = probed_within(server.port)
        tunnel.close()
    assert [seconds <= PROBE_AFTER for seconds in found] == ([True] if probed else [])
