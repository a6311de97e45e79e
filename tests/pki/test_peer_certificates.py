"""The same bad peers against both ways of making a tunnel: the key in the token (stunnel) and in memory (pyOpenSSL).

Each is met twice: as the pinned certificate, which must not even be dialled, and behind a good pin, in the handshake.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, TrustStore
from pki.errors import TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.tls import InProcessBackend
from pki.token import Token
from pki.token_tls import StunnelBackend, TokenAddress
from pki.tunnel import TunnelBackend
from testbed.small_pki import GATEWAY, Holder, SmallPki
from tests.pki import forge
from tests.pki.tunnel_world import STARTED, TIMEOUT, clock, ends, python_server
from tests.softhsm import MODULE, PIN, fresh_token, shared_configuration

pytestmark = [pytest.mark.token, pytest.mark.peer]
WORLD = ends()
Make = Callable[[TrustStore], TunnelBackend]


@pytest.fixture(scope="module")
def stunnel() -> Make:
    label = fresh_token()
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
        key = token.generate_key("TLS", ec.BrainpoolP256R1())
        own = WORLD.pki.certify(key.public_key(), Role.SMGW, Purpose.TLS, GATEWAY)
    address = TokenAddress(MODULE, label, {"SOFTHSM2_CONF": str(shared_configuration())})
    chain = (own, WORLD.pki.hierarchy.sub_ca.certificate)
    return lambda trust: StunnelBackend(address, PIN, chain, trust, clock=clock)


@pytest.fixture(params=["stunnel", "in-process"])
def make(request: pytest.FixtureRequest, stunnel: Make) -> Iterator[Make]:
    in_process: Make = lambda trust: InProcessBackend(WORLD.identity(WORLD.gateway), trust, clock=clock)  # noqa: E731
    return stunnel if request.param == "stunnel" else in_process  # type: ignore[return-value]


def self_signed() -> Holder:
    """The partner's own names and extensions, signed by nobody but its own new key."""
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    good = WORLD.participant.certificate
    return Holder(forge.rebuild(good, key, issuer=good.subject, public_key=key.public_key()), key)


def expired() -> Holder:
    begin, end = STARTED - timedelta(days=700), STARTED - timedelta(days=1)
    good = WORLD.participant
    return Holder(forge.rebuild(good.certificate, WORLD.pki.hierarchy.sub_ca.key, begin=begin, end=end), good.key)


def of_another_ca() -> Holder:
    return SmallPki(seed=77, now=STARTED - timedelta(hours=1)).holder(Role.EMT, Purpose.TLS)


def of_another_role() -> Holder:
    return WORLD.pki.holder(Role.GWA, Purpose.TLS, "Netz")


def of_another_purpose() -> Holder:
    return WORLD.pki.holder(Role.EMT, Purpose.SIG)


def refused(backend: TunnelBackend, port: int, pinned: Holder) -> None:
    with pytest.raises(TunnelError) as caught:
        backend.open(WORLD.peer(port, pinned), timeout=TIMEOUT)
    assert caught.value.reason is TunnelReason.PEER_CERTIFICATE, caught.value


@pytest.mark.parametrize("bad", [self_signed, expired, of_another_ca, of_another_role, of_another_purpose])
def test_a_bad_peer_is_refused_pinned_or_not(make: Make, bad: Callable[[], Holder]) -> None:
    holder, backend = bad(), make(WORLD.trust)
    with python_server(holder=holder) as server:
        refused(backend, server.port, holder)
        assert server.seen == [], "a pin on a bad certificate is not dialled"
        refused(backend, server.port, WORLD.participant)


def twin(name: str = "Netz") -> Holder:
    """Another certificate of our own CA over the partner's own key, as after a renewal that kept it."""
    key = WORLD.participant.key
    return Holder(WORLD.pki.certify(key.public_key(), Role.EMT, Purpose.TLS, name), key)


def without(*holders: Holder) -> TrustStore:
    return WORLD.pki.trust(sub_ca=tuple(Revocation(holder.certificate.serial_number, STARTED) for holder in holders))


def test_a_revoked_pin_is_not_saved_by_a_new_certificate_over_the_same_key(make: Make) -> None:
    with python_server(holder=twin()) as server:
        refused(make(without(WORLD.participant)), server.port, WORLD.participant)
    assert server.seen == []


def test_a_revoked_twin_is_refused_behind_a_good_pin(make: Make) -> None:
    other = twin()
    with python_server(holder=other) as server:
        refused(make(without(other)), server.port, WORLD.participant)


def test_a_twin_under_another_name_is_refused_behind_a_good_pin(make: Make) -> None:
    with python_server(holder=twin("Andere")) as server:
        refused(make(WORLD.trust), server.port, WORLD.participant)


def test_a_good_twin_passes_for_its_pin_in_stunnel_alone(stunnel: Make) -> None:
    """What stunnel's comparison of keys lets through, and nothing more: same key, same name, not revoked, same CA."""
    with python_server(holder=twin()) as server:
        stunnel(WORLD.trust).open(WORLD.peer(server.port), timeout=TIMEOUT).close()
        in_process = InProcessBackend(WORLD.identity(WORLD.gateway), WORLD.trust, clock=clock)
        refused(in_process, server.port, WORLD.participant)


def test_the_child_itself_takes_no_self_signed_pin(stunnel: Make) -> None:
    """The pin stands among the child's trusted certificates: it must not become a root of its own there."""
    backend, holder = stunnel(WORLD.trust), self_signed()
    assert isinstance(backend, StunnelBackend)
    with python_server(holder=holder) as server, pytest.raises(TunnelError) as caught:
        backend._dial(dataclasses.replace(WORLD.peer(server.port), certificate=holder.certificate), TIMEOUT)
    assert caught.value.reason is TunnelReason.PEER_CERTIFICATE
