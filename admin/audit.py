"""The audit log: what was done with the administrator's keys, by whom and when, chained and signed.

Decides what an entry is: canonical JSON that names the one before it by its hash, signed with the administrator's SIG
key in the token when it is written. An action and its entry are one transaction: what is not in the log did not happen.
A log whose end was cut off looks whole by itself, so a head (the last entry, exported and kept elsewhere) tells what a
later log must still hold.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

import sqlalchemy as sa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from admin.database import reading, writing
from admin.errors import AuditError, AuditReason
from admin.schema import audit as table
from pki.certificates import fingerprint
from wire.canonical_json import JsonObject, decode, encode
from wire.errors import WireError
from wire.instant import format_instant, parse_instant

DOMAIN = b"SMGW administrator audit v1\0"
"""Stands before the signed bytes: a signature over an entry can be no signature over anything else."""
FIRST = hashlib.sha256(DOMAIN).hexdigest()
"""What the first entry names as the one before it."""
MAXIMUM_TEXT = 500
"""Characters of a subject or a parameter; longer ones are cut, so that no gateway can make an entry that is refused."""
_ECDSA = ec.ECDSA(SHA256())
_HALF = 32
_KEYS = {"number", "at", "action", "subject", "by", "parameters", "previous", "signer"}


class Action(StrEnum):
    """What was done."""

    GATEWAY_ADDED = "gateway-added"
    GATEWAY_STATE = "gateway-state"
    GATEWAY_ADDRESS = "gateway-address"
    GATEWAY_CERTIFICATES = "gateway-certificates"
    GATEWAY_NOTE = "gateway-note"
    DRAFT_SAVED = "draft-saved"
    DRAFT_DELETED = "draft-deleted"
    ORDER_QUEUED = "order-queued"
    ORDER_SIGNED = "order-signed"
    ORDER_EXPIRED = "order-expired"
    ORDER_NUMBERS = "order-numbers"
    """A gateway took orders that this database knows nothing of: it was restored from before them."""
    ORDER_CONFIRMED = "order-confirmed"
    ORDER_FAILED = "order-failed"
    WAKE_UP = "wake-up"
    TUNNEL_OPENED = "tunnel-opened"
    TUNNEL_CLOSED = "tunnel-closed"
    TUNNEL_REFUSED = "tunnel-refused"
    INQUIRY = "inquiry"
    NOTIFICATION = "notification"
    RELAYED = "relayed"
    RELAY_REFUSED = "relay-refused"
    CERTIFICATES_ISSUED = "certificates-issued"
    FIRMWARE_KEPT = "firmware-kept"
    SERVER_STARTED = "server-started"
    SERVER_STOPPED = "server-stopped"
    LOGIN = "login"
    LOGIN_REFUSED = "login-refused"
    LOGOUT = "logout"
    OPERATOR_ADDED = "operator-added"
    OPERATOR_CHANGED = "operator-changed"
    OPERATOR_REMOVED = "operator-removed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as it was written; ``content`` are the signed bytes."""

    number: int
    at: datetime
    action: str
    subject: str
    by: str
    parameters: Mapping[str, str | int]
    signer: str
    content: bytes
    signature: bytes

    @property
    def link(self) -> str:
        """What the next entry names as the one before it."""
        return hashlib.sha256(DOMAIN + self.content + self.signature).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry at some time, exported: the proof that the log once reached so far."""

    content: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return encode({name: base64.b64encode(getattr(self, name)).decode() for name in ("content", "signature")})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises AuditError(HEAD)."""
        try:
            document = decode(data.strip())
            if set(document) != {"content", "signature"}:
                raise AuditError(AuditReason.HEAD, 0, "the head of the audit log has other keys than it should")
            return cls(*(base64.b64decode(str(document[name]), validate=True) for name in ("content", "signature")))
        except (WireError, binascii.Error, ValueError) as error:
            raise AuditError(AuditReason.HEAD, 0, f"this is no head of an audit log: {error}") from error


@dataclass(frozen=True, slots=True)
class Signer:
    """The administrator's SIG certificate and its key, which may live in a token."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Audit:
    """The audit log of one database; writes need the key, reading does not."""

    def __init__(self, engine: sa.Engine, signer: Callable[[], Signer]) -> None:
        """``signer`` is asked at each entry, so that nothing that only reads opens the token."""
        self._engine = engine
        self._signer = signer

    def record(self, action: Action, subject: str, by: str, at: datetime, /, **parameters: str | int) -> int:
        """Write one entry in a transaction of its own; gives its number. Raises StorageError, TokenError."""
        with writing(self._engine) as connection:
            return self.enter(connection, action, subject, by, at, **parameters)

    def enter(
        self, connection: sa.Connection, action: Action, subject: str, by: str, at: datetime, /, **parameters: str | int
    ) -> int:
        """Write one entry in the transaction of what it tells about. Raises StorageError, TokenError."""
        signer = self._signer()
        last = _last(connection)
        number = 1 if last is None else last.number + 1
        content = encode(
            {
                "number": number,
                "at": format_instant(at.replace(microsecond=0)),
                "action": action.value,
                "subject": _bounded(subject),
                "by": _bounded(by),
                "parameters": {name: _bounded(value) for name, value in parameters.items()},
                "previous": FIRST if last is None else last.link,
                "signer": fingerprint(signer.certificate),
            }
        )
        r, s = decode_dss_signature(signer.key.sign(DOMAIN + content, _ECDSA))
        signature = r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
        connection.execute(table.insert(), {"number": number, "content": content, "signature": signature})
        return number

    def entries(self, *, after: int = 0, limit: int = 1000) -> list[AuditEntry]:
        """Entries with a higher number than ``after``, oldest first. Raises StorageError, AuditError."""
        query = sa.select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
        with reading(self._engine) as connection:
            return [_read(row.number, row.content, row.signature) for row in connection.execute(query)]

    def latest(self, limit: int = 50) -> list[AuditEntry]:
        """The last ``limit`` entries, oldest first. Raises StorageError, AuditError."""
        with reading(self._engine) as connection:
            last = connection.scalar(sa.select(sa.func.max(table.c.number))) or 0
        return self.entries(after=last - limit, limit=limit)

    def head(self) -> Head | None:
        """The last entry, to be kept elsewhere; None while the log is empty. Raises StorageError."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(table).order_by(table.c.number.desc()).limit(1)).first()
        return None if row is None else Head(row.content, row.signature)


