"""Valid profiles, of which a test states only its deviation, and strategies that build others."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.wire.profiles.rules import billing_periods, rules
from wire.instant import EPOCH
from wire.meter.iec62056.options import WakeUp
from wire.obis import Obis
from wire.profiles import (
    DEMANDS,
    AccessPurpose,
    AccountProfile,
    AccountRole,
    AdministratorProfile,
    BlockCheck,
    CommunicationProfile,
    EvaluationProfile,
    KeyAgreement,
    MeterProfile,
    PartyRole,
    Profile,
    Protocol62056,
    ProtocolMode,
    ProxyProfile,
    ProxyScenario,
    UseCase,
)
from wire.reading import DeviceId

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
METER_DEVICE = DeviceId("1ISK0012345678")
IMPORTED = Obis.parse("1-0:1.8.0")
EXPORTED = Obis.parse("1-0:2.8.0")


def certificate(filler: int) -> bytes:
    """A DER sequence of the size of a certificate; what it says does not matter here."""
    return b"\x30\x82\x01\x00" + bytes([filler]) * 256


COMMUNICATION = CommunicationProfile(
    id="grid-operator",
    version=1,
    party="Stadtwerke Übersee",
    host="emt.example",
    port=8443,
    path="/deliveries",
    tls_certificate=certificate(1),
    encryption_certificate=certificate(2),
    purposes=(AccessPurpose.GRID_OPERATION, AccessPurpose.BILLING),
    valid_from=BEGIN,
    valid_until=END,
)
METER = MeterProfile(
    id="meter-1",
    version=1,
    meter=METER_DEVICE,
    consumer="house-1",
    identity="12345678",
    manufacturer="ISk",
    line="rs485-1",
    address="1",
    registers=(IMPORTED, EXPORTED),
    interval_seconds=300,
    store_seconds=300,
    maximum_power_watts=30_000,
    valid_from=BEGIN,
    valid_until=END,
)
EVALUATION = EvaluationProfile(
    id="series-1",
    version=1,
    use_case=UseCase.TAF_7,
    party=COMMUNICATION.id,
    purpose=AccessPurpose.GRID_OPERATION,
    meters=(METER_DEVICE,),
    registers=(IMPORTED,),
    period_seconds=900,
    dispatch_seconds=3600,
    valid_from=BEGIN,
    valid_until=END,
    recipient=COMMUNICATION.encryption_fingerprint,
)
ADMINISTRATOR = AdministratorProfile(
    id="administrator",
    version=1,
    party="Messstellenbetrieb Süd",
    host="gwa.example",
    management_port=8450,
    service_port=8451,
    tls_certificate=certificate(3),
    signature_certificate=certificate(4),
    valid_from=BEGIN,
    valid_until=END,
)
PROXY = ProxyProfile(
    id="wallbox",
    version=1,
    party=COMMUNICATION.id,
    cls_certificate=certificate(5),
    scenario=ProxyScenario.HKS4,
    valid_from=BEGIN,
    valid_until=END,
)
ACCOUNT = AccountProfile(
    id="account-house-1",
    version=1,
    name="house",
    role=AccountRole.CONSUMER,
    consumer=METER.consumer,
    fingerprints=("ab" * 32,),
    verifier=certificate(6),
    valid_from=BEGIN,
    valid_until=END,
)
PSEUDONYM = DeviceId("EPSN0000000001")
RASTERS = (1, 15, 60, 900, 3600, 86400)

identifiers = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
devices = st.from_regex(r"1[A-Z]{3}[0-9A-F]{2}[0-9]{8}", fullmatch=True).map(DeviceId)
byte = st.integers(0, 255)
pseudonyms = st.from_regex(r"EPSN[0-9A-F]{2}[0-9]{8}", fullmatch=True).map(DeviceId)
codes = st.builds(Obis, byte, byte, byte, byte, byte, byte)
seconds = st.integers(0, 4_000_000_000)


@st.composite
def validities(draw: st.DrawFn) -> dict[str, datetime]:
    begin = EPOCH + timedelta(seconds=draw(seconds))
    return {"valid_from": begin, "valid_until": begin + timedelta(seconds=draw(st.integers(1, 10**9)))}


@st.composite
def meter_profiles(draw: st.DrawFn) -> MeterProfile:
    protocol = Protocol62056(
        mode=draw(st.sampled_from(ProtocolMode)),
        fixed_speed=draw(st.none() | st.sampled_from((300, 9600, 19200))),
        switch_delay_ms=draw(st.integers(0, 5000)),
        ignore_announced_speed=draw(st.booleans()),
        block_check=draw(st.sampled_from(BlockCheck)),
        wake_up=draw(st.sampled_from(WakeUp)),
    )
    interval = draw(st.sampled_from(RASTERS))
    return MeterProfile(
        id=draw(identifiers),
        version=draw(st.integers(1, 2**31 - 1)),
        meter=draw(devices),
        consumer=draw(identifiers),
        identity=draw(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=32)),
        manufacturer=draw(st.from_regex(r"[A-Z]{2}[A-Za-z]", fullmatch=True)),
        line=draw(identifiers),
        address=draw(st.from_regex(r"[0-9A-Za-z ]{0,32}", fullmatch=True)),
        registers=tuple(draw(st.lists(codes, min_size=1, max_size=5, unique=True))),
        interval_seconds=interval,
        store_seconds=draw(st.sampled_from([one for one in RASTERS if one % interval == 0])),
        maximum_power_watts=draw(st.integers(1, 10**9)),
        protocol=protocol,
        **draw(validities()),
    )


@st.composite
def evaluation_profiles(draw: st.DrawFn) -> EvaluationProfile:
    use_case = draw(st.sampled_from(UseCase))
    demands = DEMANDS[use_case]
    # What is billed has readings at every minute, so that any calendar's switches are met.
    period = demands.period_seconds or draw(st.sampled_from(RASTERS[:3] if demands.billing else RASTERS))
    registers = (
        [IMPORTED, EXPORTED] if demands.accumulates else draw(st.lists(codes, min_size=1, max_size=5, unique=True))
    )
    meters = draw(st.lists(devices, min_size=1, max_size=5, unique=True))
    registers = registers if demands.several_registers else registers[:1]
    meters = meters if demands.several_meters else meters[:1]
    purpose = draw(st.sampled_from(sorted(demands.purposes)))
    may_hide = (demands.sums or len(meters) == 1) and purpose is not AccessPurpose.BILLING
    name = draw(identifiers)
    return EvaluationProfile(
        id=f"an-{name}"[:64],
        version=draw(st.integers(1, 2**31 - 1)),
        use_case=use_case,
        party=draw(identifiers),
        purpose=purpose,
        meters=tuple(meters),
        registers=tuple(registers),
        period_seconds=period,
        dispatch_seconds=period * draw(st.integers(1, 300)),
        billing=draw(billing_periods(period)) if demands.billing else None,
        subtracted=tuple(meters[1:]) if demands.sums and draw(st.booleans()) else (),
        rule=draw(rules(use_case, registers[0])),
        recipient=draw(st.from_regex(r"[0-9a-f]{64}", fullmatch=True)),
        pseudonym=draw(st.none() | pseudonyms) if may_hide else None,
        **draw(validities()),
    )


@st.composite
def communication_profiles(draw: st.DrawFn) -> CommunicationProfile:
    return CommunicationProfile(
        id=draw(identifiers),
        version=draw(st.integers(1, 2**31 - 1)),
        party=draw(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=40)),
        host=draw(st.sampled_from(("emt.example", "127.0.0.1", "::1", "a-b.c9.example"))),
        port=draw(st.integers(1, 65535)),
        path=draw(st.sampled_from(("/deliveries", "/a/b-c/_d~", "/x.y"))),
        tls_certificate=certificate(draw(byte)),
        encryption_certificate=certificate(draw(byte)),
        role=PartyRole.EMT,
        key_agreement=draw(st.sampled_from(KeyAgreement)),
        purposes=tuple(draw(st.lists(st.sampled_from(AccessPurpose), unique=True))),
        session_seconds=draw(st.integers(60, 172800)),
        **draw(validities()),
    )


@st.composite
def administrator_profiles(draw: st.DrawFn) -> AdministratorProfile:
    return AdministratorProfile(
        id=draw(identifiers),
        version=draw(st.integers(1, 2**31 - 1)),
        party=draw(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=40)),
        host=draw(st.sampled_from(("gwa.example", "127.0.0.1", "::1"))),
        management_port=draw(st.integers(1, 65535)),
        service_port=draw(st.integers(1, 65535)),
        tls_certificate=certificate(draw(byte)),
        signature_certificate=certificate(draw(byte)),
        session_seconds=draw(st.integers(60, 172800)),
        idle_seconds=draw(st.integers(30, 3600)),
        **draw(validities()),
    )


@st.composite
def proxy_profiles(draw: st.DrawFn) -> ProxyProfile:
    return ProxyProfile(
        id=draw(identifiers),
        version=draw(st.integers(1, 2**31 - 1)),
        party=draw(identifiers),
        cls_certificate=certificate(draw(byte)),
        scenario=draw(st.sampled_from(ProxyScenario)),
        session_seconds=draw(st.integers(60, 172800)),
        idle_seconds=draw(st.integers(30, 3600)),
        **draw(validities()),
    )


@st.composite
def account_profiles(draw: st.DrawFn) -> AccountProfile:
    role = draw(st.sampled_from(AccountRole))
    fingerprints = draw(st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), max_size=8, unique=True))
    sealed = byte.map(certificate)
    verifier = draw(st.none() | sealed if fingerprints else sealed)
    return AccountProfile(
        id=draw(identifiers),
        version=draw(st.integers(1, 2**31 - 1)),
        name=draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,31}", fullmatch=True)),
        role=role,
        consumer=draw(identifiers) if role is AccountRole.CONSUMER else None,
        fingerprints=tuple(fingerprints),
        verifier=verifier,
        md5=role is AccountRole.CONSUMER and verifier is not None and draw(st.booleans()),
        **draw(validities()),
    )


profiles: st.SearchStrategy[Profile] = (
    meter_profiles()
    | evaluation_profiles()
    | communication_profiles()
    | administrator_profiles()
    | proxy_profiles()
    | account_profiles()
)
