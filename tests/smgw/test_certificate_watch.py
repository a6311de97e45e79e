from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pki.certificates import Purpose, Role, TrustStore
from smgw.certificate_watch import EARLY, EARLY_LIST, LOOK_EVERY, CertificateWatch
from smgw.identity import Identity, OwnCertificates
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.notifications import Notifications
from smgw.store.profiles import ProfileSet
from testbed.small_pki import SmallPki
from tests.smgw.administration.house import House
from tests.smgw.store import samples
from tests.smgw.wan.station import der
from wire.profiles import AccessPurpose, CommunicationProfile

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


class Shelf:
    """A gateway, its administrator and a party, all with certificates of the same day."""

    def __init__(self, folder: Path) -> None:
        pki = SmallPki()
        self.house = House(pki, folder)
        own = {purpose: pki.holder(Role.SMGW, purpose, samples.GATEWAY.text) for purpose in Purpose}
        verified = {purpose: pki.verified(holder, Role.SMGW, purpose) for purpose, holder in own.items()}
        self.identity = Identity(samples.GATEWAY, 1, OwnCertificates(verified), {}, {})
        peer, recipient = pki.holder(Role.EMT, Purpose.TLS), pki.holder(Role.EMT, Purpose.ENC)
        self.party = CommunicationProfile(
            id="grid", version=1, party="Netz", host="localhost", port=443, path="/deliveries",
            tls_certificate=der(peer), encryption_certificate=der(recipient),
            purposes=(AccessPurpose.GRID_OPERATION,), valid_from=pki.now, valid_until=pki.now + DAY,
        )  # fmt: skip
        assert self.house.profile is not None
        self.profiles = ProfileSet(communications={"grid": self.party}, administrators={"gwa": self.house.profile})
        without_lists = TrustStore(pki.trust().roots, (), ())
        self.watch = CertificateWatch(
            lambda: self.identity, lambda: self.profiles, SystemLog(self.house.database), lambda: without_lists
        )
        self.ends = {
            (samples.GATEWAY.text, purpose.value): one.certificate.not_valid_after_utc
            for purpose, one in verified.items()
        } | {
            ("gwa", "TLS"): self.house.tls.certificate.not_valid_after_utc,
            ("gwa", "SIG"): self.house.sig.certificate.not_valid_after_utc,
            ("grid", "TLS"): peer.certificate.not_valid_after_utc,
            ("grid", "ENC"): recipient.certificate.not_valid_after_utc,
        }

    def found(self) -> set[tuple[str, str]]:
        entries = self.house.logged()
        assert {(entry.event, entry.outcome) for entry in entries} <= {(Event.CERTIFICATE_EXPIRING, Outcome.FAILURE)}
        return {(entry.subject, str(entry.parameters["purpose"])) for entry in entries}

    @property
    def first_end(self) -> datetime:
        return min(self.ends.values())


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.house.close()


def test_thirty_days_before_its_end_and_not_earlier(shelf: Shelf) -> None:
    shelf.watch.look(shelf.first_end - EARLY)
    assert shelf.found() == set()
    shelf.watch.look(shelf.first_end - EARLY + LOOK_EVERY)
    near = {who for who, end in shelf.ends.items() if end - shelf.first_end < LOOK_EVERY}
    assert shelf.found() == near != set()
    (end,) = {str(entry.parameters["valid_until"]) for entry in shelf.house.logged()}
    assert end.startswith(shelf.first_end.strftime("%Y-%m-%dT"))


def test_everybody_is_looked_at(shelf: Shelf) -> None:
    shelf.watch.look(max(shelf.ends.values()) + DAY)
    assert shelf.found() == set(shelf.ends)
    assert Notifications(shelf.house.database).waiting() == 3, "one for each subject"


def test_it_looks_now_and_then_and_is_counted(shelf: Shelf) -> None:
    at = shelf.first_end
    for hour in range(24):
        shelf.watch.look(at + timedelta(hours=hour))
    looks = 24 * timedelta(hours=1) // LOOK_EVERY
    assert {entry.repetition_count for entry in shelf.house.logged()} == {looks - 1}


def test_a_clock_that_was_set_back_does_not_end_the_looking(shelf: Shelf) -> None:
    shelf.watch.look(shelf.first_end - EARLY)
    shelf.watch.look(shelf.first_end - EARLY - 365 * DAY)
    assert shelf.found() == set()
    shelf.watch.look(shelf.first_end)
    assert shelf.found() != set()


def test_what_cannot_be_read_is_left_to_its_user(shelf: Shelf) -> None:
    broken = bytes((0x30, 0x81, 200)).ljust(203)
    communication = shelf.party
    object.__setattr__(communication, "tls_certificate", broken)
    shelf.watch.look(max(shelf.ends.values()) + DAY)
    assert shelf.found() == set(shelf.ends) - {("grid", "TLS")}


def test_revocation_lists_end_too_and_only_the_newest_of_each_counts(shelf: Shelf) -> None:
    """Without a current list not even the administrator is believed: it must hear of it while it still is."""
    pki = SmallPki()
    store = pki.trust()
    shelf.watch = CertificateWatch(
        lambda: shelf.identity, lambda: shelf.profiles, SystemLog(shelf.house.database), lambda: store
    )
    ends = [end for crl in store.crls if (end := crl.next_update_utc) is not None]
    first = min(ends)
    shelf.watch.look(first - EARLY_LIST)
    assert shelf.found() == set()
    shelf.watch.look(first - EARLY_LIST + LOOK_EVERY)
    near = sum(end == first for end in ends)
    assert {purpose for _, purpose in shelf.found()} == {"CRL"}
    assert len(shelf.found()) == near
    newer = pki.trust(now=pki.now + 3 * DAY)
    store = TrustStore(store.roots, store.authorities[len(store.roots) :], (*store.crls, *newer.crls))
    before = [entry.repetition_count for entry in shelf.house.logged()]
    shelf.watch.look(first - EARLY_LIST + 2 * LOOK_EVERY)
    assert [entry.repetition_count for entry in shelf.house.logged()] == before
