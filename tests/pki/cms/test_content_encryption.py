import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from pki.cms import content_encryption
from pki.cms.content_encryption import decrypt_cbc_cmac, decrypt_gcm, encrypt_cbc_cmac, encrypt_gcm
from pki.errors import SealError, SealReason

KEY = bytes(range(32))
NONCE = bytes(12)


def refused(ciphertext: bytes, tag: bytes) -> None:
    with pytest.raises(SealError) as caught:
        decrypt_cbc_cmac(ciphertext, tag, KEY)
    assert caught.value.reason is SealReason.DECRYPTION


def authenticated(ciphertext: bytes) -> bytes:
    calculation = CMAC(algorithms.AES(KEY[16:]))
    calculation.update(ciphertext)
    return calculation.finalize()


@given(st.binary(max_size=200))
def test_both_give_back_the_content(content: bytes) -> None:
    assert decrypt_gcm(*encrypt_gcm(content, KEY[:16], NONCE), KEY[:16], NONCE) == content
    ciphertext, tag = encrypt_cbc_cmac(content, KEY)
    assert decrypt_cbc_cmac(ciphertext, tag, KEY) == content
    assert len(ciphertext) == (len(content) // 16 + 1) * 16
    assert len(tag) == content_encryption.TAG_SIZE


@pytest.mark.parametrize("position", range(33))
def test_gcm_refuses_any_alteration(position: int) -> None:
    ciphertext, tag = encrypt_gcm(b"content of 17 B..", KEY[:16], NONCE)
    altered = bytearray(ciphertext + tag)
    altered[position] ^= 1
    with pytest.raises(SealError) as caught:
        decrypt_gcm(bytes(altered[:17]), bytes(altered[17:]), KEY[:16], NONCE)
    assert caught.value.reason is SealReason.DECRYPTION


@pytest.mark.parametrize("position", range(48))
def test_cbc_cmac_refuses_any_alteration(position: int) -> None:
    ciphertext, tag = encrypt_cbc_cmac(b"content of 17 B..", KEY)
    altered = bytearray(ciphertext + tag)
    altered[position] ^= 1
    refused(bytes(altered[:32]), bytes(altered[32:]))


def test_padding_is_not_looked_at_before_the_tag_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def padding(_: int) -> None:
        raise AssertionError("padding was looked at")

    monkeypatch.setattr(content_encryption, "PKCS7", padding)
    refused(bytes(32), bytes(16))


@pytest.mark.parametrize("ciphertext", [b"", bytes(15), bytes(16), bytes(33)])
def test_authentic_but_not_padded_content_is_refused(ciphertext: bytes) -> None:
    refused(ciphertext, authenticated(ciphertext))


def test_the_zero_vector_and_the_order_of_the_two_keys() -> None:
    """What stands in the table of deviations: IV 0, K_enc first, CMAC over the ciphertext."""
    ciphertext, tag = encrypt_cbc_cmac(b"0123456789abcdef", KEY)
    encryptor = Cipher(algorithms.AES(KEY[:16]), modes.CBC(bytes(16))).encryptor()
    assert ciphertext == encryptor.update(b"0123456789abcdef" + b"\x10" * 16)
    assert tag == authenticated(ciphertext)
