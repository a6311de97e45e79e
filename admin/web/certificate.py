"""The console's own TLS certificate, where the configuration names none.

Decides that it is none of the SM-PKI: browsers know no Brainpool curves, and the administrator's TLS key, which
gateways believe, has no business with people's browsers. A self-signed P-256 certificate is made once beside the
database, its key readable by the owner alone, and anew when it is about to end; its fingerprint is told, to be compared
in the browser before it is believed.
"""

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from admin.errors import ConfigError
from pki.certificates import load_certificate
from pki.errors import CertificateError
from pki.store import write_atomically

DAYS: Final = 365
REMAINDER: Final = timedelta(days=30)
"""A certificate that ends sooner than this is replaced when the console starts."""
CERTIFICATE: Final = "console.pem"
KEY: Final = "console.key"


def own_certificate(folder: Path, host: str, at: datetime) -> tuple[Path, Path]:
    """Certificate and key files in ``folder`` for ``host`` and localhost, made where there are none.

    Raises ConfigError.
    """
    certificate, key = folder / CERTIFICATE, folder / KEY
    names = _names(host)
    try:
        if key.exists() and _serves(certificate, names, at):
            return certificate, key
        made = ec.generate_private_key(ec.SECP256R1())
        # The key first: a certificate without its key would look as if everything were there.
        certificate.unlink(missing_ok=True)
        write_atomically(key, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        write_atomically(certificate, _build(made, names, at).public_bytes(Encoding.PEM), mode=0o644)
    except OSError as error:
        raise ConfigError(f"the console's certificate cannot be kept in {folder}: {error.strerror}") from error
    return certificate, key


def _serves(path: Path, names: list[x509.GeneralName], at: datetime) -> bool:
    """Whether the certificate there is for these names, and still is for a while."""
    try:
        held = load_certificate(path.read_bytes())
        named = list(held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (FileNotFoundError, CertificateError, x509.ExtensionNotFound):
        return False
    return named == names and held.not_valid_before_utc <= at < held.not_valid_after_utc - REMAINDER


def _names(host: str) -> list[x509.GeneralName]:
    addresses = dict.fromkeys(
        (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"), ipaddress.ip_address(host))
    )
    return [x509.DNSName("localhost"), *(x509.IPAddress(each) for each in addresses)]


def _build(key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], at: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smgw-admin console")])
    begin = at.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(hours=1))
        .not_valid_after(begin + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
