import contextlib
from collections.abc import Collection
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.tls import client_context, server_context
from pki.tls_engine import TlsEngine, Verify
from testbed.small_pki import Holder, SmallPki
from tests.pki.forge import rebuild
from tests.pki.tunnel_world import STARTED, clock, ends

WORLD = ends()


def word(role: Role, pinned: Collection[str], trust: TrustStore = WORLD.trust) -> Verify:
    def verify(certificate: x509.Certificate) -> VerifiedCertificate:
        return trust.verify(certificate, role=role, purpose=Purpose.TLS, at=clock(), pinned=pinned)

    return verify


def client(holder: Holder = WORLD.gateway, trust: TrustStore = WORLD.trust, verify: Verify | None = None) -> TlsEngine:
    verify = verify or word(Role.EMT, {fingerprint(WORLD.participant.certificate)}, trust)
    return TlsEngine(client_context(WORLD.identity(holder), trust), server=False, verify=verify)


def server(
    holder: Holder = WORLD.participant, trust: TrustStore = WORLD.trust, verify: Verify | None = None
) -> TlsEngine:
    verify = verify or word(Role.SMGW, {fingerprint(WORLD.gateway.certificate)}, trust)
    return TlsEngine(server_context(WORLD.identity(holder), trust), server=True, verify=verify)


def converse(left: TlsEngine, right: TlsEngine, *, piece: int = 1 << 20) -> None:
    """Carry bytes to and fro, ``piece`` at a time, until both are silent."""
    while True:
        going, coming = left.outgoing(), right.outgoing()
        if not going and not coming:
            return
        for engine, data in ((right, going), (left, coming)):
            for start in range(0, len(data), piece):
                assert engine.receive(data[start : start + piece]) == b""


def refused(reason: TunnelReason, left: TlsEngine, right: TlsEngine) -> str:
    with pytest.raises(TunnelError) as caught:
        converse(left, right)
    assert caught.value.reason is reason, caught.value
    return str(caught.value)


@pytest.mark.parametrize("piece", [1, 100, 1 << 20])
def test_two_ends_meet_and_know_each_other(piece: int) -> None:
    left, right = client(), server()
    converse(left, right, piece=piece)
    assert left.peer is not None
    assert right.peer is not None
    assert (left.peer.role, left.peer.certificate) == (Role.EMT, WORLD.participant.certificate)
    assert (right.peer.role, right.peer.identity) == (Role.SMGW, "EABC0012345678")
    left.send(b"reading" * 10_000)
    received = b""
    data = left.outgoing()
    for start in range(0, len(data), 1000):
        received += right.receive(data[start : start + 1000])
    assert received == b"reading" * 10_000
    right.send(b"thanks")
    right.close()
    assert left.receive(right.outgoing()) == b"thanks"
    assert left.ended


def test_tls_1_3_is_offered_and_secp256r1_comes_first() -> None:
    left, right = client(), server()
    converse(left, right)
    assert left.parameters == right.parameters == ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "secp256r1")


@pytest.mark.parametrize(
    ("groups", "version", "expected"),
    [
        (b"brainpoolP256r1", SSL.TLS1_2_VERSION, ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "brainpoolP256r1")),
        (
            b"brainpoolP384r1:brainpoolP256r1",
            SSL.TLS1_2_VERSION,
            ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "brainpoolP384r1"),
        ),
        (b"brainpoolP256r1tls13", SSL.TLS1_3_VERSION, ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "brainpoolP256r1tls13")),
    ],
)
def test_a_peer_that_only_speaks_brainpool_is_met(groups: bytes, version: int, expected: tuple[str, str, str]) -> None:
    context = server_context(WORLD.identity(WORLD.participant), WORLD.trust)
    context.set_max_proto_version(version)
    assert SSL._lib.SSL_CTX_set1_curves_list(context._context, groups) == 1  # type: ignore[attr-defined]
    left = client()
    right = TlsEngine(context, server=True, verify=word(Role.SMGW, {fingerprint(WORLD.gateway.certificate)}))
    converse(left, right)
    assert left.parameters == expected


