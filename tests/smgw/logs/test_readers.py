from itertools import product

import pytest

from smgw.logs.errors import AccessReason, LogAccessError
from smgw.logs.readers import Interface, Reader, Role, require_reader
from smgw.store.events import Log

ALLOWED = {
    (Role.ADMINISTRATOR, Interface.WAN, Log.SYSTEM),
    (Role.ADMINISTRATOR, Interface.WAN, Log.CALIBRATION),
    (Role.TECHNICIAN, Interface.SERVICE, Log.SYSTEM),
    (Role.CONSUMER, Interface.CONSUMER, Log.CONSUMER),
    (Role.VERIFICATION_AUTHORITY, Interface.SERVICE, Log.CALIBRATION),
}


@pytest.mark.parametrize(("role", "interface", "log"), list(product(Role, Interface, Log)))
def test_who_reads_what_where(role: Role, interface: Interface, log: Log) -> None:
    """FDP_ACC.2, FDP_ACF.1, FAU_SAR.1/SYS, FAU_SAR.1/CON, FAU_SAR.1/CAL: these and nobody else."""
    reader = Reader(role, interface, "anna")
    if (role, interface, log) in ALLOWED:
        require_reader(reader, log, "anna")
        return
    with pytest.raises(LogAccessError) as refusal:
        require_reader(reader, log, "anna")
    assert refusal.value.reason is AccessReason.NOT_HIS


@pytest.mark.parametrize(("identity", "owner"), [("anna", "bert"), ("anna", ""), ("", ""), ("", "anna")])
def test_a_consumer_reads_her_own_log_only(identity: str, owner: str) -> None:
    """FAU_SAR.1/CON, FIA_ATD.1: whoever she is, she is somebody, and it is hers."""
    with pytest.raises(LogAccessError) as refusal:
        require_reader(Reader(Role.CONSUMER, Interface.CONSUMER, identity), Log.CONSUMER, owner)
    assert refusal.value.reason is AccessReason.ANOTHERS
