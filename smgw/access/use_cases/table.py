"""Step 8 of the decision as a table: which evaluator follows which use case.

Decides by default against: a use case without a row grants nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from smgw.access.grants import RefusalReason
from smgw.access.use_cases import control, current, extremes, mirror, prepaid, series, stages, total
from smgw.access.use_cases.case import Case, Evaluator, Outcome
from wire.profiles import EvaluationProfile, UseCase


def on_request_only(_: Case) -> Outcome:
    """TR-03109-1, TAF-6: daily values are kept for everybody and told on request only (``requested.py``)."""
    return (RefusalReason.ON_REQUEST_ONLY,)


EVALUATORS: Final[Mapping[UseCase, Evaluator]] = MappingProxyType(
    {
        UseCase.TAF_1: total.total,
        UseCase.TAF_2: stages.stages,
        UseCase.TAF_3: stages.stages,
        UseCase.TAF_4: stages.stages,
        UseCase.TAF_5: stages.stages,
        UseCase.TAF_6: on_request_only,
        UseCase.TAF_7: series.stored,
        UseCase.TAF_8: extremes.extremes,
        UseCase.TAF_9: current.on_request,
        UseCase.TAF_10: current.grid_status,
        UseCase.TAF_11: control.at_events,
        UseCase.TAF_12: prepaid.prepaid,
        UseCase.TAF_14: series.volatile,
    }
)
"""TAF-13 stands in no row: it follows the evaluator of the profile that it mirrors."""


def evaluate(case: Case) -> Outcome:
    """What ``case`` comes to; a reading that is never stored serves volatile use cases only."""
    shown: EvaluationProfile | RefusalReason = case.evaluation
    if case.evaluation.use_case is UseCase.TAF_13:
        shown = mirror.mirrored(case)
    if isinstance(shown, RefusalReason):
        return (shown,)
    if not (case.recorded or shown.unstored):
        return (RefusalReason.NOT_RECORDED,)
    evaluator = EVALUATORS.get(shown.use_case)
    if evaluator is None:
        return (RefusalReason.NO_PROFILE,)
    return evaluator(case) if shown is case.evaluation else mirror.show(case, shown, evaluator)
