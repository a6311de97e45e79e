import pytest

from smgw.firewall.watch import NOT_MANAGED
from tests.smgw.composing import composed
from tests.smgw.premises import Premises

pytestmark = pytest.mark.token


def test_a_gateway_that_is_good_starts_and_tells_its_status(premises: Premises) -> None:
    with composed(premises) as one:
        one.runtime.start(one.gateway.profiles)
        assert [sender.party for sender in one.runtime.senders] == ["grid"]
        one.runtime.stop()
        status = one.status()
    assert status["gateway"] == "EABC0012345678"
    assert status["deviations"] == [NOT_MANAGED]
    assert status["profiles"]["grid-1"] | {"last_error": ""} == {
        "party": "grid", "use_case": "TAF-7", "version": 1, "granted": 0, "owed": 0, "open": 0, "acknowledged": 0,
        "set_aside": 0, "sealed": 0, "shortest": 0, "longest": 0, "duplicates": 0, "failures": 0, "last_error": "",
    }  # fmt: skip
