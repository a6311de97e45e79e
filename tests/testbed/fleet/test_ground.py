"""A fleet's folder: made once, whole, and refused where it is another one or too old."""

import os
from pathlib import Path

import pytest

from admin.drafts import parse_draft
from admin.fleet import filled, read_fleet
from pki.certificates import Purpose, Role, fingerprint
from testbed.fleet.ground import HOLDS, Ground, GroundError
from tests.testbed.fleet.world import clock, prepared
from wire.profiles import check_set, profile_from_mapping

pytestmark = pytest.mark.token


def test_every_gateway_has_keys_a_port_and_profiles_of_its_own(tmp_path: Path) -> None:
    ground = prepared(tmp_path, 3)
    members, lines = ground.members(), read_fleet(ground.list)
    assert [member.gateway.text for member in members] == [f"EABC{number:010}" for number in (1, 2, 3)]
    assert len({member.wake_port for member in members}) == 3
    with ground.office() as office:
        trust = office.trust()
        keys = set()
        for member in members:
            for purpose, holder in member.holders().items():
                pinned = {fingerprint(holder.certificate)}
                verified = trust.verify(holder.certificate, role=Role.SMGW, purpose=purpose, at=clock(), pinned=pinned)
                assert verified.identity == member.gateway.text
                assert holder.key.public_key() == holder.certificate.public_key()
                keys.add(holder.key.private_numbers().private_value)
        assert len(keys) == 9
        assert office.require_good(clock()).identity == "Verwalter"
    meters = set()
    for line in lines:
        tables = [filled(file.name, parse_draft(file.name, file.read_text()), line.columns) for file in ground.drafts]
        profiles = [profile_from_mapping({"version": 1, **table}) for table in tables]
        assert check_set([*profiles, ground.administrator()]) == ()
        meters.add(line.columns["meter"])
    assert len(meters) == 3
    assert {path.stat().st_mode & 0o077 for path in ground.state.rglob("*.key")} == {0}
    assert len(list((ground.state / "gateways").rglob("*.key"))) == 3 * len(Purpose)


def test_it_is_made_once(tmp_path: Path) -> None:
    ground = prepared(tmp_path, 2)
    before = ground.list.read_bytes()
    ground.prepare(2)
    assert ground.list.read_bytes() == before
    with pytest.raises(GroundError, match="2 gateways, not of 3"):
        ground.prepare(3)
    old = clock().timestamp() - HOLDS.total_seconds() - 60
    os.utime(ground.list, (old, old))
    with pytest.raises(GroundError, match="remove it"):
        ground.prepare(2)
    ground.list.unlink()
    with pytest.raises(GroundError, match="not made to its end"):
        ground.prepare(2)


def test_ports_may_be_in_a_row(tmp_path: Path) -> None:
    first = prepared(tmp_path, 1)
    again = Ground(tmp_path / "other")
    label = "row-" + tmp_path.name[-20:]
    again.prepare(2, first_port=24_500, softhsm=first.state / "administrator" / "softhsm2.conf", label=label)
    assert [member.wake_port for member in again.members()] == [24_500, 24_501]
