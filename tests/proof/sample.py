"""Proofs to check: a good one, and what becomes of it when somebody lays hands on it.

Both verifiers, the command's and the page's, get the same files and must come to the same verdict.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role
from pki.inner import sign_reading
from pki.revoke import Revocation
from proof.bundle import Bundle, Derived, Row, Series, ordered
from proof.checkpoint import Checkpoint, sign
from proof.events import event_named
from proof.log_export import MAXIMUM_BYTES, Export, ExportedLog
from testbed.small_pki import NOW, Holder, SmallPki
from tests.pki import forge
from tests.smgw.logs.archive import ANNA, BERT, SYSTEM, Archive
from tests.smgw.store.samples import GATEWAY
from wire.canonical_json import decode, encode
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

METER = DeviceId("1ISK0012345678")
IMPORT, EXPORT = Obis.parse("1-0:1.8.0*255"), Obis.parse("1-0:2.8.0*255")
QUARTER = timedelta(minutes=15)
EXPORTED = NOW + timedelta(days=2)
RENEWED = NOW + timedelta(hours=2)
"""From then on the second certificate signs."""
ROWS = 14
HOLE = 5
"""After so many quarter-hours one is missing."""
STATUS = 0x0000000100000000
GREAT = 7_000_000
"""Octets of a log, more than a browser's pattern for base64 goes over at once."""


