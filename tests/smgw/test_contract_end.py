"""A contract ends: nothing of hers is left in the store, and what flash storage remembers nobody can open."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pki.errors import TokenError, TokenReason
from smgw.contract_end import ContractEnd
from smgw.han.credentials import Credentials
from smgw.logs.errors import IntegrityReason, LogIntegrityError
from smgw.logs.sealing import Sealer
from smgw.logs.stored import verify_logs
from smgw.store.consumer_log import ConsumerLog
from smgw.store.contracts import Contracts
from smgw.store.database import DATABASE_NAME, KEY_NAME, Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet, ProfileStore
from smgw.store.settings import Setting, Settings
from smgw.store.sweep import Sweeper
from testbed.small_pki import SmallPki
from tests.smgw.han.accounts import VERIFIER
from tests.smgw.logs.archive import Archive
from tests.smgw.store.aged import day
from tests.smgw.store.household import ANNA, BERT, OTHER, SERIES, Household, signed
from tests.smgw.store.keeper import Keeper
from tests.smgw.store.residue import traces
from tests.smgw.store.samples import GATEWAY, METER
from tests.wire.profiles.examples import ACCOUNT

TWENTY = range(20)
ANNAS_ACCOUNT = replace(ACCOUNT, id="account-1", consumer=ANNA.consumer, valid_until=ANNA.valid_until)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Whose identity signs checkpoints."""
    archive = Archive(SmallPki(), tmp_path_factory.mktemp("archive"))
    yield archive
    archive.close()


class Home:
    """A gateway's store under a key that a module keeps, with two consumers and their logs."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self.folder, self.keeper = folder / "store", Keeper()
        self.database = Database.create(self.folder, self.keeper, GATEWAY)
        self.log = SystemLog(self.database)
        self.sealer = Sealer(self.database, lambda: archive.identity)
        self.reloaded: list[ProfileSet] = []
        profiles = ProfileStore(self.database)
        self.end = ContractEnd(
            self.database, self.log, self.sealer, begun=lambda: self.reloaded.append(profiles.load())
        )
        self.house = Household(self.database)
        self.house.install(ANNA, BERT, SERIES)
        self.log.concern([("anna-mueller", "grid-1"), ("bert", "other")])
        self.house.measure(METER, 0, 19)
        self.house.measure(OTHER, 0, 19, profile="other")
        for profile in ("grid-1", "other"):
            self.house.deliver(profile)
            for number in TWENTY:
                self.log.record(
                    Event.DELIVERY_ACKNOWLEDGED, profile, Outcome.SUCCESS, at=day(number), party="grid", values=4
                )
        Sweeper(self.database).advance(day(20))

    def sweep(self, at: datetime) -> bool:
        done = self.end.sweep(at, day(20), {}, lambda: False)
        Sweeper(self.database).finish(at)
        return done and self.end.change_key(at)

    def told(self) -> list[tuple[Event, str, Outcome]]:
        wanted = (Event.DATA_ERASED, Event.KEYS_DESTROYED)
        return [(one.event, one.subject, one.outcome) for one in self.log.entries() if one.event in wanted]


@pytest.fixture
def home(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(os, "sync", lambda: None)  # the keeper lies in memory
    home = Home(tmp_path, archive)
    yield home
    home.database.close()


def test_what_is_written_into_her_log_at_the_last_moment_goes_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """FDP_RIP.2: a log that began anew between the checkpoint and the end would keep her name for ever."""
    for profile in (ANNA, SERIES):
        home.house.withdraw(profile, day(20))
    finish = Contracts.finish

    def late(contracts: Contracts) -> int | None:
        home.log.record(Event.SELF_TEST, "gateway", Outcome.SUCCESS, at=day(20), failed="")
        return finish(contracts)

    with monkeypatch.context() as patch:
        patch.setattr(Contracts, "finish", late)
        assert not home.end.sweep(day(20), day(20), {}, lambda: False)
    assert home.sweep(day(20))
    assert not traces(home.folder / DATABASE_NAME, home.keeper.seen[-1], {"name": b"anna-mueller"})
    verify_logs(home.database)


def of(meter: str, numbers: range) -> dict[str, bytes]:
    """What each day of a meter leaves."""
    device = METER if meter == METER.text else OTHER
    wanted = {f"device {meter}": meter.encode("ascii")}
    for number in numbers:
        one = signed(number * 96, device)
        wanted[f"value {number}"] = one.reading.register.value.to_bytes(8, "big")
        wanted[f"signature {number}"] = one.signature
    return wanted


def test_nothing_of_her_is_left(home: Home) -> None:
    """FDP_RIP.2, FCS_CKM.4, T.ResidentData: values, signatures, device, log and name are gone; another's are there."""
    file = home.folder / DATABASE_NAME
    home.house.install(ANNAS_ACCOUNT)
    Credentials(home.database).put(ANNAS_ACCOUNT, VERIFIER)
    hers, his = of(METER.text, TWENTY) | {"name": b"anna-mueller", "verifier": VERIFIER}, of(OTHER.text, TWENTY)
    old_key, old = home.keeper.seen[-1], (file.read_bytes(), (home.folder / KEY_NAME).read_bytes())
    assert traces(file, old_key, hers | his) == hers.keys() | his.keys()
    home.sealer.seal(day(20), time_valid=True)  # a checkpoint speaks of her log
    assert len(ConsumerLog(home.database, "anna-mueller").entries()) > 0
    assert home.sweep(day(20))
    assert home.told() == []  # she is measured still
    for profile in (ANNA, SERIES):
        home.house.withdraw(profile, day(20))
    assert home.sweep(day(20))
    assert [one.accounts for one in home.reloaded] == [{}]  # nobody comes in by it from the first moment on
    new_key = home.keeper.seen[-1]
    assert new_key != old_key
    assert traces(file, new_key, hers | his) == his.keys()
    assert home.house.days_of(OTHER) == list(TWENTY)
    assert {profile.id for profile in home.house.profiles.load().all()} == {"m-bert"}
    assert ConsumerLog(home.database, "anna-mueller").entries() == []
    assert len(ConsumerLog(home.database, "bert").entries()) == len(TWENTY)
    verify_logs(home.database)
    # What flash storage keeps of the old files opens with nothing that is left.
    flash = home.folder.parent / "flash"
    flash.mkdir()
    for name, data in zip((DATABASE_NAME, KEY_NAME), old, strict=True):
        (flash / name).write_bytes(data)
    with pytest.raises(StoreError) as refusal:
        Database.open(flash, home.keeper, GATEWAY)
    assert refusal.value.reason is StoreReason.KEY_WRONG


