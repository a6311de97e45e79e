"""Every use case has its evaluator, and what is never stored is told apart by the table of demands."""

from smgw.access.grants import RefusalReason
from smgw.access.use_cases.table import EVALUATORS
from tests.smgw.access.cases import at, decided, reading
from tests.smgw.access.use_cases.worlds import DAILY_VALUES
from wire.profiles import DEMANDS, UseCase


def test_every_use_case_has_a_row_but_the_mirror() -> None:
    """TR-03109-1, TAF 1 to 14."""
    assert set(UseCase) - EVALUATORS.keys() == {UseCase.TAF_13}


def test_what_is_never_stored() -> None:
    """TR-03109-1, TAF-9, TAF-10, TAF-14."""
    assert {one for one in UseCase if DEMANDS[one].unstored} == {UseCase.TAF_9, UseCase.TAF_10, UseCase.TAF_14}


def test_daily_values_wait_for_a_request() -> None:
    """TR-03109-1, TAF-6: on request only."""
    decision = decided(reading(at("00:00:00")), DAILY_VALUES)
    assert (decision.grants, decision.refusals[0].reason) == ((), RefusalReason.ON_REQUEST_ONLY)
