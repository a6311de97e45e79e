import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from smgw.recalculation.certificates import require_certificates
from tests.wire.ar2418.files import certificate
from wire.ar2418 import Certificate, CertificateKind
from wire.errors import Ar2418Error


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_der_and_pem_are_read(encoding: Encoding) -> None:
    require_certificates([Certificate(1, CertificateKind.SIGNATURE, certificate(encoding))])


@pytest.mark.parametrize("content", [b"\0", certificate()[:-1], b"-----BEGIN CERTIFICATE-----\n", b""])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(Ar2418Error, match=r"certificate 2 is not an X\.509"):
        require_certificates([Certificate(2, CertificateKind.SIGNATURE, content)])
