"""What the tables refuse by themselves, whoever asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from tests.smgw.store.samples import IMPORT, METER, START, decision, grant, open_database, reading


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE readings SET value = 0",
        "DELETE FROM readings",
        "REPLACE INTO readings SELECT id, device, obis, captured_at, 0, scaler, unit, status, signature FROM readings",
        "UPDATE grant_readings SET position = 7",
        "DELETE FROM grants",
        "DELETE FROM deliveries",
        "UPDATE deliveries SET acknowledged_at = 5",
        "UPDATE grants SET sequence = NULL",
        "INSERT INTO deliveries (profile, sequence, kind, created_at) VALUES ('grid-1', 3, 'stored', 0)",
        "INSERT INTO deliveries (profile, sequence, kind, created_at) VALUES ('other', 2, 'stored', 0)",
        "UPDATE grants SET withdrawn_at = 1",
        "UPDATE withdrawals SET version = 2",
        "DELETE FROM withdrawals",
        "UPDATE orders SET reply = x'00'",
        "UPDATE orders SET digest = x'00'",
        "DELETE FROM orders",
        "INSERT INTO orders (sequence, digest, received_at) VALUES (6, x'00', 0)",
        "DELETE FROM notifications",
        "INSERT INTO profiles (kind, id, version, content, imported_at) VALUES ('meter', 'm', 1, x'00', 0)",
    ],
)
def test_the_database_itself_refuses_to_forget(database: Database, statement: str) -> None:
    """FAU_STG.2; PTB-A 50.8, original values: nothing recorded is altered, or deleted before its time."""
    store, outbox = ReadingStore(database), Outbox(database)
    store.record(reading(0), decision(grant(0)))
    outbox.open_delivery("grid-1", START)
    outbox.acknowledge("grid-1", 1, START)
    with database.write() as connection:
        for row in (
            "INSERT INTO withdrawals (kind, id, version, at) VALUES ('meter', 'm', 1, 0)",
            "INSERT INTO orders VALUES (7, x'07', 0, 'done', x'7b7d')",
            "INSERT INTO notifications (event, outcome, subject, at, parameters) VALUES ('e', 'o', 's', 0, '{}')",
        ):
            connection.exec_driver_sql(row)
    with pytest.raises(StoreError) as refusal, database.write() as connection:
        connection.exec_driver_sql(statement)
    assert refusal.value.reason is StoreReason.CONFLICT
    assert store.latest(METER, IMPORT) == reading(0).reading


@pytest.mark.parametrize(
    "question",
    [
        "SELECT id FROM grants WHERE profile = 'a' AND sequence IS NULL AND withdrawn_at IS NULL ORDER BY id LIMIT 9",
        "SELECT id FROM grants WHERE profile = 'a' AND sequence = 7 ORDER BY id",
        "SELECT sequence FROM deliveries WHERE profile = 'a' AND acknowledged_at IS NULL AND set_aside_at IS NULL",
        "SELECT MAX(sequence) FROM deliveries WHERE profile = 'a'",
        "SELECT nonce FROM wake_ups WHERE issued_at < 7",
        "SELECT id FROM readings WHERE device = 'a' AND obis = x'00' AND captured_at BETWEEN 1 AND 2",
    ],
)
def test_no_question_of_a_delivery_reads_a_whole_table(database: Database, question: str) -> None:
    with database.read() as connection:
        plan = " ".join(str(row.detail) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}"))
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
