"""The table of phases, and the record as bytes."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.firmware.slots import MAXIMUM_NOTES, TABLE, Content, Move, Phase, Record, Slot, SlotRecord, Step
from wire.canonical_json import encode
from wire.errors import FirmwareError

AT = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = Content("1.2", "0" * 64, "1" * 64)
RECORD = (
    Record()
    .moved(Slot.A, Move.CLEAR)
    .moved(Slot.A, Move.STORE, CONTENT)
    .moved(Slot.A, Move.CHOOSE)
    .moved(Slot.A, Move.BEGIN)
    .noted(Step.STORED, "1.2", AT)
    .noted(Step.ROLLED_BACK, "1.1", AT, "signal 9")
)


def test_a_slot_that_is_run_cannot_be_written_to() -> None:
    for phase in (Phase.CHOSEN, Phase.TRIAL, Phase.ACTIVE):
        assert (phase, Move.CLEAR) not in TABLE
        assert (phase, Move.STORE) not in TABLE


def test_only_a_trial_becomes_active_and_only_what_was_chosen_a_trial() -> None:
    assert [key for key, to in TABLE.items() if to is Phase.ACTIVE] == [(Phase.TRIAL, Move.CONFIRM)]
    assert [key for key, to in TABLE.items() if to is Phase.TRIAL] == [(Phase.CHOSEN, Move.BEGIN)]
    assert [move for (phase, move) in TABLE if phase is Phase.FAILED] == [Move.CLEAR]


def test_every_phase_can_be_reached_and_left() -> None:
    assert set(TABLE.values()) == set(Phase) == {phase for phase, _ in TABLE}
    assert {move for _, move in TABLE} == set(Move)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("move", Move)
def test_the_record_moves_by_the_table_alone(phase: Phase, move: Move) -> None:
    record = Record({Slot.A: SlotRecord(phase, CONTENT), Slot.B: SlotRecord()})
    if (phase, move) in TABLE:
        moved = record.moved(Slot.A, move)
        assert (moved.slots[Slot.A], moved.slots[Slot.B]) == (SlotRecord(TABLE[phase, move], CONTENT), SlotRecord())
    else:
        with pytest.raises(RuntimeError):
            record.moved(Slot.A, move)


def test_notes_are_bounded_and_the_newest_stay() -> None:
    record = Record()
    for number in range(MAXIMUM_NOTES + 3):
        record = record.noted(Step.STORED, f"1.{number}", AT.replace(microsecond=5))
    assert [note.version for note in record.notes] == [f"1.{number}" for number in range(3, MAXIMUM_NOTES + 3)]
    assert Record.from_bytes(record.to_bytes()) == record


def test_a_record_is_read_back() -> None:
    record = replace(RECORD, highest="1.1")
    assert Record.from_bytes(record.to_bytes()) == record
    assert record.find(Phase.TRIAL) is Slot.A
    assert record.find(Phase.ACTIVE, Phase.FORMER) is None
    assert Record.from_bytes(Record().to_bytes()) == Record()


@given(st.data(), st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just([]) | st.just({}))
def test_a_damaged_record_is_refused_or_canonical(data: st.DataObject, value: object) -> None:
    content = json.loads(RECORD.to_bytes())
    place = data.draw(st.sampled_from([content, content["slots"], content["slots"]["A"], content["notes"][0]]))
    place[data.draw(st.sampled_from(sorted(place)))] = value
    written = encode(content)
    try:
        found = Record.from_bytes(written)
    except FirmwareError:
        return
    assert found.to_bytes() == written


@given(st.binary(max_size=60))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(FirmwareError):
        Record.from_bytes(data)


@pytest.mark.parametrize(("one", "other"), [("active", "active"), ("trial", "chosen"), ("trial", "trial")])
def test_no_record_has_two_programs_to_run(one: str, other: str) -> None:
    content = json.loads(RECORD.to_bytes())
    content["slots"]["A"]["phase"], content["slots"]["B"]["phase"] = one, other
    with pytest.raises(FirmwareError, match="two slots"):
        Record.from_bytes(encode(content))


def test_a_record_of_another_form_is_not_guessed_at() -> None:
    content = json.loads(RECORD.to_bytes())
    content["format"] = 2
    with pytest.raises(FirmwareError, match="format 2"):
        Record.from_bytes(encode(content))
