"""An exported log: one file that is verified without the gateway, its token and its store.

Decides the form, canonical JSON, and when an export is believed. It holds the entries of one or more logs, where each
began and ended at the last checkpoint, that checkpoint with its signature, and the certificates and revocation lists
that lead from its signer to a root; nothing that is not bound by a hash or a signature, so that nothing can be changed
unnoticed except what was written after the checkpoint. Whoever exports makes a checkpoint first. TR-03109-1;
PP-0073 FAU_STG.2.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.checks import UNREADABLE, check_signature
from pki.errors import CertificateError, CertificateReason
from proof.chain import Verified, verify_chain
from proof.checkpoint import ChainState, Checkpoint, SignedCheckpoint, hash_of, malformed, members, verify
from proof.entry import Entry
from proof.errors import IntegrityReason, LogIntegrityError
from proof.events import Level, Log, Outcome, event_named
from wire.canonical_json import JsonObject, JsonValue, decode, encode
from wire.errors import CanonicalJsonError

FORM: Final = "smgw-log-export-1"
MAXIMUM_BYTES: Final = 256 * 1024 * 1024
"""All three logs, full, with room."""
MAXIMUM_CERTIFICATES: Final = 64
"""Of CAs, and as many lists: two or three are on the way to a root."""


@dataclass(frozen=True, slots=True)
class ExportedLog:
    """One log of an export."""

    state: ChainState
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """What an export holds (Log-Export)."""

    checkpoint: SignedCheckpoint
    certificates: tuple[bytes, ...]
    """Those of the CAs between the signer and the root, DER."""
    revocation_lists: tuple[bytes, ...]
    """One of each CA on the way, the root's included, DER."""
    logs: tuple[ExportedLog, ...]

    def to_bytes(self) -> bytes:
        """The bytes of the file. Raises CanonicalJsonError where it is too large."""
        document: JsonObject = {
            "form": FORM,
            "checkpoint": {
                "content": _text(self.checkpoint.content),
                "certificate": _text(self.checkpoint.certificate),
                "signature": _text(self.checkpoint.signature),
            },
            "certificates": [_text(each) for each in self.certificates],
            "revocation_lists": [_text(each) for each in self.revocation_lists],
            "logs": [
                {"state": log.state.to_json(), "entries": [_entry_to_json(entry) for entry in log.entries]}
                for log in self.logs
            ],
        }
        return encode(document, maximum_bytes=MAXIMUM_BYTES)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Export":
        """Read what :meth:`to_bytes` wrote; nothing of it is believed yet.

        Raises LogIntegrityError: FORM, and ALTERED for a log, a level, an outcome or a time that no gateway knows.
        """
        try:
            document = decode(data, maximum_bytes=MAXIMUM_BYTES)
        except CanonicalJsonError as error:
            raise malformed(f"the export is not written as one is: {error}") from error
        taken = members(
            document, "the export", form=str, checkpoint=dict, certificates=list, revocation_lists=list, logs=list
        )
        if taken["form"] != FORM:
            raise malformed("this is no export of a log")
        if max(len(taken["certificates"]), len(taken["revocation_lists"])) > MAXIMUM_CERTIFICATES:
            raise malformed("the export holds other certificates or lists than those that lead to the root")
        checkpoint = members(taken["checkpoint"], "the checkpoint", content=str, certificate=str, signature=str)
        return cls(
            SignedCheckpoint(*(_octets(checkpoint[name]) for name in ("content", "certificate", "signature"))),
            tuple(_octets(each) for each in taken["certificates"]),
            tuple(_octets(each) for each in taken["revocation_lists"]),
            tuple(_log_from_json(each) for each in taken["logs"]),
        )


def says_to_be_one(data: bytes) -> bool:
    """Whether ``data`` is a whole document that says of itself that it is an export, whatever else stands in it."""
    try:
        document = decode(data, maximum_bytes=MAXIMUM_BYTES)
    except CanonicalJsonError:
        return False
    return isinstance(document, dict) and document.get("form") == FORM


@dataclass(frozen=True, slots=True)
class VerifiedExport:
    """What an export proves."""

    gateway: str
    sealed_at: datetime
    logs: tuple[Verified, ...]


def verify_export(export: Export, roots: Sequence[x509.Certificate], gateway: str | None = None) -> VerifiedExport:
    """Believe an export.

    1. Its checkpoint was signed by the certificate that lies with it.
    2. That certificate was a gateway's for signatures when the checkpoint was made, by CAs and revocation lists in the
       export that lead to one of ``roots``; nothing else lies there.
    3. It names the gateway of the checkpoint, and that is ``gateway`` where the caller knows whose log it should be.
    4. The checkpoint speaks of each log in the export, and each is there once.
    5. The entries of each log are those that were written (``verify_chain``).

    Raises LogIntegrityError.
    """
    # 1
    checkpoint, certificate = verify(export.checkpoint)
    # 2
    identity = _signer(export, certificate, roots, checkpoint)
    # 3
    for named in (identity, gateway):
        if named is not None and named != checkpoint.gateway:
            sentence = f"it is the log of gateway {checkpoint.gateway}, not of {named}"
            raise LogIntegrityError(IntegrityReason.GATEWAY, sentence)
    # 4
    whose = [(log.state.log, log.state.owner) for log in export.logs]
    if not whose or len(set(whose)) != len(whose):
        raise malformed("the export holds no log, or the same twice")
    for log in export.logs:
        if log.state.mark() not in checkpoint.marks:
            sentence = f"checkpoint {checkpoint.number} does not speak of this {log.state.log} log"
            raise LogIntegrityError(IntegrityReason.CHECKPOINT, sentence)
    # 5
    found = tuple(verify_chain(log.state.log, log.state.owner, log.entries, log.state) for log in export.logs)
    return VerifiedExport(checkpoint.gateway, checkpoint.at, found)


