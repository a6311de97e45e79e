from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from proof.checkpoint import sign
from smgw.logs import sealing
from smgw.logs.errors import IntegrityReason, LogIntegrityError
from smgw.logs.sealing import CONSUMER_RETENTION
from smgw.logs.stored import verify_logs
from smgw.store import log_checkpoints
from smgw.store.calibration_log import CalibrationLog
from smgw.store.consumer_log import ConsumerLog
from smgw.store.erasure import Ended
from smgw.store.events import Event, Level, Log, Outcome
from smgw.store.log_chain import chains, read
from smgw.store.log_entry import Entry
from smgw.store.logs import SystemLog
from smgw.store.schema import ended
from smgw.store.settings import Settings
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import SECOND, Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(SmallPki(), tmp_path, system=10)
    yield archive
    archive.close()


def entries(archive: Archive, log: Log = Log.SYSTEM) -> list[Entry]:
    with archive.database.read() as connection:
        return list(read(connection, (log, "")))


def test_what_was_counted_comes_into_the_chain(archive: Archive) -> None:
    """First and last occurrence stay, and how often in between, under a signature (repetitionCounter)."""
    for _ in range(7):
        archive.happen(Event.LINE_STATE, "line", Outcome.FAILURE, state="lost")
    last = archive.now
    archive.seal()
    first, extension = entries(archive)
    assert (first.repetition_count, extension.parent_record_number, extension.repetition_counter) == (6, 1, 6)
    assert (extension.level, extension.outcome, extension.first_at) == (Level.EXTENSION, Outcome.EXTENSION, last)
    archive.seal()
    assert len(entries(archive)) == 2, "nothing happened again"
    verify_logs(archive.database)


def test_the_calibration_log_is_not_worn_out_by_counting(archive: Archive) -> None:
    for _ in range(3):
        archive.happen(Event.METER_STATE, "1ISK0087654321", Outcome.FAILURE, reason="silent")
        archive.seal()
    assert len(entries(archive, Log.CALIBRATION)) == 1
    archive.now += timedelta(days=7)
    archive.seal()
    assert [entry.repetition_counter for entry in entries(archive, Log.CALIBRATION)] == [0, 2]
    verify_logs(archive.database)


def test_a_ring_goes_round_between_two_checkpoints(archive: Archive) -> None:
    """FAU_STG.4/SYS: overwriting is told from a cut, also where nothing of the last checkpoint is left."""
    for rounds in (1, 3, 12, 1):
        for number in range(rounds * 4):
            archive.happen(Event.ORDER_DONE, f"{rounds}-{number}", sequence=number)
        verify_logs(archive.database)
        archive.seal()
        verify_logs(archive.database)
    assert len(entries(archive)) == 10


def test_a_consumer_log_keeps_fifteen_months(archive: Archive) -> None:
    """FAU_STG.4/CON: what is older than its retention goes with a checkpoint, while the time can be relied on."""
    assert timedelta(days=365 + 92) <= CONSUMER_RETENTION  # a year and the longest quarter of one
    archive.happen(Event.DELIVERY_ACKNOWLEDGED, "tariff", party="grid", values=1)
    archive.now += CONSUMER_RETENTION - SECOND
    archive.happen(Event.DELIVERY_ACKNOWLEDGED, "tariff", party="grid", values=2)
    log = ConsumerLog(archive.database, "anna")
    archive.now += SECOND
    archive.seal(time_valid=False)
    assert [entry.record_number for entry in log.entries()] == [1, 2]
    archive.seal()
    assert [entry.record_number for entry in log.entries()] == [2]
    verify_logs(archive.database)
    archive.now += CONSUMER_RETENTION * 2
    archive.seal()
    assert log.entries() == []
    verify_logs(archive.database)
    archive.happen(Event.DELIVERY_ACKNOWLEDGED, "tariff", party="grid", values=3)
    assert [entry.record_number for entry in log.entries()] == [3]
    verify_logs(archive.database)
    archive.seal()
    verify_logs(archive.database)


