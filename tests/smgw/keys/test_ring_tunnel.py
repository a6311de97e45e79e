"""A renewal while a tunnel runs, with the key in the token and stunnel: the tunnel goes on, the next shows new keys."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose
from pki.errors import TunnelError, TunnelReason
from pki.stunnel import StunnelTunnel
from pki.token_tls import StunnelBackend, TokenAddress
from smgw.identity import Identity
from tests.pki.tunnel_world import TIMEOUT, clock, ends, python_server
from tests.smgw.keys.world import World, open_token
from tests.softhsm import MODULE, PIN, fresh_token, shared_configuration

pytestmark = [pytest.mark.token, pytest.mark.peer]


def test_a_running_tunnel_goes_on_and_the_next_one_shows_the_new_certificate(tmp_path: Path) -> None:
    ends_ = ends()
    label = fresh_token()
    with open_token(label) as token, python_server() as server:
        world = World(tmp_path, token, ends_.pki)
        ring = world.start()

        def dial(identity: Identity) -> StunnelTunnel:
            environment = {"SOFTHSM2_CONF": str(shared_configuration())}
            address = TokenAddress(MODULE, label, environment, identity.labels[Purpose.TLS])
            chain = (identity.certificates[Purpose.TLS].certificate, ends_.pki.hierarchy.sub_ca.certificate)
            backend = StunnelBackend(address, PIN, chain, ends_.trust, clock=clock)
            return backend.open(ends_.peer(server.port), timeout=TIMEOUT)

        first = ring.current()
        running = dial(first)
        said(running, b"before")
        world.renew(ring)
        said(running, b"after")
        running.close()
        following = dial(ring.current())
        said(following, b"with new keys")
        following.close()
        with pytest.raises(TunnelError) as refusal:
            dial(first)
        assert refusal.value.reason is TunnelReason.HANDSHAKE
    shown = [one[0] for one in server.seen if isinstance(one, tuple)]
    assert shown == [
        each.certificates[Purpose.TLS].certificate.public_bytes(Encoding.DER) for each in (first, ring.current())
    ]


def said(tunnel: StunnelTunnel, words: bytes) -> None:
    tunnel.send(words)
    answer = b""
    while len(answer) < len(words):
        answer += tunnel.receive(len(words), TIMEOUT)
    assert answer == words
