from smgw.lmn.errors import LineEvent, PollError, PollReason
from smgw.store.logs import Event


def test_a_line_speaks_the_words_of_the_system_log() -> None:
    assert {event.value for event in LineEvent} <= {event.value for event in Event}


def test_an_error_says_its_reason() -> None:
    assert str(PollError(PollReason.SILENT)) == "silent"
    assert str(PollError(PollReason.PARITY, "noise")) == "parity: noise"
