import pytest

from smgw.han.port import HanError, HanReason
from smgw.logs.texts import Language
from smgw.secure_states import Condition
from smgw.store.events import Log
from tests.smgw.han.house import NOW, House


def test_a_technician_reads_the_system_log_and_nothing_else(house: House) -> None:
    """FAU_SAR.1/SYS; TR-03109-1, technician."""
    view = house.port.technician(house.visitor("service"))
    entries = view.log(Language.ENGLISH, after=0, limit=1000)
    assert {one.entry.log for one in entries} == {Log.SYSTEM}
    assert entries[-1].entry.record_number == view.last_record()
    assert [one.entry.record_number for one in view.log(Language.GERMAN, after=2, limit=2)] == [3, 4]
    assert view.log(Language.GERMAN, after=0, limit=-1) == []
    assert {name for name in dir(view) if not name.startswith("_")} == {
        "database", "how", "last_record", "log", "status", "system_log", "visitor",
    }  # fmt: skip


def test_nobody_else_does(house: House) -> None:
    """FDP_ACF.1: and a technician sees no consumer's data."""
    for name in ("house", "flat"):
        with pytest.raises(HanError) as caught:
            house.port.technician(house.visitor(name))
        assert caught.value.reason is HanReason.NOT_ALLOWED
    with pytest.raises(HanError) as caught:
        house.port.consumer(house.visitor("service"))
    assert caught.value.reason is HanReason.NOT_ALLOWED


def test_he_is_served_where_nobody_else_is(house: House) -> None:
    """What is wrong with a gateway that serves nobody is what he comes for."""
    house.conditions.set(Condition.DATABASE_DAMAGED, "1 page", NOW)
    try:
        view = house.port.technician(house.visitor("service"))
        assert view.status(NOW).state == "application"
        assert view.log(Language.GERMAN, after=0, limit=1)
        assert not house.port.serving(NOW)
    finally:
        house.conditions.clear(Condition.DATABASE_DAMAGED, NOW)
    assert house.port.serving(NOW)
