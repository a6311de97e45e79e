from collections.abc import Iterator
from pathlib import Path

import pytest

from proof.log_export import verify_export
from smgw.han.consumer_log import ConsumerLogs
from smgw.logs.errors import LogAccessError
from smgw.logs.readers import Interface, Reader, Role
from smgw.logs.texts import Language
from smgw.store.consumer_log import ConsumerLog
from smgw.store.log_chain import chains
from smgw.store.logs import SystemLog
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import Archive

ANNA = Reader(Role.CONSUMER, Interface.CONSUMER, "anna")
BERT = Reader(Role.CONSUMER, Interface.CONSUMER, "bert")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(SmallPki(), tmp_path)
    archive.days(1)
    yield archive
    archive.close()


def test_a_consumer_reads_what_was_done_with_her_data(archive: Archive) -> None:
    """FAU_SAR.1/CON: her log with its texts; that she read stands in it too (FAU_GEN.1/CON)."""
    logs = ConsumerLogs(archive.database, SystemLog(archive.database))
    shown = logs.page(ANNA, "anna", Language.GERMAN, archive.now)
    assert shown[0].text.endswith("tariff: an grid gesendet")
    last = logs.page(ANNA, "anna", Language.ENGLISH, archive.now)[-1]
    assert (last.text, last.entry.user, last.entry.repetition_count) == ("anna read consumer-log", "anna", 1)
    archive.seal()
    (verified,) = verify_export(logs.export(ANNA, "anna", archive.trust, archive.now), archive.trust.roots).logs
    assert verified.owner == "anna"


@pytest.mark.parametrize(
    "reader", [BERT, Reader(Role.ADMINISTRATOR, Interface.WAN), Reader(Role.TECHNICIAN, Interface.SERVICE, "anna")]
)
def test_nobody_else_does(archive: Archive, reader: Reader) -> None:
    """FDP_ACF.1: not another consumer, not the administrator, not the technician; and she is told who tried."""
    logs = ConsumerLogs(archive.database, SystemLog(archive.database))
    with pytest.raises(LogAccessError):
        logs.page(reader, "anna", Language.GERMAN, archive.now)
    with pytest.raises(LogAccessError):
        logs.export(reader, "anna", archive.trust, archive.now)
    entry = ConsumerLog(archive.database, "anna").entries()[-1]
    assert (entry.outcome.name, entry.user) == ("FAILURE", reader.role.value)
    assert "bert" not in repr(entry)


def test_asking_begins_no_log(archive: Archive) -> None:
    """FDP_RIP.2: names can be tried without end, and one whose contract ended must not come back by asking."""
    logs, carl = (
        ConsumerLogs(archive.database, SystemLog(archive.database)),
        Reader(Role.CONSUMER, ANNA.interface, "carl"),
    )
    assert logs.page(carl, "carl", Language.GERMAN, archive.now) == []
    with pytest.raises(LogAccessError):
        logs.page(carl, "dora", Language.GERMAN, archive.now)
    with archive.database.read() as connection:
        assert {owner for _, owner in chains(connection)} == {"", "anna", "bert"}
