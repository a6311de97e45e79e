"""Whose contract has ended, and what is hers and nobody else's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.han.credentials import Credentials
from smgw.store.contracts import GRACE, Contracts, measured_by
from smgw.store.errors import StoreError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.settings import Setting, Settings
from smgw.store.sweep import Sweeper
from tests.smgw.store.aged import day
from tests.smgw.store.household import ANNA, BERT, CLARA, NEVER, OTHER, SERIES, Household
from tests.smgw.store.samples import GATEWAY, METER, START, decision, grant, open_database, reading
from tests.wire.profiles.examples import ACCOUNT
from wire.profiles import AccountRole


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Household]:
    database = open_database(tmp_path)
    house = Household(database)
    house.install(ANNA, BERT, SERIES)
    Sweeper(database).advance(day(20))
    yield house
    database.close()


def erase(contracts: Contracts) -> int:
    erased = 0
    while gone := contracts.erase(3):
        erased += gone
    return erased


def test_who_is_measured_has_a_contract(house: Household) -> None:
    contracts = Contracts(house.database)
    assert contracts.ended(day(20), {}) == []
    house.withdraw(ANNA, day(5))
    assert contracts.ended(day(20), {}) == ["anna-mueller"]
    # Another meter that measures her is a contract too.
    house.install(replace(ANNA, id="m-1-2"))
    assert contracts.ended(day(20), {}) == []


def test_a_contract_ends_with_the_time_of_its_profile(house: Household) -> None:
    house.install(replace(BERT, version=2, valid_until=day(12)))
    contracts = Contracts(house.database)
    end = day(12) + GRACE
    assert contracts.ended(end - timedelta(seconds=1), {}) == []
    assert contracts.ended(end, {}) == ["bert"]


def test_what_is_owed_or_needed_keeps_everything(house: Household) -> None:
    """FAU_STG.2: an erasure waits for the last delivery and for the last bill."""
    house.measure(METER, 0, 3)
    house.withdraw(ANNA, day(5))
    contracts, outbox = Contracts(house.database), Outbox(house.database)
    assert contracts.ended(day(20), {}) == []
    delivery = outbox.open_delivery("grid-1", START)
    assert delivery is not None
    assert contracts.ended(day(20), {}) == []
    outbox.acknowledge("grid-1", 1, START)
    assert contracts.ended(day(20), {METER: day(3)}) == []
    assert contracts.ended(day(20), {OTHER: day(3)}) == ["anna-mueller"]


def test_a_sum_of_her_meter_alone_is_hers_too(house: Household) -> None:
    total = reading(96, meter=GATEWAY)
    house.install(replace(SERIES, id="sum-1"))
    house.readings.record(reading(0), decision(grant(0, profile="sum-1", readings=(total,))))
    house.withdraw(ANNA, day(5))
    contracts = Contracts(house.database)
    assert contracts.ended(day(20), {}) == []
    house.deliver("sum-1")
    assert contracts.ended(day(20), {}) == ["anna-mueller"]
    contracts.begin("anna-mueller", day(20))
    erase(contracts)
    with house.database.read() as connection:
        for table in ("grants", "derived_readings", "readings"):
            assert connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar() == 0  # noqa: S608 - of this test


def test_hers_goes_and_what_is_others_stays(house: Household) -> None:
    """FDP_RIP.2: whatever its age, with the newest reading and the profile that names her; the successor keeps his."""
    house.measure(METER, 0, 9)
    house.measure(OTHER, 0, 15, profile="other")
    house.withdraw(ANNA, day(10))
    house.install(replace(CLARA, valid_from=START), at=day(10))  # dated back; she is measured since it was installed
    house.measure(METER, 10, 15)
    house.deliver()
    house.deliver("other")
    contracts = Contracts(house.database)
    assert contracts.ended(day(20), {METER: day(10)}) == ["anna-mueller"]
    contracts.begin("anna-mueller", day(20))
    assert contracts.pending()
    assert erase(contracts) == 10 + 10 + 10 + 1  # grants, readings, daily values, and the profile
    assert house.days_of(METER) == list(range(10, 16))
    assert house.days_of(OTHER) == list(range(16))
    assert contracts.finish() == 1
    assert not contracts.pending()
    assert contracts.ended(day(20), {}) == []
    assert Settings(house.database).get(Setting.STORE_KEY_DUE) == 1
    assert {profile.id for profile in house.profiles.load().all()} == {"m-bert", "m-3", "grid-1"}


def test_her_account_goes_with_her_and_nobody_elses(house: Household) -> None:
    """FDP_RIP.2: from the first moment of the erasure on nobody comes in by it; then every version of it is erased."""
    hers = replace(ACCOUNT, id="account-1", consumer=ANNA.consumer, valid_from=START, valid_until=NEVER)
    his = replace(hers, id="account-2", consumer=BERT.consumer, name="bert", fingerprints=())
    technicians = replace(his, id="account-3", name="service", role=AccountRole.TECHNICIAN, consumer=None)
    house.install(hers, replace(hers, version=2), his, technicians)
    for account in (replace(hers, version=2), his):
        Credentials(house.database).put(account, bytes(32))
    house.withdraw(ANNA, day(5))
    contracts = Contracts(house.database)
    contracts.begin(ANNA.consumer, day(20))
    assert house.profiles.load().accounts.keys() == {"account-2", "account-3"}
    with house.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT account FROM han_credentials").scalars().all()
    assert kept == ["account-2"]
    erase(contracts)
    with house.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT id FROM profiles WHERE kind = 'account' ORDER BY id").scalars().all()
    assert kept == ["account-2", "account-3"]
    assert contracts.finish() == 1


def test_an_erasure_that_was_cut_off_goes_on(house: Household) -> None:
    house.measure(METER, 0, 9)
    house.deliver()
    house.install(replace(ANNA, version=2, valid_until=day(12)))
    contracts = Contracts(house.database)
    contracts.begin("anna-mueller", day(20))
    contracts.erase(3)
    again = Contracts(house.database)
    assert again.pending()
    erase(again)
    assert house.days_of(METER) == []
    # The profile whose time was over holds no more, and its number stays known.
    assert "m-1" not in house.profiles.load().meters
    again.finish()


def test_who_moves_in_while_it_goes_on_keeps_everything(house: Household) -> None:
    """FAU_STG.2: an erasure that lasts takes nothing of whoever is measured with the same device meanwhile."""
    house.measure(METER, 0, 9)
    house.deliver()
    house.withdraw(ANNA, day(10))
    contracts = Contracts(house.database)
    contracts.begin("anna-mueller", day(10))
    house.install(replace(CLARA, valid_from=day(11)), at=day(11))
    house.measure(METER, 11, 15)
    house.deliver()
    erase(contracts)
    assert house.days_of(METER) == list(range(11, 16))


def test_nobody_is_erased_who_is_measured(house: Household) -> None:
    """FAU_STG.2: the database itself takes no device into the table while a profile holds for it."""
    house.measure(METER, 0, 3)
    house.deliver()
    mark = "INSERT INTO ended VALUES ('meter', ?, 0, 9007199254740992)"
    with pytest.raises(StoreError) as refusal, house.database.write() as connection:
        connection.exec_driver_sql(mark, (METER.text,))
    assert refusal.value.reason is StoreReason.CONFLICT
    house.withdraw(ANNA, day(5))
    with house.database.write() as connection:
        connection.exec_driver_sql(mark, (METER.text,))
    assert erase(Contracts(house.database)) == 12


def test_nothing_owed_is_erased(house: Household) -> None:
    """FAU_STG.2: nor does it delete by that table what somebody still waits for."""
    house.measure(METER, 0, 3)
    house.withdraw(ANNA, day(5))
    contracts = Contracts(house.database)
    contracts.begin("anna-mueller", day(20))
    with pytest.raises(StoreError) as refusal:
        contracts.erase(3)
    assert refusal.value.reason is StoreReason.CONFLICT
    assert house.days_of(METER) == [0, 1, 2, 3]


def test_a_later_contract_needs_a_new_id_and_may_have_her_name(house: Household) -> None:
    house.withdraw(ANNA, day(5))
    contracts = Contracts(house.database)
    contracts.begin("anna-mueller", day(20))
    erase(contracts)
    contracts.finish()
    with pytest.raises(StoreError) as refusal:
        house.install(replace(ANNA, version=2))
    assert refusal.value.reason is StoreReason.PROFILE_IDENTITY
    house.install(replace(ANNA, id="m-1-again"), at=day(30))
    house.measure(METER, 30, 31)
    assert house.days_of(METER) == [30, 31]
    assert contracts.ended(day(40), {}) == []


def test_with_what_each_is_measured_and_when(house: Household) -> None:
    """FDP_ACC.2: two consumers of one meter, and a profile that came later, ended early or was withdrawn."""

    def measured(consumer: str) -> list[tuple[int, int, int, int]]:
        with house.database.read() as connection:
            found = measured_by(connection, consumer)
        first, last = int(START.timestamp()), int(NEVER.timestamp())
        days = [(one.span.begin, one.since, one.span.until, one.until) for one in found]
        assert all(one.profile.consumer == consumer for one in found)
        return [tuple((at - first) // 86400 if first <= at < last else -1 for at in times) for times in days]  # type: ignore[misc]  # four

    house.install(CLARA, at=day(11))
    assert measured("anna-mueller") == [(-1, 0, 11, 11)]
    assert measured("clara") == [(11, 11, -1, -1)]
    house.withdraw(ANNA, day(8))
    assert measured("anna-mueller") == [(-1, 0, 11, 8)]
    house.install(replace(BERT, version=2, valid_from=day(2), valid_until=day(12)), at=day(3))
    assert measured("bert") == [(-1, 0, -1, 12)]
    assert measured("nobody") == []
