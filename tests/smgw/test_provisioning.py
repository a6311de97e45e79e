import os
from collections.abc import Callable, Iterator
from dataclasses import replace
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
    EvaluationProfile,
    MeterProfile,
    Profile,
    UseCase,
)
from wire.profiles.check import FindingReason
from wire.reading import DeviceId

DAY = timedelta(days=1)


class Office:
    """An administrator who signs, and a gateway that imports."""

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
        meter = MeterProfile(
            id="meter-1", version=1, meter=samples.METER, identity="87654321", manufacturer="ISK", line="rs485-1",
            address="1", registers=(samples.IMPORT,), interval_seconds=900, maximum_power_watts=30_000,
            valid_from=NOW - DAY, valid_until=NOW + 100 * DAY,
        )  # fmt: skip
        evaluation = EvaluationProfile(
            id="grid-1", version=1, use_case=UseCase.TAF_7, party="grid", purpose=AccessPurpose.BILLING,
            meters=(samples.METER,), registers=(samples.IMPORT,), period_seconds=900, dispatch_seconds=900,
            valid_from=NOW - DAY, valid_until=NOW + 100 * DAY, recipient=party.encryption_fingerprint,
        )  # fmt: skip
        self.party, self.meter, self.evaluation = party, meter, evaluation

    def sign(self, profile: Profile, signer: Holder | None = None) -> bytes:
        chosen = signer or self.signer
        return cms.sign_document(profile.to_bytes(), signer=chosen.certificate, key=chosen.key)

    def take(self, *documents: bytes) -> ProfileSet:
        administrator = Administrator(self.signer.certificate)
        provisioning = Provisioning(self.store, self.log, administrator, self.trust)
        return provisioning.import_documents(((f"{number}.cms", one) for number, one in enumerate(documents)), NOW)

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


def test_good_documents_hold_and_are_still_there_after_a_restart(office: Office) -> None:
    documents = [office.sign(profile) for profile in (office.evaluation, office.meter, office.party)]
    holding = office.take(*documents)
    assert holding.evaluations == {"grid-1": office.evaluation}
    assert holding.meters == {"meter-1": office.meter}
    assert holding.communications == {"grid": office.party}
    assert office.store.load() == holding
    assert office.refusals() == []
    assert office.logged(Event.PROFILE_INCONSISTENT) == []


def test_a_bad_document_is_refused_and_the_others_stay(office: Office) -> None:
    stranger = office.pki.holder(Role.GWA, Purpose.SIG, "Fremder")
    market = office.pki.holder(Role.EMT, Purpose.SIG)
    good = office.sign(office.party)
    holding = office.take(
        b"",
        b"\x30\x00",
        good[:-1],
        good[:200] + bytes([good[200] ^ 1]) + good[201:],
        office.sign(office.meter, stranger),
        office.sign(office.meter, market),
        cms.sign_document(b"{}", signer=office.signer.certificate, key=office.signer.key),
        office.meter.to_bytes(),
        bytes(MAX_DOCUMENT_SIZE + 1),
        good,
    )
    assert holding.all() == (office.party,)
    assert sorted(office.refusals()) == sorted([ImportReason.SIGNATURE] * 7 + ["profile", "too-large"])


@pytest.mark.parametrize("role", [Role.EMT, Role.SMGW])
def test_the_pinned_administrator_must_be_one(office: Office, role: Role) -> None:
    name = "EABC0012345678" if role is Role.SMGW else "Netz"
    office.signer = office.pki.holder(role, Purpose.SIG, name)
    assert office.take(office.sign(office.party)).all() == ()
    assert office.refusals() == [ImportReason.ADMINISTRATOR]


def test_a_revoked_or_expired_administrator_imports_nothing_new(office: Office) -> None:
    first = office.sign(office.party)
    office.take(first)
    revoked = Revocation(office.signer.certificate.serial_number, NOW)
    office.trust = office.pki.trust(sub_ca=(revoked,))
    holding = office.take(first, office.sign(office.meter))
    assert holding.all() == (office.party,), "what was believed before goes on holding"
    assert office.refusals() == [ImportReason.ADMINISTRATOR]


def test_versions_never_go_back(office: Office) -> None:
    second = replace(office.party, version=2, port=8443)
    office.take(office.sign(second))
    holding = office.take(office.sign(office.party))
    assert holding.communications["grid"] == second
    assert office.refusals() == [ImportReason.VERSION]
    holding = office.take(office.sign(replace(second, port=9443)))
    assert holding.communications["grid"].port == 8443
    assert office.refusals() == [ImportReason.VERSION] * 2
    holding = office.take(office.sign(replace(second, version=3)), office.sign(replace(second, version=4, port=1)))
    assert holding.communications["grid"].version == 4


