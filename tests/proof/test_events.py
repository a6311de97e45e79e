from proof.events import Event, Outcome
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
