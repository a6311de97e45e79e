"""The audit log: whatever is changed, taken out, put in or cut off is found, at the first entry not as written."""

# ruff: noqa: S608 - the statements are the damage that these tests do

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from admin.audit import MAXIMUM_TEXT, Action, Audit, Head, Signer, verify
from admin.database import open_database, writing
from admin.errors import AuditError, AuditReason, StorageError
from pki.certificates import Purpose, Role
from testbed.small_pki import NOW, Holder, SmallPki
from tests.admin.bureau import GATEWAY, Bureau
from tests.admin.other_process import run_several, sign
from wire.canonical_json import decode, encode

PKI = SmallPki()
OURS = PKI.holder(Role.GWA, Purpose.SIG, "Verwalter")
THEIRS = PKI.holder(Role.GWA, Purpose.SIG, "Fremd")
ENTRIES = 6


def log(engine: sa.Engine, holder: Holder = OURS) -> Audit:
    return Audit(engine, lambda: Signer(holder.certificate, holder.key))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A log of six entries; its file, closed."""
    engine = open_database(tmp_path / "admin.db")
    for number in range(1, ENTRIES + 1):
        assert log(engine).record(Action.WAKE_UP, GATEWAY.text, "anna", NOW, address=f"127.0.0.1:{number}") == number
    engine.dispose()
    return tmp_path / "admin.db"


def judge(file: Path, known: Head | None = None, holder: Holder = OURS) -> int:
    engine = open_database(file)
    try:
        return verify(engine, [holder.certificate], known)
    finally:
        engine.dispose()


def broken(file: Path, known: Head | None = None, holder: Holder = OURS) -> tuple[AuditReason, int]:
    with pytest.raises(AuditError) as caught:
        judge(file, known, holder)
    return caught.value.reason, caught.value.entry


def spoil(file: Path, *statements: str) -> None:
    """Change the file as somebody does who has it in hand, triggers or not."""
    with sqlite3.connect(file) as plain:
        plain.execute("DROP TRIGGER audit_UPDATE")
        plain.execute("DROP TRIGGER audit_DELETE")
        for statement in statements:
            plain.execute(statement)
    plain.close()


def changed(old: str, new: str) -> str:
    """SQL for an entry's bytes in which ``old`` was replaced."""
    return f"CAST(replace(content, '{old}', '{new}') AS BLOB)"


def test_a_whole_log(written: Path) -> None:
    assert judge(written) == ENTRIES


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    assert judge(tmp_path / "admin.db") == 0
    engine = open_database(tmp_path / "admin.db")
    assert log(engine).head() is None
    assert log(engine).latest() == []
    engine.dispose()


def test_entries_come_back(written: Path) -> None:
    engine = open_database(written)
    entries = log(engine).entries(after=2, limit=2)
    assert [(one.number, one.action, one.subject, one.by, one.at) for one in entries] == [
        (3, "wake-up", GATEWAY.text, "anna", NOW),
        (4, "wake-up", GATEWAY.text, "anna", NOW),
    ]
    assert entries[0].parameters == {"address": "127.0.0.1:3"}
    assert [one.number for one in log(engine).latest(2)] == [5, 6]
    engine.dispose()


@pytest.mark.parametrize("number", range(1, ENTRIES + 1))
def test_a_changed_entry_is_named(written: Path, number: int) -> None:
    spoil(written, f"UPDATE audit SET content = {changed('anna', 'emil')} WHERE number = {number}")
    assert broken(written) == (AuditReason.SIGNATURE, number)


@pytest.mark.parametrize("number", range(1, ENTRIES))
def test_an_entry_taken_out_is_named(written: Path, number: int) -> None:
    spoil(written, f"DELETE FROM audit WHERE number = {number}")
    assert broken(written) == (AuditReason.NUMBER, number)


def test_entries_that_were_renumbered_over_a_gap(written: Path) -> None:
    spoil(written, "DELETE FROM audit WHERE number = 3", "UPDATE audit SET number = number - 1 WHERE number > 3")
    assert broken(written) == (AuditReason.NUMBER, 3)


def test_an_entry_put_in_by_somebody_without_the_key(written: Path) -> None:
    engine = open_database(written)
    log(engine, THEIRS).record(Action.GATEWAY_STATE, GATEWAY.text, "emil", NOW)
    engine.dispose()
    assert broken(written) == (AuditReason.SIGNER, ENTRIES + 1)


def test_an_entry_that_only_claims_our_certificate(written: Path) -> None:
    engine = open_database(written)
    Audit(engine, lambda: Signer(OURS.certificate, THEIRS.key)).record(Action.WAKE_UP, GATEWAY.text, "emil", NOW)
    engine.dispose()
    assert broken(written) == (AuditReason.SIGNATURE, ENTRIES + 1)


def test_history_written_anew_by_somebody_with_the_key_breaks_the_chain(written: Path) -> None:
    """Entry 4 is replaced by one that is truly signed: entry 5 still names the old one."""
    other = written.with_name("other.db")
    engine = open_database(other)
    for _ in range(3):
        log(engine).record(Action.WAKE_UP, GATEWAY.text, "anna", NOW)
    engine.dispose()
    # A log of our own with the same first three entries, then another fourth.
    with sqlite3.connect(other) as plain:
        plain.execute("DROP TRIGGER audit_DELETE")
        plain.execute("DELETE FROM audit")
        plain.execute(f"ATTACH '{written}' AS source")
        plain.execute("INSERT INTO audit SELECT * FROM source.audit WHERE number < 4")
    plain.close()
    engine = open_database(other)
    log(engine).record(Action.WAKE_UP, GATEWAY.text, "somebody else", NOW)
    engine.dispose()
    spoil(
        written,
        f"ATTACH '{other}' AS other",
        "UPDATE audit SET (content, signature) = (SELECT content, signature FROM other.audit WHERE number = 4) "
        "WHERE number = 4",
    )
    assert broken(written) == (AuditReason.CHAIN, 5)


