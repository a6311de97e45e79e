"""The state of an authority on disk: modes, atomic replacement, one writer, and refusals instead of guesses."""

import json
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import pki
from pki.certificates import Purpose, Role, fingerprint
from pki.errors import IssueError, IssueReason
from pki.issue import Order
from pki.store import ROOT, SEAL_CA, SUB_CA, Index, Store, key_mark, write_atomically
from testbed.small_pki import NOW, SmallPki

PLAN = (Path(pki.__file__).parent / "hierarchy.toml").read_text()


def refused(reason: IssueReason) -> "pytest.RaisesExc[IssueError]":
    return pytest.raises(IssueError, check=lambda error: error.reason is reason)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "ca", PLAN)


def test_only_the_owner_may_look(store: Store, small_pki: SmallPki) -> None:
    with store.changing():
        pass
    store.publish("root", small_pki.hierarchy.root.certificate)
    store.save_certificate(small_pki.hierarchy.sub_ca.certificate)
    assert mode(store.folder) == mode(store.folder / "tokens") == mode(store.folder / "issued") == 0o700
    for path in store.folder.rglob("*"):
        if path.is_file() and path.parent != store.trust and path.name != "lock":
            assert mode(path) == 0o600, path
    assert mode(store.trust / "root.pem") == 0o644
    assert store.authority("root") == small_pki.hierarchy.root.certificate


def test_a_state_is_not_made_twice(store: Store) -> None:
    with store.changing():
        pass
    with refused(IssueReason.STATE):
        Store.create(store.folder, PLAN)


def test_the_index_reads_back(store: Store, small_pki: SmallPki) -> None:
    key = ec.generate_private_key(ec.BrainpoolP256R1()).public_key()
    certificate = small_pki.certify(key, Role.EMT, Purpose.SIG, "Netz")
    order = Order(key, Role.EMT, "Netz", Purpose.SIG, 1, ("a.example", "b.example"))
    with store.changing() as index:
        entry = index.add(certificate, order)
    store.save_certificate(certificate)
    again = store.read()
    assert again.entries == [entry]
    assert (entry.hosts, entry.key) == ("a.example b.example", key_mark(key))
    assert store.certificate(entry) == certificate
    assert again.find(fingerprint(certificate)) == again.find(f"{certificate.serial_number:X}") == entry
    assert again.next_generation(Role.EMT, "Netz") == 2
    assert again.next_generation(Role.GWA, "Netz") == 1
    assert again.good(Role.EMT, "Netz", NOW) == [entry]
    assert again.good(Role.EMT, "Netz", NOW + timedelta(days=800)) == []
    again.revoke(entry, NOW, "superseded")
    assert again.good(Role.EMT, "Netz", NOW) == []
    assert [r.serial for r in again.revocations(SUB_CA)] == [certificate.serial_number]
    assert again.revocations(ROOT) == again.revocations(SEAL_CA) == []
    assert again.revocations(SUB_CA)[0].at == NOW
    with refused(IssueReason.ALREADY_REVOKED):
        again.revoke(again.entries[0], NOW, "superseded")
    with refused(IssueReason.UNKNOWN_CERTIFICATE):
        again.find("0")


def test_an_error_inside_changes_nothing(store: Store) -> None:
    with store.changing() as index:
        index.root_crl = 1

    def fail() -> None:
        with store.changing() as index:
            index.root_crl = 2
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.read().root_crl == 1


def test_one_change_at_a_time(store: Store) -> None:
    def count() -> None:
        for _ in range(10):
            with store.changing() as index:
                index.sub_ca_crl += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read().sub_ca_crl == 40


@pytest.mark.parametrize(
    "document", ["", "[]", "{}", '{"format": 2, "entries": []}', '{"format": 1, "entries": [{}]}', '{"format": 1}']
)
def test_an_index_that_cannot_be_read(store: Store, document: str) -> None:
    (store.folder / "index.json").write_text(document)
    with refused(IssueReason.STATE):
        store.read()


def test_nothing_there(tmp_path: Path) -> None:
    with refused(IssueReason.STATE) as caught:
        Store(tmp_path).read()
    assert "init" in str(caught.value)
    with refused(IssueReason.STATE):
        Store(tmp_path).authority("root")
    with refused(IssueReason.STATE), Store(tmp_path / "absent").changing():
        pass


def test_a_full_disk_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.json"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pki.store.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_what_is_written_beside_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"untouched")
    (tmp_path / ".pin.new").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"):
        write_atomically(tmp_path / "pin", b"x")
    assert (tmp_path / "victim").read_bytes() == b"untouched"


def test_the_index_is_json_for_people(store: Store) -> None:
    with store.changing() as index:
        assert isinstance(index, Index)
    assert json.loads((store.folder / "index.json").read_text())["format"] == 1
