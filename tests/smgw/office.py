"""The administrator's side of a gateway in tests: a valid house of profiles with real certificates."""

from dataclasses import replace
from datetime import datetime, timedelta

from pki.certificates import Purpose, Role
from testbed.small_pki import NOW, SmallPki
from tests.smgw.store import samples
from tests.smgw.wan.station import der
from wire.profiles import (
    AccessPurpose,
    AdministratorProfile,
    CommunicationProfile,
    EvaluationProfile,
    MeterProfile,
    Profile,
    UseCase,
)

LINE = "rs485-1"


class House:
    """One meter, one party, one evaluation and the administrator; a test states only its deviation."""

    def __init__(self, pki: SmallPki, at: datetime = NOW) -> None:
        self.pki = pki
        begin, end = at - timedelta(days=1), at + timedelta(days=30)
        self.signer = pki.holder(Role.GWA, Purpose.SIG, "Verwalter")
        self.dialled = pki.holder(Role.GWA, Purpose.TLS, "Verwalter")
        self.recipient = pki.holder(Role.EMT, Purpose.ENC)
        self.peer = pki.holder(Role.EMT, Purpose.TLS)
        self.administrator = AdministratorProfile(
            id="gwa", version=1, party="Verwalter", host="127.0.0.1", management_port=4060, service_port=4061,
            tls_certificate=der(self.dialled), signature_certificate=der(self.signer), valid_from=begin,
            valid_until=end,
        )  # fmt: skip
        self.communication = CommunicationProfile(
            id="grid", version=1, party="Netz", host="127.0.0.1", port=4062, path="/deliveries",
            tls_certificate=der(self.peer), encryption_certificate=der(self.recipient),
            purposes=(AccessPurpose.GRID_OPERATION,), valid_from=begin, valid_until=end,
        )  # fmt: skip
        self.meter = MeterProfile(
            id="meter-1", version=1, meter=samples.METER, consumer="house", identity="87654321",
            manufacturer="ISK", line=LINE, address="1", registers=(samples.IMPORT,), interval_seconds=900,
            store_seconds=900, maximum_power_watts=30_000, valid_from=begin, valid_until=end,
        )  # fmt: skip
        self.evaluation = EvaluationProfile(
            id="grid-1", version=1, use_case=UseCase.TAF_7, party="grid", purpose=AccessPurpose.GRID_OPERATION,
            meters=(samples.METER,), registers=(samples.IMPORT,), period_seconds=900, dispatch_seconds=900,
            valid_from=begin, valid_until=end, recipient=self.communication.encryption_fingerprint,
        )  # fmt: skip

    @property
    def all(self) -> tuple[Profile, ...]:
        return (self.administrator, self.communication, self.meter, self.evaluation)

    @property
    def second_meter(self) -> MeterProfile:
        return replace(self.meter, id="meter-2", meter=replace(samples.METER, text="1ISK0087654322"), address="2")
