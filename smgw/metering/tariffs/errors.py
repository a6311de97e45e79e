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


class TariffError(Exception):
    """There is no bill; ``reason`` says why.

    The message names times and no consumption value: it may go to a log.
    """

    def __init__(self, reason: TariffReason, sentence: str) -> None:
        """``sentence`` is for people."""
        super().__init__(sentence)
        self.reason = reason
