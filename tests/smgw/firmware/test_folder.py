"""The slots on a real disk: filled, chosen, tried, confirmed, rolled back, damaged, and cut off at every step."""

import os
import shutil
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from smgw.firmware.errors import FirmwareReason, FirmwareRefusedError
from smgw.firmware.folder import (
    DAMAGED,
    INTERRUPTED,
    MAXIMUM_RECORD,
    RECORD,
    Choice,
    LauncherRunsError,
    SlotFolder,
    tree_hash,
)
from smgw.firmware.package import manufacturer
from smgw.firmware.slots import Phase, Slot, Step
from smgw.program import program_hash
from testbed.small_pki import NOW, SmallPki
from tests.moments import Moments
from tests.smgw.firmware.world import FINISHED, KILLED, World, in_a_child, manufacturer_of, program_files, sha256
from wire.orders import ActivateFirmware, StoreFirmware


@pytest.fixture
def slots(tmp_path: Path) -> SlotFolder:
    return SlotFolder(tmp_path / "firmware")


def fill(slots: SlotFolder, version: str) -> Slot:
    return slots.fill(program_files(version), version, NOW)


def active(slots: SlotFolder, version: str) -> Slot:
    """A program that was stored, chosen, tried and confirmed."""
    slot = fill(slots, version)
    slots.choose(version)
    assert slots.decide(NOW) == Choice(slot, trial=True, version=version)
    slots.confirm(slot, NOW)
    return slot


def phases(slots: SlotFolder) -> list[Phase]:
    return [slots.read().slots[slot].phase for slot in Slot]


def test_a_new_folder_runs_the_installed_program(slots: SlotFolder) -> None:
    assert slots.decide(NOW) == Choice()
    assert not slots.folder.exists()


def test_a_program_is_stored_as_it_is_for_its_owner_alone(slots: SlotFolder) -> None:
    assert fill(slots, "1.1") is Slot.A
    files = {path.relative_to(slots.path(Slot.A)).as_posix(): path for path in slots.path(Slot.A).rglob("*")}
    assert {name: path.read_bytes() for name, path in files.items() if path.is_file()} == program_files("1.1")
    assert [name for name, path in files.items() if path.stat().st_mode & 0o077] == []
    record = slots.read()
    held = record.slots[Slot.A]
    assert (held.phase, held.content.version) == (Phase.STORED, "1.1")
    assert held.content.tree == tree_hash(slots.path(Slot.A))
    assert held.content.program == program_hash(slots.path(Slot.A))
    assert [(note.step, note.version, note.at) for note in record.notes] == [(Step.STORED, "1.1", NOW)]
    assert slots.decide(NOW) == Choice()  # stored is not chosen


def test_the_slots_take_turns_and_the_active_one_is_never_touched(slots: SlotFolder) -> None:
    assert active(slots, "1.1") is Slot.A
    assert slots.decide(NOW) == Choice(Slot.A, version="1.1")
    before = tree_hash(slots.path(Slot.A))
    assert fill(slots, "1.2") is Slot.B
    assert fill(slots, "1.3") is Slot.B  # what was stored and not chosen is replaced
    assert (tree_hash(slots.path(Slot.A)), slots.decide(NOW)) == (before, Choice(Slot.A, version="1.1"))
    with pytest.raises(FirmwareRefusedError, match="no slot holds"):
        slots.choose("1.2")
    assert active(slots, "1.4") is Slot.B
    assert phases(slots) == [Phase.FORMER, Phase.ACTIVE]
    assert fill(slots, "1.5") is Slot.A
    assert slots.read().highest == "1.4"


def test_a_trial_that_fails_leaves_the_former(slots: SlotFolder) -> None:
    active(slots, "1.1")
    fill(slots, "1.2")
    slots.choose("1.2")
    trial = slots.decide(NOW)
    assert slots.on_trial(trial)
    slots.fail(Slot.B, "signal 9", NOW + timedelta(seconds=5))
    assert not slots.on_trial(trial)
    assert slots.decide(NOW) == Choice(Slot.A, version="1.1")
    assert (phases(slots), slots.read().highest) == ([Phase.ACTIVE, Phase.FAILED], "1.1")
    last = slots.read().notes[-1]
    assert (last.step, last.version, last.reason) == (Step.ROLLED_BACK, "1.2", "signal 9")
    with pytest.raises(FirmwareRefusedError, match="no slot holds"):
        slots.choose("1.2")
    assert fill(slots, "1.2") is Slot.B


