"""A sender with everything around it that is real except the TLS: store, certificates, sealing, sockets, HTTP."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from pki import cms
from pki.certificates import Purpose, Role, TrustStore
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.store.outbox import Outbox
from smgw.store.profiles import ProfileSet
from smgw.store.readings import ReadingStore
from smgw.wan.sender import Sender, SenderIdentity, SenderPorts
from testbed.small_pki import NOW, Holder, SmallPki
from tests.smgw.store import samples
from tests.smgw.wan.receiver import PlainBackend, Receiver
from wire.cosem_xml import Content, parse
from wire.profiles import AccessPurpose, CommunicationProfile, EvaluationProfile, UseCase

DAY = timedelta(days=1)


@dataclass
class Station:
    """One gateway's sender for party ``grid`` and the receiver it delivers to."""

    pki: SmallPki
    folder: Path
    receiver: Receiver
    backend: PlainBackend = field(default_factory=PlainBackend)
    monotonic: Callable[[], float] = lambda: 0.0
    signer: Holder = field(init=False)
    recipient: Holder = field(init=False)
    peer: Holder = field(init=False)
    database: Database = field(init=False)
    trust: TrustStore = field(init=False)
    profiles: ProfileSet = field(init=False)

    def __post_init__(self) -> None:
        self.signer = self.pki.holder(Role.SMGW, Purpose.SIG, samples.GATEWAY.text)
        self.recipient = self.pki.holder(Role.EMT, Purpose.ENC)
        self.peer = self.pki.holder(Role.EMT, Purpose.TLS)
        self.database = samples.open_database(self.folder)
        self.trust = self.pki.trust()
        communication = CommunicationProfile(
            id="grid", version=1, party="Netz", host="127.0.0.1", port=self.receiver.port, path="/deliveries",
            tls_certificate=der(self.peer), encryption_certificate=der(self.recipient),
            purposes=(AccessPurpose.GRID_OPERATION,), session_seconds=3600,
            valid_from=NOW - 30 * DAY, valid_until=NOW + 30 * DAY,
        )  # fmt: skip
        evaluation = EvaluationProfile(
            id="grid-1", version=1, use_case=UseCase.TAF_7, party="grid", purpose=AccessPurpose.GRID_OPERATION,
            meters=(samples.METER,), registers=(samples.IMPORT,), period_seconds=900, dispatch_seconds=900,
            valid_from=NOW - 30 * DAY, valid_until=NOW + 30 * DAY, recipient=communication.encryption_fingerprint,
        )  # fmt: skip
        self.profiles = ProfileSet({}, {evaluation.id: evaluation}, {communication.id: communication})
        self.sender = self.start()

    def start(self) -> Sender:
        """A sender as after a restart: nothing in memory."""
        randomness = random.Random(7)
        identity = SenderIdentity(samples.GATEWAY, self.signer.certificate, self.signer.key)
        return Sender(
            "grid",
            lambda: identity,
            SenderPorts(
                outbox=Outbox(self.database), log=SystemLog(self.database), trust=lambda: self.trust,
                profiles=lambda: self.profiles, backend=self.backend, random=randomness.randbytes,
                jitter=randomness.random, monotonic=self._now,
            ),
        )  # fmt: skip

    def _now(self) -> float:
        return self.monotonic()

    def owe(self, *numbers: int, profile: str = "grid-1") -> None:
        for number in numbers:
            grant = samples.grant(number, profile=profile)
            ReadingStore(self.database).record(samples.reading(number), samples.decision(grant))

    def run(self, begin: datetime, until: datetime) -> int:
        """Step as the thread does, in simulated time; returns the number of steps."""
        now, steps = begin, 0
        while now < until:
            wanted = self.sender.step(now)
            now = max(wanted, now + timedelta(seconds=1))
            steps += 1
        return steps

    def opened(self, body: bytes) -> Content:
        """What the receiver finds in a body that it got."""
        signer = self.pki.verified(self.signer, Role.SMGW, Purpose.SIG)
        sealed = cms.open_sealed(body, signers=[signer], recipient=self.recipient.certificate, key=self.recipient.key)
        return parse(sealed.content)

    def change(self, **changes: Any) -> None:
        """Change the evaluation profile."""
        changed = replace(self.profiles.evaluations["grid-1"], **changes)
        self.profiles = self.profiles.with_profile(changed)

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()
        self.database.close()


def der(holder: Holder) -> bytes:
    return holder.certificate.public_bytes(Encoding.DER)
