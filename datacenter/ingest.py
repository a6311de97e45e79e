"""THE WALK, steps 8-9: bytes from a tunnel -> opened -> accepted -> rows.

Everything that decides whether a delivery is believed stands here, in numbered steps, without Flask, without sockets:

1. The tunnel's client certificate is good now (chain, validity, revocation, role, purpose TLS), registered for a
   gateway (role SMGW) or an administrator (role GWA), and names that sender.
2. The body has our media type and a size within bounds.
3. At least one registered signature certificate of that same sender is good now; no other signer is considered.
4. The sealed bytes open: signature first, then decryption with our key (``pki.cms``, nine steps of its own).
5. What was sealed is a content document in its one spelling (``wire.cosem_xml``; bounded; readings inside the period;
   of a length that its digits do not decide). One without readings is a cover (FPR_CON.1), and believed like any other.
6. Signer and tunnel name the same sender. A gateway brings content under its own name; an administrator brings content
   under pseudonyms, and never under a name (TR-03109-1, pseudonymous delivery): a gateway must not hide, and nobody may
   speak for a gateway that does not sign.
7. The sequence number is new, or repeats the very same content (``sequence``; decided inside the transaction of 9).
8. The times are plausible: nothing from the future beyond a tolerance, nothing older than we keep.
9. Rows, all or nothing, committed before we answer (``readings``).

Any step refuses by raising; every refusal is logged and counted with its reason. Inner signatures are not checked here:
the outer signature covers them, and they are checked whenever rows leave (``export``). Pseudonymous readings have none:
their only warrant is the administrator, who verified the gateway that we must not know.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from datacenter.config import Limits
from datacenter.errors import RefusalReason, RefusedError
from datacenter.readings import Archive, Delivery, Row, StoreResult
from datacenter.refusals import Refusals
from datacenter.trust import Ground, Grounds
from pki.certificates import Purpose, Role, VerifiedCertificate, fingerprint
from pki.cms import Opened, open_sealed
from pki.errors import CertificateError, CertificateReason, SealError, SealReason
from wire.cosem_xml import MEDIA_TYPE, Content, parse
from wire.errors import ContentError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_DAY = 86_400
_OURS = frozenset({CertificateReason.CRL_MISSING, CertificateReason.CRL_STALE})
"""Certificate troubles that are not the peer's: it must keep its readings and come again."""
_SEAL_REASONS = {
    SealReason.MALFORMED: RefusalReason.SEAL_MALFORMED,
    SealReason.SIGNATURE: RefusalReason.SEAL_SIGNATURE,
    SealReason.UNKNOWN_SIGNER: RefusalReason.UNKNOWN_SIGNER,
    SealReason.NOT_FOR_US: RefusalReason.NOT_FOR_US,
    SealReason.DECRYPTION: RefusalReason.DECRYPTION,
    SealReason.ALGORITHM: RefusalReason.ALGORITHM,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is acknowledged to the gateway: it may forget that it owes this delivery."""

    result: StoreResult
    gateway: str
    profile: str
    sequence: int
    readings: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A content whose origin, addressee and times were all believed; only made by step 8."""

    content: Content
    digest: bytes
    received_at: int


class Ingest:
    """One datacenter's door; thread-safe."""

    def __init__(
        self,
        *,
        trust: Grounds,
        recipient: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        archive: Archive,
        refusals: Refusals,
        limits: Limits,
    ) -> None:
        """``recipient`` and ``key`` are our encryption certificate and its key."""
        self._trust = trust
        self._recipient = recipient
        self._key = key
        self._archive = archive
        self._refusals = refusals
        self._limits = limits

    def admit(self, certificate: x509.Certificate, *, at: datetime) -> VerifiedCertificate:
        """Step 1, for every request anew. Raises RefusedError (TUNNEL_CERTIFICATE, TRUST_STALE) and ConfigError."""
        with self._recorded(at):
            return admit(certificate, self._trust.current(), at)

    def record(self, refused: RefusedError, *, at: datetime) -> None:
        """Log and count a refusal, once, wherever it was decided."""
        if not refused.recorded:
            refused.recorded = True
            self._refusals.record(refused, at)

    def ingest(self, body: bytes, *, media_type: str, tunnel_identity: VerifiedCertificate, at: datetime) -> Receipt:
        """Steps 2 to 9 for one delivery from the sender that :meth:`admit` named.

        Raises RefusedError with the reason of the first step that fails, StorageError (temporary; nothing was written)
        and ConfigError (temporary: our trust files are being changed and cannot be read).
        """
        with self._recorded(at):
            _check_envelope(body, media_type, self._limits, tunnel_identity.identity)
            opened = self._open(body, self._trust.current(), tunnel_identity, at)
            content = _content_of(opened, tunnel_identity)
            accepted = _accept(content, opened, self._limits, at)
            return self._store(accepted)

    def _open(self, body: bytes, ground: Ground, tunnel: VerifiedCertificate, at: datetime) -> Opened:
        # 3. A signature certificate of that same sender is good now; signers of other senders are not even tried.
        gateway = tunnel.identity
        try:
            signers = ground.signers(gateway, at, tunnel.role)
        except CertificateError as error:
            reason = RefusalReason.TRUST_STALE if error.reason in _OURS else RefusalReason.SIGNER_CERTIFICATE
            raise RefusedError(reason, error.reason.value, gateway=gateway) from error
        # 4. Verify, then decrypt.
        try:
            return open_sealed(body, signers=signers, recipient=self._recipient, key=self._key)
        except SealError as error:
            raise RefusedError(_SEAL_REASONS[error.reason], gateway=gateway) from error

    def _store(self, accepted: Accepted) -> Receipt:
        content = accepted.content
        delivery, rows = rows_of(accepted)
        # 7. and 9. in one transaction: two copies of a delivery that arrive together cannot both be new.
        try:
            result = self._archive.store(delivery, rows)
        except RefusedError as error:
            raise RefusedError(error.reason, error.detail, gateway=delivery.gateway) from error
        return Receipt(result, delivery.gateway, content.profile, content.sequence, len(rows))

    @contextmanager
    def _recorded(self, at: datetime) -> Iterator[None]:
        try:
            yield
        except RefusedError as refused:
            self.record(refused, at=at)
            raise


def admit(certificate: x509.Certificate, ground: Ground, at: datetime) -> VerifiedCertificate:
    """Step 1 over one ground, for a request or a connection that rests.

    Raises RefusedError: TUNNEL_CERTIFICATE, or TRUST_STALE where the trouble is ours.
    """
    # 1. Good now, registered, and the name inside is the sender it is registered for. Who is registered for nothing is
    #    verified against an empty set of pins, which denies everybody, so there is one path and one answer.
    mark = fingerprint(certificate)
    owner, role = ground.registry.owner(mark), ground.registry.role(mark)
    pinned = ground.registry.of(owner, role).tunnel.keys() if owner is not None else ()
    try:
        verified = ground.store.verify(certificate, role=role, purpose=Purpose.TLS, at=at, pinned=pinned)
    except CertificateError as error:
        reason = RefusalReason.TRUST_STALE if error.reason in _OURS else RefusalReason.TUNNEL_CERTIFICATE
        raise RefusedError(reason, error.reason.value, gateway=owner or "") from error
    if verified.identity != owner:
        raise RefusedError(
            RefusalReason.TUNNEL_CERTIFICATE, CertificateReason.WRONG_NAME.value, gateway=verified.identity
        )
    return verified


def _check_envelope(body: bytes, media_type: str, limits: Limits, gateway: str) -> None:
    # 2. Type and size, before any byte of the body is looked at.
    if _canonical(media_type) != _canonical(MEDIA_TYPE):
        raise RefusedError(RefusalReason.MEDIA_TYPE, gateway=gateway)
    if len(body) > limits.body_bytes:
        raise RefusedError(RefusalReason.TOO_LARGE, gateway=gateway)


def _canonical(media_type: str) -> list[str]:
    """Type and parameters without the white space and the case that HTTP does not count (RFC 9110 section 8.3.1)."""
    return [part.strip().lower() for part in media_type.split(";")]


def _content_of(opened: Opened, tunnel: VerifiedCertificate) -> Content:
    gateway = tunnel.identity
    # 5. Bounded and canonical, or not at all.
    try:
        content = parse(opened.content)
    except ContentError as error:
        raise RefusedError(RefusalReason.CONTENT, gateway=gateway) from error
    # 6. Names come from gateways, pseudonyms from administrators. And three names, one gateway: it must not report for
    #    another one, whoever carries its message.
    if content.pseudonymous is not (tunnel.role is Role.GWA):
        raise RefusedError(RefusalReason.PSEUDONYM, gateway=gateway)
    named = gateway if content.pseudonymous else content.gateway.text
    if not (named == opened.signer.identity == gateway and opened.signer.role is tunnel.role):
        raise RefusedError(RefusalReason.FOREIGN_GATEWAY, gateway=gateway)
    return content


def _accept(content: Content, opened: Opened, limits: Limits, at: datetime) -> Accepted:
    # 8. Readings lie inside the period (5), so looking at both ends is enough.
    now = _second(at)
    gateway = content.gateway.text
    if max(_second(content.created_at), _second(content.period_end)) > now + limits.future_seconds:
        raise RefusedError(RefusalReason.FUTURE, gateway=gateway)
    if _second(content.period_begin) < now - limits.oldest_days * _SECONDS_PER_DAY:
        raise RefusedError(RefusalReason.TOO_OLD, gateway=gateway)
    return Accepted(content, hashlib.sha256(opened.content).digest(), now)


def rows_of(accepted: Accepted) -> tuple[Delivery, list[Row]]:
    """The accepted content in the table's terms."""
    content = accepted.content
    delivery = Delivery(
        gateway=content.gateway.text,
        profile=content.profile,
        use_case=content.use_case.value,
        sequence=content.sequence,
        digest=accepted.digest,
        created_at=_second(content.created_at),
        period_begin=_second(content.period_begin),
        period_end=_second(content.period_end),
        received_at=accepted.received_at,
    )
    # Readings come column by column, so the names of most rows are those of the row before.
    rows: list[Row] = []
    device, obis, name, code = None, None, "", ""
    for signed in content.readings:
        reading, register = signed.reading, signed.reading.register
        if reading.device is not device or reading.obis is not obis:
            device, obis = reading.device, reading.obis
            name, code = device.text, str(obis)
        second = _second(reading.captured_at)
        values = (register.value, register.scaler, int(register.unit), reading.status)
        rows.append(Row(name, code, second, *values, signed.signature))
    return delivery, rows


def _second(instant: datetime) -> int:
    # Subtracting whole seconds of UTC is exact, and three times as fast as timestamp().
    between = instant - _EPOCH
    return between.days * _SECONDS_PER_DAY + between.seconds
