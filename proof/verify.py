"""Whether an export proves what it says, with nothing but the export and the root certificate (Nachweis prüfen).

Decides about every reading and about the log, and skips nothing: what does not hold stands in the report with its
reason, and ``Report.genuine`` is true only where all holds. No gateway, no store, no token, no network, no clock.
PP-0073 FCO_NRO.2, FAU_STG.2; PTB-A 50.8, inner signature.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, elliptic_key, fingerprint
from pki.checks import UNREADABLE, load_certificate
from pki.errors import CertificateError, CertificateReason, SealError
from pki.inner import check_reading, verify_reading
from pki.profiles import read_subject
from proof import log_export
from proof.bundle import FORM as BUNDLE_FORM
from proof.bundle import Bundle, BundleError, Derived, Series
from proof.checkpoint import verify as verify_checkpoint
from proof.errors import IntegrityReason, LogIntegrityError, ProofError
from proof.events import Log
from proof.log_export import Export, load_list, says_to_be_one, verify_export
from proof.report import Certificate, Checked, Failure, Fault, Gap, LogVerdict, Open, Report
from wire.reading import DeviceId, SignedReading

MAXIMUM_BYTES: Final = log_export.MAXIMUM_BYTES
"""The larger of the two forms."""
PIECE: Final = 500
"""Readings between two words about the progress."""
AROUND: Final = 8
"""Steps before and after a hole that say how far apart readings usually are there."""
ENOUGH: Final = 3
"""Fewer steps on one side say nothing, where there are more on the other."""
_OF_THE_MOMENT: Final = (
    CertificateReason.NOT_YET_VALID,
    CertificateReason.EXPIRED,
    CertificateReason.REVOKED,
    CertificateReason.CRL_STALE,
)
"""Reasons that may hold for one reading and not for the next; every other holds for all."""
T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Is told how many readings were checked, of how many."""


