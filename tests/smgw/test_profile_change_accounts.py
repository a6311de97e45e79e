"""Accounts come by order: opened and stored with their passwords, or refused with everything else in the order."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki import cms
from pki.certificates import Purpose, Role
from pki.errors import TokenError, TokenReason
from smgw.administration.errors import CommandRefusedError
from smgw.han.credentials import Credentials
from smgw.identity import Identity
from smgw.keys.current_key import CurrentKey
from smgw.profile_change import ChangeReason
from smgw.store.consumer_log import ConsumerLog
from smgw.store.logs import Event
from testbed.small_pki import SmallPki
from tests.smgw.han.accounts import VERIFIER, account_for, identity_of, sealed
from tests.smgw.office import House
from tests.smgw.profile_site import Site
from tests.smgw.store import samples
from wire.profiles import AccountProfile, AccountRole


@pytest.fixture(scope="module")
def house() -> House:
    return House(SmallPki())


@pytest.fixture(scope="module")
def identity(house: House) -> Identity:
    return identity_of(house.pki)


@pytest.fixture
def site(tmp_path: Path, house: House, identity: Identity) -> Iterator[Site]:
    database = samples.open_database(tmp_path)
    site = Site(database, house.pki)
    site.identity = identity
    site.store.put(house.administrator, document=b"signed", at=house.meter.valid_from)
    site.change(house.meter)
    yield site
    database.close()


@pytest.fixture(scope="module")
def account(house: House, identity: Identity) -> AccountProfile:
    begin, end = house.meter.valid_from, house.meter.valid_until
    return replace(account_for(identity), consumer=house.meter.consumer, valid_from=begin, valid_until=end)


def refused(site: Site, account: AccountProfile, reason: ChangeReason) -> str:
    """Nothing of the order is stored, and what the administrator is told holds no secret."""
    before = site.store.load()
    with pytest.raises(CommandRefusedError) as refusal:
        site.change(account)
    assert refusal.value.reason is reason
    assert site.store.load() == before
    assert Credentials(site.database).verifier(account) is None
    return refusal.value.sentence


def test_an_account_is_installed_with_its_password(site: Site, account: AccountProfile) -> None:
    """PP-0073 FIA_ATD.1, FIA_UAU.5; FAU_GEN.1/CON: she is told that there is one, and the log tells no more."""
    assert site.change(account).result == {"installed": [account.id], "withdrawn": []}
    assert Credentials(site.database).verifier(account) == VERIFIER
    entry = ConsumerLog(site.database, "house").entries()[-1]
    assert (entry.event, entry.subject) == (Event.PROFILE_INSTALLED, account.id)
    assert entry.parameters == {"kind": "account", "version": 1}
    assert site.change(account).result == {"installed": [], "withdrawn": []}


def test_a_technicians_account_is_told_to_no_consumer(site: Site, account: AccountProfile) -> None:
    """FMT_SMR.1."""
    before = ConsumerLog(site.database, "house").entries()
    technician = replace(account, id="account-2", name="service", role=AccountRole.TECHNICIAN, consumer=None)
    site.change(technician)
    assert Credentials(site.database).verifier(technician) == VERIFIER
    assert ConsumerLog(site.database, "house").entries() == before


def test_her_own_password_holds_until_the_administrator_sends_another(site: Site, account: AccountProfile) -> None:
    site.change(account)
    credentials, own = Credentials(site.database), bytes(32)
    credentials.change(account, own, account.valid_from)
    site.change(account)  # an order that comes twice
    assert credentials.verifier(account) == own
    newer = replace(account, version=2)
    site.change(newer)
    assert credentials.verifier(newer) == VERIFIER
    without = replace(account, version=3, verifier=None)
    site.change(without)
    assert credentials.verifier(without) is None
    site.change(withdraw=(without,))
    assert site.store.load().accounts == {}


def test_what_was_sealed_for_others_is_refused(site: Site, account: AccountProfile, house: House) -> None:
    """Another gateway's, or that of keys which this one has no more: nothing of the order is done."""
    other = house.pki.holder(Role.SMGW, Purpose.ENC, samples.GATEWAY.text)
    sentence = refused(site, replace(account, verifier=sealed(other.certificate)), ChangeReason.VERIFIER)
    assert sentence == f"{account.id}: not-for-us: seal its verifier for the ENC certificate in use"


