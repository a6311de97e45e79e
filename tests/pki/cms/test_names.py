from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pki.cms.names import names_of
from pki.der import SEQUENCE, encode, encode_integer
from pki.errors import SealError, SealReason
from tests.pki.cms.parties import parties


def certificate(curve: ec.EllipticCurve, *, identifier: bool = True) -> x509.Certificate:
    key = ec.generate_private_key(curve)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Gerät")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0x80)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    )
    if identifier:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(b"identifier"), critical=False)
    return builder.sign(key, hashes.SHA256())


def test_a_certificate_of_the_sm_pki() -> None:
    signer = parties().signer.certificate
    names = names_of(signer)
    assert names.issuer_and_serial == encode(
        SEQUENCE, signer.issuer.public_bytes(), encode_integer(signer.serial_number)
    )
    identifier = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert names.as_signer() == (names.issuer_and_serial, b"\x80\x14" + identifier)
    assert names.as_recipient() == (names.issuer_and_serial, b"\xa0\x16\x04\x14" + identifier)
    assert names.public_key == signer.public_key()


def test_a_certificate_without_key_identifier_has_one_name() -> None:
    names = names_of(certificate(ec.BrainpoolP256R1(), identifier=False))
    assert names.as_signer() == names.as_recipient() == (names.issuer_and_serial,)


def test_a_serial_number_keeps_its_leading_zero() -> None:
    assert names_of(certificate(ec.BrainpoolP256R1())).issuer_and_serial.endswith(b"\x02\x02\x00\x80")


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.BrainpoolP384R1()], ids=["secp256r1", "brainpoolP384r1"])
def test_a_key_on_another_curve_is_refused(curve: ec.EllipticCurve) -> None:
    with pytest.raises(SealError) as caught:
        names_of(certificate(curve))
    assert caught.value.reason is SealReason.ALGORITHM