@pytest.mark.parametrize(
    ("suites", "agreed"), [(b"ECDHE-ECDSA-AES128-SHA256", True), (b"ECDHE-ECDSA-AES256-GCM-SHA384", False)]
)
def test_only_the_suites_of_the_profile_are_spoken(suites: bytes, agreed: bool) -> None:
    """FCS_COP.1/TLS: the suites of TR-03116-3 and no other."""
    context = server_context(WORLD.identity(WORLD.participant), WORLD.trust)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(suites)
    left = client()
    right = TlsEngine(context, server=True, verify=word(Role.SMGW, {fingerprint(WORLD.gateway.certificate)}))
    if agreed:
        converse(left, right)
        assert left.parameters[1] == suites.decode()
    else:
        refused(TunnelReason.HANDSHAKE, left, right)


@pytest.mark.parametrize("holder", [WORLD.pki.holder(Role.EMT, Purpose.TLS, "Andere")], ids=["same CA"])
def test_another_certificate_than_the_pinned_one_is_refused_by_either_side(holder: Holder) -> None:
    """FTP_ITC.1/WAN, FIA_UAU.2, FIA_UID.2: both ends are known to one another."""
    assert "pinned" in refused(TunnelReason.PEER_CERTIFICATE, client(), server(holder))
    assert "pinned" in refused(TunnelReason.PEER_CERTIFICATE, client(holder), server())


def test_a_wrong_role_is_refused_although_it_is_pinned() -> None:
    """FMT_SMR.1: a pin gives nobody another role."""
    pinned = {fingerprint(WORLD.participant.certificate)}
    refused(TunnelReason.PEER_CERTIFICATE, client(verify=word(Role.GWA, pinned)), server())
    pinned = {fingerprint(WORLD.gateway.certificate)}
    refused(TunnelReason.PEER_CERTIFICATE, client(), server(verify=word(Role.EMT, pinned)))


def test_nobody_is_pinned_and_nobody_gets_in() -> None:
    """FIA_UID.2: who is not named is nobody."""
    refused(TunnelReason.PEER_CERTIFICATE, client(), server(verify=word(Role.SMGW, ())))


def test_a_certificate_for_signatures_is_refused() -> None:
    """FTP_ITC.1/WAN."""
    holder = WORLD.pki.holder(Role.EMT, Purpose.SIG)
    verify = word(Role.EMT, {fingerprint(holder.certificate)})
    refused(TunnelReason.PEER_CERTIFICATE, client(verify=verify), server(holder))


def anything(certificate: x509.Certificate) -> VerifiedCertificate:
    """A last word that says yes, to see OpenSSL's own checks refuse."""
    return VerifiedCertificate(certificate, Role.SMGW, Purpose.TLS, "EABC0012345678")


def old() -> tuple[Holder, TrustStore]:
    pki = SmallPki(seed=31, now=STARTED - timedelta(days=900))
    return pki.holder(Role.EMT, Purpose.TLS), pki.trust(now=STARTED)


def other_pki() -> tuple[Holder, TrustStore]:
    return SmallPki(seed=32, now=STARTED - timedelta(hours=1)).holder(Role.EMT, Purpose.TLS), WORLD.trust


def self_signed() -> tuple[Holder, TrustStore]:
    key, good = ec.generate_private_key(ec.BrainpoolP256R1()), WORLD.participant.certificate
    return Holder(rebuild(good, key, issuer=good.subject, public_key=key.public_key()), key), WORLD.trust


def revoked() -> tuple[Holder, TrustStore]:
    serial = WORLD.participant.certificate.serial_number
    return WORLD.participant, WORLD.pki.trust(sub_ca=(Revocation(serial, STARTED),))


def stale_lists() -> tuple[Holder, TrustStore]:
    return WORLD.participant, WORLD.pki.trust(now=STARTED - timedelta(days=60))


def no_lists() -> tuple[Holder, TrustStore]:
    hierarchy = WORLD.pki.hierarchy
    return WORLD.participant, TrustStore([hierarchy.root.certificate], [hierarchy.sub_ca.certificate], [])


