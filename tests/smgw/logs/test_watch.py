from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pki.errors import TokenError, TokenReason
from smgw.logs.stored import verify_logs
from smgw.logs.watch import FILL_SECONDS, INTERVAL_SECONDS, RETRY_SECONDS, LogWatch
from smgw.secure_states import Condition, Conditions
from smgw.store import log_chain, log_checkpoints
from smgw.store.calibration_log import CalibrationLog
from smgw.store.errors import StoreError
from smgw.store.events import Event, Log
from smgw.store.logs import SystemLog
from smgw.store.notifications import Notifications
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(SmallPki(), tmp_path)
    yield archive
    archive.close()


CONCERNS = [("anna", "tariff"), ("bert", "other")]


def watch(archive: Archive, capacity: int = 10) -> LogWatch:
    archive.capacities[Log.CALIBRATION] = capacity
    return LogWatch(
        "EABC0012345678",
        archive.sealer,
        SystemLog(archive.database),
        CalibrationLog(archive.database, capacity=capacity),
        Conditions(),
        lambda _: True,
        lambda _: CONCERNS,
    )


def checkpoints(archive: Archive) -> int:
    with archive.database.read() as connection:
        return len(list(log_checkpoints.every(connection)))


def happened(archive: Archive) -> list[Event]:
    return [entry.event for entry in SystemLog(archive.database).entries()]


def test_the_logs_are_sealed_at_intervals(archive: Archive) -> None:
    seen = watch(archive, 1000)
    for seconds, expected in ((0.0, 1), (INTERVAL_SECONDS - 1, 1), (INTERVAL_SECONDS, 2), (INTERVAL_SECONDS + 9, 2)):
        seen.look(archive.now, seconds)
        assert checkpoints(archive) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_entries SET event = 'X' WHERE log = 'consumer'",
        "UPDATE log_entries SET at = 9223372036854775807",
        "UPDATE log_repetitions SET last_at = 'x'",
        "UPDATE log_heads SET last_number = 'x'",
    ],
)
def test_whatever_lies_in_the_logs_ends_in_a_state_and_in_nothing_worse(archive: Archive, statement: str) -> None:
    """FAU_STG.2, FPT_FLS.1: rows that cannot even be read stop operation, not the loop that looks after the logs."""
    seen = watch(archive, 1000)
    archive.days(2)
    archive.attack(statement)
    seen.look(archive.now, 0)
    assert [one.condition for one in seen.conditions.active] == [Condition.LOG_CHAIN_BROKEN]


def test_what_is_told_of_an_altered_consumer_log_does_not_name_her(archive: Archive) -> None:
    """OSP.Log, FDP_ACF.1: administrator, technician and other consumers read why the gateway stopped."""
    seen = watch(archive, 1000)
    archive.days(2)
    archive.seal()
    archive.attack("DELETE FROM log_entries WHERE owner = 'anna' AND record_number < 3")
    seen.look(archive.now, 0)
    (active,) = seen.conditions.active
    assert active.detail == "consumer log: the records before 3 are missing"


def test_who_reads_what_is_no_entry_is_told_so(archive: Archive) -> None:
    archive.days(1)
    archive.attack("UPDATE log_entries SET at = 9223372036854775807")
    with pytest.raises(StoreError, match="calibration log: record 1 was altered"):
        CalibrationLog(archive.database).entries()


def test_whom_a_device_concerns_changes_with_the_time(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAU_GEN.1/CON: no order comes when a profile begins or ends by its date, and her log must tell all the same."""
    seen = watch(archive, 1000)
    moved = archive.now + timedelta(minutes=1)
    seen.concerns = lambda at: [("bert" if at >= moved else "anna", "tariff")]
    for at, whose in ((archive.now, "anna"), (moved, "bert"), (moved, "bert"), (archive.now, "anna")):
        seen.look(at, 0)
        with archive.database.read() as connection:
            assert log_chain.concerned(connection, "tariff") == [whose]
    monkeypatch.setattr(SystemLog, "concern", lambda *_: pytest.fail("nothing changed"))
    seen.look(archive.now, 0)


def test_a_token_that_does_not_sign_is_tried_again(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(archive, 1000)

    def lost() -> None:
        raise TokenError(TokenReason.LOST, "gone")

    monkeypatch.setattr(type(archive.sealer), "seal", lambda *_, **__: lost())
    seen.look(archive.now, 0)
    monkeypatch.undo()
    seen.look(archive.now, RETRY_SECONDS - 1)
    assert checkpoints(archive) == 0
    seen.look(archive.now, RETRY_SECONDS)
    assert checkpoints(archive) == 1


def test_a_nearly_full_calibration_log_is_told_and_a_full_one_stops_operation(archive: Archive) -> None:
    """FAU_STG.4/CAL: the administrator is told at 90 per cent and when it is full; then operation stops, once."""
    seen = watch(archive)
    archive.days(8)
    seen.look(archive.now, 0)
    assert not seen.conditions.active
    assert Event.CALIBRATION_LOG_FILLING in happened(archive)
    told = Notifications(archive.database).oldest()
    assert told is not None
    archive.happen(Event.CLOCK_SET, "clock", before="a", after="b", deviation_milliseconds=99)
    seen.look(archive.now, FILL_SECONDS - 1)
    assert not seen.conditions.active
    for seconds in (1, 2, 3):
        seen.look(archive.now, seconds * FILL_SECONDS)
        assert [one.condition for one in seen.conditions.active] == [Condition.CALIBRATION_LOG_FULL]
    entries = CalibrationLog(archive.database).entries(after=10)
    assert [(entry.event, entry.vendor_id, entry.event_id) for entry in entries] == [
        (Event.CALIBRATION_LOG_FULL, "BSI", 10260)
    ]
    verify_logs(archive.database)


def test_an_altered_log_stops_operation_and_is_told_once(archive: Archive) -> None:
    """FAU_STG.2, FAU_ARP.1/SYS: what cannot be signed any more is a condition of its own."""
    seen = watch(archive, 1000)
    archive.days(2)
    seen.look(archive.now, 0)
    archive.attack("DELETE FROM log_entries WHERE log = 'calibration' AND record_number = 3")
    for seconds in (1, 2):
        assert not seen.seal(archive.now)
        seen.look(archive.now, seconds * INTERVAL_SECONDS)
    assert [one.condition for one in seen.conditions.active] == [Condition.LOG_CHAIN_BROKEN]
    assert happened(archive).count(Event.LOG_ALTERED) == 1
