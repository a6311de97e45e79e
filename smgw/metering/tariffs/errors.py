"""Why readings and a rule do not make a bill."""

from enum import StrEnum


class TariffReason(StrEnum):
    """What is missing or does not fit; the words are those of the published cases where they have one."""

    NO_READINGS = "no-readings-in-period"
    """No reading, only one instant, or no usable reading at all."""
    NO_VALUE_AT_BEGIN = "no-usable-reading-at-period-begin"
    NO_VALUE_AT_END = "no-usable-reading-at-period-end"
    PERIOD_BEGIN = "billing-period-begins-inside-a-month"
    PERIOD_LENGTH = "billing-period-length-unsupported"
    OTHER_USE_CASE = "other-use-case"
    """The tariff is one of another use case."""
    TOO_MANY_LISTS = "too-many-value-lists"
    TOO_MANY_STAGES = "more-tariff-stages-than-value-lists"
    NOT_ONE_DAY_PROFILE = "not-one-day-profile"
    """One tariff has one day profile for each direction."""
    DAY_COUNT = "special-day-count-not-multiple-of-days"
    DAY_MISSING = "day-of-period-not-listed"
    DAY_TWICE = "day-listed-twice"
    NO_STAGE = "no-stage-for-any-list"


class TariffError(Exception):
    """There is no bill; ``reason`` says why.

    The message names times and no consumption value: it may go to a log.
    """

    def __init__(self, reason: TariffReason, sentence: str) -> None:
        """``sentence`` is for people."""
        super().__init__(sentence)
        self.reason = reason
