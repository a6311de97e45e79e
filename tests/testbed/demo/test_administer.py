"""Where the administrator of the demonstration goes on, and how it is stopped; that it works is shown by tests/e2e."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from admin.life_cycle import LifeCycle
from testbed.demo.administer import Administration, Standing, administer, by_hand, errands, standing
from testbed.demo.scene import Scene, SceneError
from testbed.small_pki import SmallPki
from tests.admin.bureau import BY, NOW, Bureau
from tests.admin.samples import NETZ
from wire.orders import BreakUp, ChangeProfiles, Reply, ReplyOutcome
from wire.reading import DeviceId

pytestmark = pytest.mark.token


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path / "state")
    scene.administrator.mkdir(parents=True)
    return scene


def test_what_stands_in_the_database_says_where_to_go_on(scene: Scene) -> None:
    bureau, gateway = Bureau(scene.administrator), DeviceId(scene.gateway_id)
    folder = scene.administrator / "drafts"
    folder.mkdir()
    with bureau.open() as office:
        office.inventory.add(bureau.record(gateway, seal=True), BY, NOW)
        (folder / "netz.toml").touch()
        office.drafts.save("netz", NETZ, BY, NOW)
        assert standing(scene) == Standing(LifeCycle.DELIVERED, tunnel=False, profiles=False, waiting=frozenset())
        number = office.drafts.issue_together(("netz",), gateway, BY, NOW)
        office.orders.queue(gateway, BreakUp(), BY, NOW)
        office.inventory.change(gateway, LifeCycle.INSTALLED, BY, NOW)
        waiting = frozenset({ChangeProfiles.KIND, BreakUp.KIND})
        assert standing(scene) == Standing(LifeCycle.INSTALLED, tunnel=False, profiles=False, waiting=waiting)
        office.orders.sign_next(number, office.sign_order, NOW)
        office.orders.delivered(number, NOW)
        office.orders.confirmed(number, Reply(1, ReplyOutcome.DONE), NOW)
    assert standing(scene) == Standing(
        LifeCycle.INSTALLED, tunnel=False, profiles=True, waiting=frozenset({BreakUp.KIND})
    )


def test_a_gateway_that_is_in_no_inventory_ends_the_work_and_the_reason_is_kept(scene: Scene) -> None:
    Bureau(scene.administrator)
    with Administration(scene, lambda _: None) as administration:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            time.sleep(0.05)
            try:
                administration.check()
            except SceneError as error:
                assert "is not in the inventory" in str(error)  # noqa: PT017 - it comes from a thread, some time
                return
    pytest.fail("nobody noticed")


def test_the_work_stops_in_the_middle_of_a_command(scene: Scene) -> None:
    today = SmallPki(now=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1))
    bureau, told = Bureau(scene.administrator, today), list[str]()
    with bureau.open() as office:
        # Nobody listens at port 9: the command waits for a gateway that never comes.
        office.inventory.add(bureau.record(DeviceId(scene.gateway_id), port=9, seal=True), BY, NOW)
    with Administration(scene, told.append) as administration:
        while not administration.typing:
            administration.check()
            time.sleep(0.05)
        time.sleep(2.0)  # long enough for it to begin waiting
        assert administration.typing == f"smgw-admin enrol {scene.gateway_id}"
    administration.check()
    assert administration.typing == ""
    assert told[-1] == f"$ smgw-admin enrol {scene.gateway_id}"


def test_a_command_that_fails_ends_the_work_with_what_it_said(scene: Scene) -> None:
    bureau, told = Bureau(scene.administrator), list[str]()
    with bureau.open() as office:
        office.inventory.add(bureau.record(DeviceId(scene.gateway_id), seal=True), BY, NOW)
    scene.administrator_configuration.write_text(bureau.toml(timeout="1", rest="[surplus]"))
    with pytest.raises(SceneError, match="surplus is unknown"):
        administer(scene, told.append, threading.Event())
    (bureau.folder / "trust" / "root.pem").unlink()
    scene.administrator_configuration.write_text(bureau.toml(timeout="1"))
    with pytest.raises(SceneError, match=r"`smgw-admin enrol .*` ended with 4: .*smgw-admin: trust:"):
        administer(scene, told.append, threading.Event())
    assert told[-1] == f"$ smgw-admin enrol {scene.gateway_id}"


def test_what_only_an_order_starts_is_ordered(scene: Scene) -> None:
    """A sweep, a self-test, each event that a profile waits for, and each value that is given on request."""
    words = [words for _, words in errands(scene)]
    assert [(command, *rest) for command, _, *rest in words] == [
        ("retention", "--readings-days", "730", "--system-log-days", "365"), ("self-test",), ("event", "dim", "on"),
        ("request", "lieferant-now"), ("request", "lieferant-daily"),
    ]  # fmt: skip
    assert {gateway for _, gateway, *_ in words} == {scene.gateway_id}


def test_a_person_is_told_how_to_go_on(scene: Scene) -> None:
    told = "\n".join(by_hand(scene))
    for words in (
        "status ESMG0000000001 --refresh", "wake ESMG0000000001", "logs ESMG0000000001", "break-up", "dim off",
        "accounts reset ESMG0000000001 house",
        f"logs verify {scene.gateway_configuration}", f"consumer-log {scene.gateway_configuration} house",
    ):  # fmt: skip
        assert words in told
    assert str(scene.administrator_configuration) in told


def test_what_lies_in_this_folder_is_named_from_here(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scene.state)
    told = "\n".join(by_hand(scene))
    assert f" --config {scene.administrator_configuration.relative_to(scene.state)}  #" in told
