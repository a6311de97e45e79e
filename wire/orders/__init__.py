"""Orders: what an administrator may have a gateway do, and what the gateway replies (TR-03109-1, MANAGEMENT).

Canonical JSON, like the profiles that orders carry: a signature over the bytes is a signature over the values. Every
field is checked where an order is built; unknown and missing keys are refused. Lets only OrderError escape.
"""

from wire.orders.commands import (
    ActivateFirmware,
    BreakUp,
    ChangeProfiles,
    InstallCertificates,
    InstallRevocationLists,
    ProfileReference,
    RaiseEvent,
    RenewKeys,
    RequestValues,
    Restart,
    RunSelfTest,
    SetRetention,
    StoreFirmware,
    SynchroniseClock,
)
from wire.orders.order import COMMANDS, MAX_ORDER_BYTES, MAX_VALIDITY, Command, Order
from wire.orders.reply import Reply, ReplyOutcome

__all__ = [
    "COMMANDS",
    "MAX_ORDER_BYTES",
    "MAX_VALIDITY",
    "ActivateFirmware",
    "BreakUp",
    "ChangeProfiles",
    "Command",
    "InstallCertificates",
    "InstallRevocationLists",
    "Order",
    "ProfileReference",
    "RaiseEvent",
    "RenewKeys",
    "Reply",
    "ReplyOutcome",
    "RequestValues",
    "Restart",
    "RunSelfTest",
    "SetRetention",
    "StoreFirmware",
    "SynchroniseClock",
]
