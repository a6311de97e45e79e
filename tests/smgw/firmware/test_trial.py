"""A program confirms itself after its self-test, or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.firmware.folder import RECORD
from smgw.firmware.slots import Phase, Slot
from smgw.firmware.trial import NOT_JUDGED, Trial, TrialFailedError
from smgw.self_test import Check, CheckName
from testbed.small_pki import NOW, SmallPki
from tests.smgw.firmware.world import World, manufacturer_of, sha256
from wire.orders import ActivateFirmware, StoreFirmware


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    pki = SmallPki()
    world = World(tmp_path, pki, manufacturer_of(pki))
    yield world
    world.database.close()


def on_trial(world: World) -> None:
    package = world.package("1.1")
    world.orders.stage(package, NOW)
    world.orders.store(StoreFirmware(sha256(package)), NOW)
    world.orders.activate(ActivateFirmware("1.1"), NOW)
    assert world.slots.decide(NOW).trial


def checks(*failed: CheckName) -> tuple[Check, ...]:
    return tuple(Check(name, name not in failed, "broken" if name in failed else "") for name in CheckName)


def settle(world: World, slot: Slot | None, *failed: CheckName) -> None:
    Trial(world.slots, world.orders, slot).settle(checks(*failed), NOW)


def test_a_program_that_passes_is_the_one_to_run(world: World) -> None:
    on_trial(world)
    settle(world, Slot.A)
    assert world.slots.read().slots[Slot.A].phase is Phase.ACTIVE
    assert world.told() == [("FIRMWARE_STORED", "1.1", ""), ("FIRMWARE_ACTIVATED", "1.1", "")]


@pytest.mark.parametrize("failed", sorted(set(CheckName) - NOT_JUDGED))
def test_each_check_that_counts_counts(world: World, failed: CheckName) -> None:
    on_trial(world)
    with pytest.raises(TrialFailedError, match=f"{failed.value}: broken"):
        settle(world, Slot.A, failed)
    assert world.slots.read().slots[Slot.A].phase is Phase.TRIAL


def test_what_says_nothing_about_a_program_is_not_judged(world: World) -> None:
    on_trial(world)
    assert {CheckName.CLOCK, CheckName.FIREWALL, CheckName.UPDATE} == NOT_JUDGED
    settle(world, Slot.A, *NOT_JUDGED)
    assert world.slots.read().slots[Slot.A].phase is Phase.ACTIVE


@pytest.mark.parametrize("slot", [None, Slot.B])
def test_only_the_program_on_trial_confirms_itself(world: World, slot: Slot | None) -> None:
    on_trial(world)
    settle(world, slot, CheckName.PROGRAM)
    assert world.slots.read().slots[Slot.A].phase is Phase.TRIAL


def test_the_program_that_runs_again_tells_of_the_one_that_failed(world: World) -> None:
    on_trial(world)
    world.slots.fail(Slot.A, "signal 9", NOW)
    settle(world, None)
    assert world.told()[-1] == ("FIRMWARE_ROLLED_BACK", "1.1", "signal 9")
    assert world.slots.read().notes == ()


def test_what_cannot_be_said_was_not_passed(world: World) -> None:
    on_trial(world)
    (world.slots.folder / RECORD).write_bytes(b"junk")
    with pytest.raises(TrialFailedError, match="the record of the slots"):
        settle(world, Slot.A)
    settle(world, None)  # the installed program runs on, whatever became of the slots
