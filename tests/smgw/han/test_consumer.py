import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.han.consumer_log import BELIEVED
from smgw.han.port import ConsumerView, ExportForm, HanError, HanReason, Visitor
from smgw.han.shown import Prices, Resolution
from smgw.logs.readers import Interface, Reader, Role
from smgw.logs.texts import Language
from smgw.secure_states import Condition
from smgw.self_test import LOCK_OUT, CheckName
from smgw.store import log_tables
from smgw.store.events import Event, Outcome
from tests.smgw.han.house import EXPORT, FIRST, FLAT, IMPORT, NOW, PASSWORDS, POWER, SECOND, House
from tests.smgw.han.house_profiles import MOVED
from wire.reading import DeviceId

DAY: Final = timedelta(days=1)
CONTRACTS: Final = ("house-series", "house-sum", "house-stages", "house-live", "house-pseudonym", "flat-series")
OWN: Final = {
    "house": {FIRST.text, SECOND.text, "house", *CONTRACTS[:5]},
    "flat": {FLAT.text, "flat", "flat-series"},
    "attic": {SECOND.text, "attic"},
}
NAMES: Final = {
    FIRST.text, SECOND.text, FLAT.text, *CONTRACTS, "house", "flat", "attic", "meter-house-1", "meter-flat",
    "meter-attic",
}  # fmt: skip
"""What tells that somebody is there. The contract "shared-sum" is everybody's, and says only that there are others."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One to break something in."""
    with closing(House(tmp_path_factory.mktemp("own"))) as built:
        yield built


def questions(meter: str, register: str, contract: str) -> dict[str, Callable[[ConsumerView], object]]:
    """Everything that can be asked, about these."""
    begin, end = NOW - 3 * DAY, NOW
    return {
        "meters": lambda view: view.meters(NOW),
        "now": lambda view: view.now(NOW),
        "series": lambda view: view.series(meter, register, Resolution.DAY, MOVED - 9 * DAY, MOVED + 9 * DAY),
        "readings": lambda view: view.readings(meter, register, begin, end, limit=20),
        "contracts": lambda view: view.contracts(NOW),
        "billed": lambda view: view.billed(contract, NOW, limit=2),
        "prices": lambda view: view.prices(),
        "set_prices": lambda view: view.set_prices(Prices(contract, 1, 1, ())),
        "remove_prices": lambda view: view.remove_prices(contract, 7),
        "transmissions": lambda view: view.transmissions(before=None, limit=50),
        "log": lambda view: view.log(Language.ENGLISH, NOW, after=0, limit=50),
        "last_record": lambda view: view.last_record() and None,
        "log_is_whole": lambda view: view.log_is_whole(NOW),
        "status": lambda view: view.status(NOW),
        "export": lambda view: view.export(ExportForm.CSV, NOW, begin, end, contract),
    }


def answer(view: ConsumerView, question: str, *about: str) -> tuple[str, str]:
    """What is told, or why not; nothing is left behind."""
    try:
        told = repr(questions(*about)[question](view))
    except HanError as error:
        return (error.reason.value, str(error))
    if question == "set_prices":
        for one in view.prices():
            view.remove_prices(one.contract, one.since)
    return ("", told)


METERS: Final = st.sampled_from(["", FIRST.text, SECOND.text, FLAT.text, "1ISK0099999999"])
REGISTERS: Final = st.sampled_from([str(IMPORT), str(EXPORT), str(POWER)])
NAMED: Final = st.sampled_from([*CONTRACTS, "shared-sum", "unknown"])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(OWN)), st.sampled_from(sorted(questions("", "", ""))), st.tuples(METERS, REGISTERS, NAMED)
)
def test_nothing_of_anybody_else_is_ever_shown(
    house: House, who: str, question: str, about: tuple[str, str, str]
) -> None:
    """FDP_ACC.2, FDP_ACF.1: whatever she asks for; what is not hers is answered as what does not exist."""
    view, foreign = house.view(who), NAMES - OWN[who]
    meter, register, contract = about
    reason, told = answer(view, question, *about)
    for name in foreign:
        assert re.search(rf"(?<![\w-]){name}(?![\w-])", told) is None, (question, name)
    if meter in foreign and question in {"series", "readings"}:
        assert (reason, told) == answer(view, question, "1ISK0099999999", register, contract)
        assert reason == HanReason.NOT_FOUND
    if contract in foreign and question in {"billed", "set_prices", "remove_prices", "export"}:
        assert (reason, told) == answer(view, question, meter, register, "unknown")
        assert reason == HanReason.NOT_FOUND


@pytest.mark.parametrize(("who", "meters"), [("house", {FIRST, SECOND}), ("flat", {FLAT}), ("attic", {SECOND})])
def test_no_reading_of_anybody_else_is_shown(house: House, who: str, meters: set[DeviceId]) -> None:
    """FDP_ACF.1: the list of each register is told to her who was measured, and of her time only."""
    view = house.view(who)
    about: Any = {"register": str(IMPORT), "begin": MOVED - 9 * DAY, "end": MOVED + 9 * DAY}
    for meter in {FIRST, SECOND, FLAT} - meters:
        with pytest.raises(HanError):
            view.readings(meter.text, limit=20, **about)
    for meter in meters:
        before = {one.captured_at < MOVED.timestamp() for one in view.readings(meter.text, limit=20, **about)}
        assert before == ({who == "attic"} if meter == SECOND else {True, False})


