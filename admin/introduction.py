"""Who we are, for gateways that do not know us yet: the initial profile of this administrator, signed by himself.

Decides that it holds exactly as long as both certificates in it do, and that nothing is signed that no gateway would
believe today. It comes onto a gateway before it is mounted, beside the pinned SIG certificate; everything after that
comes by order.
"""

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from admin.errors import ConfigError
from admin.office import Office
from pki import cms
from pki.certificates import load_certificate
from wire.errors import ProfileError
from wire.profiles import AdministratorProfile


def introduction(office: Office, identifier: str, host: str, version: int, at: datetime) -> bytes:
    """The signed profile of this administrator, who is dialled at ``host``.

    1. Our SIG certificate is good now.
    2. The TLS certificate of our servers can be read.
    3. The profile holds while both certificates do.

    Raises ConfigError, CertificateError, TokenError.
    """
    # 1
    office.require_good(at)
    signer = office.signer()
    # 2
    configuration = office.configuration
    tunnel = load_certificate(_read(configuration.keys.tls_certificate))
    # 3
    both = (tunnel, signer.certificate)
    try:
        profile = AdministratorProfile(
            id=identifier,
            version=version,
            party=configuration.name,
            host=host,
            management_port=configuration.management.port,
            service_port=configuration.service.port,
            tls_certificate=tunnel.public_bytes(Encoding.DER),
            signature_certificate=signer.certificate.public_bytes(Encoding.DER),
            valid_from=max(each.not_valid_before_utc for each in both),
            valid_until=min(each.not_valid_after_utc for each in both),
        )
    except ProfileError as error:
        raise ConfigError(f"this makes no profile of an administrator: {error}") from error
    return cms.sign_document(profile.to_bytes(), signer=signer.certificate, key=signer.key)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"our certificate {path} cannot be read: {error.strerror}; have the requests of smgw-admin init "
            "certified (smgw-pki issue --role GWA)"
        ) from error
