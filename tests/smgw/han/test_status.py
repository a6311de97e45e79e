from dataclasses import replace
from datetime import timedelta

from smgw.clock import ClockMemory, GatewayClock
from smgw.secure_states import Condition, Conditions, SecureStates
from smgw.store.rows import to_seconds
from tests.smgw.han.house import NOW, PROGRAM, House


def test_the_gateway_tells_how_it_is(house: House) -> None:
    """TR-03109-1, consumer."""
    told = house.view("house").status(NOW)
    assert told == house.port.technician(house.visitor("service")).status(NOW)
    assert (told.gateway, told.program_sha256, told.state) == ("EABC0012345678", PROGRAM, "normal")
    assert (told.conditions, told.time_valid, told.time_compared_at, told.firewall) == ((), True, None, "not-managed")
    assert told.started_at == to_seconds(NOW - timedelta(days=3))
    assert (told.quality_seal, told.certificate_until > to_seconds(NOW)) == (False, True)


def test_what_is_wrong_is_told_with_its_begin(house: House) -> None:
    compared = NOW - timedelta(days=2)
    conditions = Conditions()
    conditions.set(Condition.DISK_FULL, "less than 1 octet", NOW)
    clock = GatewayClock(lambda: NOW, ClockMemory(trusted_at=compared))
    facts = replace(house.facts, states=SecureStates(clock, conditions), firewall=lambda: False)
    told = facts.status(NOW)
    assert told.state == "application"
    assert told.conditions == (("no-valid-time", to_seconds(compared)), ("disk-full", to_seconds(NOW)))
    assert (told.time_valid, told.time_compared_at, told.firewall) == (False, to_seconds(compared), "not-applied")
    assert replace(facts, firewall=lambda: True).status(NOW).firewall == "applied"
