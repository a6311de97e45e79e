from dataclasses import replace

import pytest

from proof.chain import name_of, verify_chain
from proof.checkpoint import ChainState
from proof.entry import GENESIS, Entry
from proof.errors import IntegrityReason, LogIntegrityError
from proof.events import Event, Level, Log, Outcome
from tests.smgw.store.samples import START


def written(count: int, log: Log = Log.SYSTEM, owner: str = "") -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, count + 1):
        entry = Entry(
            log, owner, number, Event.ORDER_DONE, 1, 0, "OPEN", Level.INFO, Outcome.SUCCESS, "s", "u", START, number, {}
        )
        entries.append(entry.chained(entries[-1].hash if entries else GENESIS))
    return entries


ENTRIES = written(9)


def state(first: int, last: int, capacity: int = 0) -> ChainState:
    anchor = ENTRIES[first - 2].hash if first > 1 else GENESIS
    return ChainState(Log.SYSTEM, "", first, anchor, last, ENTRIES[last - 1].hash, capacity)


def reason(entries: list[Entry], signed: ChainState | None) -> IntegrityReason:
    with pytest.raises(LogIntegrityError) as refusal:
        verify_chain(Log.SYSTEM, "", entries, signed)
    return refusal.value.reason


def test_a_whole_log_is_believed() -> None:
    verified = verify_chain(Log.SYSTEM, "", ENTRIES, state(1, 7))
    assert (verified.first, verified.last, verified.sealed, verified.unsigned) == (1, 9, 7, 2)
    assert verify_chain(Log.SYSTEM, "", ENTRIES, None).unsigned == 9
    assert verify_chain(Log.SYSTEM, "", [], None).unsigned == 0


@pytest.mark.parametrize(("first", "capacity", "good"), [(4, 6, True), (5, 6, False), (4, 0, False), (9, 1, True)])
def test_a_ring_may_have_gone_round_and_nothing_more(first: int, capacity: int, good: bool) -> None:
    """FAU_STG.4/SYS: newer entries took the room of older ones, as many as there is room."""
    entries, signed = ENTRIES[first - 1 :], state(1, 7, capacity)
    if good:
        assert verify_chain(Log.SYSTEM, "", entries, signed).first == first
    else:
        assert reason(entries, signed) is IntegrityReason.CUT_START


def test_nothing_left_of_what_was_signed_is_as_it_was_signed() -> None:
    gone = ChainState(Log.SYSTEM, "", 8, ENTRIES[6].hash, 7, ENTRIES[6].hash, 20)
    assert verify_chain(Log.SYSTEM, "", [], gone).unsigned == 0
    assert verify_chain(Log.SYSTEM, "", ENTRIES[7:], gone).unsigned == 2
    assert reason(ENTRIES[6:], gone) is IntegrityReason.ORDER
    assert reason([replace(ENTRIES[7], previous=GENESIS).chained(GENESIS)], gone) is IntegrityReason.ALTERED


def test_what_is_not_this_log_is_refused() -> None:
    assert reason([*ENTRIES, written(10, Log.CALIBRATION)[-1]], None) is IntegrityReason.ORDER
    early = replace(ENTRIES[8], seconds_index=1).chained(ENTRIES[7].hash)
    assert reason([*ENTRIES[:8], early], state(1, 7)) is IntegrityReason.ALTERED
    orphan = replace(ENTRIES[8], parent_record_number=9).chained(ENTRIES[7].hash)
    assert reason([*ENTRIES[:8], orphan], state(1, 7)) is IntegrityReason.ALTERED
    unheld = replace(ENTRIES[8], subject="\ud800")
    assert reason([*ENTRIES[:8], unheld], None) is IntegrityReason.ALTERED


def test_sentences_name_log_and_record() -> None:
    with pytest.raises(LogIntegrityError, match="system log: records 3 to 4 are missing"):
        verify_chain(Log.SYSTEM, "", ENTRIES[:2] + ENTRIES[4:], None)
    with pytest.raises(LogIntegrityError, match="system log: record 3 is missing"):
        verify_chain(Log.SYSTEM, "", ENTRIES[:2] + ENTRIES[3:], None)


def test_no_sentence_says_whose_log_it_is() -> None:
    """OSP.Log, FDP_ACF.1: what is wrong with a consumer's log is told to everybody, and her name to nobody."""
    hers = [replace(entry, log=Log.CONSUMER, owner="anna") for entry in ENTRIES]
    for found in (hers, ENTRIES):
        with pytest.raises(LogIntegrityError) as refusal:
            verify_chain(Log.CONSUMER, "anna", found, None)
        assert "anna" not in str(refusal.value)
    assert name_of(Log.CONSUMER) == "consumer log"
