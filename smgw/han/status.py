"""How the gateway is, as everybody may know who lives with it.

Decides what is told: which program runs, which state it is in and why, whether its time is valid, whether its walls
stand. Nothing measured, nobody's name, and nothing of whoever else is served (TR-03109-1, consumer; technician).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pki.certificates import Purpose, TrustStore
from smgw.han.shown import GatewayStatus
from smgw.identity import Identity
from smgw.secure_states import SecureStates
from smgw.store.rows import to_seconds
from wire.reading import DeviceId


@dataclass(frozen=True, slots=True)
class Facts:
    """Where one gateway's own facts come from; :mod:`smgw.assembly` has them all."""

    gateway: DeviceId
    version: str
    program_sha256: str
    started_at: datetime
    states: SecureStates
    """Its clock included."""
    identity: Callable[[], Identity]
    trust: Callable[[], TrustStore]
    certificates: Path
    """The folder in which the certificates of all generations of its keys lie (``smgw/keys/cabinet.py``)."""
    firewall: Callable[[], bool] | None = None
    """Whether the rules stand; None where the gateway manages none."""

    def status(self, at: datetime) -> GatewayStatus:
        """As it is at ``at``."""
        clock, identity = self.states.clock, self.identity()
        compared = clock.memory.trusted_at
        managed = None if self.firewall is None else self.firewall()
        return GatewayStatus(
            gateway=self.gateway.text,
            version=self.version,
            program_sha256=self.program_sha256,
            started_at=to_seconds(self.started_at),
            state=self.states.at(at).value,
            conditions=self.wrong(at),
            time_valid=clock.valid(at),
            time_compared_at=None if compared is None else to_seconds(compared),
            firewall={None: "not-managed", True: "applied", False: "not-applied"}[managed],
            certificate_until=to_seconds(identity.certificates[Purpose.SIG].certificate.not_valid_after_utc),
            quality_seal=identity.seal,
        )

    def wrong(self, at: datetime) -> tuple[tuple[str, int], ...]:
        """What is wrong at ``at``, each with its begin (UTC seconds); told in every state (FPT_FLS.1)."""
        return tuple((one.condition.value, to_seconds(one.since)) for one in self.states.active(at))
