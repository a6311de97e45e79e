"""What the scene decides before any process starts; that it works is shown by tests/e2e."""

from pathlib import Path

import pytest

from smgw.config import Configuration
from testbed.demo.scene import DATACENTER, GATEWAY, Scene, SceneError, free_ports, softhsm_module

SMALL = Path(__file__).parents[2] / "e2e" / "small.toml"


def test_every_delivery_names_a_party_and_meters_of_the_scene(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    parties = {party.id for party in scene.parties}
    meters = {entry["meter"] for entry in scene.plan["meters"]}
    assert scene.evaluations
    for name, party in scene.evaluations.items():
        assert party in parties
        assert set(scene.meters_of(name)) <= meters
    assert parties - set(scene.evaluations.values()), "a party without a profile, to be refused"


def test_the_plan_that_a_folder_was_made_with_is_kept(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SMALL.read_text())
    assert Scene(tmp_path).gateway_id == "ESMG0000000002"
    other = tmp_path / "other.toml"
    other.write_text("gateway = 'ESMG0000000009'\n")
    with pytest.raises(SceneError, match="another plan"):
        Scene(tmp_path, other)


def test_a_plan_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("gateway =")
    with pytest.raises(SceneError, match=r"broken\.toml"):
        Scene(tmp_path / "state", broken)


def test_the_gateways_configuration_is_one_that_the_gateway_takes(tmp_path: Path) -> None:
    text = GATEWAY.format(id="ESMG0000000001", module=softhsm_module())
    assert Configuration.parse(text, base=tmp_path).gateway.text == "ESMG0000000001"


def test_datacenters_listen_on_the_loopback_interface_only() -> None:
    assert 'host = "127.0.0.1"' in DATACENTER


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(5))) == 5
