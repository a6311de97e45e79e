from enum import StrEnum

import pytest

from smgw.administration.errors import CommandRefusedError, Done, FollowUp


class Why(StrEnum):
    TOO_LATE = "too-late"


def test_a_refusal_has_a_reason_for_programs_and_a_sentence_for_people() -> None:
    refusal = CommandRefusedError(Why.TOO_LATE, "the time for it is over")
    assert (refusal.reason, refusal.sentence, str(refusal)) == ("too-late", *["the time for it is over"] * 2)


def test_what_is_done_leads_to_nothing_further_unless_it_says_so() -> None:
    assert Done() == Done({}, FollowUp.NOTHING)
    assert Done().result is not Done().result
    with pytest.raises(AttributeError):
        Done().then = FollowUp.RESTART  # type: ignore[misc]
