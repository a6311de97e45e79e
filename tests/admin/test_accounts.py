"""Accounts: made, sealed for the one gateway that can open them, and judged by what it holds."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from admin.accounts import (
    ALPHABET,
    CONSUMER,
    TECHNICIAN,
    Accounts,
    Issued,
    Wanted,
    client_fingerprint,
    new_password,
)
from admin.errors import AccountError, AccountReason, DraftError, InventoryError
from admin.inventory import GatewayRecord
from admin.life_cycle import LifeCycle
from admin.office import Office
from pki import cms
from pki.certificates import Purpose, Role, fingerprint
from smgw.han import passwords
from testbed.small_pki import Holder
from tests.admin.bureau import BY, GATEWAY, NOW, OTHER, Bureau, der
from tests.admin.commands.desk import random_octets
from tests.admin.samples import METER
from wire.orders import ChangeProfiles, RenewKeys, Reply, ReplyOutcome
from wire.profiles import AccountProfile, AccountRole, verifier_of

pytestmark = pytest.mark.token

PASSWORD = "k7mp-2xhd-v9rt-e4nc"
HOUSE = Wanted("house", "house", password=PASSWORD)


@pytest.fixture
def enc(bureau: Bureau, office: Office) -> Holder:
    """The ENC key of the gateway, whose certificate the inventory has; its meter measures the consumer ``house``."""
    holder = bureau.pki.holder(Role.SMGW, Purpose.ENC, GATEWAY.text)
    triple = {**bureau.triple(), Purpose.ENC: der(holder)}
    office.inventory.set_certificates(GATEWAY, triple, seal=False, by=BY, at=NOW)
    office.drafts.save("meter", METER, BY, NOW)
    confirm(office, office.drafts.issue_together(["meter"], GATEWAY, BY, NOW))
    return holder


@pytest.fixture
def accounts(office: Office, enc: Holder) -> Accounts:
    return Accounts(office, random_octets)


def confirm(office: Office, number: int) -> None:
    office.orders.sign_next(number, office.sign_order, NOW)
    office.orders.delivered(number, NOW)
    office.orders.confirmed(number, Reply(office.orders.get(number).sequence or 0, ReplyOutcome.DONE), NOW)


def opened(issued: Issued, enc: Holder) -> bytes:
    assert issued.account.verifier is not None
    return cms.open_envelope(issued.account.verifier, recipient=enc.certificate, key=enc.key)


def refused(accounts: Accounts, wanted: Wanted, *, reset: bool = False) -> AccountReason:
    before = len(accounts._office.orders.all())
    with pytest.raises(AccountError) as refusal:
        (accounts.reset if reset else accounts.new)(GATEWAY, wanted, BY, NOW)
    assert len(accounts._office.orders.all()) == before
    assert PASSWORD not in str(refusal.value)
    return refusal.value.reason


def test_a_password_has_eighty_bits_and_no_look_alikes() -> None:
    """Every bit of what was drawn stands in it: five a sign, each sign for one value."""
    assert len(set(ALPHABET)) == 32
    assert set(ALPHABET).isdisjoint("01lo")
    made = [new_password(partial(int.to_bytes, number)) for number in (0, 1, 31, 32, 2**80 - 1)]
    assert made == [
        "2222-2222-2222-2222", "3222-2222-2222-2222", "z222-2222-2222-2222", "2322-2222-2222-2222",
        "zzzz-zzzz-zzzz-zzzz",
    ]  # fmt: skip
    assert passwords.normalised(made[0]) == made[0]
    assert len(made[0]) >= passwords.SHORTEST


def test_both_ends_compute_the_same_verifier() -> None:
    """PP-0073 FIA_UAU.5: what is sealed here is what the gateway compares with."""
    assert verifier_of("house", GATEWAY.text, PASSWORD) == passwords.verifier_of("house", GATEWAY.text, PASSWORD)


def test_for_older_clients_md5_is_sealed_too_until_the_next_reset(accounts: Accounts, enc: Holder) -> None:
    """PP-0073 FIA_UAU.5: by the administrator's signed word, which the gateway holds against what is sealed."""
    issued = accounts.new(GATEWAY, replace(HOUSE, older=True), BY, NOW)
    both = verifier_of("house", GATEWAY.text, PASSWORD, md5=True)
    assert issued.account.md5
    assert opened(issued, enc) == both == passwords.verifier_of("house", GATEWAY.text, PASSWORD, older=True)
    again = accounts.reset(GATEWAY, HOUSE, BY, NOW)
    assert not again.account.md5
    assert opened(again, enc) == verifier_of("house", GATEWAY.text, PASSWORD)
    service = Wanted("service", None, password=PASSWORD, older=True)
    assert refused(accounts, service) is AccountReason.MALFORMED


