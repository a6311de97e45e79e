"""A key in a token is a key like any other to ``cryptography``, except that it cannot be taken out."""

import copy
import pickle
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.certificates import Purpose, Role
from pki.errors import TokenError, TokenReason
from pki.issue import Issuer, Order, build_hierarchy, prepare
from pki.plan import Plan
from pki.requests import build_request
from pki.revoke import build_crl
from pki.token import Token, TokenKey
from testbed.small_pki import NOW, SmallPki

pytestmark = pytest.mark.token


@pytest.fixture
def key(token: Token) -> TokenKey:
    return token.generate_key("ENC", ec.BrainpoolP256R1())


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda a: a.name)
def test_signatures_of_data_and_of_digests(key: TokenKey, algorithm: hashes.HashAlgorithm) -> None:
    hasher = hashes.Hash(algorithm)
    hasher.update(b"reading")
    digest = hasher.finalize()
    for signature in (key.sign(b"reading", ec.ECDSA(algorithm)), key.sign(digest, ec.ECDSA(Prehashed(algorithm)))):
        key.public_key().verify(signature, b"reading", ec.ECDSA(algorithm))
    with pytest.raises(ValueError, match="digest"):
        key.sign(digest[:-1], ec.ECDSA(Prehashed(algorithm)))
    with pytest.raises(UnsupportedAlgorithm):
        key.sign(b"", ec.ECDSA(algorithm, deterministic_signing=True))


def test_agreed_secrets_are_those_of_openssl(key: TokenKey) -> None:
    for _ in range(8):
        peer = ec.generate_private_key(ec.BrainpoolP256R1())
        assert key.exchange(ec.ECDH(), peer.public_key()) == peer.exchange(ec.ECDH(), key.public_key())


def test_an_agreed_secret_keeps_its_leading_zero(key: TokenKey) -> None:
    """One in 256 secrets begins with a zero octet; a token that drops it gives a key that nobody else has."""
    while True:
        peer = ec.generate_private_key(ec.BrainpoolP256R1())
        shared = peer.exchange(ec.ECDH(), key.public_key())
        if shared[0] == 0:
            break
    assert key.exchange(ec.ECDH(), peer.public_key()) == shared


def test_agreement_is_for_the_encryption_key_and_its_curve_only(key: TokenKey, token: Token) -> None:
    for refused, peer in (
        (token.generate_key("SIG", ec.BrainpoolP256R1()), ec.generate_private_key(ec.BrainpoolP256R1())),
        (key, ec.generate_private_key(ec.SECP256R1())),
    ):
        with pytest.raises(TokenError) as caught:
            refused.exchange(ec.ECDH(), peer.public_key())
        assert caught.value.reason is TokenReason.KEY_REFUSED


def test_it_does_not_come_out(key: TokenKey) -> None:
    ways: tuple[Callable[[], object], ...] = (
        key.private_numbers,
        lambda: key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        lambda: pickle.dumps(key),
    )
    for way in ways:
        with pytest.raises(TokenError) as caught:
            way()
        assert caught.value.reason is TokenReason.KEY_REFUSED
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key
    assert repr(key) == "<TokenKey ENC brainpoolP256r1>"


def test_requests_certificates_and_lists_are_built_with_it(token: Token) -> None:
    root, sub_ca = token.generate_key("ROOT", ec.BrainpoolP512R1()), token.generate_key("SUB-CA", ec.BrainpoolP384R1())
    hierarchy = build_hierarchy(root, sub_ca, plan=Plan.default(), now=NOW, random=token.random)
    hierarchy.sub_ca.certificate.verify_directly_issued_by(hierarchy.root.certificate)
    crl = build_crl(hierarchy.root, [], number=1, now=NOW, days=30)
    assert crl.is_signature_valid(root.public_key())
    request = build_request(token.generate_key("SIG", ec.BrainpoolP256R1()), Purpose.SIG, "EABC0012345678.SMGW")
    assert request.is_signature_valid


def test_a_software_ca_certifies_it(small_pki: SmallPki, key: TokenKey) -> None:
    order = Order(key.public_key(), Role.SMGW, "EABC0012345678", Purpose.ENC)
    issuer: Issuer = small_pki.hierarchy.sub_ca
    certificate = prepare(order, issuer=issuer, plan=small_pki.plan, serial=5, now=NOW).issue()
    assert certificate.public_key() == key.public_key()
    assert isinstance(certificate, x509.Certificate)