@pytest.mark.parametrize("verifier", [VERIFIER[:-1], VERIFIER + b"\0", b""], ids=len)
def test_what_is_no_verifier_is_refused(
    site: Site, account: AccountProfile, identity: Identity, verifier: bytes
) -> None:
    recipient = identity.certificates[Purpose.ENC].certificate
    refused(site, replace(account, verifier=sealed(recipient, verifier)), ChangeReason.VERIFIER)


def test_an_account_that_is_open_to_older_clients_brings_both_hashes(
    site: Site, account: AccountProfile, identity: Identity
) -> None:
    """FIA_UAU.5: by the administrator's signed word; the next version without it takes the weaker one away."""
    recipient, both = identity.certificates[Purpose.ENC].certificate, VERIFIER + bytes(16)
    refused(site, replace(account, md5=True), ChangeReason.VERIFIER)
    refused(site, replace(account, verifier=sealed(recipient, both)), ChangeReason.VERIFIER)
    opened = replace(account, verifier=sealed(recipient, both), md5=True)
    site.change(opened)
    assert Credentials(site.database).verifier(opened) == both
    closed = replace(account, version=2)
    site.change(closed)
    assert Credentials(site.database).verifier(closed) == VERIFIER


def test_what_was_altered_is_refused(site: Site, account: AccountProfile) -> None:
    assert account.verifier is not None
    altered = account.verifier[:-1] + bytes([account.verifier[-1] ^ 1])
    refused(site, replace(account, verifier=altered), ChangeReason.VERIFIER)
    refused(site, replace(account, verifier=b"\x30\x40" + bytes(64)), ChangeReason.VERIFIER)


def test_a_security_module_that_does_not_answer(site: Site, account: AccountProfile, identity: Identity) -> None:
    def lost() -> ec.EllipticCurvePrivateKey:
        raise TokenError(TokenReason.LOST, "gone")

    site.identity = replace(identity, keys={Purpose.ENC: CurrentKey(lost)})
    assert refused(site, account, ChangeReason.SECURITY_MODULE) == f"{account.id}: lost"
    site.identity = identity
    site.change(account)


def test_nobody_gets_an_account_whom_no_meter_measures(site: Site, account: AccountProfile, house: House) -> None:
    """FDP_RIP.2: what would belong to no contract would never be erased."""
    stranger = replace(account, consumer="stranger")
    assert "names the consumer stranger" in refused(site, stranger, ChangeReason.UNKNOWN_CONSUMER)
    both = replace(house.second_meter, consumer="stranger")
    site.change(both, stranger)


def test_a_name_and_a_certificate_lead_to_one_account(site: Site, account: AccountProfile) -> None:
    site.change(account)
    second = replace(account, id="account-2")
    assert refused(site, second, ChangeReason.INCONSISTENT).startswith("shared-name: account-2")
    named = replace(second, name="other")
    assert refused(site, named, ChangeReason.INCONSISTENT).startswith("shared-certificate: account-2")
    site.change(replace(named, fingerprints=()))


def test_a_password_may_be_taken_by_the_same_order_that_withdraws_the_former_account(
    site: Site, account: AccountProfile
) -> None:
    site.change(account)
    successor = replace(account, id="account-2")
    site.change(successor, withdraw=(account,))
    credentials = Credentials(site.database)
    assert credentials.verifier(successor) == VERIFIER
    assert credentials.verifier(account) is None


def test_the_other_name_of_the_key_agreement_opens_too(site: Site, account: AccountProfile) -> None:
    recipient = site.identity.certificates[Purpose.ENC].certificate
    standard = cms.envelop(
        VERIFIER, recipient=recipient, random=random.Random(2).randbytes, key_agreement=cms.KeyAgreement.RFC_5753
    )
    site.change(replace(account, verifier=standard))
    assert Credentials(site.database).verifier(account) == VERIFIER