def load_list(octets: bytes) -> x509.CertificateRevocationList:
    """A revocation list that can be read to its end, and tells one thing of a certificate. Raises one of UNREADABLE."""
    crl = x509.load_der_x509_crl(octets)
    # The parser is lazy: it would stumble in the middle of a verification.
    _ = (crl.issuer, crl.last_update_utc, crl.next_update_utc, crl.extensions)
    if len({each.serial_number for each in crl}) != len(crl):
        message = "a revocation list names a certificate twice"
        raise ValueError(message)
    return crl


def grounds(trust: TrustStore, certificate: x509.Certificate) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The CA certificates and revocation lists of ``trust`` that lead from ``certificate`` to a root, DER.

    Raises CertificateError where none do.
    """
    authorities, lists, issued = [], [], certificate
    anchors = {fingerprint(root) for root in trust.roots}
    while fingerprint(issued) not in anchors:
        issuer = _issuer(trust.authorities, issued)
        if issuer.public_bytes(Encoding.DER) in authorities:
            sentence = f"the CAs above {certificate.subject.rfc4514_string()} lead round in a circle"
            raise CertificateError(CertificateReason.UNKNOWN_ISSUER, sentence)
        named = [each for each in trust.crls if each.issuer == issuer.subject]
        if named:
            newest = max(named, key=lambda each: each.last_update_utc)
            lists.append(newest.public_bytes(Encoding.DER))
        if fingerprint(issuer) not in anchors:
            authorities.append(issuer.public_bytes(Encoding.DER))
        issued = issuer
    return tuple(authorities), tuple(lists)


def _issuer(authorities: Iterable[x509.Certificate], issued: x509.Certificate) -> x509.Certificate:
    for each in authorities:
        if each.subject == issued.issuer and each != issued:
            try:
                check_signature(issued, each)
            except CertificateError:
                continue
            return each
    sentence = f"no CA that signed is called {issued.issuer.rfc4514_string()}"
    raise CertificateError(CertificateReason.UNKNOWN_ISSUER, sentence)


def _signer(
    export: Export, certificate: x509.Certificate, roots: Sequence[x509.Certificate], checkpoint: Checkpoint
) -> str:
    """Check 2; the name of the gateway in the certificate."""
    try:
        authorities = [load_certificate(each) for each in export.certificates]
        lists = [load_list(each) for each in export.revocation_lists]
        trust = TrustStore(roots, authorities, lists)
        needed = grounds(trust, certificate)
        pin = {fingerprint(certificate)}
        verified = trust.verify(
            certificate, role=Role.SMGW, purpose=Purpose.SIG, at=checkpoint.at, pinned=pin, seal=True
        )
    except (CertificateError, *UNREADABLE) as error:
        sentence = f"the certificate of the signer is not believed: {error}"
        raise LogIntegrityError(IntegrityReason.CERTIFICATE, sentence) from error
    if needed != (export.certificates, export.revocation_lists):
        raise malformed("the export holds other certificates or lists than those that lead to the root")
    return verified.identity


def _entry_to_json(entry: Entry) -> JsonValue:
    return {**entry.signed_fields(), "previous": entry.previous.hex(), "hash": entry.hash.hex()}


def _log_from_json(value: JsonValue) -> ExportedLog:
    taken = members(value, "a log", state=dict, entries=list)
    state = ChainState.from_json(taken["state"])
    return ExportedLog(state, tuple(_entry_from_json(each) for each in taken["entries"]))


def _entry_from_json(value: JsonValue) -> Entry:
    parent = value.get("parent_record_number") if isinstance(value, dict) else None
    taken = members(
        value,
        "an entry",
        log=str,
        owner=str,
        record_number=int,
        event=str,
        event_id=int,
        event_sub_id=int,
        vendor_id=str,
        level=int,
        outcome=int,
        subject=str,
        user=str,
        at=int,
        seconds_index=int,
        parameters=dict,
        parent_record_number=type(None) if parent is None else int,
        repetition_counter=int,
        previous=str,
        hash=str,
    )
    if not all(type(one) in (str, int) for one in taken["parameters"].values()):
        raise malformed(f"record {taken['record_number']}: its parameters are not what they must be")
    try:
        return _entry(taken)
    except (ValueError, OverflowError, OSError) as error:
        sentence = f"record {taken['record_number']} names what there is not"
        raise LogIntegrityError(IntegrityReason.ALTERED, sentence) from error


def _entry(taken: dict[str, Any]) -> Entry:
    return Entry(
        log=Log(taken["log"]),
        owner=taken["owner"],
        record_number=taken["record_number"],
        event=event_named(taken["event"]),
        event_id=taken["event_id"],
        event_sub_id=taken["event_sub_id"],
        vendor_id=taken["vendor_id"],
        level=Level(taken["level"]),
        outcome=Outcome(taken["outcome"]),
        subject=taken["subject"],
        user=taken["user"],
        first_at=datetime.fromtimestamp(taken["at"], UTC),
        seconds_index=taken["seconds_index"],
        parameters=taken["parameters"],
        parent_record_number=taken["parent_record_number"],
        repetition_counter=taken["repetition_counter"],
        previous=hash_of(taken["previous"]),
        hash=hash_of(taken["hash"]),
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _octets(text: object) -> bytes:
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError) as error:
        raise malformed("what should be base64 is none") from error
    if _text(data) != text:
        raise malformed("what should be base64 is not written in its one way")
    return data
