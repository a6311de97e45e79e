"""Valid commands and orders, of which a test states only its deviation, and strategies that build others."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from tests.wire.profiles.examples import BEGIN, COMMUNICATION, METER, byte, certificate, devices, identifiers, profiles
from wire.instant import EPOCH
from wire.orders import (
    ActivateFirmware,
    BreakUp,
    ChangeProfiles,
    Command,
    InstallCertificates,
    InstallRevocationLists,
    Order,
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
from wire.profiles import KINDS
from wire.reading import DeviceId

GATEWAY = DeviceId("EABC0012345678")
COMMANDS: tuple[Command, ...] = (
    ChangeProfiles((METER, COMMUNICATION), (ProfileReference("evaluation", "series-9"),)),
    RenewKeys(),
    InstallCertificates(certificate(1), certificate(2), certificate(3), (certificate(4),), (certificate(6),)),
    InstallRevocationLists((certificate(5),)),
    SetRetention(180, 365),
    SynchroniseClock(accept_any_deviation=True),
    RunSelfTest(),
    RaiseEvent("surplus", active=True),
    RequestValues("daily-values"),
    StoreFirmware("0123456789abcdef" * 4),
    ActivateFirmware("0.2.0"),
    Restart(),
    BreakUp(),
)


def order(command: Command) -> Order:
    return Order(
        gateway=GATEWAY, sequence=17, valid_from=BEGIN, valid_until=BEGIN + timedelta(hours=24), command=command
    )


certificates = byte.map(certificate)
references = st.builds(ProfileReference, st.sampled_from(sorted(KINDS)), identifiers)


@st.composite
def changes(draw: st.DrawFn) -> ChangeProfiles:
    install = draw(st.lists(profiles, max_size=3, unique_by=lambda one: one.id))
    taken = {one.id for one in install}
    withdraw = draw(st.lists(references.filter(lambda one: one.id not in taken), max_size=3, unique=True))
    if not install and not withdraw:
        withdraw = [ProfileReference("meter", "meter-1")]
    return ChangeProfiles(tuple(install), tuple(withdraw))


commands: st.SearchStrategy[Command] = (
    changes()
    | st.builds(
        InstallCertificates,
        certificates,
        certificates,
        certificates,
        st.lists(certificates, max_size=3, unique=True).map(tuple),
        st.lists(certificates, max_size=3, unique=True).map(tuple),
    )
    | st.builds(InstallRevocationLists, st.lists(certificates, min_size=1, max_size=3, unique=True).map(tuple))
    | st.builds(SetRetention, st.integers(1, 3660), st.integers(1, 3660))
    | st.builds(SynchroniseClock, st.booleans())
    | st.builds(RaiseEvent, identifiers, st.booleans())
    | st.builds(RequestValues, identifiers)
    | st.builds(StoreFirmware, st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
    | st.builds(ActivateFirmware, st.from_regex(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){1,3}", fullmatch=True))
    | st.sampled_from((RenewKeys(), RunSelfTest(), Restart(), BreakUp()))
)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    begin: datetime = EPOCH + timedelta(seconds=draw(st.integers(0, 4_000_000_000)))
    return Order(
        gateway=draw(devices),
        sequence=draw(st.integers(1, 2**63 - 1)),
        valid_from=begin,
        valid_until=begin + timedelta(seconds=draw(st.integers(1, 86400))),
        command=draw(commands),
    )
