import pytest

from smgw.logs.errors import AccessReason, IntegrityReason, LogAccessError, LogIntegrityError


@pytest.mark.parametrize("reason", list(IntegrityReason))
def test_a_reason_for_programs_and_a_sentence_for_people(reason: IntegrityReason) -> None:
    error = LogIntegrityError(reason, "system log: record 3 is missing")
    assert (error.reason, str(error)) == (reason, "system log: record 3 is missing")


def test_a_refusal_to_read_says_why() -> None:
    assert LogAccessError(AccessReason.ANOTHERS, "hers").reason is AccessReason.ANOTHERS
