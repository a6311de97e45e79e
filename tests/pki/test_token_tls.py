import contextlib
import dataclasses
import os
import random
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pki.acceptor import AcceptedTunnel, Acceptor
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.stunnel import StunnelTunnel
from pki.token import Token
from pki.token_tls import StunnelBackend, TokenAddress
from pki.tunnel import MAX_TUNNEL_AGE, PROBE_AFTER, TunnelPeer
from testbed.small_pki import GATEWAY, Holder, SmallPki
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
from tests.softhsm import MODULE, PIN, fresh_token, shared_configuration, write_configuration

pytestmark = [pytest.mark.token, pytest.mark.peer]
WORLD = ends()


@dataclass(frozen=True)
class Gateway:
    address: TokenAddress
    chain: tuple[x509.Certificate, ...]

    def backend(self, trust: TrustStore | None = None, pin: str = PIN) -> StunnelBackend:
        return StunnelBackend(self.address, pin, self.chain, trust or WORLD.trust, clock=clock)

    def open(self, peer: TunnelPeer, timeout: float = TIMEOUT) -> StunnelTunnel:
        return self.backend().open(peer, timeout=timeout)


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    label = fresh_token()
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
        key = token.generate_key("TLS", ec.BrainpoolP256R1())
        certificate = WORLD.pki.certify(key.public_key(), Role.SMGW, Purpose.TLS, GATEWAY)
    address = TokenAddress(MODULE, label, {"SOFTHSM2_CONF": str(shared_configuration())})
    return Gateway(address, (certificate, WORLD.pki.hierarchy.sub_ca.certificate))


def refused(reason: TunnelReason, action: Callable[[], object]) -> str:
    with pytest.raises(TunnelError) as caught:
        action()
    assert caught.value.reason is reason, caught.value
    assert PIN not in str(caught.value)
    return str(caught.value)


