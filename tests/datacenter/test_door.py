"""Who may rest: judged when the files change, once a minute without, and never for trouble that is ours."""

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from datacenter.door import LOOK_SECONDS, ROUND_SECONDS, Door
from datacenter.trust import Trust
from testbed.small_pki import Holder
from tests.datacenter.world import NOW, World


class Hall:
    """A door whose clocks stand where the test sets them."""

    def __init__(self, world: World) -> None:
        self.world, self.at, self.seconds = world, NOW, 0.0
        trust = Trust(world.folder / "trust", world.folder / "gateways", lambda: self.seconds)
        self.door = Door(trust, self.now, lambda: self.seconds)

    def now(self) -> datetime:
        return self.at

    def refuses(self, holder: Holder) -> bool:
        self.seconds += LOOK_SECONDS
        current = self.door.round()
        assert current is not None
        return self.door.refuses(holder.certificate.public_bytes(Encoding.DER), current.ground)


@pytest.fixture
def hall(world: World) -> Hall:
    return Hall(world)


def test_a_good_certificate_rests(hall: Hall) -> None:
    assert not hall.refuses(hall.world.gateway.tunnel)


def test_revoked_expired_taken_out_or_no_certificate(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    world = hall.world
    other = world.add_gateway("EXYZ0087654321")
    world.publish_crls(world.gateway.tunnel.certificate)
    assert hall.refuses(world.gateway.tunnel)
    assert f"{world.gateway.identification} ends: revoked" in caplog.text
    assert not hall.refuses(other.tunnel)
    (world.folder / "gateways" / "EXYZ0087654321.TLS.pem").unlink()
    assert hall.refuses(other.tunnel)
    assert hall.refuses(world.own_tls)
    current = hall.door.round()
    assert current is not None
    assert hall.door.refuses(b"", current.ground)


def test_time_alone_ends_a_certificate(hall: Hall) -> None:
    hall.at += timedelta(days=740)
    hall.world.publish_crls(at=hall.at)
    assert hall.refuses(hall.world.gateway.tunnel)


def test_our_own_trouble_cuts_nobody_off(hall: Hall) -> None:
    hall.world.publish_crls(at=NOW - timedelta(days=8))
    assert not hall.refuses(hall.world.gateway.tunnel)
    (hall.world.folder / "trust" / "root.pem").unlink()
    hall.seconds += LOOK_SECONDS
    assert hall.door.round() is None


def test_a_round_lasts_a_minute_or_until_something_changes(hall: Hall) -> None:
    first = hall.door.round()
    hall.seconds += ROUND_SECONDS - 0.5
    assert hall.door.round() is first
    hall.seconds += 0.5
    second = hall.door.round()
    assert second is not first
    hall.world.publish_crls()
    hall.seconds += LOOK_SECONDS
    third = hall.door.round()
    assert third is not second
    assert hall.door.round() is third


def test_asked_again_after_a_second(hall: Hall) -> None:
    answers = []
    for _ in range(4):
        hall.seconds += LOOK_SECONDS / 2
        answers.append(hall.door.due())
    assert answers == [False, True, False, True]
