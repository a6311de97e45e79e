"""Which change of profiles a gateway carries out, and that it is all of it or nothing."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pki.certificates import Purpose, Role
from pki.revoke import Revocation
from smgw import profile_change
from smgw.administration.errors import CommandRefusedError, FollowUp
from smgw.profile_change import ChangeReason
from smgw.store import profiles
from smgw.store.calibration_log import CalibrationLog
from smgw.store.consumer_log import ConsumerLog
from smgw.store.logs import Event, SystemLog
from smgw.store.outbox import Balance, Outbox
from smgw.store.profiles import ProfileStore
from smgw.store.readings import ReadingStore
from testbed.small_pki import NOW, SmallPki
from tests.smgw.office import House
from tests.smgw.profile_site import Site
from tests.smgw.store import samples
from tests.smgw.wan.station import der
from wire.orders import ChangeProfiles, ProfileReference
from wire.profiles import Profile, ProxyProfile, ProxyScenario
from wire.reading import DeviceId


@pytest.fixture(scope="module")
def house() -> House:
    return House(SmallPki())


@pytest.fixture
def site(tmp_path: Path, house: House) -> Iterator[Site]:
    database = samples.open_database(tmp_path)
    site = Site(database, house.pki)
    site.store.put(house.administrator, document=b"signed", at=NOW)
    yield site
    database.close()


def test_a_whole_house_in_one_order(site: Site, house: House) -> None:
    """FMT_MSA.1/MTR, FMT_MSA.1/AC: profiles change by the administrator's order."""
    done = site.change(house.evaluation, house.meter, house.communication)
    assert done.result == {"installed": ["grid-1", "meter-1", "grid"], "withdrawn": []}
    assert done.then is FollowUp.NOTHING
    assert set(site.store.load().all()) == set(house.all)
    assert site.applied == [site.store.load()]
    for entries in (SystemLog(site.database).entries(), CalibrationLog(site.database).entries()):
        assert [(entry.event, entry.subject, entry.parameters) for entry in entries] == [
            (Event.PROFILE_INSTALLED, "grid-1", {"kind": "evaluation", "version": 1}),
            (Event.PROFILE_INSTALLED, "meter-1", {"kind": "meter", "version": 1}),
            (Event.PROFILE_INSTALLED, "grid", {"kind": "communication", "version": 1}),
        ]


def test_whoever_is_concerned_reads_of_every_change_and_nobody_else(site: Site, house: House) -> None:
    """FAU_GEN.1/CON: changes of profiles stand in the log of the consumer whose values they give."""
    next_door = replace(house.second_meter, consumer="next-door")
    site.change(house.evaluation, house.meter, house.communication, next_door)
    site.change(withdraw=(house.evaluation,))
    told = [
        [(entry.event, entry.subject) for entry in ConsumerLog(site.database, who).entries()]
        for who in ("house", "next-door", "nobody")
    ]
    installed, withdrawn = Event.PROFILE_INSTALLED, Event.PROFILE_WITHDRAWN
    assert told == [
        [(installed, "grid-1"), (installed, "meter-1"), (installed, "grid"), (withdrawn, "grid-1")],
        [(installed, "meter-2")],
        [],
    ]


def test_the_same_again_changes_nothing(site: Site, house: House) -> None:
    site.change(house.communication, house.meter, house.evaluation)
    assert site.change(house.meter).result == {"installed": [], "withdrawn": []}
    assert len(CalibrationLog(site.database).entries()) == 3


def test_what_was_withdrawn_owes_nothing_and_returns_with_a_higher_version_only(site: Site, house: House) -> None:
    """FMT_MSA.1/AC: what was withdrawn gives nobody anything."""
    site.change(house.communication, house.meter, house.evaluation)
    outbox = Outbox(site.database)
    for number in range(3):
        ReadingStore(site.database).record(samples.reading(number), samples.decision(samples.grant(number)))
    outbox.open_delivery("grid-1", NOW, limit=1)
    assert site.change(withdraw=(house.evaluation,)).result == {"installed": [], "withdrawn": ["grid-1"]}
    assert outbox.balance("grid-1") == Balance(owed=0, open=0, acknowledged=0, set_aside=1)
    assert outbox.set_aside_reasons("grid-1") == {1: "withdrawn"}
    assert site.store.load().evaluations == {}
    assert CalibrationLog(site.database).entries()[-1].event is Event.PROFILE_WITHDRAWN
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(house.evaluation)
    assert refusal.value.reason is ChangeReason.VERSION
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(withdraw=(house.evaluation,))
    assert refusal.value.reason is ChangeReason.NOT_HELD
    second = replace(house.evaluation, version=2)
    site.change(second)
    assert site.store.load().evaluations == {"grid-1": second}
    assert ReadingStore(site.database).count() == 3


