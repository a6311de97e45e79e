"""An administrator with its certificates, a gateway's store, and the gate and desk between them; nothing is faked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from pki import cms
from pki.certificates import Purpose, Role, TrustStore
from smgw.administration.desk import Desk, DeskPorts
from smgw.administration.errors import Handler
from smgw.administration.order_gate import OrderGate
from smgw.store.calibration_log import CalibrationLog
from smgw.store.database import Database
from smgw.store.logs import Entry, SystemLog
from smgw.store.orders import OrderStore
from testbed.small_pki import Holder, SmallPki
from tests.smgw.store.samples import GATEWAY, open_database
from wire.canonical_json import JsonObject
from wire.orders import Command, Order, Reply, RunSelfTest
from wire.profiles.administrator import AdministratorProfile

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def der(holder: Holder) -> bytes:
    return holder.certificate.public_bytes(Encoding.DER)


@dataclass
class House:
    """``now`` is the moment of everything; ``trust`` and ``profile`` may be changed between two calls."""

    pki: SmallPki
    folder: Path
    handlers: Mapping[type[Any], Handler[Any]] = field(default_factory=dict)
    stage: Handler[bytes] | None = None
    status: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now: datetime = self.pki.now
        self.tls = self.pki.holder(Role.GWA, Purpose.TLS, "Stadtwerke")
        self.sig = self.pki.holder(Role.GWA, Purpose.SIG, "Stadtwerke")
        self.trust: TrustStore = self.pki.trust()
        self.profile: AdministratorProfile | None = AdministratorProfile(
            id="gwa", version=1, party="Stadtwerke", host="127.0.0.1", management_port=9, service_port=10,
            tls_certificate=der(self.tls), signature_certificate=der(self.sig),
            valid_from=self.now - 30 * DAY, valid_until=self.now + 30 * DAY, session_seconds=3600, idle_seconds=600,
        )  # fmt: skip
        self.open()

    def open(self) -> None:
        """Everything as after a start: nothing in memory."""
        self.database: Database = open_database(self.folder)
        self.orders = OrderStore(self.database)
        self.log = SystemLog(self.database)
        self.gate = OrderGate(GATEWAY, administrator=lambda: self.profile, trust=lambda: self.trust, orders=self.orders)
        self.desk = Desk(
            DeskPorts(
                gate=self.gate, system_log=self.log, calibration_log=CalibrationLog(self.database),
                status=lambda: self.status, handlers=self.handlers, stage=self.stage,
            )
        )  # fmt: skip

    def close(self) -> None:
        self.database.close()

    def restart(self) -> None:
        """What a loss of power leaves."""
        self.close()
        self.open()

    def order(self, sequence: int = 1, command: Command | None = None, **changes: Any) -> Order:
        order = Order(
            gateway=GATEWAY, sequence=sequence, valid_from=self.now, valid_until=self.now + HOUR,
            command=command or RunSelfTest(),
        )  # fmt: skip
        return replace(order, **changes)

    def sign(self, order: Order, signer: Holder | None = None) -> bytes:
        holder = signer or self.sig
        return cms.sign_document(order.to_bytes(), signer=holder.certificate, key=holder.key)

    def change(self, **changes: Any) -> None:
        """Change the administrator's profile."""
        assert self.profile is not None
        self.profile = replace(self.profile, **changes)

    def logged(self) -> list[Entry]:
        return self.log.entries()


def reply_of(body: bytes) -> Reply:
    return Reply.from_bytes(body)
