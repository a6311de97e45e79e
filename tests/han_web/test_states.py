"""Every state, condition and test that the gateway knows has words (FPT_FLS.1, FPT_TST.1)."""

from flask import Flask

from han_web.states import CONDITIONS, STATES, TESTS, reason, word
from smgw.secure_states import Condition, SecureState


def test_nothing_that_can_be_wrong_is_without_words() -> None:
    assert set(STATES) == {one.value for one in SecureState}
    assert set(CONDITIONS) == {one.value for one in Condition}


def test_words_in_two_languages() -> None:
    with Flask("empty").test_request_context(headers={"Accept-Language": "de"}):
        assert word(TESTS, "database") == "Datenspeicher"
        assert word(TESTS, "something-new") == "something-new"
        assert reason("silent") == "keine Antwort"
    with Flask("empty").test_request_context(headers={"Accept-Language": "en"}):
        assert word(STATES, "normal") == "Everything works"
        assert reason("half-telegram") == "half telegram"
