"""Requests prove possession and say what they are for; a renewal is believed only from the current key."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pki import der
from pki.certificates import Purpose, Role
from pki.errors import IssueError, IssueReason
from pki.requests import (
    MAXIMUM_REQUEST,
    build_renewal,
    build_request,
    build_triple,
    common_name_of,
    read_renewal,
    read_triple,
)
from testbed.small_pki import GATEWAY, SmallPki

NAME = f"{GATEWAY}.SMGW"
KEYS = {purpose: ec.generate_private_key(ec.BrainpoolP256R1()) for purpose in Purpose}
TRIPLE = build_triple(KEYS, NAME)
PEM = {purpose: request.public_bytes(Encoding.PEM) for purpose, request in TRIPLE.requests.items()}
DER = {purpose: request.public_bytes(Encoding.DER) for purpose, request in TRIPLE.requests.items()}


def refused(reason: IssueReason) -> "pytest.RaisesExc[IssueError]":
    return pytest.raises(IssueError, check=lambda error: error.reason is reason)


@pytest.mark.parametrize("requests", [PEM, DER], ids=["PEM", "DER"])
def test_a_good_triple(requests: dict[Purpose, bytes]) -> None:
    triple = read_triple(requests, NAME)
    assert {purpose: triple.public_key(purpose) for purpose in Purpose} == {
        purpose: key.public_key() for purpose, key in KEYS.items()
    }
    assert common_name_of(Role.SMGW, GATEWAY) == NAME


def test_one_is_missing_or_no_request() -> None:
    with refused(IssueReason.REQUEST):
        read_triple({Purpose.TLS: PEM[Purpose.TLS]}, NAME)
    for data in (b"", b"garbage", b"-----BEGIN CERTIFICATE REQUEST-----\n", PEM[Purpose.SIG] * 60):
        with refused(IssueReason.REQUEST):
            read_triple({**PEM, Purpose.SIG: data}, NAME)
    assert len(PEM[Purpose.SIG] * 60) > MAXIMUM_REQUEST


def test_without_possession_of_the_key() -> None:
    der = bytearray(DER[Purpose.SIG])
    der[-1] ^= 1
    with refused(IssueReason.POSSESSION):
        read_triple({**DER, Purpose.SIG: bytes(der)}, NAME)


def test_signed_with_another_hash() -> None:
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(TRIPLE.requests[Purpose.SIG].subject)
        .add_extension(TRIPLE.requests[Purpose.SIG].extensions[0].value, critical=True)
        .sign(KEYS[Purpose.SIG], hashes.SHA224())
    )
    with refused(IssueReason.POSSESSION):
        read_triple({**DER, Purpose.SIG: request.public_bytes(Encoding.DER)}, NAME)


def test_of_another_holder_or_purpose() -> None:
    with refused(IssueReason.REQUEST):
        read_triple(PEM, "EABC0012345679.SMGW")
    with refused(IssueReason.REQUEST):
        read_triple({**PEM, Purpose.TLS: PEM[Purpose.ENC]}, NAME)


def test_without_a_purpose() -> None:
    request = x509.CertificateSigningRequestBuilder().subject_name(TRIPLE.requests[Purpose.SIG].subject)
    signed = request.sign(KEYS[Purpose.SIG], hashes.SHA256()).public_bytes(Encoding.DER)
    with refused(IssueReason.REQUEST):
        read_triple({**DER, Purpose.SIG: signed}, NAME)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.BrainpoolP384R1()])
def test_on_another_curve(curve: ec.EllipticCurve) -> None:
    request = build_request(ec.generate_private_key(curve), Purpose.ENC, NAME)
    with refused(IssueReason.REQUEST):
        read_triple({**DER, Purpose.ENC: request.public_bytes(Encoding.DER)}, NAME)


def test_one_key_for_two_purposes() -> None:
    request = build_request(KEYS[Purpose.TLS], Purpose.SIG, NAME)
    with refused(IssueReason.REQUEST) as caught:
        read_triple({**DER, Purpose.SIG: request.public_bytes(Encoding.DER)}, NAME)
    assert "another purpose" in str(caught.value)


def test_a_renewal_is_signed_by_the_current_key(small_pki: SmallPki) -> None:
    current = small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)
    other = small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)
    document = build_renewal(TRIPLE, current.certificate, current.key)
    triple = read_renewal(document).verify(current.certificate, NAME)
    assert triple.public_key(Purpose.SIG) == KEYS[Purpose.SIG].public_key()
    with refused(IssueReason.POSSESSION):
        read_renewal(document).verify(other.certificate, NAME)
    forged = build_renewal(TRIPLE, current.certificate, other.key)
    with refused(IssueReason.POSSESSION):
        read_renewal(forged).verify(current.certificate, NAME)
    with refused(IssueReason.REQUEST):
        read_renewal(document).verify(current.certificate, "Netz.EMT")


def test_a_signature_for_anything_else_is_no_renewal(small_pki: SmallPki) -> None:
    """The same requests signed without the domain: what the SIG key signs elsewhere cannot be replayed here."""
    current = small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)

    class WithoutDomain:
        def sign(self, data: bytes, algorithm: ec.ECDSA) -> bytes:
            return current.key.sign(data.removeprefix(b"SMGW certificate renewal v1\0"), algorithm)

    document = build_renewal(TRIPLE, current.certificate, WithoutDomain())  # type: ignore[arg-type]
    with refused(IssueReason.POSSESSION):
        read_renewal(document).verify(current.certificate, NAME)


@given(position=st.integers(0, 5000), octet=st.integers(1, 255))
def test_a_changed_octet_in_a_renewal(small_pki: SmallPki, position: int, octet: int) -> None:
    current = small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)
    document = bytearray(build_renewal(TRIPLE, current.certificate, current.key))
    document[position % len(document)] ^= octet
    with pytest.raises(IssueError):
        read_renewal(bytes(document)).verify(current.certificate, NAME)


@given(data=st.binary(max_size=200))
def test_anything_else_is_refused(data: bytes) -> None:
    with refused(IssueReason.REQUEST):
        read_renewal(data)
    with refused(IssueReason.REQUEST):
        read_triple({**DER, Purpose.SIG: data}, NAME)


def test_a_renewal_that_is_too_long_or_has_more(small_pki: SmallPki) -> None:
    current = small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)
    document = build_renewal(TRIPLE, current.certificate, current.key)
    body = der.Reader(document).enter(der.SEQUENCE)
    version, signer = body.element(der.INTEGER), body.element(der.OCTET_STRING)
    requests, signature = body.take(der.SEQUENCE), body.element(der.OCTET_STRING)
    four = der.encode(der.SEQUENCE, requests, DER[Purpose.SIG])
    fourth = der.encode(der.SEQUENCE, version, signer, four, signature)
    for data in (document + b"\0", document[:-1], document + bytes(70_000), fourth):
        with refused(IssueReason.REQUEST):
            read_renewal(data)