def test_a_new_account_is_queued_for_the_gateways_eyes_alone(accounts: Accounts, office: Office, enc: Holder) -> None:
    """PP-0073 FIA_ATD.1: its verifier lies in no order and no database in clear."""
    issued = accounts.new(GATEWAY, HOUSE, BY, NOW)
    account = issued.account
    assert (account.name, account.role, account.consumer) == ("house", AccountRole.CONSUMER, "house")
    assert (account.valid_from, account.valid_until) == (NOW, NOW + CONSUMER)
    assert opened(issued, enc) == verifier_of("house", GATEWAY.text, PASSWORD)
    record = office.orders.get(issued.order)
    assert record.command == ChangeProfiles((account,), ())
    stored = (office.configuration.database).read_bytes()
    for secret in (PASSWORD.encode(), verifier_of("house", GATEWAY.text, PASSWORD)):
        assert secret not in record.content
        assert secret not in stored
    assert all("house" not in str(entry) for entry in list(office.audit.entries())[-1:])


def test_whom_an_account_is_for_does_not_stand_in_its_id(accounts: Accounts, office: Office) -> None:
    """OSP.Log: ids stay in logs that are never deleted; one that was ever used is not used anew."""
    first = accounts.new(GATEWAY, HOUSE, BY, NOW)
    second = accounts.new(GATEWAY, replace(HOUSE, name="other"), BY, NOW)
    assert [first.account.id, second.account.id] == ["account-1", "account-2"]
    for number in (first.order, second.order, accounts.withdraw(GATEWAY, "house", BY, NOW)):
        confirm(office, number)
    assert accounts.new(GATEWAY, HOUSE, BY, NOW).account.id == "account-3"


def test_a_technician_is_no_consumer(accounts: Accounts) -> None:
    """PP-0073 FMT_SMR.1."""
    account = accounts.new(GATEWAY, Wanted("service", None, password=PASSWORD), BY, NOW).account
    assert (account.role, account.consumer) == (AccountRole.TECHNICIAN, None)
    assert account.valid_until == NOW + TECHNICIAN
    until = NOW + timedelta(days=3)
    other = Wanted("other", None, password=PASSWORD, until=until)
    assert accounts.new(GATEWAY, other, BY, NOW).account.valid_until == until


def test_a_certificate_instead_of_a_password_or_beside_it(accounts: Accounts) -> None:
    """PP-0073 FIA_UAU.5."""
    pinned = ("ab" * 32, "cd" * 32)
    account = accounts.new(GATEWAY, Wanted("house", "house", pinned), BY, NOW).account
    assert (account.fingerprints, account.verifier) == (pinned, None)
    both = accounts.reset(GATEWAY, Wanted("house", None, password=PASSWORD), BY, NOW).account
    assert both.fingerprints == pinned
    assert both.verifier is not None
    assert accounts.reset(GATEWAY, Wanted("house", None, ("ef" * 32,)), BY, NOW).account.fingerprints == ("ef" * 32,)


def test_another_password_is_another_version_of_the_same_account(accounts: Accounts, enc: Holder) -> None:
    first = accounts.new(GATEWAY, HOUSE, BY, NOW).account
    again = accounts.reset(GATEWAY, Wanted("house", None, password="other"), BY, NOW + timedelta(days=1))
    assert opened(again, enc) == verifier_of("house", GATEWAY.text, "other")
    assert replace(again.account, version=1, verifier=first.verifier) == first
    assert again.account.version == 2


