import random
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from pki.cms.key_agreement import (
    CURVE,
    decode_point,
    encode_point,
    ephemeral_key,
    require_curve,
    unwrap,
    wrap,
)
from pki.errors import SealError, SealReason

OWN = ec.generate_private_key(CURVE)
OTHER = ec.generate_private_key(CURVE)
FIELD = 0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377
"""The prime of brainpoolP256r1 (RFC 5639 §3.4)."""


def refused(reason: SealReason, point: bytes) -> None:
    with pytest.raises(SealError) as caught:
        decode_point(point)
    assert caught.value.reason is reason


def test_both_sides_agree_on_the_content_key() -> None:
    wrapped = wrap(b"k" * 16, OWN, OTHER.public_key())
    assert len(wrapped) == 24
    assert unwrap(wrapped, OTHER, OWN.public_key()) == b"k" * 16


def test_the_derivation_written_out() -> None:
    """FCS_CKM.1/CMS: the derivation of TR-03111, step by step.

    X9.63 with SHA-256: hash(Z || counter || SharedInfo), with the SharedInfo of RFC 5753 §7.2 byte by byte.
    """
    shared_info = bytes.fromhex("3015 300B 0609608648016503040105 A206 0404 00000080".replace(" ", ""))
    secret = OWN.exchange(ec.ECDH(), OTHER.public_key())
    key = sha256(secret + b"\0\0\0\1" + shared_info).digest()[:16]
    assert aes_key_unwrap(key, wrap(b"k" * 16, OWN, OTHER.public_key())) == b"k" * 16


def test_points_are_written_and_read() -> None:
    point = encode_point(OWN.public_key())
    assert (len(point), point[0]) == (65, 4)
    assert decode_point(point).public_numbers() == OWN.public_key().public_numbers()


def test_a_point_that_is_none_of_ours_is_refused() -> None:
    numbers = OWN.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    foreign = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    for point in (
        b"",
        b"\0",  # the point at infinity
        b"\0" + bytes(64),
        b"\4" + bytes(64),
        b"\4" + x + (numbers.y ^ 1).to_bytes(32, "big"),
        b"\4" + foreign.x.to_bytes(32, "big") + foreign.y.to_bytes(32, "big"),
        b"\4" + FIELD.to_bytes(32, "big") + y,
        b"\4" + b"\xff" * 64,
        b"\2" + x,  # compressed
        b"\3" + x,
        b"\6" + x + y,  # hybrid
        b"\7" + x + y,
        b"\4" + x + y + b"\0",
        b"\4" + x + y[:-1],
    ):
        refused(SealReason.MALFORMED, point)


def test_the_twist_and_small_subgroups_do_not_exist_for_us() -> None:
    """Random abscissas are on the curve half the time; the other half belongs to the twist and must be refused."""
    generator = random.Random(5)
    accepted = 0
    for _ in range(50):
        point = b"\4" + generator.randrange(FIELD).to_bytes(32, "big") + generator.randrange(FIELD).to_bytes(32, "big")
        try:
            decode_point(point)
            accepted += 1
        except SealError:
            continue
    assert accepted == 0


def test_another_key_unwraps_nothing() -> None:
    wrapped = wrap(b"k" * 16, OWN, OTHER.public_key())
    with pytest.raises(SealError) as caught:
        unwrap(wrapped, OWN, OWN.public_key())
    assert caught.value.reason is SealReason.DECRYPTION


@pytest.mark.parametrize("position", range(24))
def test_an_altered_wrapped_key_is_refused(position: int) -> None:
    wrapped = bytearray(wrap(b"k" * 16, OWN, OTHER.public_key()))
    wrapped[position] ^= 1
    with pytest.raises(SealError):
        unwrap(bytes(wrapped), OTHER, OWN.public_key())


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        ec.generate_private_key(ec.BrainpoolP384R1()).public_key(),
        rsa.generate_private_key(65537, 2048).public_key(),
    ],
    ids=["secp256r1", "brainpoolP384r1", "RSA"],
)
def test_a_key_of_another_kind_is_refused(key: object) -> None:
    with pytest.raises(SealError) as caught:
        require_curve(key)
    assert caught.value.reason is SealReason.ALGORITHM


def test_ephemeral_keys_follow_from_the_random_argument_alone() -> None:
    first, again = (ephemeral_key(random.Random(1).randbytes) for _ in range(2))
    other = ephemeral_key(random.Random(2).randbytes)
    assert first.private_numbers() == again.private_numbers() != other.private_numbers()


@pytest.mark.parametrize("octet", [0x00, 0xFF])
def test_the_extremes_of_randomness_still_give_a_key(octet: int) -> None:
    scalar = ephemeral_key(lambda count: bytes((octet,)) * count).private_numbers().private_value
    assert scalar >= 1
