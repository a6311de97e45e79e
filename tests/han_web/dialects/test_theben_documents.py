"""Values go into members that clients know, every one a string."""

from datetime import UTC, datetime

from han_web.dialects import theben_documents as documents
from han_web.dialects.collected import Channel
from smgw.han.shown import Amount, Billed, Contract, GatewayStatus, ShownReading, Stage, Verdict

CONTRACT = Contract(
    "house", 1, "supplier", "", "TAF-2", "billing", ("1ISK0000471100",), False, (), (), 900, 0, 1, "month", False, True,
    100, 200, "", (), ()
)  # fmt: skip
READING = ShownReading("1ISK0000471100", "1-0:1.8.0*255", 0, Amount(5, -1, 30), 0x5_0000_0004, 0, b"", Verdict.GENUINE)
PERIOD = Billed(0, 200, 100, (Stage(1, "1-0:1.8.1*255", Amount(7, -1, 30), None),), Amount(7, -1, 30), None, None)


def test_a_contract_is_ready_running_or_over() -> None:
    states = [
        documents.user_info([(CONTRACT, [])], at)["usage-points"][0]["taf-state"]  # type: ignore[index]
        for at in (99, 100, 199, 200)
    ]
    assert states == ["ready", "running", "running", "archive"]


def test_a_register_without_readings_is_no_channel() -> None:
    shown = documents.readings([Channel("m", "1-0:1.8.0*255", (READING,)), Channel("m", "1-0:2.8.0*255", ())])
    assert [one["obis"] for one in shown["channels"]] == ["0100010800ff"]  # type: ignore[attr-defined]
    assert shown["records"] == "1"


def test_a_value_of_a_billing_period_has_no_signature() -> None:
    shown = documents.billed_readings(CONTRACT, [PERIOD], None)
    (value,) = shown["channels"][0]["readings"]  # type: ignore[index]
    assert (value["signature"], value["value"], value["owner-number"]) == (None, "7", "house.sm")
    assert documents.billed_readings(CONTRACT, [PERIOD], frozenset({"0100010800ff"}))["channels"] == []


def test_a_clock_that_is_not_valid_is_told_in_the_state() -> None:
    status = GatewayStatus("EABC0012345678", "1.0", "", 0, "", (), False, None, "applied", 0, True)
    assert documents.smgw_info(status, datetime(2026, 1, 1, tzinfo=UTC))["smgw-state"] == "a0400000"
