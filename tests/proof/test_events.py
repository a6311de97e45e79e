from proof.events import Event, Outcome, event_named
from tests.smgw.store import samples
from wire.notification import Notification
from wire.reading import DeviceId


def test_each_name_is_its_value_and_can_be_told() -> None:
    for event in Event:
        assert event.value == event.name
        for outcome in Outcome:
            Notification(
                gateway=DeviceId("EABC0012345678"), number=1, event=event.value, outcome=outcome.name, subject="",
                at=samples.START,
            )  # fmt: skip


def test_the_outcomes_are_those_of_the_log_schema() -> None:
    assert {outcome.name: int(outcome) for outcome in Outcome} == {"SUCCESS": 0, "FAILURE": 1, "EXTENSION": 2}


def test_an_event_of_a_newer_gateway_has_its_name_and_is_none_of_ours() -> None:
    assert all(event_named(event.value) is event for event in Event)
    unknown = event_named("NEVER_HEARD_OF")
    assert (unknown.value, unknown.name, str(unknown)) == ("NEVER_HEARD_OF",) * 3
    assert unknown not in list(Event)
    assert "NEVER_HEARD_OF" not in Event.__members__
