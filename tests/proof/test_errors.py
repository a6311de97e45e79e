import pytest

from proof.errors import IntegrityReason, LogIntegrityError


@pytest.mark.parametrize("reason", list(IntegrityReason))
def test_a_reason_for_programs_and_a_sentence_for_people(reason: IntegrityReason) -> None:
    error = LogIntegrityError(reason, "system log: record 3 is missing")
    assert (error.reason, str(error)) == (reason, "system log: record 3 is missing")
