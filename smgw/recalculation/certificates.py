"""Whether what a file gives as the gateway's certificates are certificates at all.

Decides nothing about trust: a bill is checked by its values, and whose they are is checked by their signatures, which
need the certificates (not done here; docs/deviations.md).
"""

from collections.abc import Iterable

from cryptography import x509

from wire.ar2418 import Certificate
from wire.errors import Ar2418Error


def require_certificates(certificates: Iterable[Certificate]) -> None:
    """Each is X.509, as DER or, as one gateway writes it, as the octets of PEM. Raises Ar2418Error."""
    for one in certificates:
        load = x509.load_pem_x509_certificate if one.content.startswith(b"-----") else x509.load_der_x509_certificate
        try:
            load(one.content)
        except ValueError as error:
            raise Ar2418Error(f"the gateway's certificate {one.number} is not an X.509 certificate") from error
