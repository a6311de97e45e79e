"""Who is registered, and that nothing in the folder makes anybody else so."""

from pathlib import Path

import pytest

from datacenter.errors import ConfigError
from datacenter.registry import Registry
from pki.certificates import Role, fingerprint
from tests.datacenter.world import GATEWAY, World, pem


def test_owner_and_certificates(world: World) -> None:
    registry = Registry.from_folder(world.folder / "gateways")
    mark = fingerprint(world.gateway.tunnel.certificate)
    assert registry.owner(mark) == GATEWAY
    assert list(registry.of(GATEWAY).tunnel) == [mark]
    assert list(registry.of(GATEWAY).signature) == [fingerprint(world.gateway.signature.certificate)]
    assert registry.owner(fingerprint(world.gateway.signature.certificate)) is None
    assert registry.of("EXYZ0087654321").tunnel == {}


@pytest.mark.parametrize("name", ["eabc0012345678.TLS.pem", "EABC0012345678.pem", "EABC0012345678.ENC.pem", "x.pem"])
def test_other_names_are_faults(world: World, name: str) -> None:
    world.register(name, world.new_gateway("EXYZ0087654321").tunnel.certificate)
    registry = Registry.from_folder(world.folder / "gateways")
    assert len(registry.faults) == 1
    assert list(registry.gateways) == [GATEWAY]


def test_a_broken_file_leaves_only_its_gateway_out(world: World) -> None:
    world.add_gateway("EXYZ0087654321")
    (world.folder / "gateways" / f"{GATEWAY}.TLS.pem").write_bytes(b"no")
    registry = Registry.from_folder(world.folder / "gateways")
    assert len(registry.faults) == 1
    assert registry.of(GATEWAY).tunnel == {}
    assert registry.of("EXYZ0087654321").tunnel


def test_one_certificate_for_two_gateways(world: World) -> None:
    (world.folder / "gateways" / "EXYZ0087654321.TLS.pem").write_bytes(pem(world.gateway.tunnel.certificate))
    with pytest.raises(ConfigError, match="same TLS certificate"):
        Registry.from_folder(world.folder / "gateways")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Registry.from_folder(tmp_path / "none")


def test_administrators_have_a_folder_of_their_own(world: World) -> None:
    administrator = world.add_administrator()
    mark = fingerprint(administrator.tunnel.certificate)
    alone = Registry.from_folder(world.folder / "gateways")
    assert (alone.owner(mark), alone.administrators) == (None, {})
    registry = Registry.from_folder(world.folder / "gateways", world.administrators())
    assert (registry.owner(mark), registry.role(mark)) == ("Admin", Role.GWA)
    assert list(registry.of("Admin", Role.GWA).signature) == [fingerprint(administrator.signature.certificate)]
    assert registry.of("Admin").tunnel == {}
    assert registry.of(GATEWAY, Role.GWA).tunnel == {}
    assert registry.role(fingerprint(world.gateway.tunnel.certificate)) is Role.SMGW
    assert registry.role("of nobody") is Role.SMGW


def test_one_certificate_for_a_gateway_and_an_administrator(world: World) -> None:
    administrator = world.add_administrator()
    world.register("EXYZ0087654321.TLS.pem", administrator.tunnel.certificate)
    with pytest.raises(ConfigError, match="same TLS certificate"):
        Registry.from_folder(world.folder / "gateways", world.administrators())
