"""How firmware is put together: which slot runs, what the self-test compares, and nothing without a configuration."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.config import Configuration
from smgw.firmware.folder import SlotFolder
from smgw.firmware.parts import PROGRAM, Firmware, FirmwareBase, compose_firmware
from smgw.firmware.slots import Slot
from smgw.program import program_hash
from smgw.self_test import CheckName
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
    passed = {check.name: check.passed for check in firmware.trial.test(NOW)}
    assert passed[CheckName.PROGRAM]
    assert passed[CheckName.SECURITY_MODULE]
    (slots.path(Slot.A) / "smgw" / "more.py").write_bytes(b"")
    assert program_hash(slots.path(Slot.A)) != slots.read().slots[Slot.A].content.program
    failed = {check.name: check.passed for check in firmware.trial.test(NOW)}
    assert not failed[CheckName.PROGRAM]


def test_who_started_this_process_is_asked_of_the_folder(world: World, tmp_path: Path) -> None:
    slots = SlotFolder(tmp_path / "firmware")
    firmware = composed(world, tmp_path, PROGRAM, parent=os.getpid())
    assert firmware is not None
    launched = firmware.trial.orders._ports.launched
    assert not launched()
    with slots.launching(os.getpid()):
        assert launched()