def test_a_renewed_party_and_its_evaluations_change_together(site: Site, house: House) -> None:
    site.change(house.communication, house.meter, house.evaluation)
    renewed = house.pki.holder(Role.EMT, Purpose.ENC)
    party = replace(house.communication, version=2, encryption_certificate=der(renewed))
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(party)
    assert refusal.value.reason is ChangeReason.INCONSISTENT
    assert "recipient-mismatch: grid-1 against grid" in refusal.value.sentence
    site.change(party, replace(house.evaluation, version=2, recipient=party.encryption_fingerprint))


def test_an_administrator_is_replaced_in_one_order_and_the_tunnel_ends(site: Site, house: House) -> None:
    other = replace(
        house.administrator,
        id="gwa-2",
        party="Nachfolger",
        tls_certificate=der(house.pki.holder(Role.GWA, Purpose.TLS, "Nachfolger")),
        signature_certificate=der(house.pki.holder(Role.GWA, Purpose.SIG, "Nachfolger")),
    )
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(other)
    assert refusal.value.reason is ChangeReason.ADMINISTRATOR
    assert site.change(other, withdraw=(house.administrator,)).then is FollowUp.END_TUNNEL
    assert site.store.load().administrators == {"gwa-2": other}
    assert site.tried == [other]


def test_an_administrator_who_cannot_be_reached_is_not_installed(site: Site, house: House) -> None:
    moved = replace(house.administrator, version=2, management_port=4099)
    site.nobody_there = True
    site.change(house.communication)  # no other administrator: nobody is tried
    assert site.tried == []
    before, entries = site.store.load(), len(CalibrationLog(site.database).entries())
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(house.meter, moved)
    assert refusal.value.reason is ChangeReason.UNREACHABLE
    assert refusal.value.sentence == "gwa: unreachable: nobody listens"
    assert site.store.load() == before
    assert len(CalibrationLog(site.database).entries()) == entries
    assert site.tried == [moved]
    site.nobody_there = False
    assert site.change(house.meter, moved).then is FollowUp.END_TUNNEL


def test_a_certificate_that_was_revoked_meanwhile(site: Site, house: House) -> None:
    revoked = Revocation(house.peer.certificate.serial_number, NOW)
    site.trust = house.pki.trust(sub_ca=(revoked,))
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(house.communication)
    assert refusal.value.reason is ChangeReason.CERTIFICATE
    assert refusal.value.sentence == "grid: tls_certificate: revoked"


Case = Callable[[House], tuple[Profile, ...]]


def _proxy(house: House, certificate: bytes) -> ProxyProfile:
    return ProxyProfile(
        id="proxy-1", version=1, party="grid", cls_certificate=certificate, scenario=ProxyScenario.HKS3,
        valid_from=house.meter.valid_from, valid_until=house.meter.valid_until,
    )  # fmt: skip


