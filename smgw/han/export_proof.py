"""Her data as a proof: what anybody can check with the root certificate alone (docs/proof-form.md, ``smgw-verify``).

Decides that a proof holds everything that is under an inner signature, and what leads from its signers to a root: each
generation's certificate that still leads there, its CAs and their newest revocation lists. Her log goes with it whole,
however short the period: a part of it would prove nothing. PP-0073 FCO_NRO.2, FAU_SAR.1/CON; PTB-A 50.8, display.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import TrustStore
from pki.errors import CertificateError, TokenError
from proof.bundle import Bundle, BundleError, Derived, Row, Series, ordered
from proof.errors import IntegrityReason, LogIntegrityError
from proof.log_export import grounds
from smgw.han.export_lists import MAXIMUM_READINGS, Listed
from smgw.han.export_source import Source
from smgw.han.port import HanError, HanReason
from smgw.store.rows import from_seconds

_NOTHING_YET: Final = IntegrityReason.CHECKPOINT
"""No checkpoint speaks of her log: she has none."""


def proof(
    source: Source, lists: Sequence[Listed], derived: Sequence[Derived], at: datetime, period: tuple[int, int]
) -> bytes:
    """The bytes of the file. Raises HanError TOO_MUCH, NOT_NOW where the log cannot be sealed, and StoreError."""
    if sum(len(one.rows) for one in lists) + sum(len(one.values) for one in derived) > MAXIMUM_READINGS:
        sentence = f"more than {MAXIMUM_READINGS} readings and derived values: ask for a shorter time"
        raise HanError(HanReason.TOO_MUCH, sentence)
    certificates, authorities, revoked = _signers(source.certificates(at), source.trust)
    bundle = Bundle(
        gateway=source.gateway,
        consumer=source.consumer,
        exported_at=at.replace(microsecond=0),
        begin=from_seconds(period[0]),
        end=from_seconds(period[1]),
        measured=_series(lists),
        derived=tuple(sorted(derived, key=lambda one: (one.contract, one.delivery))),
        certificates=ordered(certificates),
        authorities=ordered(authorities),
        revocation_lists=ordered(revoked),
        log=_log(source, at),
    )
    try:
        return bundle.to_bytes()
    except BundleError as error:
        raise HanError(HanReason.TOO_MUCH, f"this is too much for one file, ask for a shorter time: {error}") from error


def _series(lists: Sequence[Listed]) -> tuple[Series, ...]:
    """One list a register, scaler and unit: her time with a device may be in two parts."""
    rows: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    first: dict[tuple[object, ...], Listed] = {}
    for one in lists:
        key = (one.register.meter, one.register.obis, one.scaler, one.unit)
        first.setdefault(key, one)
        rows[key] += [Row(row.stored.at, row.stored.value, row.stored.status, row.stored.signature) for row in one.rows]
    made = (
        Series(one.register.meter, one.register.obis, one.scaler, one.unit, tuple(sorted(rows[key])))
        for key, one in first.items()
    )
    return tuple(sorted(made, key=lambda one: one.key))


def _signers(held: Sequence[x509.Certificate], trust: TrustStore) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Certificates, authorities and revocation lists; a signer that no longer leads to a root proves nothing."""
    certificates: list[bytes] = []
    authorities: list[bytes] = []
    revoked: list[bytes] = []
    for one in held:
        try:
            above, lists = grounds(trust, one)
        except CertificateError:
            continue
        certificates.append(one.public_bytes(Encoding.DER))
        authorities += above
        revoked += lists
    return certificates, authorities, revoked


def _log(source: Source, at: datetime) -> bytes | None:
    """Her log; None where there is none yet."""
    try:
        return source.log(at).to_bytes()
    except LogIntegrityError as error:
        if error.reason is _NOTHING_YET:
            return None
        raise HanError(HanReason.NOT_NOW, f"your log proves nothing now: {error}") from error
    except (CertificateError, TokenError) as error:
        raise HanError(HanReason.NOT_NOW, "the gateway cannot sign your log now: ask again later") from error