def verify(
    data: bytes,
    roots: Sequence[x509.Certificate],
    *,
    gateway: str | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Report:
    """Check a proof ``smgw-proof-1`` or an exported log ``smgw-log-export-1``.

    ``gateway`` is the identification that the caller expects, where he knows it (it is printed on the device).

    Raises BundleError, LogIntegrityError, ProofError where there is nothing to check: the file has not the form, or it
    is another gateway's.
    """
    if not roots:
        raise ProofError("without a root certificate nothing is believed")
    if len(_readable([root.public_bytes(Encoding.DER) for root in roots], _load_authority)) != len(roots):
        raise ProofError("the root certificate cannot be read: get it once more from the root of the SM-PKI")
    if f'"form":"{BUNDLE_FORM}"'.encode() in data:
        return verify_bundle(Bundle.from_bytes(data), roots, gateway=gateway, progress=progress)
    if f'"form":"{log_export.FORM}"'.encode() in data:
        return verify_log(data, roots, gateway=gateway)
    raise BundleError("it says of itself neither that it is a proof nor that it is an exported log")


def verify_log(data: bytes, roots: Sequence[x509.Certificate], *, gateway: str | None = None) -> Report:
    """An exported log alone. Raises LogIntegrityError(FORM) where it does not even say that it is one."""
    try:
        export = Export.from_bytes(data)
    except LogIntegrityError as error:
        if not says_to_be_one(data):
            raise
        verdict, named = LogVerdict(error.reason.value, "", str(error)), ""
    else:
        verdict, named = _log(export, roots, gateway)
    report = Report("log", gateway or named, log=verdict)
    report.open = _not_proven(report)
    return report


def verify_bundle(
    bundle: Bundle,
    roots: Sequence[x509.Certificate],
    *,
    gateway: str | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Report:
    """A customer's proof.

    1. Every CA certificate and revocation list in it can be read.
    2. Of each signature certificate: it leads to one of ``roots``, was valid when the reading was captured, was not
       revoked then as far as the lists know that were current at the export, and it is one of ``bundle.gateway``.
    3. Each reading, and each value that the gateway computed: such a certificate made its inner signature.
    4. The log is that of this gateway and of this consumer, and it holds (``verify_export``); its signer is believed by
       the lists of the proof as well.
    5. What is not proven is named: gaps, what came after the last checkpoint, and what no signature can prove.

    Raises ProofError where it is not of ``gateway``.
    """
    if gateway is not None and gateway != bundle.gateway.text:
        raise ProofError(f"it is a proof of gateway {bundle.gateway}, not of {gateway}")
    report = Report("proof", bundle.gateway.text, bundle.consumer, bundle.exported_at)
    # 1
    authorities = _readable(bundle.authorities, _load_authority)
    lists = _readable(bundle.revocation_lists, load_list)
    report.unreadable = len(bundle.authorities) + len(bundle.revocation_lists) - len(authorities) - len(lists)
    trust = TrustStore(roots, authorities, lists)
    # 2 and 3
    signers = [_Signer(each, bundle, trust) for each in bundle.certificates]
    report.certificates = [signer.told for signer in signers]
    judge = _Judge(signers, report, bundle, progress)
    for series in bundle.measured:
        name = {"scaler": series.scaler, "unit": int(series.unit)}
        checked = _checked(series, {"device": series.device.text, "obis": str(series.obis), **name})
        judge.all(checked, series.readings())
        report.measured.append(checked)
    for derived in bundle.derived:
        checked = _delivered(derived)
        judge.all(checked, derived.values)
        report.derived.append(checked)
    # 4
    if bundle.log is not None:
        report.log = _log_of(bundle, bundle.log, roots, trust)
    # 5
    report.open = _not_proven(report)
    return report


@dataclass(slots=True)
class _Signer:
    """A signature certificate and what is known of it."""

    certificate: x509.Certificate | None
    key: ec.EllipticCurvePublicKey | None
    identity: DeviceId | None
    told: Certificate
    trust: TrustStore
    now: datetime
    gateway: DeviceId
    known: str = ""
    """Why it is believed at no moment, once that was found out."""

    def __init__(self, octets: bytes, bundle: Bundle, trust: TrustStore) -> None:
        """Read it; believe nothing."""
        self.certificate = self.key = self.identity = None
        self.trust, self.now, self.gateway, self.known = trust, bundle.exported_at, bundle.gateway, ""
        self.told = Certificate(sha256(octets).hexdigest())
        try:
            self.certificate = load_certificate(octets)
            self.told.begin, self.told.end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
            self.key = elliptic_key(self.certificate)
            self.identity = DeviceId(read_subject(self.certificate.subject).identity)
        except (CertificateError, *UNREADABLE):  # a name that is no gateway's is a ValueError
            return

    def believed(self, at: datetime) -> VerifiedCertificate | str:
        """The certificate as that of this gateway at the moment ``at``, or the reason why not."""
        if self.certificate is None:
            return CertificateReason.MALFORMED.value
        if self.known:
            return self.known
        pin = {fingerprint(self.certificate)}
        # No list knows what was revoked after it: for what is younger than the export, lists must reach that far.
        now = max(self.now, at)
        try:
            found = self.trust.verify_recorded(
                self.certificate, role=Role.SMGW, purpose=Purpose.SIG, recorded_at=at, at=now, pinned=pin
            )
        except CertificateError as error:
            if error.reason not in _OF_THE_MOMENT:
                self.known = error.reason.value
            return error.reason.value
        return found if found.identity == self.gateway.text else Fault.GATEWAY.value

    def made(self, signed: SignedReading) -> bool:
        """Whether its key made the inner signature, whatever the certificate is worth."""
        if self.key is None or self.identity is None:
            return False
        try:
            check_reading(signed, self.identity, self.key)
        except SealError:
            return False
        return True


@dataclass(slots=True)
class _Judge:
    """Checks readings; the certificate that fitted last is tried first."""

    signers: list[_Signer]
    report: Report
    bundle: Bundle
    progress: Progress
    last: int = 0
    done: int = 0

    def all(self, checked: Checked, readings: Iterable[SignedReading]) -> None:
        """Every reading of a list."""
        total = sum(len(one.rows) for one in self.bundle.measured) + sum(len(one.values) for one in self.bundle.derived)
        for signed in readings:
            reason = self.judge(signed)
            if reason:
                reading = signed.reading
                checked.fail(Failure(reading.device.text, reading.obis, reading.captured_at, reason))
            self.done += 1
            if self.done % PIECE == 0 or self.done == total:
                self.progress(self.done, total)

    def judge(self, signed: SignedReading) -> str:
        """Empty where it is genuine, else why not."""
        at, doubtful = signed.reading.captured_at, {}
        order = sorted(range(len(self.signers)), key=lambda index: index != self.last)
        for index in order:
            signer = self.signers[index]
            believed = signer.believed(at)
            if isinstance(believed, str):
                doubtful[index] = believed
                continue
            try:
                verify_reading(signed, believed)
            except SealError:
                continue
            self.last = index
            signer.told.genuine += 1
            return ""
        # Not believed: did one make it that is not good for that, or none?
        for index in sorted(doubtful):
            if self.signers[index].made(signed):
                self.signers[index].told.refused[doubtful[index]] += 1
                return doubtful[index]
        return Fault.SIGNATURE.value


def _readable(some: Sequence[bytes], load: Callable[[bytes], T]) -> list[T]:
    """Check 1."""
    found = []
    for octets in some:
        try:
            found.append(load(octets))
        except (CertificateError, *UNREADABLE):
            continue
    return found


def _load_authority(octets: bytes) -> x509.Certificate:
    certificate = load_certificate(octets)
    # The parser is lazy: it would stumble in the middle of a verification.
    _ = (certificate.subject, certificate.issuer, certificate.extensions)
    return certificate


def _checked(series: Series, name: dict[str, str | int]) -> Checked:
    """Check 5 for one list: its holes."""
    times = [row.at for row in series.rows]
    steps = [later - former for former, later in pairwise(times)]
    checked = Checked(dict(name), len(times), _moment(times[0]), _moment(times[-1]))
    if steps:
        checked.raster, smallest = _usual(steps, shorter=True), min(steps)
        for number, step in enumerate(steps):
            # Twice as far apart: a month is longer than another, and a day of the year has 25 hours.
            usual = 0 if step < 2 * smallest else _around(steps, number)
            if usual and step >= 2 * usual:
                checked.gaps.append(Gap(_moment(times[number]), _moment(times[number + 1]), step // usual - 1))
    return checked


def _around(steps: list[int], number: int) -> int:
    """What is usual before and after a step, the coarser of both: older values may be kept in a coarser raster."""
    before, after = steps[max(0, number - AROUND) : number], steps[number + 1 : number + 1 + AROUND]
    sides = [side for side in (before, after) if len(side) >= ENOUGH] or [before + after]
    return max(_usual(side, shorter=False) if side else 0 for side in sides)


def _usual(steps: list[int], *, shorter: bool) -> int:
    """What lies most often between two readings; of two that are as frequent the shorter or the longer one."""
    often = Counter(steps)
    most = max(often.values())
    return (min if shorter else max)(step for step, times in often.items() if times == most)


def _delivered(derived: Derived) -> Checked:
    times = [signed.reading.captured_at for signed in derived.values]
    name: dict[str, str | int] = {
        "contract": derived.contract,
        "version": derived.version,
        "party": derived.party,
        "delivery": derived.delivery,
    }
    return Checked(dict(name), len(times), min(times), max(times))


def _log(export: Export, roots: Sequence[x509.Certificate], gateway: str | None) -> tuple[LogVerdict, str]:
    """What came of it, and the gateway that its checkpoint names."""
    try:
        named = verify_checkpoint(export.checkpoint)[0].gateway
        verified = verify_export(export, roots, gateway)
    except LogIntegrityError as error:
        cause = error.__cause__
        detail = cause.reason.value if isinstance(cause, CertificateError) else ""
        return LogVerdict(error.reason.value, detail, str(error)), ""
    return LogVerdict(sealed_at=verified.sealed_at, logs=verified.logs), named


def _log_of(bundle: Bundle, data: bytes, roots: Sequence[x509.Certificate], trust: TrustStore) -> LogVerdict:
    """Check 4."""
    try:
        export = Export.from_bytes(data)
    except LogIntegrityError as error:
        return LogVerdict(error.reason.value, "", str(error))
    verdict, _ = _log(export, roots, bundle.gateway.text)
    if verdict.reason:
        return verdict
    whose = [(one.log, one.owner) for one in verdict.logs]
    if whose != [(Log.CONSUMER, bundle.consumer)]:
        sentence = f"the log in it is not that of consumer {bundle.consumer}"
        return LogVerdict(IntegrityReason.CHECKPOINT.value, "consumer", sentence)
    # Also where it stands behind no reading: whoever left it out would have it judged by the log's own lists alone.
    signer = _Signer(export.checkpoint.certificate, bundle, trust)
    believed = signer.believed(verdict.sealed_at or bundle.exported_at)
    if isinstance(believed, str) and believed != CertificateReason.SEAL.value:
        sentence = f"the certificate of the signer is not believed by the lists of the proof: {believed}"
        return LogVerdict(IntegrityReason.CERTIFICATE.value, believed, sentence)
    return verdict


def _not_proven(report: Report) -> list[Open]:
    found = [Open.MISSING, Open.METER] if report.readings else []
    found += [Open.MOMENT, Open.REVOKED_LATER]
    if report.log is None:
        found.append(Open.NO_LOG)
    elif any(one.unsigned for one in report.log.logs):
        found.append(Open.AFTER_CHECKPOINT)
    return found


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
