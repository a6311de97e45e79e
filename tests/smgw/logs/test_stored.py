"""What somebody who has the key of the database does to the logs in it, and that it is found."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smgw.logs.errors import IntegrityReason, LogIntegrityError
from smgw.logs.stored import read_entries, verify_log, verify_logs, verify_store
from smgw.store.events import Log
from smgw.store.log_chain import Chain
from smgw.store.log_entry import columns_of
from smgw.store.log_tables import log_entries
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import ANNA, BERT, CALIBRATION, SYSTEM, Archive

R = IntegrityReason


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once; everybody attacks his own copy."""
    folder = tmp_path_factory.mktemp("built")
    archive = Archive(SmallPki(), folder, system=40)
    archive.days(6)
    archive.seal()
    archive.days(2)
    archive.seal()
    archive.days(1)
    archive.close()
    return folder


@pytest.fixture
def archive(built: Path, tmp_path: Path) -> Iterator[Archive]:
    folder = tmp_path / "copy"
    shutil.copytree(built, folder)
    archive = Archive(SmallPki(), folder, system=40)
    yield archive
    archive.close()


def test_what_was_written_is_believed(archive: Archive) -> None:
    """FAU_STG.2: all logs, and how far they are signed."""
    verify_logs(archive.database)
    with archive.database.read() as connection:
        verified = verify_store(connection)
    unsigned = {(one.log.value, one.owner): one.unsigned for one in verified.chains}
    assert unsigned == {("calibration", ""): 1, ("consumer", "anna"): 1, ("consumer", "bert"): 0, ("system", ""): 1}
    assert verified.sealed_at is not None


def test_an_empty_store_is_believed(tmp_path: Path) -> None:
    empty = Archive(SmallPki(), tmp_path)
    verify_logs(empty.database)
    empty.seal()
    verify_logs(empty.database)
    empty.close()


@pytest.mark.parametrize(
    ("reason", "statement"),
    [
        (R.ALTERED, "UPDATE log_entries SET subject = 'x' WHERE log = 'calibration' AND record_number = 3"),
        (R.ALTERED, "UPDATE log_entries SET at = at + 1 WHERE log = 'consumer' AND record_number = 1"),
        (R.ALTERED, "UPDATE log_entries SET parameters = parameters || ' ' WHERE log = 'calibration'"),
        (R.ALTERED, "UPDATE log_entries SET parameters = '[]' WHERE log = 'calibration' AND record_number = 2"),
        (R.ALTERED, "UPDATE log_entries SET parameters = 'x' WHERE log = 'calibration' AND record_number = 2"),
        (R.ALTERED, "UPDATE log_entries SET event = 'X' WHERE log = 'calibration' AND record_number = 2"),
        (R.ALTERED, "UPDATE log_entries SET level = 9 WHERE log = 'calibration' AND record_number = 2"),
        (R.ALTERED, "UPDATE log_entries SET hash = zeroblob(32) WHERE log = 'system'"),
        (R.ALTERED, "UPDATE log_entries SET at = 1e30 WHERE log = 'calibration' AND record_number = 2"),
        (R.ALTERED, "UPDATE log_entries SET at = 9223372036854775807 WHERE log = 'calibration'"),
        (R.ALTERED, "UPDATE log_entries SET at = 'x' WHERE log = 'system'"),
        (R.ALTERED, "UPDATE log_entries SET parameters = replace(hex(zeroblob(25000)), '0', '[') WHERE log = 'system'"),
        (R.ALTERED, "UPDATE log_entries SET previous = 'x' WHERE log = 'calibration' AND record_number = 3"),
        (R.ALTERED, "UPDATE log_heads SET last_number = 'x' WHERE log = 'calibration'"),
        (R.ALTERED, "UPDATE log_repetitions SET last_at = 9223372036854775807"),
        (R.ALTERED, "UPDATE log_checkpoints SET states = replace(hex(zeroblob(25000)), '0', '[') WHERE number = 2"),
        (R.ALTERED, "UPDATE log_checkpoints SET content = '{}', signature = '0'"),
        (R.ALTERED, "UPDATE log_heads SET last_hash = zeroblob(32) WHERE log = 'calibration'"),
        (R.GAP, "DELETE FROM log_entries WHERE log = 'calibration' AND record_number = 3"),
        (R.CUT_START, "DELETE FROM log_entries WHERE log = 'calibration' AND record_number < 3"),
        (R.CUT_START, "DELETE FROM log_entries WHERE log = 'consumer' AND owner = 'anna' AND record_number < 3"),
        (R.CUT_TAIL, "DELETE FROM log_entries WHERE log = 'calibration' AND record_number > 8"),
        (R.CUT_TAIL, "DELETE FROM log_entries WHERE log = 'calibration'"),
        (R.CUT_TAIL, "DELETE FROM log_heads WHERE log = 'calibration'"),
        (R.CUT_TAIL, "UPDATE log_heads SET last_number = last_number + 1 WHERE log = 'calibration'"),
        (R.CHECKPOINT, "DELETE FROM log_checkpoints WHERE number = 2; UPDATE log_checkpoints SET number = 2"),
        (R.CHECKPOINT, "UPDATE log_checkpoints SET number = number + 10"),
        (R.CHECKPOINT, "UPDATE log_checkpoints SET states = '[]' WHERE number = 2"),
        (R.CHECKPOINT, "UPDATE log_checkpoints SET states = 'x' WHERE number = 2"),
        (R.SIGNATURE, "UPDATE log_checkpoints SET signature = zeroblob(64)"),
        (R.SIGNATURE, "UPDATE log_checkpoints SET signature = x'' WHERE number = 1"),
        (R.CERTIFICATE, "UPDATE log_checkpoints SET certificate = x'00'"),
        (R.FORM, "UPDATE log_checkpoints SET content = x'7b7d'"),
        (R.COUNT, "UPDATE log_repetitions SET folded = folded - 1 WHERE log = 'system'"),
        (R.COUNT, "UPDATE log_repetitions SET last_at = 7, count = folded WHERE log = 'system'"),
        (R.COUNT, "DELETE FROM log_repetitions WHERE log = 'system'"),
        (R.COUNT, "UPDATE log_repetitions SET record_number = record_number + 500 WHERE log = 'system'"),
    ],
)
def test_whatever_is_done_to_the_store_is_found(archive: Archive, reason: R, statement: str) -> None:
    """FAU_STG.2: edits, gaps, cuts at both ends, and the checkpoints themselves."""
    archive.attack(*statement.split("; "))
    with pytest.raises(LogIntegrityError) as refusal:
        verify_logs(archive.database)
    assert refusal.value.reason is reason, refusal.value