def test_a_signature_is_part_of_the_chain(written: Path) -> None:
    """ECDSA has two signatures for one message (r, s and r, n-s): the other one is not what was written."""
    order = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7
    with sqlite3.connect(written) as plain:
        (signature,) = plain.execute("SELECT signature FROM audit WHERE number = 2").fetchone()
    plain.close()
    twin = signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    spoil(written, f"UPDATE audit SET signature = x'{twin.hex()}' WHERE number = 2")
    assert broken(written) == (AuditReason.CHAIN, 3)


def test_an_end_that_was_cut_off_is_found_by_a_head_that_was_kept_elsewhere(written: Path) -> None:
    known = head_of(written)
    spoil(written, "DELETE FROM audit WHERE number > 4")
    assert judge(written) == 4
    assert broken(written, known) == (AuditReason.CUT_OFF, 5)


def test_a_log_that_was_cut_off_and_written_on(written: Path) -> None:
    known = head_of(written)
    spoil(written, "DELETE FROM audit WHERE number > 4")
    engine = open_database(written)
    for _ in range(4):
        log(engine).record(Action.WAKE_UP, GATEWAY.text, "emil", NOW)
    engine.dispose()
    assert judge(written) == 8
    assert broken(written, known) == (AuditReason.HEAD, ENTRIES)


def test_a_log_that_went_on_holds_its_old_head(written: Path) -> None:
    known = head_of(written)
    engine = open_database(written)
    log(engine).record(Action.WAKE_UP, GATEWAY.text, "anna", NOW)
    engine.dispose()
    assert judge(written, Head.from_bytes(known.to_bytes())) == ENTRIES + 1


def test_a_head_of_another_administrator_proves_nothing(written: Path, tmp_path: Path) -> None:
    engine = open_database(tmp_path / "theirs.db")
    log(engine, THEIRS).record(Action.WAKE_UP, GATEWAY.text, "emil", NOW)
    known = log(engine, THEIRS).head()
    engine.dispose()
    assert broken(written, known)[0] is AuditReason.SIGNER


def test_no_certificate_proves_nothing(written: Path) -> None:
    engine = open_database(written)
    with pytest.raises(AuditError):
        verify(engine, [])
    engine.dispose()


def head_of(file: Path) -> Head:
    engine = open_database(file)
    found = log(engine).head()
    engine.dispose()
    assert found is not None
    return found


@given(st.binary(max_size=300))
def test_only_its_own_error_escapes_from_a_head(data: bytes) -> None:
    try:
        head = Head.from_bytes(data)
    except AuditError:
        return
    assert head.to_bytes() == data.strip()


@pytest.mark.parametrize("data", [b"", b"{}", b'{"content":"","signature":"#"}', b'{"content":1,"signature":2}'])
def test_what_is_no_head(data: bytes) -> None:
    with pytest.raises(AuditError) as caught:
        Head.from_bytes(data)
    assert caught.value.reason is AuditReason.HEAD


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_no_text_makes_an_entry_that_cannot_be_written(subject: str, value: str) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE audit (number INTEGER PRIMARY KEY, content BLOB, signature BLOB)")
        log(engine).enter(connection, Action.TUNNEL_REFUSED, subject, "server", NOW, why=value, subject=1)
        (content,) = connection.exec_driver_sql("SELECT content FROM audit").one()
    document = decode(content)
    assert encode(document) == content
    assert len(str(document["subject"])) <= MAXIMUM_TEXT
    engine.dispose()


def test_an_action_that_fails_is_not_in_the_log(written: Path) -> None:
    engine = open_database(written)
    with pytest.raises(KeyError), writing(engine) as connection:
        raise KeyError(log(engine).enter(connection, Action.WAKE_UP, GATEWAY.text, "anna", NOW))
    engine.dispose()
    assert judge(written) == ENTRIES


def test_a_key_that_fails_lets_nothing_be_written(written: Path) -> None:
    def gone() -> Signer:
        raise StorageError("the key is gone")

    engine = open_database(written)
    with pytest.raises(StorageError):
        Audit(engine, gone).record(Action.WAKE_UP, GATEWAY.text, "anna", NOW)
    engine.dispose()
    assert judge(written) == ENTRIES


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET content = '{}' WHERE number = 2",
        "UPDATE audit SET content = x'7b7d' WHERE number = 2",
        "UPDATE audit SET content = x'00' WHERE number = 2",
        "UPDATE audit SET content = 3 WHERE number = 2",
        "UPDATE audit SET signature = 'x' WHERE number = 2",
        "UPDATE audit SET signature = x'00' WHERE number = 2",
        "UPDATE audit SET signature = zeroblob(64) WHERE number = 2",
        f"UPDATE audit SET content = {changed('2026', '202x')} WHERE number = 2",
        f"UPDATE audit SET content = {changed(':2,', ':3,')} WHERE number = 2",
        f"UPDATE audit SET content = {changed(':2,', ':true,')} WHERE number = 2",
        f"UPDATE audit SET content = {changed('parameters', 'parametres')} WHERE number = 2",
    ],
)
def test_rubbish_in_the_table_is_a_broken_entry_and_nothing_else(written: Path, statement: str) -> None:
    spoil(written, statement)
    assert broken(written)[1] == 2


@pytest.mark.token
def test_several_processes_write_one_chain(bureau: Bureau) -> None:
    with bureau.office(GATEWAY) as office:
        run_several(sign, bureau.file, 6, processes=2)
        assert verify(office.engine, [bureau.certificate]) == len(office.audit.entries())
