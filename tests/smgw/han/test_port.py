"""What is refused at the door and behind it carries its reason, its sentence and, where it is known, its end."""

from datetime import UTC, datetime

import pytest

from smgw.han.port import HanError, HanReason, LoginRefusedError, RefusedReason, sign_nothing

UNTIL = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def test_a_refusal_says_why_and_until_when() -> None:
    error = HanError(HanReason.TOO_SOON, "ask again later", UNTIL)
    assert (error.reason, str(error), error.until) == (HanReason.TOO_SOON, "ask again later", UNTIL)


def test_a_refused_login_says_no_more_than_its_reason() -> None:
    error = LoginRefusedError(RefusedReason.LOCKED, UNTIL)
    assert (error.reason, str(error), error.until) == (RefusedReason.LOCKED, "locked", UNTIL)


def test_without_a_key_nothing_is_signed() -> None:
    with pytest.raises(HanError) as caught:
        sign_nothing(b"a document")
    assert caught.value.reason is HanReason.NOT_NOW
