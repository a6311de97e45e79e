"""Which document makes somebody the administrator of a gateway."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pki import cms
from pki.certificates import Purpose, Role
from pki.revoke import Revocation
from smgw.provisioning import (
    MAX_DOCUMENT_SIZE,
    MAX_NAME_LENGTH,
    Administrator,
    ImportReason,
    ImportRefusedError,
    Provisioning,
)
from smgw.store.database import Database
from smgw.store.logs import Event, SystemLog
from smgw.store.orders import OrderStore
from smgw.store.profiles import ProfileSet, ProfileStore
from testbed.small_pki import NOW, Holder, SmallPki
from tests.smgw.store import samples
from tests.smgw.wan.station import der
from wire.profiles import (
    AccessPurpose,
    AdministratorProfile,
    CommunicationProfile,
    Profile,
)

DAY = timedelta(days=1)


class Office:
    """An administrator who signs, and a gateway that learns of him."""

    def __init__(self, database: Database) -> None:
        self.pki = SmallPki()
        self.trust = self.pki.trust()
        self.signer = self.pki.holder(Role.GWA, Purpose.SIG, "Verwalter")
        self.log = SystemLog(database)
        self.store = ProfileStore(database)
        party = CommunicationProfile(
            id="grid", version=1, party="Netz", host="localhost", port=443, path="/deliveries",
            purposes=(AccessPurpose.BILLING,),
            tls_certificate=der(self.signer), encryption_certificate=der(self.signer),
            valid_from=NOW - DAY, valid_until=NOW + 100 * DAY,
        )  # fmt: skip
        self.party = party

    def sign(self, profile: Profile, signer: Holder | None = None) -> bytes:
        chosen = signer or self.signer
        return cms.sign_document(profile.to_bytes(), signer=chosen.certificate, key=chosen.key)

    def signed(self, content: bytes) -> bytes:
        return cms.sign_document(content, signer=self.signer.certificate, key=self.signer.key)

    def administrator(self, **changes: Any) -> AdministratorProfile:
        fields: dict[str, Any] = {
            "id": "gwa", "version": 1, "party": "Verwalter", "host": "localhost", "management_port": 1,
            "service_port": 2, "tls_certificate": der(self.pki.holder(Role.GWA, Purpose.TLS, "Verwalter")),
            "signature_certificate": der(self.signer), "valid_from": NOW - DAY, "valid_until": NOW + 100 * DAY,
        }  # fmt: skip
        return AdministratorProfile(**(fields | changes))

    def begin(self, file: Path, at: datetime = NOW) -> ProfileSet:
        """What a start does with the initial document."""
        administrator = Administrator(self.signer.certificate)
        return Provisioning(self.store, self.log, administrator, self.trust).import_administrator(file, at)

    def logged(self, event: Event) -> list[str]:
        return [str(entry.parameters["reason"]) for entry in self.log.entries() if entry.event is event]

    def refusals(self) -> list[str]:
        return self.logged(Event.PROFILE_REFUSED)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    database = samples.open_database(tmp_path)
    yield Office(database)
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "administrator.cms"


Spoil = Callable[[Office], bytes]
SPOILT: list[tuple[Spoil, ImportReason]] = [
    (lambda _: b"", ImportReason.SIGNATURE),
    (lambda _: b"\x30\x00", ImportReason.SIGNATURE),
    (lambda office: office.sign(office.administrator())[:-1], ImportReason.SIGNATURE),
    (lambda office: flipped(office.sign(office.administrator())), ImportReason.SIGNATURE),
    (lambda office: office.administrator().to_bytes(), ImportReason.SIGNATURE),
    (
        lambda office: office.sign(office.administrator(), office.pki.holder(Role.EMT, Purpose.SIG)),
        ImportReason.SIGNATURE,
    ),
    (lambda office: office.signed(b"{}"), ImportReason.PROFILE),
    (lambda _: bytes(MAX_DOCUMENT_SIZE + 1), ImportReason.TOO_LARGE),
]


def flipped(document: bytes) -> bytes:
    return document[:200] + bytes([document[200] ^ 1]) + document[201:]


@pytest.mark.parametrize(("spoil", "reason"), SPOILT)
def test_a_bad_document_says_nothing_of_an_administrator(
    office: Office, file: Path, spoil: Spoil, reason: ImportReason
) -> None:
    file.write_bytes(spoil(office))
    with pytest.raises(ImportRefusedError) as refusal:
        office.begin(file)
    assert refusal.value.reason is reason
    assert office.store.load().all() == ()
    first = office.administrator()
    file.write_bytes(office.sign(first))
    office.begin(file)
    file.write_bytes(spoil(office))
    assert office.begin(file).all() == (first,), "what was believed before goes on holding"
    assert office.refusals() == [reason]


@pytest.mark.parametrize("role", [Role.EMT, Role.SMGW])
def test_the_pinned_administrator_must_be_one(office: Office, file: Path, role: Role) -> None:
    name = "EABC0012345678" if role is Role.SMGW else "Netz"
    office.signer = office.pki.holder(role, Purpose.SIG, name)
    file.write_bytes(office.sign(office.administrator()))
    with pytest.raises(ImportRefusedError) as refusal:
        office.begin(file)
    assert refusal.value.reason is ImportReason.ADMINISTRATOR


def test_a_revoked_administrator_brings_no_newer_document(office: Office, file: Path) -> None:
    first = office.administrator()
    file.write_bytes(office.sign(first))
    office.begin(file)
    office.trust = office.pki.trust(sub_ca=(Revocation(office.signer.certificate.serial_number, NOW),))
    assert office.begin(file).all() == (first,)
    assert office.refusals() == []
    file.write_bytes(office.sign(office.administrator(version=2)))
    assert office.begin(file).all() == (first,)
    assert office.refusals() == [ImportReason.ADMINISTRATOR]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse", "odd name"])
def test_what_is_no_document_is_refused_at_once(office: Office, tmp_path: Path, kind: str) -> None:
    first = office.administrator()
    (tmp_path / "first.cms").write_bytes(office.sign(first))
    office.begin(tmp_path / "first.cms")
    file = tmp_path / "a.cms"
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "folder":
            file.mkdir()
        case "sparse":
            with file.open("wb") as bomb:
                bomb.truncate(1 << 33)
        case _:
            file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[2J" + b"x" * 120))
            file.write_bytes(b"x")
    assert office.begin(file).all() == (first,)
    refused = [entry for entry in office.log.entries() if entry.event is Event.PROFILE_REFUSED]
    told = {"sparse": ("a.cms", ImportReason.TOO_LARGE), "odd name": ("??[2J" + "x" * 95, ImportReason.SIGNATURE)}
    assert [(entry.subject, entry.parameters["reason"]) for entry in refused] == ([told[kind]] if kind in told else [])
    assert all(len(entry.subject) <= MAX_NAME_LENGTH for entry in refused)


def test_the_first_administrator_comes_with_a_file_that_is_needed_once(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "administrator.cms"
    first = office.administrator()
    document = office.sign(first)
    file.write_bytes(document)
    assert office.begin(file).administrators == {"gwa": first}
    assert office.begin(file).administrators == {"gwa": first}
    file.unlink()
    assert office.begin(file).administrators == {"gwa": first}
    assert office.refusals() == []
    newer = office.administrator(version=3, management_port=9)
    file.write_bytes(office.sign(newer))
    assert office.begin(file).administrators == {"gwa": newer}
    file.write_bytes(document)
    assert office.begin(file).administrators == {"gwa": newer}
    file.write_bytes(office.sign(office.administrator(version=2)))
    assert office.begin(file).administrators == {"gwa": newer}
    assert office.refusals() == [ImportReason.VERSION]


def test_an_administrator_that_was_replaced_does_not_return_with_a_file(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "administrator.cms"
    file.write_bytes(office.sign(office.administrator()))
    office.begin(file)
    other = office.administrator(id="gwa-2", party="Nachfolger")
    OrderStore(office.store._database).take(1, bytes(32), repeatable=False, at=NOW)
    office.store.change([other], [("administrator", "gwa")], NOW, lambda *_: None)
    for version in (1, 2):
        file.write_bytes(office.sign(office.administrator(version=version)))
        assert office.begin(file).administrators == {"gwa-2": other}
    assert set(office.refusals()) == {ImportReason.IDENTITY}


def stranger(office: Office) -> bytes:
    return office.sign(office.administrator(), office.pki.holder(Role.GWA, Purpose.SIG, "Fremder"))


def over(office: Office) -> bytes:
    return office.sign(office.administrator(valid_until=NOW))


def no_administrator(office: Office) -> bytes:
    return office.sign(office.party)


def other_role(office: Office) -> bytes:
    return office.sign(office.administrator(tls_certificate=der(office.pki.holder(Role.EMT, Purpose.TLS))))


def two_parties(office: Office) -> bytes:
    other = office.pki.holder(Role.GWA, Purpose.TLS, "Nachfolger")
    return office.sign(office.administrator(tls_certificate=der(other)))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (stranger, ImportReason.SIGNATURE),
        (over, ImportReason.ADMINISTRATOR),
        (no_administrator, ImportReason.KIND),
        (other_role, ImportReason.ADMINISTRATOR),
        (two_parties, ImportReason.ADMINISTRATOR),
        (None, ImportReason.UNREADABLE),
    ],
)
def test_a_first_administrator_that_could_not_administer(
    office: Office, tmp_path: Path, document: Callable[[Office], bytes] | None, reason: ImportReason
) -> None:
    file = tmp_path / "administrator.cms"
    if document is not None:
        file.write_bytes(document(office))
    with pytest.raises(ImportRefusedError) as refusal:
        office.begin(file)
    assert refusal.value.reason is reason
    assert office.store.load().all() == ()