def test_only_a_consumer_has_a_view(house: House) -> None:
    for reader in (Reader(Role.TECHNICIAN, Interface.SERVICE, "house"), Reader(Role.CONSUMER, Interface.CONSUMER, "")):
        with pytest.raises(HanError) as caught:
            house.port.consumer(Visitor("house", "account-house", reader))
        assert caught.value.reason is HanReason.NOT_ALLOWED
    assert house.view("house").consumer == "house"


@pytest.mark.parametrize("question", sorted(questions("", "", "")))
def test_in_a_state_that_serves_nobody_nothing_is_told(house: House, question: str) -> None:
    """FPT_FLS.1: every question asks first."""
    house.conditions.set(Condition.FIREWALL_NOT_APPLIED, "gone", NOW)
    try:
        with pytest.raises(HanError) as caught:
            questions(FIRST.text, str(IMPORT), "house-sum")[question](house.view("house"))
        assert caught.value.reason is HanReason.NOT_NOW
        for ask in (
            lambda: house.view("house").self_test(NOW),
            lambda: house.view("house").change_password(PASSWORDS["house"], "Neue-Worte-Kamin-77", NOW),
        ):
            with pytest.raises(HanError) as caught:
                ask()
            assert caught.value.reason is HanReason.NOT_NOW
    finally:
        house.conditions.clear(Condition.FIREWALL_NOT_APPLIED, NOW)


def test_a_register_that_does_not_count_up_has_no_history(house: House) -> None:
    with pytest.raises(HanError) as caught:
        house.view("house").series(FIRST.text, str(POWER), Resolution.DAY, NOW - DAY, NOW)
    assert caught.value.reason is HanReason.BAD_QUESTION
    with pytest.raises(HanError) as caught:
        house.view("house").readings("", str(IMPORT), NOW - DAY, NOW, limit=1)
    assert caught.value.reason is HanReason.NOT_FOUND


def test_she_has_the_gateway_test_itself_and_not_too_often(own: House) -> None:
    """FPT_TST.1, TR-03109-1, consumer: ten minutes, and nobody else's asking takes it from her."""
    view = own.view("house")
    told = view.self_test(NOW)
    assert [one.name for one in told] == [name.value for name in CheckName]
    assert all(one.passed for one in told)
    with pytest.raises(HanError) as caught:
        view.self_test(NOW + timedelta(minutes=3))
    assert (caught.value.reason, caught.value.until) == (HanReason.TOO_SOON, NOW + LOCK_OUT)
    assert own.view("flat").self_test(NOW + timedelta(minutes=3))
    assert view.self_test(NOW + LOCK_OUT)


def test_her_log_is_hers_and_reading_it_stands_in_it(own: House) -> None:
    """FAU_SAR.1/CON, FAU_GEN.1/CON."""
    view = own.view("house")
    shown = view.log(Language.GERMAN, NOW, after=0, limit=500)
    assert {one.entry.owner for one in shown} == {"house"}
    assert shown[0].text == "house-series: an grid gesendet"
    assert view.last_record() == shown[-1].entry.record_number
    (last,) = view.log(Language.ENGLISH, NOW, after=view.last_record() - 1, limit=5)
    assert (last.entry.event, last.entry.outcome) == (Event.CONSUMER_ACCESS, Outcome.SUCCESS)
    assert own.view("attic").log(Language.GERMAN, NOW, after=0, limit=-5) == []


def test_she_changes_her_password(own: House) -> None:
    view, new = own.view("flat"), "Neue-Worte-Kamin-77"
    with pytest.raises(HanError) as caught:
        view.change_password("wrong", new, NOW)
    assert caught.value.reason is HanReason.BAD_QUESTION
    view.change_password(PASSWORDS["flat"], new, NOW)
    assert own.door.by_password("flat", new, NOW) == own.visitor("flat")


def test_an_altered_log_is_told_to_her_whose_it_is(own: House) -> None:
    """FAU_STG.2: to nobody else; the gateway's own test finds it too, and stops."""
    assert own.view("house").log_is_whole(NOW) == ""
    with own.database.write() as connection:
        for statement in log_tables.TRIGGERS:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {statement.split()[2]}")
        connection.exec_driver_sql("UPDATE log_entries SET user = 'nobody' WHERE owner = 'house' AND record_number = 2")
    later = NOW + BELIEVED
    for at in (later, NOW - timedelta(seconds=1), NOW):  # a clock that was set back hides nothing
        assert "record 2 was altered" in own.view("house").log_is_whole(at)
    assert own.view("flat").log_is_whole(NOW) == ""


def test_what_she_takes_away_is_hers(house: House) -> None:
    """FDP_ACF.1; how the files are written is told where they are (test_export.py)."""
    exported: Any = house.view("flat").export(ExportForm.CSV, NOW, NOW - DAY, NOW)
    assert exported.data
    assert FIRST.text.encode() not in exported.data
    with pytest.raises(HanError) as caught:
        house.view("flat").export(ExportForm.CSV, NOW, NOW - DAY, NOW, "house-sum")
    assert caught.value.reason is HanReason.NOT_FOUND
