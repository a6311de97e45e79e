from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import CertificateError, CertificateReason
from pki.revoke import Revocation, build_crl
from smgw.administration.errors import CommandRefusedError, FollowUp
from smgw.store.database import Database
from smgw.store.logs import Event, SystemLog
from smgw.trust import NUMBERS, RevocationLists, RevocationReason, TrustFolder
from testbed.small_pki import NOW, Holder, SmallPki
from tests.smgw.store import samples
from wire.orders import InstallRevocationLists


def write(folder: Path, pki: SmallPki, *revoked: Holder) -> None:
    for name, issuer in (("root", pki.hierarchy.root), ("sub", pki.hierarchy.sub_ca)):
        (folder / f"{name}.pem").write_bytes(issuer.certificate.public_bytes(Encoding.PEM))
    entries = tuple(Revocation(holder.certificate.serial_number, NOW) for holder in revoked)
    for name, crl in zip(("root", "sub"), pki.crls(sub_ca=entries), strict=True):
        (folder / f"{name}.crl").write_bytes(crl.public_bytes(Encoding.PEM))


def verify(store: TrustStore, holder: Holder, at: datetime = NOW) -> None:
    pinned = {fingerprint(holder.certificate)}
    store.verify(holder.certificate, role=Role.EMT, purpose=Purpose.TLS, at=at, pinned=pinned)


# The administrator's order.

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SystemLog]:
    database = samples.open_database(tmp_path)
    yield SystemLog(database)
    database.close()


class Brought:
    """A gateway whose lists have the number 1, and an administrator who brings others."""

    def __init__(self, folder: Path, log: SystemLog) -> None:
        self.folder, self.log, self.pki = folder / "trust", log, SmallPki()
        self.folder.mkdir()
        write(self.folder, self.pki)
        self.trust = TrustFolder(self.folder)
        self.holder = self.pki.holder(Role.EMT, Purpose.TLS)

    def crl(self, number: int, *revoked: Holder, hours: int = 0) -> x509.CertificateRevocationList:
        entries = [Revocation(one.certificate.serial_number, NOW) for one in revoked]
        now = NOW - timedelta(minutes=1) + timedelta(hours=hours)
        return build_crl(self.pki.hierarchy.sub_ca, entries, number=number, now=now, days=7)

    def bring(self, *lists: x509.CertificateRevocationList) -> dict[str, object]:
        command = InstallRevocationLists(tuple(crl.public_bytes(Encoding.DER) for crl in lists))
        done = RevocationLists(self.trust, self.log).install(command, LATER)
        assert done.then is FollowUp.NOTHING
        return dict(done.result)

    def refused(self, *lists: x509.CertificateRevocationList) -> str:
        held = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        with pytest.raises(CommandRefusedError) as refusal:
            self.bring(*lists)
        assert refusal.value.reason is RevocationReason.NOT_PROVEN
        assert {path.name: path.read_bytes() for path in self.folder.iterdir()} == held, "nothing was changed"
        return refusal.value.sentence


@pytest.fixture
def brought(tmp_path: Path, log: SystemLog) -> Brought:
    return Brought(tmp_path, log)


def test_a_proven_list_counts_at_once_and_after_a_restart(brought: Brought) -> None:
    verify(brought.trust(), brought.holder, LATER)
    name = brought.pki.hierarchy.sub_ca.certificate.subject.rfc4514_string()
    installed = brought.bring(brought.crl(2, brought.holder, hours=1))["installed"]
    assert isinstance(installed, dict)
    assert list(installed.values()) == ["2"]
    assert all(authority in name for authority in installed)
    for store in (brought.trust(), TrustFolder(brought.folder)()):
        with pytest.raises(CertificateError) as refusal:
            verify(store, brought.holder, LATER)
        assert refusal.value.reason is CertificateReason.REVOKED
    assert sorted(path.name for path in brought.folder.glob("*.crl")) == ["root.crl", "sub.crl"], "it took its place"
    (entry,) = brought.log.entries()
    assert (entry.event, entry.parameters) == (Event.REVOCATION_LISTS_INSTALLED, {"number": "2", "revoked": 1})


def test_an_older_list_never_comes_back(brought: Brought) -> None:
    newest = brought.crl(3, brought.holder, hours=1)
    brought.bring(newest)
    assert brought.refused(brought.crl(2, hours=2)).startswith("crl-older")
    brought.bring(newest)  # the answer was lost, not the order
    # Not through the door either: somebody puts the list of last week into the folder.
    (brought.folder / "sub.crl").write_bytes(brought.crl(2, hours=2).public_bytes(Encoding.PEM))
    for store in (brought.trust(), TrustFolder(brought.folder)()):
        with pytest.raises(CertificateError) as refusal:
            verify(store, brought.holder, LATER)
        assert refusal.value.reason is CertificateReason.CRL_MISSING
    assert brought.refused(brought.crl(2, hours=2)).startswith("crl-older"), "the memory outlives the list"
    brought.bring(newest)
    with pytest.raises(CertificateError) as refusal:
        verify(brought.trust(), brought.holder, LATER)
    assert refusal.value.reason is CertificateReason.REVOKED


def test_a_list_that_proves_nothing_changes_nothing(brought: Brought) -> None:
    foreign = SmallPki(seed=9)
    theirs = build_crl(foreign.hierarchy.sub_ca, [], number=9, now=NOW, days=7)
    assert brought.refused(theirs).startswith(("unknown-issuer", "bad-signature"))
    assert brought.refused(brought.crl(2, hours=1), theirs)
    ended = build_crl(brought.pki.hierarchy.sub_ca, [], number=5, now=NOW - timedelta(days=8), days=7)
    assert brought.refused(ended).startswith("crl-stale")


def test_a_list_of_a_new_kind_has_a_file_of_its_own(brought: Brought) -> None:
    (brought.folder / "sub.crl").unlink()
    (brought.folder / "odd.crl").write_bytes(b"no list")
    brought.bring(brought.crl(2, hours=1))
    (brought.folder / "odd.crl").unlink()
    verify(TrustFolder(brought.folder)(), brought.holder, LATER)
    # Two files of one authority: the first is replaced, the other goes.
    (brought.folder / "zzz.crl").write_bytes(brought.crl(1).public_bytes(Encoding.PEM))
    brought.bring(brought.crl(3, brought.holder, hours=2))
    assert len(list(brought.folder.glob("*.crl"))) == 2


def test_a_folder_that_takes_nothing(brought: Brought, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("smgw.trust.write_atomically", full)
    with pytest.raises(CommandRefusedError) as refusal:
        brought.bring(brought.crl(2, hours=1))
    assert refusal.value.reason is RevocationReason.STORAGE
    assert brought.log.entries() == []


@pytest.mark.parametrize("spoil", ["content", "folder"])
def test_a_memory_that_cannot_be_read_is_no_empty_one(brought: Brought, spoil: str) -> None:
    path = brought.folder / NUMBERS
    path.mkdir() if spoil == "folder" else path.write_bytes(b"{")
    with pytest.raises(CertificateError) as refusal:
        TrustFolder(brought.folder)
    assert refusal.value.reason is CertificateReason.MALFORMED


def test_a_log_that_takes_nothing_undoes_nothing(brought: Brought, tmp_path: Path) -> None:
    database = Database.open_with_key(tmp_path / "other.db", bytes(32), create=True)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE log_entries")
    brought.log = SystemLog(database)
    brought.bring(brought.crl(2, brought.holder, hours=1))
    database.close()
    with pytest.raises(CertificateError):
        verify(brought.trust(), brought.holder, LATER)