def test_a_trial_that_nobody_ended_has_failed(slots: SlotFolder) -> None:
    fill(slots, "1.1")
    slots.choose("1.1")
    assert slots.decide(NOW).trial
    assert slots.decide(NOW) == Choice()
    assert (phases(slots)[0], slots.read().notes[-1].reason) == (Phase.FAILED, INTERRUPTED)


def test_a_trial_that_was_put_off_begins_anew(slots: SlotFolder) -> None:
    fill(slots, "1.1")
    slots.choose("1.1")
    first = slots.decide(NOW)
    slots.put_off(Slot.A)
    assert slots.decide(NOW) == first
    assert slots.on_trial(first)


def test_while_one_is_to_be_tried_nothing_else_begins(slots: SlotFolder) -> None:
    fill(slots, "1.1")
    slots.choose("1.1")
    with pytest.raises(FirmwareRefusedError) as refusal:
        slots.choose("1.1")
    assert refusal.value.reason is FirmwareReason.BUSY
    with pytest.raises(RuntimeError):
        fill(slots, "1.2")


@pytest.mark.parametrize("damage", ["changed", "more", "compiled", "less", "link", "gone"])
def test_damaged_files_are_not_run(slots: SlotFolder, damage: str) -> None:
    active(slots, "1.1")
    fill(slots, "1.2")
    place = slots.path(Slot.B)
    spoil(place, damage)
    with pytest.raises(FirmwareRefusedError) as refusal:
        slots.choose("1.2")
    assert refusal.value.reason is FirmwareReason.DAMAGED
    fill(slots, "1.3")
    slots.choose("1.3")
    spoil(place, damage)
    assert slots.decide(NOW) == Choice(Slot.A, version="1.1")
    assert (phases(slots)[1], slots.read().notes[-1].reason) == (Phase.FAILED, DAMAGED)
    spoil(slots.path(Slot.A), damage)
    with pytest.raises(FirmwareRefusedError) as refusal:
        slots.decide(NOW)
    assert refusal.value.reason is FirmwareReason.DAMAGED


def spoil(place: Path, damage: str) -> None:
    entry = place / "smgw" / "__main__.py"
    match damage:
        case "changed":
            entry.write_bytes(entry.read_bytes().replace(b"1", b"2"))
        case "more":
            (place / "smgw" / "more.py").write_bytes(b"")
        case "compiled":
            (place / "smgw" / "__main__.pyc").write_bytes(b"")
        case "less":
            entry.unlink()
        case "link":
            entry.rename(place.parent / "elsewhere")
            entry.symlink_to(place.parent / "elsewhere")
        case _:
            place.rename(place.parent / f"away-{os.urandom(4).hex()}")


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * (MAXIMUM_RECORD + 1)])
def test_a_record_that_cannot_be_read_is_no_empty_one(slots: SlotFolder, data: bytes) -> None:
    active(slots, "1.1")
    (slots.folder / RECORD).write_bytes(data)
    with pytest.raises(FirmwareRefusedError) as refusal:
        slots.decide(NOW)
    assert refusal.value.reason is FirmwareReason.STATE
    (slots.folder / RECORD).unlink()
    (slots.folder / RECORD).mkdir()
    with pytest.raises(FirmwareRefusedError):
        slots.read()


def test_notes_are_forgotten_oldest_first(slots: SlotFolder) -> None:
    active(slots, "1.1")
    slots.forget_notes(1)
    assert [note.step for note in slots.read().notes] == [Step.ACTIVATED]