def verify(engine: sa.Engine, certificates: Iterable[x509.Certificate], known: Head | None = None) -> int:
    """Prove the whole log; gives the number of its entries.

    1. Entries are numbered 1, 2, 3 … without a gap, and each says its own number.
    2. Each names the one before it: its content and its signature.
    3. Each names one of ``certificates`` (the administrator's SIG certificates, past ones included) as its signer.
    4. Each is signed by that certificate's key.
    5. The ``known`` head is itself a signed entry, and stands in this log, byte for byte, where it says.

    Raises AuditError with the first entry that is not as it was written, and StorageError.
    """
    keys = {fingerprint(certificate): certificate.public_key() for certificate in certificates}
    head = None if known is None else _proven_head(known, keys)
    previous, count = FIRST, 0
    with reading(engine) as connection:
        for row in connection.execution_options(yield_per=500).execute(sa.select(table).order_by(table.c.number)):
            count += 1
            # 1
            if row.number != count:
                raise AuditError(AuditReason.NUMBER, count, f"entry {count} is missing: the next one is {row.number}")
            entry = _read(row.number, row.content, row.signature)
            # 2
            if _previous(entry) != previous:
                raise AuditError(
                    AuditReason.CHAIN,
                    count,
                    f"entry {count} does not follow the one before it: one of the two was changed",
                )
            # 3, 4
            _prove(entry, keys)
            # 5
            if head is not None and head.number == count and head.link != entry.link:
                raise AuditError(AuditReason.HEAD, count, f"entry {count} is another one than the known head")
            previous = entry.link
    # 5
    if head is not None and head.number > count:
        raise AuditError(
            AuditReason.CUT_OFF,
            count + 1,
            f"entry {count + 1} is missing: the log was cut off; it reached {head.number} on {head.at:%Y-%m-%d}",
        )
    return count


def _proven_head(known: Head, keys: Mapping[str, object]) -> AuditEntry:
    entry = _read(None, known.content, known.signature)
    _prove(entry, keys)
    return entry


def _prove(entry: AuditEntry, keys: Mapping[str, object]) -> None:
    key = keys.get(entry.signer)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise AuditError(
            AuditReason.SIGNER,
            entry.number,
            f"entry {entry.number} is signed by {entry.signer[:16]}…, which is none of the given certificates",
        )
    r, s = (int.from_bytes(half, "big") for half in (entry.signature[:_HALF], entry.signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), DOMAIN + entry.content, _ECDSA)
    except InvalidSignature as error:
        raise AuditError(
            AuditReason.SIGNATURE, entry.number, f"the signature of entry {entry.number} does not hold"
        ) from error


def _last(connection: sa.Connection) -> AuditEntry | None:
    row = connection.execute(sa.select(table).order_by(table.c.number.desc()).limit(1)).first()
    return None if row is None else _read(row.number, row.content, row.signature)


def _read(number: int | None, content: bytes, signature: bytes) -> AuditEntry:
    """The entry in ``content``, which says its own number (``number``, where that is known from elsewhere)."""
    named = number or 0
    # SQLite keeps what it is given, whatever the column's type says: a changed file may hold text here.
    if not isinstance(content, bytes) or not isinstance(signature, bytes):
        raise AuditError(AuditReason.CHAIN, named, f"entry {named} was not written by this log")
    try:
        document = decode(content)
        if set(document) != _KEYS or len(signature) != 2 * _HALF:
            raise AuditError(AuditReason.CHAIN, named, f"entry {named} was not written by this log")
        own = document["number"]
        if not isinstance(own, int) or (number is not None and own != number):
            raise AuditError(AuditReason.NUMBER, named, f"entry {named} calls itself {own!r}")
        return AuditEntry(
            number=own,
            at=parse_instant(str(document["at"])),
            action=str(document["action"]),
            subject=str(document["subject"]),
            by=str(document["by"]),
            parameters=dict(_parameters(document)),
            signer=str(document["signer"]),
            content=content,
            signature=signature,
        )
    except WireError as error:
        raise AuditError(AuditReason.CHAIN, named, f"entry {named} cannot be read: {error}") from error


def _parameters(document: JsonObject) -> Iterator[tuple[str, str | int]]:
    parameters = document["parameters"]
    for name, value in (parameters if isinstance(parameters, dict) else {}).items():
        yield name, value if isinstance(value, str | int) else str(value)


def _previous(entry: AuditEntry) -> str:
    return str(decode(entry.content)["previous"])


def _bounded(value: str | int) -> str | int:
    """What canonical JSON can hold, at most MAXIMUM_TEXT characters."""
    if isinstance(value, int):
        return value
    return value.encode("utf-8", "replace").decode()[:MAXIMUM_TEXT]
