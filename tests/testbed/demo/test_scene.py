"""What the scene decides before any process starts; that it works is shown by tests/e2e."""

import socket
from pathlib import Path

import pytest

from pki.errors import IssueError
from testbed.demo.scene import Party, Scene, SceneError, free_datagram_port, free_ports, program

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
    broken.write_text("gateway = 'ESMG0000000009'\n")
    with pytest.raises(SceneError, match="evaluations, lines, meters, parties missing"):
        Scene(tmp_path / "state", broken)


def test_free_ports_are_different_and_nobody_elses() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", ports[0]))
    with socket.create_server(("127.0.0.1", ports[0])) as server:
        socket.create_connection(server.getsockname()).close()
    assert 1024 < free_datagram_port() < 65536


def test_the_administrator_issues_every_draft_that_lies_in_its_folder(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert scene.drafts == []
    folder = scene.administrator / "drafts"
    folder.mkdir(parents=True)
    for name in ("netz.toml", "meter-1.toml", "notes.txt"):
        (folder / name).touch()
    assert scene.drafts == ["meter-1", "netz"]


def test_a_command_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"`smgw-admin init .* ended with 2: .*admin\.toml cannot be read"):
        Scene(tmp_path).administer("init")


def test_without_operational_certificates_no_party_learns_any(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    with pytest.raises(IssueError, match="no certification authority"):
        scene.publish_certificates()


def test_a_party_knows_where_its_certificates_are(tmp_path: Path) -> None:
    party = Party("netz", "Netz", (), tmp_path)
    (tmp_path / "ENC.pem").write_text("certificate")
    assert party.certificate("ENC") == "certificate"
    assert Path(program("smgw-admin")).exists()


def test_whose_meters_they_are_and_where_his_letter_lies(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert scene.consumers == ["flat", "house"]
    assert scene.meters_measuring("flat").isdisjoint(scene.meters_measuring("house"))
    assert scene.letter("house").is_relative_to(scene.administrator)


def test_a_plan_without_a_past_gives_none_and_one_that_cannot_be_given_says_so(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    with pytest.raises(SceneError, match=r"the past of the house: .* cannot be read"):
        scene.give_past()
    del scene.plan["past"]
    assert scene.give_past() == 0
