"""The consumer at her gateway: she reads her log in both languages, takes it away, and that stands in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from proof.log_export import verify_export
from smgw.logs.texts import Language
from testbed.consumer_command import consumer_log, read_log
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import Archive

BOTH = [Language.GERMAN, Language.ENGLISH]


def write_trust(archive: Archive, folder: Path) -> None:
    """As every party gets it: authorities and their lists."""
    folder.mkdir()
    trust = archive.trust
    for number, each in enumerate((*trust.roots, *trust.authorities)):
        (folder / f"{number}.pem").write_bytes(each.public_bytes(Encoding.PEM))
    for number, lists in enumerate(trust.crls):
        (folder / f"{number}.crl").write_bytes(lists.public_bytes(Encoding.PEM))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(SmallPki(), tmp_path)
    archive.days(3)
    archive.seal()
    write_trust(archive, tmp_path / "trust")
    yield archive
    archive.close()


def test_she_reads_the_newest_entry_of_each_kind_in_both_languages(archive: Archive, tmp_path: Path) -> None:
    """That she read it is the last entry."""
    read = read_log(archive.database, tmp_path / "trust", "anna", BOTH, export=False)
    told = [line.split(" ", 2) for line in read.lines]
    assert [language for language, _, _ in told] == ["de", "en"] * (len(told) // 2)
    texts = [text for _, _, text in told]
    assert texts[-2:] == ["Zugriff von anna auf Letztverbraucher-Log", "anna read consumer-log"]
    assert sum("an grid gesendet" in text for text in texts) == 1, "once, however often it happened"
    assert read.export is None


def test_what_she_takes_away_proves_itself(archive: Archive, tmp_path: Path) -> None:
    made = read_log(archive.database, tmp_path / "trust", "anna", BOTH, export=True).export
    assert made is not None
    (verified,) = verify_export(made, archive.trust.roots).logs
    assert (verified.owner, verified.unsigned) == ("anna", 1), "that she read came after the seal"


def test_a_configuration_that_is_none_ends_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("surplus = 1\n")
    result = CliRunner().invoke(consumer_log, [str(tmp_path / "gateway.toml"), "anna"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
