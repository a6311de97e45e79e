from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from pki.certificates import Purpose
from pki.errors import TokenError, TokenReason
from pki.token import Token
from smgw.keys.cabinet import KeyCabinet, certificates_of, key_file_of, label_of, prove_key
from tests.smgw.keys.world import open_token
from tests.softhsm import fresh_token

pytestmark = pytest.mark.token


@pytest.fixture
def token() -> Iterator[Token]:
    with open_token(fresh_token()) as opened:
        yield opened


@pytest.fixture(params=[False, True], ids=["token", "file"])
def cabinet(request: pytest.FixtureRequest, token: Token, tmp_path: Path) -> KeyCabinet:
    return KeyCabinet(token, tmp_path / "tls.key" if request.param else None)


def test_names_of_generations(tmp_path: Path) -> None:
    assert [label_of(Purpose.ENC, number) for number in (1, 2, 12)] == ["ENC", "ENC.2", "ENC.12"]
    assert certificates_of(tmp_path, 1) == tmp_path
    assert certificates_of(tmp_path, 2) == tmp_path / "generation-2"
    assert key_file_of(tmp_path / "tls.key", 1) == tmp_path / "tls.key"
    assert key_file_of(tmp_path / "tls.key", 3) == tmp_path / "tls.key.3"


def test_keys_are_made_once_found_and_destroyed(cabinet: KeyCabinet) -> None:
    """FCS_CKM.4: what was destroyed is not in the module any more."""
    assert cabinet.present() == set()
    for purpose in Purpose:
        for generation in (1, 2, 30):
            made = cabinet.make(purpose, generation)
            found = cabinet.key(purpose, generation)
            assert found.public_key().public_numbers() == made.public_key().public_numbers()
            prove_key(found, made.public_key(), purpose)
            with pytest.raises(TokenError) as refusal:
                cabinet.make(purpose, generation)
            assert refusal.value.reason is TokenReason.KEY_EXISTS
    everything = {(purpose, number) for purpose in Purpose for number in (1, 2, 30)}
    assert cabinet.present() == everything
    kept = cabinet.key(Purpose.SIG, 2)
    for purpose in Purpose:
        cabinet.destroy(purpose, 2)
        cabinet.destroy(purpose, 2)
        with pytest.raises(TokenError):
            cabinet.key(purpose, 2)
    with pytest.raises(TokenError) as refusal:
        kept.sign(b"", ec.ECDSA(SHA256()))
    assert refusal.value.reason is TokenReason.KEY_MISSING
    assert "destroyed" in str(refusal.value)
    assert cabinet.present() == {one for one in everything if one[1] != 2}
    cabinet.settle_on_disk()


def test_only_names_of_ours_are_ours(token: Token, tmp_path: Path) -> None:
    for label in ("TLS.1", "TLS.02", "TLS.x", "CA", "SIG.10000", "ENC.2.2"):
        token.generate_key(label, ec.BrainpoolP256R1())
    token.generate_storage_key("STORAGE")
    for name in ("tls.key.bak", "tls.key.1", "tls.key.02", "other.key.2"):
        (tmp_path / name).touch()
    assert KeyCabinet(token, None).present() == set()
    assert KeyCabinet(token, tmp_path / "tls.key").present() == set()


def test_half_a_key_is_destroyed_too(token: Token) -> None:
    """FCS_CKM.4: A power loss between the two halves of a pair leaves one of them."""
    import pkcs11  # noqa: PLC0415 - only this test looks behind the token's door

    cabinet = KeyCabinet(token, None)
    for half in (pkcs11.ObjectClass.PUBLIC_KEY, pkcs11.ObjectClass.PRIVATE_KEY):
        cabinet.make(Purpose.SIG, 2)
        for thing in list(token._session.get_objects({pkcs11.Attribute.LABEL: "SIG.2", pkcs11.Attribute.CLASS: half})):
            thing.destroy()
        with pytest.raises(TokenError):
            cabinet.key(Purpose.SIG, 2)
        cabinet.destroy(Purpose.SIG, 2)
        assert list(token._session.get_objects({pkcs11.Attribute.LABEL: "SIG.2"})) == []


def test_a_half_written_file_goes_with_its_key(token: Token, tmp_path: Path) -> None:
    cabinet = KeyCabinet(token, tmp_path / "tls.key")
    (tmp_path / ".tls.key.2.new").write_bytes(b"half a key")
    cabinet.destroy(Purpose.TLS, 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_key_of_another_certificate_proves_nothing(purpose: Purpose) -> None:
    key, other = (ec.generate_private_key(ec.BrainpoolP256R1()) for _ in range(2))
    prove_key(key, key.public_key(), purpose)
    with pytest.raises(TokenError) as refusal:
        prove_key(key, other.public_key(), purpose)
    assert refusal.value.reason is TokenReason.KEY_REFUSED
