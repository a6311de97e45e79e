"""What an onlooker reads in a real administrator's database."""

from datetime import timedelta
from pathlib import Path

import pytest

from testbed.demo.desk import DeskSeen, look_at_desk
from testbed.demo.scene import Scene
from tests.admin.bureau import BY, NOW, Bureau
from tests.admin.samples import COMMUNICATION
from wire.canonical_json import JsonValue
from wire.orders import BreakUp, ChangeProfiles, Command, Reply, ReplyOutcome, RunSelfTest
from wire.reading import DeviceId

pytestmark = pytest.mark.token


def later(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path / "state")
    scene.administrator.mkdir(parents=True)
    return scene


def test_nothing_stands_where_no_administrator_ever_was(scene: Scene) -> None:
    assert look_at_desk(scene) == DeskSeen()
    scene.administrator_configuration.write_text("[administrator]\n")
    assert look_at_desk(scene) == DeskSeen()


def test_wake_ups_tunnels_and_orders_are_seen(scene: Scene) -> None:
    bureau, gateway = Bureau(scene.administrator), DeviceId(scene.gateway_id)
    with bureau.office(gateway) as office:

        def done(command: Command, after: int, *, refused: bool = False, **result: JsonValue) -> None:
            number = office.orders.queue(gateway, command, BY, NOW)
            office.orders.sign_next(number, office.sign_order, NOW + later(after))
            office.orders.delivered(number, NOW + later(after))
            sequence = office.orders.get(number).sequence
            assert sequence is not None
            refusal = Reply.refusal(sequence, "busy", "A self-test runs.")
            reply = refusal if refused else Reply(sequence, ReplyOutcome.DONE, result=result)
            office.orders.confirmed(number, reply, NOW + later(after))

        assert look_at_desk(scene) == DeskSeen("operating")
        office.letter(gateway, NOW)
        office.letter(gateway, NOW + later(2))
        first = office.tunnels.opened(gateway, NOW + later(3))
        assert look_at_desk(scene) == DeskSeen("operating", wake_ups=2, tunnels=1, tunnel_open=True)
        office.tunnels.closed(first, "certificates-replaced: the next one", NOW + later(4))

        second = office.tunnels.opened(gateway, NOW + later(6))
        done(ChangeProfiles((COMMUNICATION,), ()), 7)
        done(BreakUp(), 8)
        seen = look_at_desk(scene)
        assert (seen.confirmed, seen.last_sequence, seen.broken_up, seen.profiles_came_at) == (2, 2, 0, None)
        office.tunnels.closed(second, "break-up: ordered by anna", NOW + later(9))
        # A wake-up that was sent once more: to whoever counts whole seconds this one, too, was open at the seventh.
        office.tunnels.closed(office.tunnels.opened(gateway, NOW + later(7)), "ended-by-gateway: idle", NOW + later(15))
        third = office.tunnels.opened(gateway, NOW + later(20))
        done(BreakUp(), 21, refused=True)
        done(BreakUp(), 22)
        office.tunnels.closed(third, "break-up: ordered by anna", NOW + later(23))
        done(RunSelfTest(), 24, checks=[{"passed": True}, {"passed": True}])
        done(RunSelfTest(), 24, checks=[{"passed": True}, {"passed": False}])
        done(RunSelfTest(), 24)
        office.orders.queue(gateway, BreakUp(), BY, NOW)
    seen = look_at_desk(scene)
    assert (seen.tunnels, seen.tunnel_open, seen.waiting, seen.confirmed, seen.failed) == (4, False, 1, 6, 1)
    assert (seen.broken_up, seen.last_sequence) == (2, 7)
    assert seen.self_tests == 1, "done, with every check passed"
    assert (seen.profiles_came_at, seen.last_broken_up_at) == (NOW + later(6), NOW + later(23))
