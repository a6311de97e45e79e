"""Why a telegram does not become a reading."""

from enum import StrEnum

from wire.obis import Obis


class VerificationReason(StrEnum):
    """The check that failed."""

    UNKNOWN_METER = "unknown-meter"
    """No meter profile is valid for it now."""
    WRONG_IDENTITY = "wrong-identity"
    """Another maker or another serial number than the profile's, or none at all."""
    METER_FATAL = "meter-fatal"
    """The meter itself reports an error (``F.F``) after which its registers mean nothing, or one nobody can read."""
    METER_CLOCK = "meter-clock"
    """The meter's clock is far from the gateway's: an old answer, or a clock that jumped."""
    MISSING_REGISTER = "missing-register"
    AMBIGUOUS_REGISTER = "ambiguous-register"
    """The same register comes twice with two values."""
    MALFORMED_VALUE = "malformed-value"
    """Not a decimal number."""
    WRONG_UNIT = "wrong-unit"
    TIME_BACKWARDS = "time-backwards"
    """Captured before the reading that is already stored: the gateway's clock was set back."""
    RUNS_BACKWARDS = "runs-backwards"
    """An energy register shows less than before."""
    IMPLAUSIBLE_ADVANCE = "implausible-advance"
    """More than the connection can carry in the time that passed."""


class VerificationError(Exception):
    """A telegram is refused as a whole; ``reason`` is the first check that failed, ``obis`` the register if it was one.

    The message holds no consumption value: it goes to the system log.
    """

    def __init__(self, reason: VerificationReason, obis: Obis | None = None) -> None:
        """``obis`` where the check is about one register."""
        super().__init__(f"{reason} {obis}" if obis else str(reason))
        self.reason = reason
        self.obis = obis