def test_a_sentence_names_log_and_record(archive: Archive) -> None:
    archive.attack("UPDATE log_entries SET subject = 'x' WHERE log = 'calibration' AND record_number = 3")
    with pytest.raises(LogIntegrityError, match="calibration log: record 3 was altered"):
        verify_logs(archive.database)


def rewrite(archive: Archive, log: Log, change: Callable[[int], bool]) -> None:
    """Every entry with hashes that fit again; the subject of some is another."""
    with archive.database.read() as connection:
        entries = read_entries(connection, (log, ""))
    archive.attack()
    previous = entries[0].previous
    with archive.database.write() as connection:
        for entry in entries:
            forged = replace(entry, subject="forged") if change(entry.record_number) else entry
            forged = forged.chained(previous)
            previous = forged.hash
            connection.execute(
                log_entries.update()
                .where(log_entries.c.log == log.value, log_entries.c.record_number == entry.record_number)
                .values(columns_of(forged))
            )
        connection.exec_driver_sql("UPDATE log_heads SET last_hash = ? WHERE log = ?", (previous, log.value))


@pytest.mark.parametrize("chain", [SYSTEM, CALIBRATION])
def test_a_chain_that_was_written_anew_does_not_fit_the_signature(archive: Archive, chain: tuple[Log, str]) -> None:
    """FAU_STG.2: hashes alone would not find this one."""
    with archive.database.read() as connection:
        first = read_entries(connection, chain)[0].record_number
    rewrite(archive, chain[0], lambda number: number == first)
    with pytest.raises(LogIntegrityError) as refusal:
        verify_logs(archive.database)
    assert refusal.value.reason is R.ALTERED


def test_the_tail_after_the_last_checkpoint_is_not_proven(archive: Archive) -> None:
    """What is not signed can be written anew by whoever has the key of the database; it is told as unsigned."""
    rewrite(archive, Log.CALIBRATION, lambda number: number == 10)
    verify_logs(archive.database)


def test_a_judge_decides_whose_signature_it_is(archive: Archive) -> None:
    def refuse(*_: object) -> None:
        raise LogIntegrityError(R.GATEWAY, "not ours")

    with archive.database.read() as connection, pytest.raises(LogIntegrityError, match="not ours"):
        verify_store(connection, refuse)


def test_one_log_is_verified_without_a_look_at_the_others(archive: Archive) -> None:
    """FAU_STG.2: what is told of a log is its owner's, and by the last checkpoint, whose signer counts."""
    seen = []

    def told(chain: Chain) -> str:
        with archive.database.read() as connection:
            try:
                found = verify_log(connection, chain, lambda checkpoint, _: seen.append(checkpoint.number))
            except LogIntegrityError as error:
                return str(error)
        return f"{found.owner} to {found.last}, {found.unsigned} unsigned"

    before = [told(chain) for chain in (ANNA, BERT)]
    assert before == ["anna to 20, 1 unsigned", "bert to 8, 0 unsigned"]
    assert seen == [2, 2]
    archive.attack("DELETE FROM log_entries WHERE owner = 'anna' AND record_number = 2")
    assert "record 2 is missing" in told(ANNA)
    assert told(BERT) == before[1]
    archive.attack("DELETE FROM log_heads WHERE owner = 'anna'", "DELETE FROM log_entries WHERE owner = 'anna'")
    assert "missing" in told(ANNA), "a log that is gone as a whole is no log that never was"