@pytest.mark.parametrize(
    "changes", [{"party": "supplier"}, {"use_case": UseCase.TAF_1}, {"party": "supplier", "use_case": UseCase.TAF_1}]
)
def test_a_new_version_may_not_hand_what_is_owed_to_somebody_else(office: Office, changes: dict[str, Any]) -> None:
    office.take(office.sign(office.evaluation))
    holding = office.take(office.sign(replace(office.evaluation, version=2, **changes)))
    assert holding.evaluations["grid-1"].version == 1
    assert office.refusals() == [ImportReason.IDENTITY]


def test_a_meter_profile_stays_with_its_meter_and_a_party_with_its_name(office: Office) -> None:
    office.take(office.sign(office.meter), office.sign(office.party))
    office.take(
        office.sign(replace(office.meter, version=2, meter=DeviceId("1ISK0000000001"))),
        office.sign(replace(office.party, version=2, party="Andere")),
    )
    assert office.refusals() == [ImportReason.IDENTITY] * 2


def test_two_meters_at_one_address_are_a_contradiction_unless_one_is_over(office: Office) -> None:
    other = replace(office.meter, id="meter-2", meter=DeviceId("1ISK0000000002"), identity="2")
    office.take(office.sign(office.meter))
    holding = office.take(office.sign(other))
    assert list(holding.meters) == ["meter-1"]
    assert office.refusals() == [ImportReason.CONTRADICTION]
    ended = replace(office.meter, version=2, valid_until=NOW)
    holding = office.take(office.sign(ended), office.sign(other))
    assert list(holding.meters) == ["meter-1", "meter-2"]


def test_what_cannot_be_served_is_told(office: Office) -> None:
    office.take(office.sign(office.evaluation))
    told = set(office.logged(Event.PROFILE_INCONSISTENT))
    assert {FindingReason.UNKNOWN_PARTY, FindingReason.UNKNOWN_METER} <= told


def test_a_folder_of_documents(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "party.cms").write_bytes(office.sign(office.party))
    (folder / "notes.txt").write_text("not a document")
    (folder / "broken.cms").mkdir()
    provisioning = Provisioning(office.store, office.log, Administrator(office.signer.certificate), office.trust)
    assert provisioning.import_folder(folder, NOW).all() == (office.party,)
    assert office.refusals() == [ImportReason.UNREADABLE]


def test_a_folder_full_of_rubbish_does_not_push_out_the_log(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smgw.provisioning.MAX_DOCUMENTS", 5)
    folder = tmp_path / "profiles"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:03}{'x' * 120}.cms").write_bytes(b"rubbish")
    provisioning = Provisioning(office.store, office.log, Administrator(office.signer.certificate), office.trust)
    provisioning.import_folder(folder, NOW)
    assert office.refusals() == [ImportReason.TOO_MANY, *[ImportReason.SIGNATURE] * 5]
    entries = office.log.entries()
    assert (entries[0].subject, entries[0].parameters["sentence"]) == ("profiles", "25 documents were not looked at")
    assert max(len(entry.subject) for entry in entries) == MAX_NAME_LENGTH


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse", "odd name"])
def test_what_is_no_document_is_refused_at_once(office: Office, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    match kind:
        case "pipe":
            os.mkfifo(folder / "a.cms")
        case "device":
            (folder / "a.cms").symlink_to("/dev/zero")
        case "folder":
            (folder / "a.cms").mkdir()
        case "sparse":
            with (folder / "a.cms").open("wb") as bomb:
                bomb.truncate(1 << 33)
        case _:
            Path(os.fsdecode(os.fsencode(folder) + b"/\xff\x1b[2J.cms")).write_bytes(b"x")
    (folder / "party.cms").write_bytes(office.sign(office.party))
    provisioning = Provisioning(office.store, office.log, Administrator(office.signer.certificate), office.trust)
    assert provisioning.import_folder(folder, NOW).all() == (office.party,)
    (entry,) = (one for one in office.log.entries() if one.event is Event.PROFILE_REFUSED)
    reasons = {"sparse": ImportReason.TOO_LARGE, "odd name": ImportReason.SIGNATURE}
    assert entry.parameters["reason"] == reasons.get(kind, ImportReason.UNREADABLE)
    assert entry.subject == ("??[2J.cms" if kind == "odd name" else "a.cms")


def test_of_two_documents_with_one_id_and_version_the_first_holds(office: Office) -> None:
    other = replace(office.party, port=9443)
    holding = office.take(office.sign(office.party), office.sign(other))
    assert holding.communications["grid"] == office.party
    assert office.refusals() == [ImportReason.VERSION]


def test_the_folder_brings_no_administrator(office: Office) -> None:
    assert office.take(office.sign(office.administrator()), office.sign(office.meter)).all() == (office.meter,)
    assert office.refusals() == [ImportReason.KIND]


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
