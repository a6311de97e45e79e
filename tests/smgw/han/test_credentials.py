"""Verifiers of passwords: opened for this gateway alone, kept with the version that brought them, gone with it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pki.certificates import Purpose, Role
from pki.errors import SealError, SealReason
from smgw.han.credentials import Credentials, open_verifier
from smgw.store import lock_outs
from smgw.store.database import DATABASE_NAME, Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.orders import OrderStore
from smgw.store.profiles import ProfileStore
from testbed.small_pki import SmallPki
from tests.smgw.han.accounts import VERIFIER, identity_of, sealed
from tests.smgw.store.samples import START, open_database
from tests.wire.profiles.examples import ACCOUNT
from wire.profiles import AccountProfile

OWN = bytes(range(32, 64))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    OrderStore(database).take(7, bytes(32), repeatable=False, at=START)
    yield database
    database.close()


@pytest.fixture
def account(database: Database) -> AccountProfile:
    return install(database, ACCOUNT)


def install(database: Database, account: AccountProfile, verifier: bytes | None = VERIFIER) -> AccountProfile:
    ProfileStore(database).put(account, document=account.to_bytes(), at=START)
    if verifier is not None:
        Credentials(database).put(account, verifier)
    return account


def rows(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT COUNT(*) FROM han_credentials").scalar_one())


def test_an_account_has_the_verifier_of_its_version(database: Database, account: AccountProfile) -> None:
    """PP-0073 FIA_ATD.1."""
    credentials = Credentials(database)
    assert credentials.verifier(account) == VERIFIER
    for other in (replace(account, id="another"), replace(account, version=2)):
        assert credentials.verifier(other) is None


def test_a_password_of_her_own_holds_until_the_next_version(database: Database, account: AccountProfile) -> None:
    credentials = Credentials(database)
    credentials.change(account, OWN, START)
    assert credentials.verifier(account) == OWN
    # The same version once more is nothing new, and brings nothing back.
    assert not ProfileStore(database).put(account, document=b"again", at=START)
    assert credentials.verifier(account) == OWN
    newer = install(database, replace(account, version=2))
    assert credentials.verifier(newer) == VERIFIER
    assert credentials.verifier(account) is None
    with pytest.raises(StoreError) as refusal:
        credentials.change(account, OWN, START)
    assert refusal.value.reason is StoreReason.NOT_OPEN


def test_a_version_without_a_password_takes_it_away(database: Database, account: AccountProfile) -> None:
    newer = install(database, replace(account, version=2, verifier=None), None)
    assert Credentials(database).verifier(newer) is None
    assert rows(database) == 0


def test_it_goes_with_its_account(database: Database, account: AccountProfile) -> None:
    """FDP_RIP.2: neither the octets nor a row of it are left."""
    install(database, replace(account, id="another", name="another", fingerprints=()))
    with database.write() as connection:
        lock_outs.keep(connection, account.id, account.version, 5, START, forgotten_seconds=86400)
    ProfileStore(database).change([], [(account.KIND, account.id)], START + timedelta(days=1), lambda *_: None)
    assert Credentials(database).verifier(account) is None
    assert rows(database) == 1
    with database.read() as connection:
        assert lock_outs.load(connection) == {}, "nor that somebody tried to come in as her"
    with pytest.raises(StoreError) as refusal:
        Credentials(database).put(account, VERIFIER)
    assert refusal.value.reason is StoreReason.CONFLICT


def test_no_account_no_password(database: Database) -> None:
    """The database itself refuses what belongs to nobody, or is no verifier."""
    credentials = Credentials(database)
    with pytest.raises(StoreError):
        credentials.put(ACCOUNT, VERIFIER)
    install(database, ACCOUNT, None)
    with pytest.raises(StoreError):
        credentials.change(ACCOUNT, OWN, START)
    for wrong in (VERIFIER[:31], VERIFIER + bytes(15), VERIFIER + bytes(17)):
        with pytest.raises(StoreError):
            credentials.put(ACCOUNT, wrong)
    assert rows(database) == 0


def test_nothing_of_it_lies_in_the_file_in_clear(database: Database, account: AccountProfile, tmp_path: Path) -> None:
    Credentials(database).change(account, OWN, START)
    for file in tmp_path.glob(DATABASE_NAME + "*"):
        assert VERIFIER not in file.read_bytes()
        assert OWN not in file.read_bytes()


def test_what_was_sealed_for_this_gateway_opens() -> None:
    pki = SmallPki()
    identity = identity_of(pki)
    recipient = identity.certificates[Purpose.ENC].certificate
    assert open_verifier(sealed(recipient), identity) == VERIFIER
    older = VERIFIER + bytes(16)
    assert open_verifier(sealed(recipient, older), identity, md5=True) == older
    # FIA_UAU.5: what is kept for older clients comes with the signed word that the account is open to them, or not.
    for wrong, md5 in (
        (VERIFIER[:31], False),
        (VERIFIER + b"\0", False),
        (b"", False),
        (older, False),
        (VERIFIER, True),
    ):
        with pytest.raises(SealError) as refusal:
            open_verifier(sealed(recipient, wrong), identity, md5=md5)
        assert refusal.value.reason is SealReason.MALFORMED
    stranger = pki.holder(Role.SMGW, Purpose.ENC, "EABC0087654321").certificate
    with pytest.raises(SealError) as refusal:
        open_verifier(sealed(stranger), identity)
    assert refusal.value.reason is SealReason.NOT_FOR_US