def test_the_system_log_keeps_what_was_ordered_and_the_calibration_log_everything(archive: Archive) -> None:
    """FAU_STG.4/SYS, FAU_STG.4/CAL: days are ordered for the system log alone."""
    archive.happen(Event.RETENTION_SET, "retention", readings_days=30, system_log_days=30)
    archive.happen(Event.FIRMWARE_ACTIVATED, "firmware")
    archive.now += timedelta(days=40)
    archive.seal()
    kept = len(SystemLog(archive.database).entries())
    assert kept == 2
    Settings(archive.database).set_retention(30, 30, archive.now)
    archive.seal(time_valid=False)
    assert len(SystemLog(archive.database).entries()) == kept
    archive.happen(Event.GATEWAY_STARTED, "gateway")
    archive.seal()
    assert [entry.event for entry in SystemLog(archive.database).entries()] == [Event.GATEWAY_STARTED]
    assert [entry.event for entry in CalibrationLog(archive.database).entries()] == [Event.FIRMWARE_ACTIVATED]
    verify_logs(archive.database)


def test_a_consumer_log_that_is_full_gives_way(tmp_path: Path) -> None:
    """FAU_STG.4/CON: for want of room the oldest goes before its time."""
    small = Archive(SmallPki(), tmp_path, consumer=3)
    small.days(4)
    assert len(ConsumerLog(small.database, "anna").entries()) == 3
    small.seal()
    verify_logs(small.database)
    small.close()


@pytest.mark.parametrize(
    ("reason", "statement"),
    [
        (IntegrityReason.CUT_START, "DELETE FROM log_entries WHERE log = 'calibration' AND record_number < 3"),
        (IntegrityReason.GAP, "DELETE FROM log_entries WHERE log = 'calibration' AND record_number = 2"),
        (IntegrityReason.CUT_TAIL, "DELETE FROM log_entries WHERE log = 'calibration' AND record_number > 4"),
        (IntegrityReason.ALTERED, "UPDATE log_entries SET subject = 'x' WHERE log = 'calibration'"),
        (IntegrityReason.CHECKPOINT, "UPDATE log_checkpoints SET states = '[]'"),
    ],
)
def test_an_alteration_is_never_covered_by_a_newer_signature(
    archive: Archive, reason: IntegrityReason, statement: str
) -> None:
    """FAU_STG.2: what is not as it was written is not signed."""
    archive.days(4)
    archive.seal()
    archive.days(2)
    archive.attack(statement)
    with pytest.raises(LogIntegrityError) as refusal:
        archive.seal()
    assert refusal.value.reason is reason


def test_only_the_last_checkpoints_are_kept(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_checkpoints, "KEPT", 2)
    for _ in range(4):
        archive.days(1)
        archive.seal()
    with archive.database.read() as connection:
        assert [one.number for one in log_checkpoints.every(connection)] == [3, 4]
    verify_logs(archive.database)


def test_a_token_that_hangs_stops_nobody_who_writes(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while the token signs is written at once, and signed by the next checkpoint."""
    signing = sign

    def slow(*words: object) -> object:
        archive.happen(Event.ORDER_DONE, "meanwhile", sequence=1)
        return signing(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "sign", slow)
    archive.seal()
    assert [entry.subject for entry in entries(archive)] == ["meanwhile"]
    verify_logs(archive.database)


def test_another_who_seals_at_the_same_moment_is_waited_for(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    signing, before = sign, [True]

    def interrupted(*words: object) -> object:
        if before:
            before.clear()
            archive.seal()
        return signing(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "sign", interrupted)
    archive.days(1)
    archive.seal()
    with archive.database.read() as connection:
        assert [one.number for one in log_checkpoints.every(connection)] == [1, 2]
    verify_logs(archive.database)


def test_of_a_contract_that_ended_not_even_the_name_is_left(archive: Archive) -> None:
    """FDP_RIP.2: her log goes with a checkpoint, and nothing in the store says any more whose it was."""
    archive.days(2)
    archive.seal()
    archive.days(1)
    with archive.database.write() as connection:
        connection.execute(ended.insert(), {"kind": Ended.CONSUMER, "name": "anna", "begin": 0, "until": 0})
    archive.seal()
    verify_logs(archive.database)
    with archive.database.write() as connection:
        connection.execute(ended.delete())
        assert "anna" not in {owner for _, owner in chains(connection)}
        assert all("anna" not in one.states for one in log_checkpoints.every(connection))
    archive.days(1)
    archive.seal()
    verify_logs(archive.database)
    assert [entry.record_number for entry in ConsumerLog(archive.database, "anna").entries()][:1] == [1]