def test_one_launcher_and_its_child_knows_it(slots: SlotFolder) -> None:
    assert not slots.launched_by(0)
    with slots.launching(4711):
        assert slots.launched_by(4711)
        assert not slots.launched_by(471)
        with pytest.raises(LauncherRunsError), slots.launching(4712):
            pass
        assert slots.launched_by(4711)
    assert not slots.launched_by(4711)
    with slots.launching(4713):
        assert slots.launched_by(4713)


def test_which_slot_runs_is_told_by_where_the_program_lies(slots: SlotFolder, tmp_path: Path) -> None:
    active(slots, "1.1")
    assert slots.running(slots.path(Slot.A)) is Slot.A
    (tmp_path / "link").symlink_to(slots.path(Slot.A))
    assert slots.running(tmp_path / "link") is Slot.A
    assert slots.running(tmp_path) is None


class Life:
    """What the power may be cut in: two updates that are good, and one that fails."""

    def __init__(self, folder: Path, pki: SmallPki) -> None:
        self.folder = folder
        self.pki = pki
        self.manufacturer = manufacturer_of(pki)
        # Made and proven once: what each of the many processes would only do again.
        self.trust = pki.trust()
        world = self.world(folder / "new", create=True)
        self.packages = {version: world.package(version) for version in ("1.1", "1.2", "1.3", "2.0")}
        manufacturer(self.manufacturer.certificate, self.trust, NOW)
        world.database.close()

    def world(self, folder: Path, *, create: bool) -> World:
        return World(folder, self.pki, self.manufacturer, create=create, trust=self.trust)

    def live(self, folder: Path) -> None:
        world = self.world(folder, create=False)
        for version in ("1.1", "1.2", "1.3"):
            self.update(world, version, good=version != "1.3")

    def update(self, world: World, version: str, *, good: bool) -> None:
        package = self.packages[version]
        world.orders.stage(package, NOW)
        world.orders.store(StoreFirmware(sha256(package)), NOW)
        world.orders.activate(ActivateFirmware(version), NOW)
        choice = world.slots.decide(NOW)
        assert choice.slot is not None
        if good:
            world.slots.confirm(choice.slot, NOW)
            world.running = version
        else:
            world.slots.fail(choice.slot, "signal 9", NOW)
        world.orders.tell()

    def check(self, folder: Path) -> None:
        """Exactly one program is to run and whole; the logs know of it; the next update comes in."""
        world = self.world(folder, create=False)
        choice = world.slots.decide(NOW)
        if choice.trial:  # it was chosen and not begun: it is begun now
            assert choice.slot is not None
            world.slots.confirm(choice.slot, NOW)
            choice = world.slots.decide(NOW)
        record = world.slots.read()
        assert [slot for slot in Slot if record.slots[slot].phase is Phase.ACTIVE] == (
            [] if choice.slot is None else [choice.slot]
        )
        if choice.slot is not None:
            entry = world.slots.path(choice.slot) / "smgw" / "__main__.py"
            assert entry.read_text() == f'print("{choice.version}")\n'
            assert record.highest == choice.version
            world.running = choice.version
        world.orders.tell()
        assert world.slots.read().notes == ()
        known = [subject for event, subject, _ in world.told() if event == "FIRMWARE_ACTIVATED"]
        assert known[-1:] == ([] if choice.slot is None else [choice.version])
        self.update(world, "2.0", good=True)
        assert world.slots.decide(NOW).version == "2.0"


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path, SmallPki())


@pytest.mark.walk
def test_the_power_may_go_at_every_step(life: Life, moments: Moments) -> None:
    def place(name: str) -> Path:
        shutil.copytree(life.folder / "new", life.folder / name)
        return life.folder / name

    folder, written = place("rehearsal"), life.folder / "kinds"
    assert in_a_child(partial(life.live, folder), folder=folder / "firmware", kinds=written) == FINISHED
    kinds = written.read_text().splitlines()
    assert len(kinds) >= 126, kinds
    for cut_at in moments.of(kinds, sample=12):
        folder = place(str(cut_at))
        assert in_a_child(partial(life.live, folder), folder=folder / "firmware", cut_at=cut_at) == KILLED, cut_at
        assert in_a_child(partial(life.check, folder)) == FINISHED, cut_at
