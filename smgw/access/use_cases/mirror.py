"""TAF-13: the values of another evaluation profile once more, for visualisation (TR-03109-1, TAF-13).

Decides that a mirror shows exactly what the mirrored profile's party would get for this reading: no other meter or
register than both profiles name, nothing outside the validity of either, no finer registration period than its own, no
mirror of a mirror, and nothing that is never stored: what is gone cannot be shown once more.
"""

from dataclasses import replace

from smgw.access.grants import Grant, RefusalReason
from smgw.access.use_cases.case import Case, Evaluator, Outcome
from wire.profiles import EvaluationProfile, Mirror, UseCase


def mirrored(case: Case) -> EvaluationProfile | RefusalReason:
    """The profile that ``case`` shows once more."""
    rule = case.evaluation.rule
    if not isinstance(rule, Mirror):
        return RefusalReason.NO_RULE
    shown = case.evaluations.get(rule.profile)
    if shown is None or shown.use_case is UseCase.TAF_13 or shown.unstored:
        return RefusalReason.NO_RULE
    if shown.billing is None and shown.period_seconds < case.evaluation.period_seconds:
        return RefusalReason.NO_RULE
    if case.measured.device not in shown.meters or not set(shown.meters) <= set(case.evaluation.meters):
        return RefusalReason.WRONG_METER
    if case.measured.obis not in shown.registers or not set(shown.registers) <= set(case.evaluation.registers):
        return RefusalReason.WRONG_REGISTER
    return shown


def show(case: Case, shown: EvaluationProfile, evaluate: Evaluator) -> Outcome:
    """What ``evaluate`` grants under ``shown``, for the party of ``case``."""
    begin = max(shown.valid_from, case.evaluation.valid_from)
    end = min(shown.valid_until, case.evaluation.valid_until)
    if begin >= end:
        return (RefusalReason.EXPIRED,)
    both = replace(shown, valid_from=begin, valid_until=end)
    return [
        outcome if isinstance(outcome, RefusalReason) else _renamed(outcome, case.evaluation)
        for outcome in evaluate(replace(case, evaluation=both))
    ]


def _renamed(grant: Grant, evaluation: EvaluationProfile) -> Grant:
    return replace(grant, profile=evaluation.id, profile_version=evaluation.version, party=evaluation.party)
