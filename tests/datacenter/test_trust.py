"""Files that change are seen; files that cannot be read make nobody believed."""

from datetime import timedelta

import pytest

from datacenter.errors import ConfigError
from datacenter.trust import LOOK_SECONDS, Trust
from pki.certificates import fingerprint
from pki.errors import CertificateError, CertificateReason
from tests.datacenter.world import GATEWAY, NOW, World


def test_looks_at_most_once_a_second(world: World) -> None:
    now = [0.0]
    trust = Trust(world.folder / "trust", world.folder / "gateways", lambda: now[0])
    before = trust.current()
    world.add_gateway("EXYZ0087654321")
    assert trust.current() is before
    now[0] += LOOK_SECONDS
    assert "EXYZ0087654321" in trust.current().registry.gateways
    assert trust.current() is trust.current()


def test_a_gateway_that_is_taken_out_is_gone(world: World) -> None:
    trust = world.trust()
    assert trust.current().registry.owner(fingerprint(world.gateway.tunnel.certificate)) == GATEWAY
    (world.folder / "gateways" / f"{GATEWAY}.TLS.pem").unlink()
    assert trust.current().registry.owner(fingerprint(world.gateway.tunnel.certificate)) is None


def test_faults_refuse_the_start_but_not_the_others_later(world: World, caplog: pytest.LogCaptureFixture) -> None:
    trust = world.trust()
    world.register("surprise.pem", world.gateway.tunnel.certificate)
    assert GATEWAY in trust.current().registry.gateways
    assert "left out: surprise.pem" in caplog.text
    with pytest.raises(ConfigError, match=r"surprise\.pem"):
        world.trust()


def test_no_root(world: World) -> None:
    trust = world.trust()
    (world.folder / "trust" / "root.pem").unlink()
    for _ in range(2):
        with pytest.raises(ConfigError):
            trust.current()


def test_no_folder(world: World) -> None:
    trust = world.trust()
    (world.folder / "trust").rename(world.folder / "moved")
    with pytest.raises(ConfigError):
        trust.current()


def test_signers_are_those_that_are_good_now(world: World) -> None:
    renewed = world.new_gateway(GATEWAY)
    world.register(f"{GATEWAY}.SIG.2.pem", renewed.signature.certificate)
    world.publish_crls(world.gateway.signature.certificate)
    good = world.trust().current().signers(GATEWAY, NOW)
    assert [signer.certificate for signer in good] == [renewed.signature.certificate]
    with pytest.raises(CertificateError) as caught:
        world.trust().current().signers(GATEWAY, NOW + timedelta(days=400))
    assert caught.value.reason in (CertificateReason.CRL_STALE, CertificateReason.EXPIRED)
