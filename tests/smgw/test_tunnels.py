"""When a backend is made anew; the two real ones are dialled with in test_main and test_administered."""

from pathlib import Path
from typing import cast

import pytest

from pki.certificates import TrustStore
from pki.errors import TunnelError, TunnelReason
from pki.tls import InProcessBackend
from pki.token_tls import StunnelBackend
from pki.tunnel import Tunnel, TunnelPeer
from smgw.identity import Identity
from smgw.tunnels import CurrentBackend, backend_maker
from testbed.small_pki import SmallPki
from tests.smgw.composing import composed
from tests.smgw.premises import Premises
from tests.smgw.test_main import MEMORY, STUNNEL
from tests.softhsm import shared_configuration

PEER = cast("TunnelPeer", None)


class Dialled(Exception):  # noqa: N818 - tells which backend was used
    pass


class Backend:
    def __init__(self, number: int) -> None:
        self.number = number

    def open(self, peer: TunnelPeer, *, timeout: float) -> Tunnel:
        raise Dialled(self.number)


class Making:
    def __init__(self) -> None:
        self.pki = SmallPki()
        self.trust = self.pki.trust()
        self.identity = cast("Identity", object())
        self.made = 0

    def make(self, identity: Identity, trust: TrustStore) -> Backend:
        assert (identity, trust) == (self.identity, self.trust)
        self.made += 1
        return Backend(self.made)

    def used(self, backend: CurrentBackend) -> int:
        with pytest.raises(Dialled) as dialled:
            backend.open(PEER, timeout=1.0)
        number: int = dialled.value.args[0]
        return number


def test_other_keys_and_other_lists_make_another_backend() -> None:
    making = Making()
    backend = CurrentBackend(lambda: making.identity, lambda: making.trust, making.make)
    assert making.made == 1, "at once: what cannot make tunnels does not start"
    assert [making.used(backend), making.used(backend)] == [1, 1]
    making.trust = making.pki.trust(number=2)
    assert [making.used(backend), making.used(backend)] == [2, 2]
    making.identity = cast("Identity", object())
    assert [making.used(backend), making.used(backend)] == [3, 3]


def test_a_backend_that_cannot_be_made_now_may_be_made_later() -> None:
    making, broken = Making(), True

    def make(identity: Identity, trust: TrustStore) -> Backend:
        if broken and making.made:
            raise TunnelError(TunnelReason.PROGRAM_MISSING, "gone")
        return making.make(identity, trust)

    backend = CurrentBackend(lambda: making.identity, lambda: making.trust, make)
    making.trust = making.pki.trust(number=2)
    with pytest.raises(TunnelError):
        backend.open(PEER, timeout=1.0)
    broken = False
    assert making.used(backend) == 2


@pytest.mark.token
@pytest.mark.parametrize(("words", "kind"), [(STUNNEL, StunnelBackend), (MEMORY, InProcessBackend)])
def test_the_configuration_names_the_way(tmp_path: Path, words: str, kind: type) -> None:
    if words == STUNNEL and not Path("/usr/bin/stunnel").exists():
        pytest.skip("stunnel is not installed (apt install stunnel4 libengine-pkcs11-openssl)")
    premises = Premises(tmp_path, shared_configuration(), f"tunnels-{kind.__name__}", tunnel=words)
    premises.enrol()
    with composed(premises) as one:
        make = backend_maker(premises.configuration, one.environment.clock, one.environment.monotonic)
        assert type(make(one.report.identity(), premises.pki.trust())) is kind
