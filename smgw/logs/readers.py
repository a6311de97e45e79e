"""Who may read which log, at which interface: one table (TR-03109-1; PP-0073 FDP_ACC.2, FDP_ACF.1).

Decides whether somebody reads a log, and denies whatever the table does not say. The administrator reads the system log
and the calibration log from the WAN, never a consumer log (FAU_SAR.1/SYS, FAU_SAR.1/CAL); a service technician the
system log and nothing else, at the gateway; a consumer her own log and nobody else's (FAU_SAR.1/CON). The verification
authority (Eichbehörde) reads the calibration log at the gateway, where the law lets it in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from smgw.logs.errors import AccessReason, LogAccessError
from smgw.store.events import Log


class Role(StrEnum):
    """Who somebody is."""

    ADMINISTRATOR = "administrator"
    TECHNICIAN = "technician"
    CONSUMER = "consumer"
    VERIFICATION_AUTHORITY = "verification-authority"
    EXTERNAL_ENTITY = "external-entity"


class Interface(StrEnum):
    """Where somebody is, by the names of the protection profile."""

    WAN = "IF_GW_WAN"
    SERVICE = "IF_GW_SRV"
    CONSUMER = "IF_GW_CON"
    LOCAL_SYSTEM = "IF_GW_CLS"
    METER = "IF_GW_MTR"


READS: Final[Mapping[tuple[Role, Interface], frozenset[Log]]] = MappingProxyType(
    {
        (Role.ADMINISTRATOR, Interface.WAN): frozenset({Log.SYSTEM, Log.CALIBRATION}),
        (Role.TECHNICIAN, Interface.SERVICE): frozenset({Log.SYSTEM}),
        (Role.CONSUMER, Interface.CONSUMER): frozenset({Log.CONSUMER}),
        (Role.VERIFICATION_AUTHORITY, Interface.SERVICE): frozenset({Log.CALIBRATION}),
    }
)
"""What is read by whom; who does not stand here with his interface reads nothing."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who proved who he is (FIA_ATD.1); ``identity`` is the consumer's identifier where it is one."""

    role: Role
    interface: Interface
    identity: str = ""


def require_reader(reader: Reader, log: Log, owner: str = "") -> None:
    """Let ``reader`` read ``log`` of ``owner``. Raises LogAccessError.

    1. The table lets this role read this log at this interface. 2. A consumer log is the reader's own.
    """
    # 1
    if log not in READS.get((reader.role, reader.interface), frozenset()):
        sentence = f"a {reader.role} does not read the {log} log at {reader.interface}"
        raise LogAccessError(AccessReason.NOT_HIS, sentence)
    # 2
    if log is Log.CONSUMER and (not reader.identity or reader.identity != owner):
        raise LogAccessError(AccessReason.ANOTHERS, "a consumer reads her own log and nobody else's")