def test_it_is_written_down_without_her_name(home: Home) -> None:
    """OSP.Log: the system log tells that a contract ended and a key was destroyed, and nothing of whom."""
    home.house.withdraw(ANNA, day(20))
    assert home.sweep(day(20))
    assert home.told() == [
        (Event.DATA_ERASED, "contract", Outcome.SUCCESS),
        (Event.KEYS_DESTROYED, "store", Outcome.SUCCESS),
    ]
    with home.database.read() as connection:
        told = connection.exec_driver_sql("SELECT subject, parameters, user FROM log_entries WHERE log <> 'consumer'")
        assert "anna-mueller" not in str(told.all())
    before = home.keeper.labels()
    assert home.sweep(day(20))  # once is enough
    assert home.keeper.labels() == before == ["STORAGE.2"]


def test_a_module_that_fails_is_tried_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """FCS_CKM.4: the demand for a new key outlives every failure."""

    def lost(self: Keeper, label: str) -> None:
        raise TokenError(TokenReason.LOST, label)

    home.house.withdraw(ANNA, day(20))
    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "generate_storage_key", lost)
        assert not home.sweep(day(20))
    assert home.told()[-1] == (Event.KEYS_DESTROYED, "store", Outcome.FAILURE)
    assert Settings(home.database).get(Setting.STORE_KEY_DUE) == 1
    looking = Database.open(home.folder, home.keeper, GATEWAY)
    assert not home.sweep(day(20))
    looking.close()
    assert home.sweep(day(20))
    assert home.told()[-1] == (Event.KEYS_DESTROYED, "store", Outcome.SUCCESS)


@pytest.mark.parametrize(
    "error", [TokenError(TokenReason.LOST, "gone"), LogIntegrityError(IntegrityReason.GAP, "altered")]
)
def test_without_a_checkpoint_it_waits(home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """FAU_STG.2: a log goes only where a checkpoint says so."""

    def refuse(self: Sealer, at: datetime, *, time_valid: bool) -> None:
        raise error

    home.house.withdraw(ANNA, day(20))
    with monkeypatch.context() as patch:
        patch.setattr(Sealer, "seal", refuse)
        assert not home.sweep(day(20))
    assert len(ConsumerLog(home.database, "anna-mueller").entries()) > 0
    assert home.sweep(day(20))
    assert ConsumerLog(home.database, "anna-mueller").entries() == []


def test_it_stops_between_two_transactions(home: Home) -> None:
    home.house.withdraw(ANNA, day(20))
    assert not home.end.sweep(day(20), day(20), {}, lambda: True)
    assert home.sweep(day(20))
    assert home.house.days_of(METER) == []
