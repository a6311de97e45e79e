"""How firmware is put together: which slot runs, what the self-test compares, and nothing without a configuration."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.config import Configuration
from smgw.firmware.folder import RECORD, SlotFolder
from smgw.firmware.parts import PROGRAM, Firmware, FirmwareBase, compose_firmware
from smgw.firmware.slots import Slot
from smgw.program import program_hash
from testbed.small_pki import NOW, SmallPki
from tests.smgw.firmware.world import World, manufacturer_of, program_files
from tests.smgw.test_self_test import identity
from wire.orders import ActivateFirmware, StoreFirmware

GATEWAY = """
[gateway]
id = "EABC0012345678"
[token]
module = "module"
label = "label"
pin_file = "pin"
[store]
folder = "."
[trust]
folder = "trust"
certificates = "certificates"
administrator = "gwa.SIG.pem"
[administrator]
profile = "administrator.cms"
[wake_up]
host = "127.0.0.1"
port = 4059
[wan]
tunnel = "stunnel"
"""
SLOTS = '[firmware]\nfolder = "firmware"\nmanufacturer = "manufacturer.pem"\n'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    pki = SmallPki()
    world = World(tmp_path, pki, manufacturer_of(pki))
    yield world
    world.database.close()


def composed(world: World, folder: Path, program: Path, *, tables: str = SLOTS, parent: int = 0) -> Firmware | None:
    configuration = Configuration.parse(GATEWAY + tables, base=folder)
    held = identity()

    base = FirmwareBase(
        configuration, world.database, world.system_log, lambda: world.trust, lambda: held, "1.0", program
    )
    return compose_firmware(base, parent=parent)


def test_without_slots_there_is_no_firmware(world: World, tmp_path: Path) -> None:
    assert composed(world, tmp_path, PROGRAM, tables="") is None


def test_the_installed_program(world: World, tmp_path: Path) -> None:
    firmware = composed(world, tmp_path, PROGRAM)
    assert firmware is not None
    assert (firmware.trial.slot, firmware.report()["running"]) == (None, "installed")
    assert set(firmware.handlers) == {StoreFirmware, ActivateFirmware}
    assert firmware.stage(b"package", NOW).result["octets"] == 7
    assert (PROGRAM / "smgw" / "boot.py").is_file()


def test_a_program_in_a_slot_is_compared_with_what_was_stored(world: World, tmp_path: Path) -> None:
    slots = SlotFolder(tmp_path / "firmware")
    slots.fill(program_files("1.1"), "1.1", NOW)
    firmware = composed(world, tmp_path, slots.path(Slot.A))
    assert firmware is not None
    assert (firmware.trial.slot, firmware.report()["running"]) == (Slot.A, "A")
    assert firmware.installed is not None
    assert firmware.installed() == program_hash(slots.path(Slot.A))
    (slots.path(Slot.A) / "smgw" / "more.py").write_bytes(b"")
    assert firmware.installed() != program_hash(slots.path(Slot.A))


def test_a_program_that_was_tried_in_vain_is_named_until_another_takes_its_place(world: World, tmp_path: Path) -> None:
    """FPT_FLS.1: an update that failed is found by the self-test."""
    firmware = composed(world, tmp_path, PROGRAM)
    assert firmware is not None
    assert firmware.defective() == ""
    slots = SlotFolder(tmp_path / "firmware")
    slots.fill(program_files("1.1"), "1.1", NOW)
    slots.choose("1.1")
    assert slots.decide(NOW).trial
    slots.fail(Slot.A, "signal 9", NOW)
    assert firmware.defective() == "slot A holds 1.1, tried in vain"
    slots.fill(program_files("1.2"), "1.2", NOW)
    assert firmware.defective() == ""
    (tmp_path / "firmware" / RECORD).write_bytes(b"junk")
    assert firmware.defective()


def test_who_started_this_process_is_asked_of_the_folder(world: World, tmp_path: Path) -> None:
    slots = SlotFolder(tmp_path / "firmware")
    firmware = composed(world, tmp_path, PROGRAM, parent=os.getpid())
    assert firmware is not None
    launched = firmware.trial.orders._ports.launched
    assert not launched()
    with slots.launching(os.getpid()):
        assert launched()
