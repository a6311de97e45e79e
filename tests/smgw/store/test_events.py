from proof import events as pure
from smgw.store import events, logs


def test_the_words_are_those_of_whoever_verifies_without_a_store() -> None:
    assert (events.Event, events.Level, events.Log, events.Outcome) == (pure.Event, pure.Level, pure.Log, pure.Outcome)
    assert (logs.Event, logs.Outcome) == (pure.Event, pure.Outcome)