def receive_all(tunnel: StunnelTunnel, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = tunnel.receive(count - len(data), TIMEOUT)
        assert part
        data += part
    return data


def no_child_is_left(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_conversation_with_the_key_in_the_token(gateway: Gateway) -> None:
    with python_server() as server:
        tunnel = gateway.open(WORLD.peer(server.port))
        tunnel.send(b"a reading")
        assert receive_all(tunnel, 9) == b"a reading"
        assert STARTED <= tunnel.opened_at <= clock()
        tunnel.close()
        tunnel.close()
    shown = gateway.chain[0].public_bytes(Encoding.DER)
    assert server.seen == [(shown, ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128))]
    assert no_child_is_left(tunnel.process_id)


def test_the_child_knows_the_pin_from_nowhere_that_others_can_read(gateway: Gateway) -> None:
    with python_server() as server:
        tunnel = gateway.open(WORLD.peer(server.port))
        process = Path(f"/proc/{tunnel.process_id}")
        command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        named = [str(entry.readlink()) for entry in (process / "fd").iterdir()]
        tunnel.close()
    assert PIN.encode() not in command
    assert command.split(b"\0")[:2] == [b"/usr/bin/stunnel", b"-fd"]
    assert environment == f"SOFTHSM2_CONF={shared_configuration()}\0".encode()
    assert not [name for name in named if name.startswith("/") and not name.startswith(("/dev/", "/memfd:"))]
    assert PIN not in tunnel.log


def test_each_mandatory_suite_and_group_is_spoken_to_a_foreign_peer(gateway: Gateway) -> None:
    """FCS_CKM.1/TLS, FCS_COP.1/TLS."""
    for options, words in (
        (["-groups", "brainpoolP256r1"], "brainpoolP256r1"),
        (["-groups", "brainpoolP384r1:brainpoolP256r1", "-serverpref"], "brainpoolP384r1"),
        (["-groups", "prime256v1:brainpoolP256r1", "-serverpref"], "P-256"),
        (["-cipher", "ECDHE-ECDSA-AES128-SHA256"], "ECDHE-ECDSA-AES128-SHA256"),
    ):
        with openssl_server("-tls1_2", *options) as port:
            tunnel = gateway.open(WORLD.peer(port))
            tunnel.send(b"abc\n")
            assert receive_all(tunnel, 4) == b"cba\n"
            tunnel.close()
            assert words in tunnel.log


def test_secp256r1_is_offered_first(gateway: Gateway) -> None:
    with openssl_server("-tls1_2") as port:
        tunnel = gateway.open(WORLD.peer(port))
        tunnel.send(b"x\n")
        receive_all(tunnel, 2)
        tunnel.close()
    assert "Peer temporary key: ECDH, P-256" in tunnel.log


@pytest.mark.parametrize("options", [["-tls1_3"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"]])
def test_outside_the_profile_there_is_no_handshake(gateway: Gateway, options: list[str]) -> None:
    """FCS_COP.1/TLS: no other version, suite or curve."""
    with openssl_server(*options) as port:
        refused(TunnelReason.HANDSHAKE, lambda: gateway.open(WORLD.peer(port)))


def test_large_transfers_both_ways(gateway: Gateway) -> None:
    data = random.Random(3).randbytes(3_000_000)

    def store_then_return(connection: ssl.SSLSocket, _: list[object]) -> None:
        stored = b""
        while len(stored) < len(data):
            stored += connection.recv(65_536)
        connection.sendall(stored)
        connection.unwrap().close()

    with python_server(store_then_return) as server:
        tunnel = gateway.open(WORLD.peer(server.port))
        tunnel.send(data)
        assert receive_all(tunnel, len(data)) == data
        assert tunnel.receive(1, TIMEOUT) == b""
    refused(TunnelReason.CLOSED, lambda: tunnel.send(b"more"))


def test_the_peers_orderly_end_and_a_cut_line_are_told_apart(gateway: Gateway) -> None:
    def cut(connection: ssl.SSLSocket, _: list[object]) -> None:
        connection.recv(1)
        connection.sendall(b"half")
        os.close(connection.detach())

    with python_server(cut) as server:
        tunnel = gateway.open(WORLD.peer(server.port))
        tunnel.send(b"x")
        assert receive_all(tunnel, 4) == b"half"
        refused(TunnelReason.CLOSED, lambda: tunnel.receive(1, TIMEOUT))
    assert no_child_is_left(tunnel.process_id)


def test_a_peer_that_does_not_answer_in_time_leaves_the_tunnel_usable(gateway: Gateway) -> None:
    waited = threading.Event()

    def late(connection: ssl.SSLSocket, _: list[object]) -> None:
        connection.recv(1)
        waited.wait(TIMEOUT)
        connection.sendall(b"late")
        connection.recv(1)

    with python_server(late) as server:
        tunnel = gateway.open(WORLD.peer(server.port))
        tunnel.send(b"x")
        refused(TunnelReason.TIMEOUT, lambda: tunnel.receive(4, 0.05))
        waited.set()
        assert receive_all(tunnel, 4) == b"late"
        tunnel.close()


def test_a_killed_child_is_a_broken_tunnel(gateway: Gateway) -> None:
    with python_server() as server:
        tunnel = gateway.open(WORLD.peer(server.port))
        os.kill(tunnel.process_id, signal.SIGKILL)
        refused(TunnelReason.CLOSED, lambda: tunnel.receive(1, TIMEOUT))
        refused(TunnelReason.CLOSED, lambda: tunnel.send(b"x"))
    assert no_child_is_left(tunnel.process_id)


def test_a_peer_that_hangs_in_the_handshake(gateway: Gateway) -> None:
    def hang(connection: socket.socket, _: list[object]) -> None:
        with contextlib.suppress(ConnectionError):
            while connection.recv(10_000):
                pass

    with tcp_server(hang) as server:
        refused(TunnelReason.TIMEOUT, lambda: gateway.open(WORLD.peer(server.port), timeout=0.6))


def test_nobody_listens_and_no_such_host(gateway: Gateway) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        refused(TunnelReason.UNREACHABLE, lambda: gateway.open(WORLD.peer(probe.getsockname()[1])))
    nowhere = dataclasses.replace(WORLD.peer(443), host="nowhere.invalid")
    refused(TunnelReason.UNREACHABLE, lambda: gateway.open(nowhere))


@pytest.mark.parametrize("host", ["a b", "127.0.0.1\nverifyPeer = no", "", "x;y", "host/../x"])
def test_an_address_cannot_carry_configuration(gateway: Gateway, host: str) -> None:
    refused(TunnelReason.HANDSHAKE, lambda: gateway.open(dataclasses.replace(WORLD.peer(443), host=host)))


def test_another_certificate_of_the_same_ca_is_refused(gateway: Gateway) -> None:
    """FTP_ITC.1/WAN: the peer is the pinned one."""
    other = WORLD.pki.holder(Role.EMT, Purpose.TLS, "Andere")
    with python_server(holder=other) as server:
        words = refused(TunnelReason.PEER_CERTIFICATE, lambda: gateway.open(WORLD.peer(server.port)))
    assert "Andere" in words


def test_a_peer_of_another_pki_is_refused(gateway: Gateway) -> None:
    other = SmallPki(seed=99, now=STARTED - timedelta(hours=1)).holder(Role.EMT, Purpose.TLS)
    with python_server(holder=other) as server:
        refused(TunnelReason.PEER_CERTIFICATE, lambda: gateway.open(WORLD.peer(server.port)))
        refused(TunnelReason.PEER_CERTIFICATE, lambda: gateway.open(WORLD.peer(server.port, other)))


def test_it_meets_our_own_acceptor(gateway: Gateway) -> None:
    """The management tunnel as it is: a key in the token on one end, pyOpenSSL on the other, which speaks first."""
    office = WORLD.pki.holder(Role.GWA, Purpose.TLS, "Verwalter")
    pinned = {fingerprint(gateway.chain[0])}

    def verify(certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        return trust.verify(certificate, role=Role.SMGW, purpose=Purpose.TLS, at=at, pinned=pinned)

    acceptor = Acceptor(
        "127.0.0.1", 0, identity=WORLD.identity(office), trust=lambda: WORLD.trust, verify=verify, clock=clock
    )

    def serve(order: bytes) -> AcceptedTunnel:
        incoming = acceptor.accept(TIMEOUT)
        assert incoming is not None
        tunnel = incoming.shake_hands(TIMEOUT)
        tunnel.send(order)
        return tunnel

    with contextlib.closing(acceptor), ThreadPoolExecutor(1) as pool:
        serving = pool.submit(serve, b"order")
        peer = TunnelPeer("127.0.0.1", acceptor.port, office.certificate, Role.GWA)
        with contextlib.closing(gateway.open(peer)) as tunnel, contextlib.closing(serving.result(TIMEOUT)) as accepted:
            assert (accepted.peer.identity, accepted.parameters[0]) == (GATEWAY, "TLSv1.2")
            assert tunnel.receive(5, TIMEOUT) == b"order"
            tunnel.send(b"done")
            assert accepted.receive(4, TIMEOUT) == b"done"
            accepted.close()
            assert tunnel.receive(1, TIMEOUT) == b""
        # Somebody else's certificate is no reason for the gateway to think for a moment that it has a tunnel.
        pinned.clear()
        serving = pool.submit(serve, b"order")
        assert refused(TunnelReason.HANDSHAKE, lambda: gateway.open(peer))
        assert serving.exception(TIMEOUT) is not None


@pytest.mark.parametrize(
    ("role", "purpose"), [(Role.EMT, Purpose.SIG), (Role.EMT, Purpose.ENC), (Role.GWA, Purpose.TLS)]
)
def test_a_pinned_certificate_of_another_role_or_purpose_is_not_dialled(
    gateway: Gateway, role: Role, purpose: Purpose
) -> None:
    other = WORLD.pki.holder(role, purpose)
    with python_server(holder=other) as server:
        refused(TunnelReason.PEER_CERTIFICATE, lambda: gateway.open(WORLD.peer(server.port, other)))
    assert server.seen == []


def revoked(holder: Holder) -> TrustStore:
    return WORLD.pki.trust(sub_ca=(Revocation(holder.certificate.serial_number, STARTED),))


def test_a_revoked_peer_is_not_dialled_and_the_child_would_refuse_it_too(gateway: Gateway) -> None:
    backend = gateway.backend(trust=revoked(WORLD.participant))
    with python_server() as server:
        refused(TunnelReason.PEER_CERTIFICATE, lambda: backend.open(WORLD.peer(server.port), timeout=TIMEOUT))
        assert server.seen == []
        words = refused(TunnelReason.PEER_CERTIFICATE, lambda: backend._dial(WORLD.peer(server.port), TIMEOUT))
    assert "revoked" in words


def test_an_expired_peer_is_refused_by_the_child_too(gateway: Gateway) -> None:
    old = SmallPki(seed=5, now=STARTED - timedelta(days=900))
    holder = old.holder(Role.EMT, Purpose.TLS)
    trust = old.trust(now=STARTED)
    backend = gateway.backend(trust=trust)
    with python_server(holder=holder) as server:
        peer = WORLD.peer(server.port, holder)
        refused(TunnelReason.PEER_CERTIFICATE, lambda: backend.open(peer, timeout=TIMEOUT))
        words = refused(TunnelReason.PEER_CERTIFICATE, lambda: backend._dial(peer, TIMEOUT))
    assert "expired" in words


def test_stale_or_missing_revocation_lists_are_refused_by_the_child_too(gateway: Gateway) -> None:
    stale = WORLD.pki.trust(now=STARTED - timedelta(days=60))
    none = TrustStore([WORLD.pki.hierarchy.root.certificate], [WORLD.pki.hierarchy.sub_ca.certificate], [])
    with python_server() as server:
        for trust in (stale, none):
            backend = gateway.backend(trust=trust)
            refused(TunnelReason.PEER_CERTIFICATE, lambda b=backend: b.open(WORLD.peer(server.port), timeout=TIMEOUT))  # type: ignore[misc]
            with pytest.raises(TunnelError):
                backend._dial(WORLD.peer(server.port), TIMEOUT)


def test_a_peer_that_refuses_us_says_so(gateway: Gateway) -> None:
    stranger = SmallPki(seed=98, now=STARTED - timedelta(hours=1))
    label = gateway.address
    certificate = stranger.certify(gateway.chain[0].public_key(), Role.SMGW, Purpose.TLS, GATEWAY)  # type: ignore[arg-type]
    backend = StunnelBackend(label, PIN, [certificate], WORLD.trust, clock=clock)
    with python_server() as server:
        words = refused(TunnelReason.HANDSHAKE, lambda: backend.open(WORLD.peer(server.port), timeout=TIMEOUT))
    assert "unknown ca" in words


def test_a_wrong_pin_a_missing_key_and_a_removed_token(gateway: Gateway, tmp_path: Path) -> None:
    empty = {"SOFTHSM2_CONF": str(write_configuration(tmp_path))}
    fresh = fresh_token()  # A wrong PIN counts: it must not be the token of the other tests.
    with Token.open(MODULE, fresh, PIN, monotonic=time.monotonic) as token:
        token.generate_key("TLS", ec.BrainpoolP256R1())
    addresses = [
        (dataclasses.replace(gateway.address, token=fresh), "5555555555"),
        (dataclasses.replace(gateway.address, key="SIG"), PIN),
        (dataclasses.replace(gateway.address, environment=empty), PIN),
        (dataclasses.replace(gateway.address, module=tmp_path / "none.so"), PIN),
    ]
    with python_server() as server:
        for address, pin in addresses:
            backend = StunnelBackend(address, pin, gateway.chain, WORLD.trust, clock=clock)
            words = refused(
                TunnelReason.HANDSHAKE,
                lambda b=backend: b.open(WORLD.peer(server.port), timeout=TIMEOUT),  # type: ignore[misc]
            )
            assert "token" in words
            assert "5555555555" not in words


def test_a_child_that_cannot_start_does_not_make_the_pin_known(gateway: Gateway) -> None:
    """With a configuration that fails stunnel writes all of it to its log: nothing of ours may repeat that."""
    no_lists = TrustStore([WORLD.pki.hierarchy.root.certificate], [WORLD.pki.hierarchy.sub_ca.certificate], [])
    foreign = (WORLD.gateway.certificate, WORLD.pki.hierarchy.sub_ca.certificate)  # certifies another key
    for chain, trust in ((foreign, WORLD.trust), ((), WORLD.trust), (gateway.chain, no_lists)):
        backend = StunnelBackend(gateway.address, PIN, chain, trust, clock=clock)
        refused(TunnelReason.HANDSHAKE, lambda b=backend: b._dial(WORLD.peer(9), TIMEOUT))  # type: ignore[misc]


def test_without_the_program_there_is_no_tunnel(gateway: Gateway, tmp_path: Path) -> None:
    backend = StunnelBackend(
        gateway.address, PIN, gateway.chain, WORLD.trust, clock=clock, program=tmp_path / "stunnel"
    )
    refused(TunnelReason.PROGRAM_MISSING, lambda: backend.open(WORLD.peer(443), timeout=TIMEOUT))


def test_after_48_hours_the_tunnel_refuses_service(gateway: Gateway) -> None:
    """FIA_UAU.6: after 48 hours both ends prove themselves anew."""
    shift = timedelta()
    backend = StunnelBackend(gateway.address, PIN, gateway.chain, WORLD.trust, clock=lambda: clock() + shift)
    with python_server() as server:
        tunnel = backend.open(WORLD.peer(server.port), timeout=TIMEOUT)
        shift = MAX_TUNNEL_AGE
        refused(TunnelReason.CLOSED, lambda: tunnel.send(b"x"))
    assert no_child_is_left(tunnel.process_id)


@pytest.mark.parametrize("probed", [True, False])
def test_a_silent_peer_is_probed_where_that_is_wanted(gateway: Gateway, probed: bool) -> None:
    with python_server() as server:
        tunnel = gateway.open(dataclasses.replace(WORLD.peer(server.port), probed=probed))
        found = probed_within(server.port)
        tunnel.close()
    assert [seconds <= PROBE_AFTER for seconds in found] == ([True] if probed else [])
