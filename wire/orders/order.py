"""An order: one command to one gateway, numbered and for a limited time.

Decides the one canonical form that the administrator's SIG key signs. Whether an order is for this gateway, in time,
the next in sequence and truly signed is decided in smgw/administration/order_gate.py; here it is only well formed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from wire.canonical_json import INTEGER_BOUND
from wire.errors import OrderError
from wire.orders.commands import (
    ActivateFirmware,
    BreakUp,
    ChangeProfiles,
    InstallCertificates,
    InstallRevocationLists,
    RaiseEvent,
    RenewKeys,
    RequestValues,
    Restart,
    RunSelfTest,
    SetRetention,
    StoreFirmware,
    SynchroniseClock,
)
from wire.profiles import document, fields
from wire.reading import DeviceId

MAX_ORDER_BYTES = 1024 * 1024
"""Two revocation lists of the largest size, or a hundred communication profiles with their certificates."""
MAX_VALIDITY = timedelta(hours=24)
"""An order that nobody fetched in a day is signed anew, so that a lost document does not come back later."""

Command = (
    ChangeProfiles
    | RenewKeys
    | InstallCertificates
    | InstallRevocationLists
    | SetRetention
    | SynchroniseClock
    | RunSelfTest
    | RaiseEvent
    | RequestValues
    | StoreFirmware
    | ActivateFirmware
    | Restart
    | BreakUp
)
COMMANDS: dict[str, type[Command]] = {
    ChangeProfiles.KIND: ChangeProfiles,
    RenewKeys.KIND: RenewKeys,
    InstallCertificates.KIND: InstallCertificates,
    InstallRevocationLists.KIND: InstallRevocationLists,
    SetRetention.KIND: SetRetention,
    SynchroniseClock.KIND: SynchroniseClock,
    RunSelfTest.KIND: RunSelfTest,
    RaiseEvent.KIND: RaiseEvent,
    RequestValues.KIND: RequestValues,
    StoreFirmware.KIND: StoreFirmware,
    ActivateFirmware.KIND: ActivateFirmware,
    Restart.KIND: Restart,
    BreakUp.KIND: BreakUp,
}
"""Each command by its kind; what is not here cannot be ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order (Administrationsauftrag).

    ``sequence`` rises with every order to a gateway. Valid from ``valid_from`` until just before ``valid_until``, which
    is at most ``MAX_VALIDITY`` later.
    """

    KIND: ClassVar[str] = "order"

    gateway: DeviceId
    sequence: int
    valid_from: datetime
    valid_until: datetime
    command: Command

    def __post_init__(self) -> None:
        """Check every field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_member("gateway", self.gateway, DeviceId)
            fields.require_range("sequence", self.sequence, 1, INTEGER_BOUND)
            fields.require_validity(self.valid_from, self.valid_until)
        if self.valid_until - self.valid_from > MAX_VALIDITY:
            raise OrderError(f"an order is valid for at most {MAX_VALIDITY}")
        if not isinstance(self.command, Command):
            raise OrderError(f"not a command: {type(self.command).__name__}")

    def to_bytes(self) -> bytes:
        """Canonical JSON. Raises OrderError for an order beyond ``MAX_ORDER_BYTES``."""
        with document.refusing(OrderError):
            return document.write(
                {
                    "kind": self.KIND,
                    "gateway": self.gateway.text,
                    "sequence": self.sequence,
                    "valid_from": document.instant(self.valid_from),
                    "valid_until": document.instant(self.valid_until),
                    "command": {"kind": self.command.KIND, **self.command.members()},
                },
                maximum_bytes=MAX_ORDER_BYTES,
            )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises OrderError."""
        with document.refusing(OrderError):
            taken = document.Fields(document.read(data, maximum_bytes=MAX_ORDER_BYTES))
            document.require_kind(taken, cls.KIND)
            order = cls(
                gateway=taken.device("gateway"),
                sequence=taken.integer("sequence"),
                valid_from=taken.instant("valid_from"),
                valid_until=taken.instant("valid_until"),
                command=_command(taken.nested("command")),
            )
            taken.finish()
        return order


def _command(taken: document.Fields) -> Command:
    kind = taken.text("kind")
    if kind not in COMMANDS:
        raise OrderError(f"not a command: {kind[:40]!r}")
    command = COMMANDS[kind].taken(taken)
    taken.finish()
    return command