@dataclass
class Sample:
    """The parts of a proof; ``root`` is PEM."""

    folder: Path
    pki: SmallPki = field(default_factory=SmallPki)

    def __post_init__(self) -> None:
        self.archive = Archive(self.pki, self.folder)
        self.archive.days(3)
        self.archive.seal()
        self.hers, self.system = self.archive.export([ANNA]), self.archive.export([SYSTEM])
        self.his = self.archive.export([BERT])
        self.archive.days(1)
        self.later = self.archive.export([ANNA])
        self.key = self.archive.identity.keys[Purpose.SIG]
        self.archive.close()
        self.former, self.holder = self._holder(), self._holder()
        self.bundle = self.made()

    @property
    def root(self) -> bytes:
        return self.pki.hierarchy.root.certificate.public_bytes(Encoding.PEM)

    def _holder(self, name: str = GATEWAY.text, purpose: Purpose = Purpose.SIG, *, seal: bool = False) -> Holder:
        return self.pki.holder(Role.SMGW, purpose, name, seal=seal)

    def rows(self, obis: Obis) -> Iterator[SignedReading]:
        for number in range(ROWS):
            if number != HOLE:
                register = Register(10**17 + 1000 * number, -1, Unit.WH)
                at = NOW + QUARTER * number
                yield self.signed(Reading(METER, obis, register, at, STATUS))

    def signed(self, reading: Reading, holder: Holder | None = None, gateway: DeviceId = GATEWAY) -> SignedReading:
        if holder is None:
            holder = self.former if reading.captured_at < RENEWED else self.holder
        return sign_reading(reading, gateway, holder.key)

    def made(self) -> Bundle:
        computed = Reading(GATEWAY, IMPORT, Register(12, 0, Unit.WH), RENEWED, 0)
        measured = tuple(next(iter(self.rows(obis))).reading for obis in (IMPORT, EXPORT))
        return Bundle(
            gateway=GATEWAY,
            consumer="anna",
            exported_at=EXPORTED,
            begin=NOW,
            end=EXPORTED,
            measured=tuple(series_of([*self.rows(first.obis)]) for first in measured),
            derived=(Derived("tariff", 1, "grid", 3, NOW, RENEWED, (self.signed(computed),)),),
            certificates=ordered([der(self.former), der(self.holder)]),
            authorities=(self.pki.hierarchy.sub_ca.certificate.public_bytes(Encoding.DER),),
            revocation_lists=lists(self.pki.crls(now=EXPORTED)),
            log=self.hers.to_bytes(),
        )

    def row(self, **changes: object) -> bytes:
        """The proof with one reading of the second list changed after it was signed."""
        first, second = self.bundle.measured
        rows = list(second.rows)
        rows[7] = rows[7]._replace(**changes)  # type: ignore[arg-type]  # members of a row by name
        return replace(self.bundle, measured=(first, replace(second, rows=tuple(rows)))).to_bytes()

    def more(self, signed: SignedReading, *certificates: x509.Certificate) -> bytes:
        """The proof with one more value that the gateway computed, and certificates."""
        some = ordered([*self.bundle.certificates, *(each.public_bytes(Encoding.DER) for each in certificates)])
        another = Derived("tariff", 1, "grid", 4, NOW, RENEWED, (signed,))
        return replace(self.bundle, derived=(*self.bundle.derived, another), certificates=some).to_bytes()

    def stranger(self, holder: Holder, gateway: DeviceId = GATEWAY) -> bytes:
        reading = Reading(METER, IMPORT, Register(5, 0, Unit.WH), RENEWED, 0)
        return self.more(self.signed(reading, holder, gateway), holder.certificate)

    def revoked(self, reason: str, at: datetime, certificate: x509.Certificate | None = None) -> bytes:
        gone = Revocation((certificate or self.holder.certificate).serial_number, at, reason)
        return replace(self.bundle, revocation_lists=lists(self.pki.crls(sub_ca=(gone,), now=EXPORTED))).to_bytes()

    def revoked_twice(self) -> bytes:
        """The list of the sub-CA names a certificate twice, and one of the reasons says that the key was stolen."""
        issuer, root = self.pki.hierarchy.sub_ca, self.pki.crls(now=EXPORTED)[0]
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
        builder = builder.last_update(EXPORTED).next_update(EXPORTED + timedelta(days=1))
        for reason in (x509.ReasonFlags.superseded, x509.ReasonFlags.key_compromise):
            entry = x509.RevokedCertificateBuilder().serial_number(self.holder.certificate.serial_number)
            entry = entry.revocation_date(EXPORTED).add_extension(x509.CRLReason(reason), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return replace(self.bundle, revocation_lists=lists([root, builder.sign(issuer.key, SHA256())])).to_bytes()

    def log(self, change: Callable[[Export], Export]) -> bytes:
        return replace(self.bundle, log=change(self.hers).to_bytes()).to_bytes()

    def flipped(self, name: str, place: int) -> bytes:
        """One bit of a certificate or list of this kind is another; of the gateway's certificates the former one's."""
        first, *others = sorted(getattr(self.bundle, name), key=lambda one: one != der(self.former))
        octets = bytearray(first)
        octets[place] ^= 1
        changed: Any = {name: ordered([bytes(octets), *others])}
        return replace(self.bundle, **changed).to_bytes()


def der(holder: Holder) -> bytes:
    return holder.certificate.public_bytes(Encoding.DER)


def lists(some: list[x509.CertificateRevocationList]) -> tuple[bytes, ...]:
    return ordered([each.public_bytes(Encoding.DER) for each in some])


def series_of(some: list[SignedReading]) -> Series:
    first = some[0].reading
    rows = tuple(
        Row(int(one.reading.captured_at.timestamp()), one.reading.register.value, one.reading.status, one.signature)
        for one in some
    )
    return Series(first.device, first.obis, first.register.scaler, first.register.unit, rows)


def entries(export: Export, change: Callable[[ExportedLog], ExportedLog]) -> Export:
    return replace(export, logs=tuple(change(log) for log in export.logs))


def edited(export: Export, *, rehashed: bool = False, **changes: str | int) -> bytes:
    """Members of what happened last are others, and its hash fits if it was made to."""
    document: Any = decode(export.to_bytes(), maximum_bytes=MAXIMUM_BYTES)
    entry = document["logs"][0]["entries"][-1]
    entry.update(changes)
    if rehashed:
        fields = {name: each for name, each in entry.items() if name != "hash"}
        entry["hash"] = sha256(encode(fields)).hexdigest()
    return encode(document, maximum_bytes=MAXIMUM_BYTES)


def newer(export: Export, key: ec.EllipticCurvePrivateKey) -> bytes:
    """As a gateway writes it that knows an event more than we do."""
    (log,) = export.logs
    *others, last = log.entries
    named = replace(last, event=event_named("NEVER_HEARD_OF")).chained(last.previous)
    state = replace(log.state, head=named.hash)
    former = Checkpoint.from_bytes(export.checkpoint.content)
    certificate = x509.load_der_x509_certificate(export.checkpoint.certificate)
    made = Checkpoint.of(former.gateway, former.number, former.at, former.previous, certificate, [state])
    log = ExportedLog(state, (*others, named))
    return replace(export, checkpoint=sign(made, certificate, key), logs=(log,)).to_bytes()


def cases(sample: Sample) -> dict[str, tuple[bytes, bytes]]:
    """Every file with the root that the person has, by what was done to it."""
    bundle, row = sample.bundle, sample.bundle.measured[1].rows[7]
    signature = bytes([row.signature[0] ^ 1]) + row.signature[1:]
    late = Reading(METER, IMPORT, Register(5, 0, Unit.WH), NOW + timedelta(days=3650), 0)
    early = Reading(METER, IMPORT, Register(5, 0, Unit.WH), NOW - timedelta(days=3650), 0)
    younger = Reading(METER, IMPORT, Register(5, 0, Unit.WH), EXPORTED + timedelta(days=60), 0)
    other = DeviceId("EXYZ0012345678")
    ancient = sample._holder()
    past = forge.rebuild(ancient.certificate, ancient.key, begin=datetime(1960, 1, 1))  # noqa: DTZ001 - as it takes them
    ancient = replace(ancient, certificate=past)
    sealer = x509.load_der_x509_certificate(sample.hers.checkpoint.certificate)

    def subject(log: ExportedLog) -> ExportedLog:
        forged = replace(log.entries[1], subject="another")
        return replace(log, entries=(log.entries[0], forged, *log.entries[2:]))

    def hole(log: ExportedLog) -> ExportedLog:
        return replace(log, entries=(log.entries[0], *log.entries[2:]))

    first = bundle.measured[0]
    days = [first.rows[0]._replace(at=first.rows[0].at - 86_400 * (10 - number)) for number in range(10)]
    coarse = replace(first, rows=(*days, *first.rows))

    files = {
        "a coarser raster": replace(bundle, measured=(coarse, *bundle.measured[1:])).to_bytes(),
        "nothing": bundle.to_bytes(),
        "value": sample.row(value=row.value ^ 1),
        "time": sample.row(at=row.at + 1),
        "status": sample.row(status=row.status ^ 1),
        "signature": sample.row(signature=signature),
        "the other form of the signature": sample.row(signature=twin(row.signature)),
        "a reading less": replace(bundle, measured=bundle.measured[:1], derived=()).to_bytes(),
        "certificate, its signature": sample.flipped("certificates", -1),
        "certificate, its beginning": sample.flipped("certificates", 0),
        "authority, its signature": sample.flipped("authorities", -1),
        "authority, its beginning": sample.flipped("authorities", 0),
        "no authority": replace(bundle, authorities=()).to_bytes(),
        "list, its signature": sample.flipped("revocation_lists", -1),
        "no list": replace(bundle, revocation_lists=()).to_bytes(),
        "old lists": replace(bundle, exported_at=EXPORTED + timedelta(days=60)).to_bytes(),
        "revoked": sample.revoked("superseded", RENEWED + QUARTER),
        "key stolen": sample.revoked("key-compromise", EXPORTED - QUARTER),
        "revoked for two reasons": sample.revoked_twice(),
        "a certificate of long ago": sample.more(sample.signed(younger, ancient), ancient.certificate),
        "expired": sample.more(sample.signed(late, sample.holder)),
        "not yet valid": sample.more(sample.signed(early, sample.holder)),
        "younger than any list": sample.more(sample.signed(younger, sample.holder)),
        "another gateway": sample.stranger(sample._holder(other.text), other),
        "another purpose": sample.stranger(sample._holder(purpose=Purpose.TLS)),
        "quality seal": sample.stranger(sample._holder(seal=True)),
        "nobody's certificate": sample.stranger(SmallPki(seed=3).holder(Role.SMGW, Purpose.SIG, GATEWAY.text)),
        "log entry": sample.log(lambda log: entries(log, subject)),
        "log gap": sample.log(lambda log: entries(log, hole)),
        "log end": sample.log(lambda log: entries(log, lambda one: replace(one, entries=one.entries[:-1]))),
        "log start": sample.log(lambda log: entries(log, lambda one: replace(one, entries=one.entries[1:]))),
        "log checkpoint": sample.log(lambda log: replace(log, checkpoint=replace(log.checkpoint, signature=bytes(64)))),
        "log lists": sample.log(lambda log: replace(log, revocation_lists=())),
        "log by a stolen key": sample.revoked("key-compromise", EXPORTED, sealer),
        "log of a newer gateway": replace(bundle, log=newer(sample.hers, sample.key)).to_bytes(),
        "log with another name": replace(bundle, log=edited(sample.hers, event="NO_SUCH")).to_bytes(),
        "log with another name, rehashed": replace(
            bundle, log=edited(sample.hers, event="NO_SUCH", rehashed=True)
        ).to_bytes(),
        "log of great length": replace(bundle, log=b" " * GREAT).to_bytes(),
        "log of many authorities": sample.log(lambda log: replace(log, certificates=(b"0",) * 65)),
        "log later": replace(bundle, log=sample.later.to_bytes()).to_bytes(),
        "log of another": replace(bundle, log=sample.his.to_bytes()).to_bytes(),
        "log of nobody": replace(bundle, log=b"{}").to_bytes(),
        "no log": replace(bundle, log=None).to_bytes(),
        "a log alone": sample.system.to_bytes(),
        "no such event": sample.system.to_bytes().replace(b'"event":"', b'"event":"NO_', 1),
        "no such level": edited(sample.system, level=9, rehashed=True),
        "no such log": sample.system.to_bytes().replace(b'"log":"system"', b'"log":"other"'),
        "no such member": edited(sample.system, member=1),
        "white space": bundle.to_bytes().replace(b'"form":', b'"form": '),
        "cut off": bundle.to_bytes()[:-1],
        "another form": b'{"form":"smgw-proof-2"}',
    }  # fmt: skip
    found = {name: (data, sample.root) for name, data in files.items()}
    stranger = SmallPki(seed=2).hierarchy.root.certificate.public_bytes(Encoding.PEM)
    found["another root"] = (bundle.to_bytes(), stranger)
    found["another root for a log"] = (sample.system.to_bytes(), stranger)
    return found


ORDER = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7


def twin(signature: bytes) -> bytes:
    """Of r, s and r, n-s both hold."""
    return signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
