"""The words of a decision: their order carries meaning."""

from smgw.access.grants import Decision, RefusalReason


def test_reasons_stand_in_the_order_of_the_steps() -> None:
    reasons = list(RefusalReason)
    assert reasons.index(RefusalReason.WRONG_METER) < reasons.index(RefusalReason.WRONG_PURPOSE)
    assert reasons.index(RefusalReason.WRONG_PURPOSE) < reasons.index(RefusalReason.EXPIRED)
    assert reasons[-1] is RefusalReason.NOT_SUMMABLE


def test_a_decision_without_grants_keeps_nothing() -> None:
    assert Decision(()).volatile == ()
