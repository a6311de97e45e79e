from pathlib import Path

import pytest

from smgw.store import log_checkpoints
from smgw.store.errors import StoreError, StoreReason
from smgw.store.log_checkpoints import KEPT, StoredCheckpoint, every, newest, put
from tests.smgw.store.samples import open_database


def test_the_newest_is_found_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT > 100
    monkeypatch.setattr(log_checkpoints, "KEPT", 3)
    database = open_database(tmp_path)
    with database.write() as connection:
        assert newest(connection) is None
        for number in range(1, 6):
            put(connection, StoredCheckpoint(number, b"c", "[]", b"d", b"s"))
        assert newest(connection) == StoredCheckpoint(5, b"c", "[]", b"d", b"s")
        assert [(one.number, one.states) for one in every(connection)] == [(3, ""), (4, ""), (5, "[]")]
    with pytest.raises(StoreError) as refusal, database.write() as connection:
        put(connection, StoredCheckpoint(5, b"c", "[]", b"d", b"s"))
    assert refusal.value.reason is StoreReason.CONFLICT
    database.close()
