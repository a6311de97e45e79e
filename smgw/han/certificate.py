"""The gateway's certificate for the home area network: self-signed, its key made and kept in the security module.

Decides what stands in it, when it is made anew and that its key is never anywhere else (PP-0073 FTP_ITC.1/USR).
The key is on secp256r1, because browsers know no brainpool curve; TR-03116-3 names both. At every moment one
certificate with its key is in use: the next key is made and proven, then the certificate is replaced in one step, then
the former key is destroyed. What a loss of power leaves over goes at the next look.

It is renewed with another key some time before it ends, and when the addresses or names in the configuration change;
never by the word of a clock that nobody compared, because people have compared the fingerprint.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki.certificates import fingerprint, load_certificate
from pki.errors import CertificateError, TokenError, TokenReason
from pki.profiles import Purpose
from pki.store import write_atomically
from pki.token import Token, TokenKey
from smgw.config_han import HanConfiguration
from smgw.keys.cabinet import prove_key
from wire.reading import DeviceId

VALIDITY: Final = timedelta(days=824)
"""The longest that every browser takes of a certificate that its user trusts by hand (Apple: 825 days). Unverified for
the HAN in TR-03116-3 (docs/deviations.md)."""
REMAINDER: Final = timedelta(days=60)
"""What is left when it is renewed: time to tell people the new fingerprint."""
_BEFORE: Final = timedelta(hours=24)
"""A browser's clock may be behind ours."""
FILE: Final = "HAN.pem"
_LABEL: Final = re.compile(r"HAN\.([1-9][0-9]{0,8})", re.ASCII)
_SERIAL_OCTETS: Final = 16
_CURVE: Final = ec.SECP256R1()


class HanCertificate:
    """The certificate in use and the label of its key (HAN-Zertifikat). Safe to use from several threads."""

    def __init__(
        self,
        gateway: DeviceId,
        page: HanConfiguration,
        token: Token,
        folder: Path,
        *,
        random: Callable[[int], bytes],
        sync: Callable[[], None],
    ) -> None:
        """``folder`` is where the gateway's certificates lie; ``sync`` brings a token's files to the disk."""
        self._gateway = gateway
        self._names = names_of(gateway, page)
        self._token = token
        self._file = folder / FILE
        self._random = random
        self._sync = sync
        self._changing = Lock()
        self._current: tuple[x509.Certificate, str] | None = None

    def look(self, at: datetime, *, trusted: bool) -> tuple[x509.Certificate, str]:
        """Certificate and label of its key, made or renewed first where that is due.

        ``trusted`` says whether ``at`` may be believed. Raises TokenError, OSError.
        """
        with self._changing:
            if self._current is None:
                self._current = self._held()
            if self._current is None or (trusted and not _lasts(self._current[0], at)):
                self._current = self._renew(at)
            return self._current

    def _held(self) -> tuple[x509.Certificate, str] | None:
        """What is on the disk, if its key is in the token and it has these names; other keys of ours are destroyed."""
        keys = self._keys()
        try:
            certificate = load_certificate(self._file.read_bytes())
            label = next(label for label, key in keys.items() if key.public_key() == certificate.public_key())
            named = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        except (FileNotFoundError, CertificateError, StopIteration, x509.ExtensionNotFound, ValueError):
            return None
        if named != list(self._names):
            return None
        self._destroy([one for one in keys if one != label])
        return certificate, label

    def _renew(self, at: datetime) -> tuple[x509.Certificate, str]:
        former = [label for label in self._token.labels() if _LABEL.fullmatch(label)]
        label = f"HAN.{max((int(one.partition('.')[2]) for one in former), default=0) + 1}"
        key = self._token.generate_key(label, _CURVE)
        prove_key(key, key.public_key(), Purpose.TLS)
        certificate = build(self._gateway, self._names, key, at, self._random(_SERIAL_OCTETS))
        self._sync()  # the key is on the disk before the certificate that needs it
        write_atomically(self._file, pem_of(certificate))
        self._destroy(former)
        return certificate, label

    def _keys(self) -> dict[str, TokenKey]:
        found = {}
        for label in self._token.labels():
            try:
                if _LABEL.fullmatch(label):
                    found[label] = self._token.key(label)
            except TokenError as error:
                if error.reason is TokenReason.LOST:
                    raise
                # Half a pair, or one that is not good: no certificate is for it, and the next renewal destroys it.
        return found

    def _destroy(self, labels: Sequence[str]) -> None:
        """PP-0073 FCS_CKM.4."""
        for label in labels:
            try:
                self._token.destroy_key(label)
            except TokenError as error:
                if error.reason is not TokenReason.KEY_MISSING:
                    raise


def names_of(gateway: DeviceId, page: HanConfiguration) -> tuple[x509.GeneralName, ...]:
    """For whom the certificate speaks: the gateway's identification, its names, and its addresses without a scope."""
    names = dict.fromkeys((*page.host_names, gateway.text))
    addresses = (type(address)(address.packed) for address in page.addresses)
    return (*(x509.DNSName(name) for name in names), *(x509.IPAddress(address) for address in addresses))


def build(
    gateway: DeviceId, names: Sequence[x509.GeneralName], key: ec.EllipticCurvePrivateKey, at: datetime, serial: bytes
) -> x509.Certificate:
    """A certificate that begins before ``at``; ``serial`` are 16 random octets."""
    begin = at.replace(microsecond=0) - _BEFORE
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gateway.text)])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\x01" + serial))
        .not_valid_before(begin)
        .not_valid_after(begin + VALIDITY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def pem_of(certificate: x509.Certificate) -> bytes:
    """As a server reads it."""
    return certificate.public_bytes(Encoding.PEM)


def grouped_fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as browsers show it: pairs of capitals with colons, to be compared by eye."""
    text = fingerprint(certificate).upper()
    return ":".join(text[index : index + 2] for index in range(0, len(text), 2))


def _lasts(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at < certificate.not_valid_after_utc - REMAINDER
