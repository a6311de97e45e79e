"""The orders about firmware: refused with a reason and nothing changed, or done and in both logs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from pki.certificates import Purpose, Role
from pki.revoke import Revocation
from smgw.administration.errors import CommandRefusedError, Done, FollowUp
from smgw.firmware.errors import FirmwareReason
from smgw.firmware.folder import RECORD
from smgw.firmware.slots import Phase, Slot
from smgw.self_test import MINIMUM_FREE
from smgw.store.errors import StoreFullError
from smgw.store.logs import Event
from testbed.small_pki import NOW, SmallPki
from tests.smgw.firmware.world import INSTALLED, World, manufacturer_of, sha256
from tests.smgw.premises import pem
from wire.management import MAX_PACKAGE_BYTES
from wire.orders import ActivateFirmware, StoreFirmware


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    pki = SmallPki()
    world = World(tmp_path, pki, manufacturer_of(pki))
    yield world
    world.database.close()


def bring(world: World, version: str) -> StoreFirmware:
    package = world.package(version)
    assert world.orders.stage(package, NOW) == Done({"sha256": sha256(package), "octets": len(package)})
    return StoreFirmware(sha256(package))


def refused(work: Callable[[], object]) -> FirmwareReason:
    with pytest.raises(CommandRefusedError) as refusal:
        work()
    assert isinstance(refusal.value.reason, FirmwareReason)
    return refusal.value.reason


def store(world: World, version: str) -> Slot:
    done = world.orders.store(bring(world, version), NOW)
    return Slot(str(done.result["slot"]))


def run(world: World, version: str) -> None:
    """Store, activate, try and confirm ``version``."""
    slot = store(world, version)
    world.orders.activate(ActivateFirmware(version), NOW)
    assert world.slots.decide(NOW).slot is slot
    world.slots.confirm(slot, NOW)
    world.running = version


def test_a_package_is_stored_and_forgotten(world: World) -> None:
    command = bring(world, "1.1")
    assert world.slots.staged.stat().st_mode & 0o077 == 0
    assert world.orders.store(command, NOW) == Done({"version": "1.1", "slot": "A"})
    assert not world.slots.staged.exists()
    assert world.told() == [("FIRMWARE_STORED", "1.1", "")]
    assert refused(lambda: world.orders.store(command, NOW)) is FirmwareReason.NOT_STAGED


def test_a_package_that_cannot_be_forgotten_is_stored_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = bring(world, "1.1")

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        raise OSError(30, "read-only file system")

    monkeypatch.setattr(Path, "unlink", unlink)
    assert world.orders.store(command, NOW) == Done({"version": "1.1", "slot": "A"})
    monkeypatch.undo()
    assert world.told() == [("FIRMWARE_STORED", "1.1", "")]


def test_activating_asks_for_a_start_and_changes_nothing_before(world: World) -> None:
    store(world, "1.1")
    assert world.orders.activate(ActivateFirmware("1.1"), NOW) == Done({"version": "1.1"}, FollowUp.RESTART)
    assert world.slots.read().slots[Slot.A].phase is Phase.CHOSEN
    assert refused(lambda: world.orders.activate(ActivateFirmware("1.1"), NOW)) is FirmwareReason.BUSY
    assert refused(lambda: store(world, "1.2")) is FirmwareReason.BUSY
    assert world.told()[1:] == [("FIRMWARE_REFUSED", "firmware", "busy")] * 2


def test_a_staged_package_is_bounded(world: World) -> None:
    for package in (b"", bytes(MAX_PACKAGE_BYTES + 1)):
        assert refused(partial(world.orders.stage, package, NOW)) is FirmwareReason.TOO_LARGE
    assert not world.slots.staged.exists()


def test_only_the_package_that_the_order_names(world: World) -> None:
    command = bring(world, "1.1")
    bring(world, "1.2")
    assert refused(lambda: world.orders.store(command, NOW)) is FirmwareReason.NOT_STAGED
    assert world.told() == [("FIRMWARE_REFUSED", "firmware", "not-staged")]


def test_anybody_may_sign_but_only_the_manufacturer_is_believed(world: World) -> None:
    """FIA_UAU.5; TR-03109-1, firmware."""
    package = world.package("1.1", manufacturer_of(world.pki))
    world.orders.stage(package, NOW)
    assert refused(lambda: world.orders.store(StoreFirmware(sha256(package)), NOW)) is FirmwareReason.SIGNATURE
    world.orders.stage(b"junk", NOW)
    assert refused(lambda: world.orders.store(StoreFirmware(sha256(b"junk")), NOW)) is FirmwareReason.PACKAGE
    assert world.slots.read().slots[Slot.A].phase is Phase.EMPTY


def revoked(world: World) -> None:
    revocation = Revocation(world.manufacturer.certificate.serial_number, NOW, "key-compromise")
    world.trust = world.pki.trust(sub_ca=(revocation,), number=2)


def another_role(world: World) -> None:
    world.certificate.write_bytes(pem(world.pki.holder(Role.GWA, Purpose.SIG).certificate))


def another_purpose(world: World) -> None:
    world.certificate.write_bytes(pem(world.pki.holder(Role.GWH, Purpose.TLS).certificate))


def another_hierarchy(world: World) -> None:
    world.trust = SmallPki(seed=2).trust()


def no_certificate(world: World) -> None:
    world.certificate.unlink()


def junk_certificate(world: World) -> None:
    world.certificate.write_bytes(b"junk")


@pytest.mark.parametrize(
    "spoil", [revoked, another_role, another_purpose, another_hierarchy, no_certificate, junk_certificate]
)
def test_the_manufacturer_is_judged_at_the_moment_of_each_order(world: World, spoil: Callable[[World], None]) -> None:
    store(world, "1.1")
    command = bring(world, "1.2")
    spoil(world)
    assert refused(lambda: world.orders.store(command, NOW)) is FirmwareReason.MANUFACTURER
    assert refused(lambda: world.orders.activate(ActivateFirmware("1.1"), NOW)) is FirmwareReason.MANUFACTURER
    assert world.slots.read().slots[Slot.A].phase is Phase.STORED


def test_a_certificate_that_is_over_signs_nothing(world: World) -> None:
    command = bring(world, "1.2")
    late = NOW + timedelta(days=3650)
    assert refused(lambda: world.orders.store(command, late)) is FirmwareReason.MANUFACTURER


@pytest.mark.parametrize("version", ["0.9", INSTALLED, f"{INSTALLED}.0"])
def test_no_version_that_is_not_later_than_the_one_that_runs(world: World, version: str) -> None:
    assert refused(lambda: store(world, version)) is FirmwareReason.VERSION
    assert world.told() == [("FIRMWARE_REFUSED", "firmware", "version")]


def test_what_was_active_once_bars_what_is_older_for_good(world: World) -> None:
    run(world, "1.5")
    world.running = INSTALLED  # whoever made it so: a slot was lost, an older program installed
    for version in ("1.4", "1.5"):
        assert refused(partial(store, world, version)) is FirmwareReason.VERSION
    world.orders.tell()
    (world.slots.folder / RECORD).unlink()  # the calibration log remembers it, too
    assert refused(lambda: store(world, "1.5")) is FirmwareReason.VERSION
    assert store(world, "1.6") is Slot.A


def test_a_stored_version_that_was_overtaken_is_not_activated(world: World) -> None:
    store(world, "1.1")
    world.running = "1.2"
    assert refused(lambda: world.orders.activate(ActivateFirmware("1.1"), NOW)) is FirmwareReason.VERSION


def test_a_program_without_a_version_takes_nothing_that_could_be_older(world: World) -> None:
    world.running = "1.0.dev3"
    assert refused(lambda: store(world, "1.1")) is FirmwareReason.VERSION


def test_a_version_that_failed_may_come_again(world: World) -> None:
    store(world, "1.1")
    world.orders.activate(ActivateFirmware("1.1"), NOW)
    assert world.slots.decide(NOW).trial
    world.slots.fail(Slot.A, "signal 9", NOW)
    assert store(world, "1.1") is Slot.A
    assert ("FIRMWARE_ROLLED_BACK", "1.1", "signal 9") in world.told()


def test_what_no_slot_holds_is_not_activated(world: World) -> None:
    assert refused(lambda: world.orders.activate(ActivateFirmware("1.1"), NOW)) is FirmwareReason.UNKNOWN_VERSION
    store(world, "1.1")
    (world.slots.path(Slot.A) / "smgw" / "__main__.py").write_bytes(b"evil")
    assert refused(lambda: world.orders.activate(ActivateFirmware("1.1"), NOW)) is FirmwareReason.DAMAGED


def test_without_a_launcher_nothing_is_activated(world: World) -> None:
    store(world, "1.1")
    world.launched = False
    assert refused(lambda: world.orders.activate(ActivateFirmware("1.1"), NOW)) is FirmwareReason.LAUNCHER


def test_a_disk_that_takes_nothing_is_a_refusal(world: World) -> None:
    world.slots.folder.write_bytes(b"no folder")
    assert refused(lambda: world.orders.stage(b"package", NOW)) is FirmwareReason.STORAGE
    assert refused(lambda: world.orders.store(StoreFirmware("0" * 64), NOW)) is FirmwareReason.STATE
    assert world.told() == [("FIRMWARE_REFUSED", "firmware", "storage"), ("FIRMWARE_REFUSED", "firmware", "state")]
    assert world.orders.report() == {"error": "state"}


def test_without_room_for_it_a_stored_program_stays(world: World) -> None:
    store(world, "1.1")
    command = bring(world, "1.2")
    world.free = MINIMUM_FREE
    assert refused(lambda: world.orders.store(command, NOW)) is FirmwareReason.STORAGE
    assert world.slots.read().slots[Slot.A].content.version == "1.1"
    world.free += 10_000
    assert world.orders.store(command, NOW).result["version"] == "1.2"


def test_what_the_logs_did_not_take_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreFullError("full")

    with monkeypatch.context() as spoilt:
        spoilt.setattr("smgw.firmware.orders.SystemLog.record", full)
        store(world, "1.1")
    assert len(world.slots.read().notes) == 1
    later = world.orders
    later.tell()
    assert world.slots.read().notes == ()
    assert Event.FIRMWARE_STORED in {entry.event for entry in world.system_log.entries()}


def test_the_status_tells_both_slots(world: World) -> None:
    run(world, "1.1")
    store(world, "1.2")
    told = world.orders.report()
    held = world.slots.read().slots
    assert told == {
        "highest": "1.1",
        "A": {"phase": "active", "version": "1.1", "program_sha256": held[Slot.A].content.program},
        "B": {"phase": "stored", "version": "1.2", "program_sha256": held[Slot.B].content.program},
    }
    assert len(held[Slot.A].content.program) == 64