@pytest.mark.parametrize("deviation", [old, other_pki, self_signed, revoked, stale_lists, no_lists])
def test_openssl_refuses_in_the_handshake_whatever_the_last_word_is(deviation: object) -> None:
    holder, trust = deviation()  # type: ignore[operator]
    refused(TunnelReason.PEER_CERTIFICATE, client(trust=trust, verify=anything), server(holder, verify=anything))
    refused(TunnelReason.PEER_CERTIFICATE, client(holder, verify=anything), server(trust=trust, verify=anything))


def test_the_refused_side_learns_why() -> None:
    holder, trust = revoked()
    left, right = client(trust=trust, verify=anything), server(holder, verify=anything)
    refused(TunnelReason.PEER_CERTIFICATE, left, right)
    with pytest.raises(TunnelError) as caught:
        right.receive(left.outgoing())
    assert caught.value.reason is TunnelReason.HANDSHAKE
    assert "revoked" in str(caught.value)


def stranger(method: int, *, shows_certificate: bool) -> SSL.Connection:
    """The other end of a connection, on a bare context that follows no profile of ours."""
    context = SSL.Context(method)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_tmp_ecdh(ec.BrainpoolP256R1())
    if shows_certificate:
        context.use_certificate(WORLD.participant.certificate)
        context.add_extra_chain_cert(WORLD.pki.hierarchy.sub_ca.certificate)
        context.use_privatekey(WORLD.participant.key)
    return SSL.Connection(context)


def advance(connection: SSL.Connection, engine: TlsEngine) -> None:
    """Shake hands until both are silent."""
    while True:
        with contextlib.suppress(SSL.WantReadError):
            connection.do_handshake()
        try:
            data = connection.bio_read(65_536)
        except SSL.WantReadError:
            data = b""
        engine.receive(data)
        answer = engine.outgoing()
        if not data and not answer:
            return
        if answer:
            connection.bio_write(answer)


def test_a_client_without_a_certificate_does_not_get_in() -> None:
    """FIA_UAU.2, FIA_UID.2: no certificate, no service."""
    connection = stranger(SSL.TLS_CLIENT_METHOD, shows_certificate=False)
    connection.set_connect_state()
    with pytest.raises(TunnelError) as caught:
        advance(connection, server())
    assert caught.value.reason is TunnelReason.PEER_CERTIFICATE
    assert "did not return a certificate" in str(caught.value)


def test_a_peer_that_wants_to_negotiate_again_gets_nothing() -> None:
    connection = stranger(SSL.TLS_SERVER_METHOD, shows_certificate=True)
    connection.set_accept_state()
    engine = client()
    advance(connection, engine)
    assert engine.peer is not None
    hello = engine._connection.client_random()
    assert connection.renegotiate()
    with contextlib.suppress(SSL.Error):
        advance(connection, engine)
    # A client that gave in would have said hello again, with a new random.
    assert engine._connection.client_random() == hello


def test_nothing_is_sent_before_the_peer_is_known() -> None:
    """FIA_UAU.2, FIA_UID.2: nothing passes before the peer is known."""
    with pytest.raises(RuntimeError):
        client().send(b"secret")


def test_altered_on_the_way_the_connection_breaks() -> None:
    """FTP_ITC.1/WAN: what is altered on the way does not arrive."""
    left, right = client(), server()
    converse(left, right)
    left.send(b"reading")
    altered = bytearray(left.outgoing())
    altered[-1] ^= 1
    with pytest.raises(TunnelError) as caught:
        right.receive(bytes(altered))
    assert caught.value.reason is TunnelReason.CLOSED


@given(st.binary(max_size=300), st.integers(0, 400))
def test_law_only_its_own_error_escapes_from_noise(noise: bytes, valid: int) -> None:
    """A valid beginning of a client's first flight, then anything."""
    engine = server()
    first = client().outgoing()
    try:
        assert engine.receive(first[:valid] + noise) == b""
    except TunnelError:
        return
    assert engine.peer is None