def test_an_account_that_was_over_holds_again(accounts: Accounts) -> None:
    accounts.new(GATEWAY, replace(HOUSE, until=NOW + timedelta(hours=1)), BY, NOW)
    later = NOW + timedelta(days=1)
    assert accounts.reset(GATEWAY, HOUSE, BY, later).account.valid_until == later + CONSUMER


def test_what_is_refused_before_anything_is_queued(accounts: Accounts) -> None:
    assert refused(accounts, replace(HOUSE, password=None)) is AccountReason.NO_PROOF
    assert refused(accounts, replace(HOUSE, consumer="nobody")) is AccountReason.UNKNOWN_CONSUMER
    assert refused(accounts, replace(HOUSE, name="House")) is AccountReason.MALFORMED
    assert refused(accounts, replace(HOUSE, until=NOW)) is AccountReason.MALFORMED
    assert refused(accounts, HOUSE, reset=True) is AccountReason.UNKNOWN
    accounts.new(GATEWAY, HOUSE, BY, NOW)
    assert refused(accounts, HOUSE) is AccountReason.EXISTS
    assert refused(accounts, replace(HOUSE, password=None), reset=True) is AccountReason.MALFORMED
    pinned = accounts.new(GATEWAY, replace(HOUSE, name="one", fingerprints=("ab" * 32,)), BY, NOW).account
    with pytest.raises(DraftError, match=f"account-3: shared certificate: {pinned.id}"):
        accounts.new(GATEWAY, replace(HOUSE, name="two", fingerprints=("ab" * 32,)), BY, NOW)


def test_nothing_is_sealed_for_keys_that_are_about_to_go(accounts: Accounts, office: Office) -> None:
    number = office.orders.queue(GATEWAY, RenewKeys(), BY, NOW)
    assert refused(accounts, HOUSE) is AccountReason.RENEWAL
    office.orders.cancel(number, BY, NOW)
    accounts.new(GATEWAY, HOUSE, BY, NOW)


def test_nothing_is_sealed_for_a_certificate_that_is_not_believed(accounts: Accounts, office: Office) -> None:
    with pytest.raises(InventoryError, match="not in the inventory"):
        accounts.new(OTHER, HOUSE, BY, NOW)
    office.inventory.add(GatewayRecord(OTHER, LifeCycle.DELIVERED, "127.0.0.1", 9), BY, NOW)
    with pytest.raises(InventoryError, match="no ENC certificate"):
        accounts.new(OTHER, HOUSE, BY, NOW)


def test_what_gateways_have_and_what_was_ordered(accounts: Accounts, office: Office) -> None:
    issued = accounts.new(GATEWAY, HOUSE, BY, NOW)
    assert [(one.account, one.confirmed) for one in accounts.listed(GATEWAY)] == [(issued.account, False)]
    confirm(office, issued.order)
    assert [one.confirmed for one in accounts.listed(GATEWAY)] == [True]
    accounts.withdraw(GATEWAY, "house", BY, NOW)
    assert list(accounts.listed(GATEWAY)) == []
    with pytest.raises(AccountError, match="no account 'house'"):
        accounts.withdraw(GATEWAY, "house", BY, NOW)


def test_a_client_certificate_is_pinned_by_its_fingerprint(bureau: Bureau) -> None:
    certificate = bureau.pki.holder(Role.EMT, Purpose.TLS).certificate
    for encoding in (Encoding.PEM, Encoding.DER):
        assert client_fingerprint(certificate.public_bytes(encoding), "it", NOW) == fingerprint(certificate)
    for data, at in ((b"none", NOW), (certificate.public_bytes(Encoding.PEM), certificate.not_valid_after_utc)):
        with pytest.raises(AccountError, match=r"^it ") as refusal:
            client_fingerprint(data, "it", at)
        assert refusal.value.reason is AccountReason.CERTIFICATE


def test_of_two_accounts_of_one_name_the_later_one_is_meant(accounts: Accounts) -> None:
    accounts.new(GATEWAY, replace(HOUSE, until=NOW + timedelta(hours=1)), BY, NOW)
    later = NOW + timedelta(days=1)
    second = accounts.new(GATEWAY, HOUSE, BY, later).account
    renewed: AccountProfile = accounts.reset(GATEWAY, HOUSE, BY, later).account
    assert (renewed.id, renewed.version) == (second.id, 2)
