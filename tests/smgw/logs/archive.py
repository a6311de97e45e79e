"""A gateway's store with three logs in it, a real PKI of which the gateway is a part, and an attacker's hand."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from proof.log_export import Export
from smgw.identity import Identity, OwnCertificates
from smgw.logs.exporting import export_logs
from smgw.logs.sealing import Sealer
from smgw.store import log_chain, log_tables, logs
from smgw.store.database import Database
from smgw.store.events import Event, Log, Outcome
from smgw.store.log_chain import Chain
from testbed.small_pki import SmallPki
from tests.smgw.store.samples import GATEWAY, open_database

ANNA = (Log.CONSUMER, "anna")
BERT = (Log.CONSUMER, "bert")
SYSTEM, CALIBRATION = (Log.SYSTEM, ""), (Log.CALIBRATION, "")
SECOND = timedelta(seconds=1)


class Archive:
    """The parts; ``now`` is the moment of everything that happens."""

    def __init__(self, pki: SmallPki, folder: Path, *, system: int = 20, consumer: int = 50) -> None:
        self.pki, self.now = pki, pki.now
        self.capacities = {**log_chain.CAPACITY, Log.SYSTEM: system, Log.CONSUMER: consumer}
        holder = pki.holder(Role.SMGW, Purpose.SIG, GATEWAY.text)
        pin = {fingerprint(holder.certificate)}
        self.trust: TrustStore = pki.trust()
        verified = self.trust.verify(
            holder.certificate, role=Role.SMGW, purpose=Purpose.SIG, at=self.now, pinned=pin, seal=True
        )
        self.identity = Identity(
            GATEWAY, 1, OwnCertificates({Purpose.SIG: verified}), {Purpose.SIG: holder.key}, {Purpose.SIG: "SIG-1"}
        )
        self.database: Database = open_database(folder)
        self.sealer = Sealer(self.database, lambda: self.identity, self.capacities)
        with self.database.write() as connection:
            log_chain.set_concerns(connection, [("anna", "tariff"), ("bert", "other")])

    def happen(self, event: Event, subject: str, outcome: Outcome = Outcome.SUCCESS, **parameters: str | int) -> None:
        self.now += SECOND
        with self.database.write() as connection:
            logs.note(
                connection,
                event,
                subject,
                outcome,
                at=self.now,
                parameters=parameters,
                capacities=self.capacities,
            )

    def days(self, count: int = 5) -> None:
        """Something in every log, and something that repeats."""
        for number in range(count):
            period = f"{self.now:%H:%M:%S}"
            self.happen(Event.DELIVERY_ACKNOWLEDGED, "tariff", party="grid", values=96, period_begin=period)
            self.happen(Event.ORDER_DONE, f"at {period}", sequence=number)
            self.happen(Event.CLOCK_SET, "clock", before="a", after="b", deviation_milliseconds=number)
            self.happen(Event.METER_STATE, "tariff", Outcome.FAILURE, reason="silent")

    def seal(self, *, time_valid: bool = True) -> None:
        self.sealer.seal(self.now, time_valid=time_valid)

    def export(self, chains: Sequence[Chain] = (SYSTEM, CALIBRATION)) -> Export:
        return export_logs(self.database, self.trust, chains)

    def attack(self, *statements: str) -> None:
        """What somebody does who has the key of the database: no trigger stops him."""
        with self.database.write() as connection:
            for statement in log_tables.TRIGGERS:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {statement.split()[2]}")
            for statement in statements:
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        self.database.close()
