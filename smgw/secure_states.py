"""The secure states: what a gateway still does when it cannot rely on its clock, as data.

Decides which state follows from the clock, and what works in each. Nothing here acts: whoever delivers or flags asks.
A clock that is known to be wrong leaves only administration, which is how it is put right; a clock of which nobody
knows goes on under a flag (TR-03109-1; PP-0073 FPT_FLS.1). Meters are read in every state: a value that was not read is
lost for ever, one that carries its status can be judged later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from smgw.clock import ClockState, GatewayClock


class SecureState(StrEnum):
    """What state the gateway is in."""

    NORMAL = "normal"
    MEASUREMENT = "measurement"
    """No valid time: values are recorded and delivered, each with the status bit "system time invalid"."""
    DEVIATION = "deviation"
    """A wrong time: only administration remains."""


class Duty(StrEnum):
    """What a gateway does."""

    READ_METERS = "read-meters"
    CLAIM_VALID_TIME = "claim-valid-time"
    """Record values without the status bit "system time invalid"."""
    DELIVER = "deliver"
    HEAR_WAKE_UPS = "hear-wake-ups"
    SERVE_ADMINISTRATOR = "serve-administrator"
    SYNCHRONISE = "synchronise"
    NOTIFY = "notify"


_ADMINISTRATION: Final = frozenset({Duty.HEAR_WAKE_UPS, Duty.SERVE_ADMINISTRATOR, Duty.SYNCHRONISE, Duty.NOTIFY})
WORKS: Final[Mapping[SecureState, frozenset[Duty]]] = MappingProxyType(
    {
        SecureState.NORMAL: _ADMINISTRATION | {Duty.READ_METERS, Duty.CLAIM_VALID_TIME, Duty.DELIVER},
        # An administrator who is away for a day must not stop every market process: receivers see the status.
        SecureState.MEASUREMENT: _ADMINISTRATION | {Duty.READ_METERS, Duty.DELIVER},
        # By a wrong clock no certificate of a receiver can be judged either.
        SecureState.DEVIATION: _ADMINISTRATION | {Duty.READ_METERS},
    }
)
"""What works in each state; what does not stand here does not work."""


def follows(clock: ClockState, *, valid: bool) -> SecureState:
    """The state that follows from the clock's, and from whether the time in question is valid."""
    if clock is ClockState.DEVIATING:
        return SecureState.DEVIATION
    return SecureState.NORMAL if valid else SecureState.MEASUREMENT


@dataclass(frozen=True, slots=True)
class SecureStates:
    """The state of one gateway; holds nothing itself."""

    clock: GatewayClock

    def at(self, at: datetime) -> SecureState:
        """The state that counts for what happens at ``at``."""
        return follows(self.clock.state, valid=self.clock.valid(at))

    def works(self, duty: Duty, at: datetime) -> bool:
        """Whether ``duty`` is done at ``at``."""
        return duty in WORKS[self.at(at)]

    def entered(self, since: SecureState, at: datetime) -> SecureState | None:
        """The state of ``at``, if it is another than ``since`` and nobody wrote it down.

        That a deviation begins or ends is written down where it is found (``smgw/wan/time_service.py``); that a time
        becomes too old, or is valid again, happens by itself.
        """
        now = self.at(at)
        return None if now is since or SecureState.DEVIATION in (now, since) else now

    def allows(self, duty: Duty) -> Callable[[datetime], bool]:
        """:meth:`works` for one duty."""
        return lambda at: self.works(duty, at)
