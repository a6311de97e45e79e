"""Rows leave the datacenter only with the gateway's own word on each of them, checked at that moment.

Pseudonymous rows have no such word: they leave with an empty signature, are counted by themselves and never called
verified. A row without a signature under a gateway's own name does not leave.

Decides what a value must show before it is handed on: an inner signature that holds under a signature certificate that
is registered for its gateway and was good when the value was captured, by what the revocation lists say now
(``TrustStore.verify_recorded``), because values outlive the certificate of their signer. It also decides the CSV: exact
decimals in the register's unit, UTC times, one line per reading, with what anybody needs to check the signature again,
and the profile that a derived value belongs to (empty for a measured one).
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TextIO

from cryptography import x509

from datacenter.errors import InnerSignatureError
from datacenter.queries import StoredReading
from datacenter.trust import Ground
from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.errors import CertificateError, CertificateReason, SealError
from pki.inner import verify_reading
from wire.instant import format_instant
from wire.profiles import is_pseudonym
from wire.reading import Reading, Unit, UnsignedReading

COLUMNS = ("gateway", "device", "obis", "profile", "captured_at", "value", "unit", "status", "scaler", "signature")
SYMBOLS = {
    Unit.DAY: "d",
    Unit.HOUR: "h",
    Unit.MINUTE: "min",
    Unit.SECOND: "s",
    Unit.CELSIUS: "°C",
    Unit.CUBIC_METRE: "m3",
    Unit.CUBIC_METRE_PER_HOUR: "m3/h",
    Unit.W: "W",
    Unit.VA: "VA",
    Unit.VAR: "var",
    Unit.WH: "Wh",
    Unit.VAH: "VAh",
    Unit.VARH: "varh",
    Unit.A: "A",
    Unit.V: "V",
    Unit.HZ: "Hz",
    Unit.COUNT: "1",
}


class Verifier:
    """Checks inner signatures against what is registered, by today's revocation lists."""

    def __init__(self, ground: Ground, at: datetime) -> None:
        """``at`` is now: a key that was reported compromised since a value came is not believed any more."""
        self._ground = ground
        self._at = at
        self._signers: dict[str, list[x509.Certificate]] = {}
        self.verified = 0
        """Rows whose inner signature held."""
        self.unsigned = 0
        """Pseudonymous rows, of which there is nothing to verify: an administrator stood for them when they came."""

    def require(self, stored: StoredReading) -> StoredReading:
        """Return the reading if its inner signature holds, or if a pseudonym has none. Raises InnerSignatureError.

        Each signature certificate that is registered for its gateway is tried, first the one that held last: rows come
        in the order of time, so a renewed certificate takes over once.
        """
        signed = stored.signed
        if isinstance(signed, UnsignedReading):
            if not is_pseudonym(stored.gateway):
                raise InnerSignatureError(f"{place(stored)}: no inner signature")
            self.unsigned += 1
            return stored
        signers = self._of(stored.gateway.text)
        troubles = []
        for turn, certificate in enumerate(signers):
            try:
                verify_reading(signed, self._believed(certificate, stored))
            except (CertificateError, SealError) as error:
                troubles.append(str(error))
            else:
                signers.insert(0, signers.pop(turn))
                self.verified += 1
                return stored
        why = "; ".join(troubles) or "no signature certificate is registered for its gateway"
        raise InnerSignatureError(f"{place(stored)}: {why}")

    def _of(self, gateway: str) -> list[x509.Certificate]:
        if gateway not in self._signers:
            self._signers[gateway] = list(self._ground.registry.of(gateway).signature.values())
        return self._signers[gateway]

    def _believed(self, certificate: x509.Certificate, stored: StoredReading) -> VerifiedCertificate:
        """The signer as he was when the value was captured; the trust store remembers his chain."""
        gateway = stored.gateway.text
        signer = self._ground.store.verify_recorded(
            certificate,
            role=Role.SMGW,
            purpose=Purpose.SIG,
            recorded_at=stored.signed.reading.captured_at,
            at=self._at,
            pinned=self._ground.registry.of(gateway).signature.keys(),
        )
        # The inner signature covers the gateway that the certificate names: it must be the one that the row names.
        if signer.identity != gateway:
            raise CertificateError(CertificateReason.WRONG_NAME, f"the certificate registered is of {signer.identity}")
        return signer


def place(stored: StoredReading) -> str:
    """Which reading this is, without its value: what a message or a log may say."""
    reading = stored.signed.reading
    return f"{stored.gateway} {reading.device} {reading.obis} {format_instant(reading.captured_at)}"


def exact_decimal(reading: Reading) -> str:
    """The value in its unit, every digit of it and no exponent: 12345 x 10^-1 is ``1234.5``."""
    return format(reading.register.exact(), "f")


def fields(stored: StoredReading) -> tuple[str | int, ...]:
    """One line, in the order of COLUMNS; the status word in hexadecimal."""
    reading = stored.signed.reading
    return (
        stored.gateway.text,
        reading.device.text,
        str(reading.obis),
        stored.profile,
        format_instant(reading.captured_at),
        exact_decimal(reading),
        SYMBOLS[reading.register.unit],
        f"{reading.status:016x}",
        reading.register.scaler,
        stored.signed.signature.hex(),
    )


def write_csv(rows: Iterable[StoredReading], require: Callable[[StoredReading], StoredReading], target: TextIO) -> int:
    """Write a header and every row that ``require`` lets pass; returns how many.

    Stops with the first InnerSignatureError. No field can start a formula in a spreadsheet: all are identifications,
    times and numbers of fixed alphabets.
    """
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in checked(rows, require):
        writer.writerow(fields(row))
        count += 1
    return count


def checked(
    rows: Iterable[StoredReading], require: Callable[[StoredReading], StoredReading]
) -> Iterator[StoredReading]:
    """Every row, after ``require`` let it pass."""
    for row in rows:
        yield require(row)
