"""A checkpoint: how far every log of a gateway went at one moment, signed by the gateway's SIG key.

Decides what is signed, and when a signature over it holds. One signature stands for all logs, so that none can be set
back alone; each is in it as a hash of where it began and ended (:meth:`ChainState.mark`), so that an exported log tells
nothing about others, above all not whose they are. Checkpoints are chained themselves. Does no IO; who the signer is,
is decided by the caller, who has the trust store (``smgw.logs.signer``, ``log_export.py``).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import elliptic_key, fingerprint, load_certificate
from pki.errors import CertificateError
from proof.entry import GENESIS, HASH_SIZE
from proof.errors import IntegrityReason, LogIntegrityError
from proof.events import Log
from wire.canonical_json import JsonObject, JsonValue, decode, encode
from wire.errors import CanonicalJsonError
from wire.instant import format_instant, parse_instant

FORM: Final = "smgw-log-checkpoint-1"
"""Says what is signed: no other signature of the gateway can be taken for one over a checkpoint."""
MAXIMUM_BYTES: Final = 1024 * 1024
"""Fifteen thousand logs."""
MAXIMUM_OWNER: Final = 1024
"""Characters; identifiers have 64 at most."""
_HALF: Final = 32
_ORDER: Final = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7
"""The order of brainpoolP256r1 (RFC 5639): of the two signatures r, s and r, n-s the smaller is the one we write."""
_ECDSA: Final = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where one log begins and ends."""

    log: Log
    owner: str
    first: int
    """Record number of the oldest entry; one more than ``last`` where there is none any more."""
    anchor: bytes
    """Hash of the entry before the oldest."""
    last: int
    head: bytes
    """Hash of the newest entry."""
    capacity: int
    """Entries beyond which the oldest is overwritten; 0 in the log that is never overwritten."""

    def to_json(self) -> JsonObject:
        """As it stands in an export and in the store."""
        return {
            "log": self.log.value,
            "owner": self.owner,
            "first": self.first,
            "anchor": self.anchor.hex(),
            "last": self.last,
            "head": self.head.hex(),
            "capacity": self.capacity,
        }

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read what :meth:`to_json` wrote. Raises LogIntegrityError: FORM, and ALTERED for a log that there is not."""
        taken = members(value, "a state", log=str, owner=str, first=int, anchor=str, last=int, head=str, capacity=int)
        try:
            state = cls(
                Log(taken["log"]),
                taken["owner"],
                taken["first"],
                hash_of(taken["anchor"]),
                taken["last"],
                hash_of(taken["head"]),
                taken["capacity"],
            )
        except ValueError as error:
            raise LogIntegrityError(IntegrityReason.ALTERED, "a state names a log that there is not") from error
        if len(state.owner) > MAXIMUM_OWNER:
            raise malformed("a state is of somebody with too long a name")
        if not (1 <= state.first <= state.last + 1 and state.capacity >= 0):
            raise malformed("a state ends before it begins")
        return state

    def mark(self) -> bytes:
        """What of it stands in a checkpoint. Nobody finds out by it whose log it is: the head is not guessed."""
        return hashlib.sha256(encode(self.to_json())).digest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed (Sicherungspunkt)."""

    gateway: str
    number: int
    """Consecutive."""
    at: datetime
    previous: bytes
    """Hash of the checkpoint before; GENESIS before there was one."""
    signer: str
    """Fingerprint of the certificate."""
    marks: tuple[bytes, ...]
    """Those of all logs, ascending."""

    @classmethod
    def of(  # noqa: PLR0917 - each member once, in order
        cls,
        gateway: str,
        number: int,
        at: datetime,
        previous: bytes,
        certificate: x509.Certificate,
        states: Iterable[ChainState],
    ) -> Self:
        """The checkpoint of ``states``."""
        marks = tuple(sorted(state.mark() for state in states))
        return cls(gateway, number, at.replace(microsecond=0), previous, fingerprint(certificate), marks)

    def to_bytes(self) -> bytes:
        """The bytes under the signature."""
        return encode(
            {
                "form": FORM,
                "gateway": self.gateway,
                "number": self.number,
                "at": format_instant(self.at),
                "previous": self.previous.hex(),
                "signer": self.signer,
                "marks": [mark.hex() for mark in self.marks],
            },
            maximum_bytes=MAXIMUM_BYTES,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote. Raises LogIntegrityError(FORM)."""
        try:
            document = decode(data, maximum_bytes=MAXIMUM_BYTES)
            taken = members(
                document,
                "a checkpoint",
                form=str,
                gateway=str,
                number=int,
                at=str,
                previous=str,
                signer=str,
                marks=list,
            )
            checkpoint = cls(
                taken["gateway"],
                taken["number"],
                parse_instant(taken["at"]),
                hash_of(taken["previous"]),
                taken["signer"],
                tuple(hash_of(mark) for mark in taken["marks"]),
            )
        except (CanonicalJsonError, ValueError) as error:
            raise malformed("a checkpoint is not written as one is") from error
        if taken["form"] != FORM or checkpoint.to_bytes() != data:
            raise malformed("a checkpoint is not written as one is")
        return checkpoint


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with its signature and the certificate of its signer, DER."""

    content: bytes
    certificate: bytes
    signature: bytes

    @property
    def hash(self) -> bytes:
        """What the next checkpoint says of this one."""
        return hashlib.sha256(self.content).digest()


def sign(checkpoint: Checkpoint, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> SignedCheckpoint:
    """Sign ``checkpoint`` with the SIG key, which may live in a token. Raises TokenError."""
    content = checkpoint.to_bytes()
    r, s = decode_dss_signature(key.sign(content, _ECDSA))
    signature = r.to_bytes(_HALF, "big") + min(s, _ORDER - s).to_bytes(_HALF, "big")
    return SignedCheckpoint(content, certificate.public_bytes(Encoding.DER), signature)


def verify(signed: SignedCheckpoint) -> tuple[Checkpoint, x509.Certificate]:
    """What was signed, and by whose certificate, which the caller MUST judge.

    1. Content and certificate can be read. 2. The content names this certificate. 3. Its key made the signature, in the
    one form in which we write it.

    Raises LogIntegrityError FORM, CERTIFICATE, SIGNATURE.
    """
    # 1
    checkpoint = Checkpoint.from_bytes(signed.content)
    try:
        certificate = load_certificate(signed.certificate)
        key = elliptic_key(certificate)
    except (CertificateError, ValueError) as error:
        raise LogIntegrityError(IntegrityReason.CERTIFICATE, f"the signer's certificate: {error}") from error
    # 2
    if checkpoint.signer != fingerprint(certificate):
        sentence = f"checkpoint {checkpoint.number} was signed by another certificate than the one that stands with it"
        raise LogIntegrityError(IntegrityReason.CERTIFICATE, sentence)
    # 3
    r, s = int.from_bytes(signed.signature[:_HALF], "big"), int.from_bytes(signed.signature[_HALF:], "big")
    sentence = f"the signature of checkpoint {checkpoint.number} does not hold"
    if len(signed.signature) != 2 * _HALF or s > _ORDER // 2:
        raise LogIntegrityError(IntegrityReason.SIGNATURE, sentence)
    try:
        key.verify(encode_dss_signature(r, s), signed.content, _ECDSA)
    except InvalidSignature as error:
        raise LogIntegrityError(IntegrityReason.SIGNATURE, sentence) from error
    return checkpoint, certificate


def require_following(checkpoint: Checkpoint, before: SignedCheckpoint | None) -> None:
    """``checkpoint`` is the next after ``before``, or the first. Raises LogIntegrityError(CHECKPOINT)."""
    number = 0 if before is None else Checkpoint.from_bytes(before.content).number
    if checkpoint.number != number + 1 or checkpoint.previous != (GENESIS if before is None else before.hash):
        sentence = f"checkpoint {checkpoint.number} does not follow checkpoint {number}"
        raise LogIntegrityError(IntegrityReason.CHECKPOINT, sentence)


def members(value: JsonValue, what: str, **kinds: type) -> dict[str, Any]:
    """The members of an object that has exactly these, of these types. Raises LogIntegrityError(FORM)."""
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise malformed(f"{what} has not the members that it must have")
    for name, kind in kinds.items():
        if type(value[name]) is not kind:
            raise malformed(f"{what}: {name} is not what it must be")
    return dict(value)


def hash_of(text: object) -> bytes:
    """A hash out of its one spelling. Raises LogIntegrityError(FORM)."""
    try:
        found = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError as error:
        raise malformed("a hash is not written as one is") from error
    if len(found) != HASH_SIZE or found.hex() != text:
        raise malformed("a hash is not written as one is")
    return found


def malformed(sentence: str) -> LogIntegrityError:
    """What is said of what has not the form."""
    return LogIntegrityError(IntegrityReason.FORM, sentence)