REFUSED: dict[str, tuple[ChangeReason, str, Case]] = {
    "older": (ChangeReason.VERSION, "not newer", lambda h: (replace(h.meter, version=1),)),
    "other content under the same version": (
        ChangeReason.VERSION, "not newer", lambda h: (replace(h.meter, version=2, address="9"),),
    ),
    "another meter under the same id": (
        ChangeReason.IDENTITY, "new id",
        lambda h: (
            replace(h.meter, version=3, meter=DeviceId("1ISK0000000001")),
            replace(h.evaluation, version=2, meters=(DeviceId("1ISK0000000001"),)),
        ),
    ),
    "another use of a row of deliveries": (
        ChangeReason.IDENTITY, "new id",
        lambda h: (replace(h.evaluation, version=2, pseudonym=DeviceId("EPSN0000000001")),),
    ),
    "unknown meter": (
        ChangeReason.INCONSISTENT, "unknown-meter",
        lambda h: (replace(h.evaluation, id="other", meters=(DeviceId("1ISK0000000001"),)),),
    ),
    "unknown party": (
        ChangeReason.INCONSISTENT, "unknown-party", lambda h: (replace(h.evaluation, id="other", party="nobody"),),
    ),
    "register that is not captured": (
        ChangeReason.INCONSISTENT, "register-not-captured",
        lambda h: (replace(h.evaluation, id="other", registers=(replace(samples.IMPORT, c=2),)),),
    ),
    "recipient that is not the party's": (
        ChangeReason.INCONSISTENT, "recipient-mismatch",
        lambda h: (replace(h.evaluation, id="other", recipient="0" * 64),),
    ),
    "purpose that is not permitted": (
        ChangeReason.INCONSISTENT, "purpose-not-permitted",
        lambda h: (replace(h.communication, version=2, purposes=()),),
    ),
    "raster that is never met": (
        ChangeReason.INCONSISTENT, "raster-not-met",
        lambda h: (replace(h.evaluation, id="other", period_seconds=300),),
    ),
    "two meters at one address": (
        ChangeReason.INCONSISTENT, "duplicate-address", lambda h: (replace(h.second_meter, address="1"),),
    ),
    "a line that is not there": (
        ChangeReason.UNKNOWN_LINE, "no line", lambda h: (replace(h.second_meter, line="rs485-9"),),
    ),
    "a party's name where a firewall stands": (  # FDP_IFF.1/FW
        ChangeReason.NAMED_HOST, "grid: grid.example is no address",
        lambda h: (replace(h.communication, version=2, host="grid.example"),),
    ),
    "an administrator's name where a firewall stands": (
        ChangeReason.NAMED_HOST, "gwa: gwa.example is no address",
        lambda h: (replace(h.administrator, version=2, host="gwa.example"),),
    ),
    "an administrator that is over": (
        ChangeReason.ADMINISTRATOR, "one administrator",
        lambda h: (replace(h.administrator, version=2, valid_until=NOW),),
    ),
    "a certificate for another purpose": (
        ChangeReason.CERTIFICATE, "grid: tls_certificate: wrong-purpose",
        lambda h: (replace(h.communication, version=2, tls_certificate=h.communication.encryption_certificate),),
    ),
    "a certificate of another role": (
        ChangeReason.CERTIFICATE, "gwa: tls_certificate: wrong-role",
        lambda h: (replace(h.administrator, version=2, tls_certificate=h.communication.tls_certificate),),
    ),
    "an administrator's certificate for another purpose": (
        ChangeReason.CERTIFICATE, "gwa: signature_certificate: wrong-purpose",
        lambda h: (replace(h.administrator, version=2, signature_certificate=h.administrator.tls_certificate),),
    ),
    "certificates of two parties": (
        ChangeReason.CERTIFICATE, "different parties",
        lambda h: (
            replace(h.communication, version=2, tls_certificate=der(h.pki.holder(Role.EMT, Purpose.TLS, "Andere"))),
        ),
    ),
    "a certificate of another hierarchy": (
        ChangeReason.CERTIFICATE, "grid: tls_certificate: ",
        lambda _: (replace(House(SmallPki(seed=9)).communication, version=2),),
    ),
    "rubbish for a certificate": (
        ChangeReason.CERTIFICATE, "proxy-1: cls_certificate: malformed",
        lambda h: (_proxy(h, b"\x30\x82\x01\x00" + bytes(256)),),
    ),
    "a proxy of nobody": (
        ChangeReason.INCONSISTENT, "unknown-party",
        lambda h: (replace(_proxy(h, h.communication.tls_certificate), party="nobody"),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_everything_as_it_was(site: Site, house: House, case: str) -> None:
    """FMT_MSA.1/MTR: an order is carried out as a whole or not at all."""
    reason, words, install = REFUSED[case]
    site.change(house.communication, replace(house.meter, version=2), house.evaluation)
    before, entries = site.store.load(), len(CalibrationLog(site.database).entries())
    good = house.second_meter  # the good part of a refused order does not happen either
    bad = install(house)
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(*(() if good.id in {profile.id for profile in bad} else (good,)), *bad)
    assert (refusal.value.reason, words in refusal.value.sentence) == (reason, True), refusal.value.sentence
    assert site.store.load() == before
    assert len(CalibrationLog(site.database).entries()) == entries
    assert len(site.applied) == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("administrator", ChangeReason.ADMINISTRATOR),
        ("communication", ChangeReason.INCONSISTENT),
        ("meter", ChangeReason.INCONSISTENT),
        ("proxy", ChangeReason.NOT_HELD),
    ],
)
def test_what_others_need_is_not_withdrawn(site: Site, house: House, kind: str, reason: ChangeReason) -> None:
    site.change(house.communication, house.meter, house.evaluation)
    names = {"administrator": "gwa", "communication": "grid", "meter": "meter-1", "proxy": "none"}
    with pytest.raises(CommandRefusedError) as refusal:
        site.order(ChangeProfiles((), (ProfileReference(kind, names[kind]),)))
    assert refusal.value.reason is reason
    site.change(withdraw=(house.communication, house.meter, house.evaluation))
    assert site.store.load().all() == (house.administrator,)


def test_what_was_inconsistent_before_does_not_hold_back_the_rest(site: Site, house: House) -> None:
    """A folder may have left a profile whose meter is missing; another order is none of its business."""
    site.store.put(house.evaluation, document=b"signed", at=NOW)
    site.change(house.second_meter)
    with pytest.raises(CommandRefusedError):
        site.change(replace(house.evaluation, version=2, dispatch_seconds=1800))
    site.change(house.communication, house.meter)
    site.change(replace(house.evaluation, version=2, dispatch_seconds=1800))


def test_what_is_over_leaves_its_address_to_its_successor(site: Site, house: House) -> None:
    site.change(replace(house.meter, valid_until=NOW - timedelta(hours=1)))
    site.change(replace(house.second_meter, address="1"))


def test_a_meter_is_exchanged_at_its_address_under_a_bill_that_names_both(site: Site, house: House) -> None:
    """TR-03109-1, TAF-2: the one begins where the other one ends, and one order says it before the change."""
    site.change(house.communication, house.meter, house.evaluation)
    old = replace(house.meter, version=2, valid_until=NOW + timedelta(hours=1))
    new = replace(house.second_meter, address=house.meter.address, valid_from=old.valid_until)
    both = replace(house.evaluation, version=2, meters=(old.meter, new.meter))
    assert len(site.change(old, new, both).result["installed"]) == 3


WRITES = 6
"""Three withdrawals or installations, each with its row and its entries in the logs."""


@pytest.mark.parametrize("after", range(WRITES))
def test_killed_between_two_writes_the_old_set_holds(
    site: Site, house: House, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.change(house.communication, house.meter, house.evaluation)
    ReadingStore(site.database).record(samples.reading(0), samples.decision(samples.grant(0)))
    before = site.store.load()
    site.database.close()
    child = os.fork()
    if child == 0:
        try:
            dying = Site(samples.open_database(tmp_path, create=False), house.pki)
            writes = iter(range(WRITES))

            def counted(function: Callable[..., Any]) -> Callable[..., Any]:
                def call(*arguments: Any, **named: Any) -> Any:
                    if next(writes, None) == after:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return function(*arguments, **named)

                return call

            for module, name in ((profiles, "_put"), (profiles, "_withdraw"), (profile_change, "_note")):
                monkeypatch.setattr(module, name, counted(getattr(module, name)))
            dying.change(
                house.second_meter,
                replace(house.evaluation, id="grid-2", meters=(house.second_meter.meter,)),
                withdraw=(house.evaluation,),
            )
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    again = samples.open_database(tmp_path, create=False)
    assert ProfileStore(again).load() == before
    assert Outbox(again).balance("grid-1").owed == 1
    again.close()
