"""With software keys; the same refusals from a whole gateway's start are in test_composition."""

from pathlib import Path

import pytest

from pki.certificates import Purpose, Role
from pki.errors import CertificateError, CertificateReason, TokenError, TokenReason
from pki.files import write_keys
from smgw.identity import Identity, own_certificates, software_key
from testbed.small_pki import NOW, Holder, SmallPki
from tests.smgw.premises import pem
from tests.smgw.store.samples import GATEWAY
from wire.reading import DeviceId


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    return SmallPki()


@pytest.fixture
def triple(pki: SmallPki, tmp_path: Path) -> dict[Purpose, Holder]:
    holders = {purpose: pki.holder(Role.SMGW, purpose, GATEWAY.text) for purpose in Purpose}
    for purpose, holder in holders.items():
        (tmp_path / f"{purpose}.pem").write_bytes(pem(holder.certificate))
    return holders


def test_a_triple_that_belongs_together(pki: SmallPki, tmp_path: Path, triple: dict[Purpose, Holder]) -> None:
    keys = {purpose: holder.key.public_key() for purpose, holder in triple.items()}
    own = own_certificates(tmp_path, GATEWAY, keys, pki.trust(), NOW)
    assert {purpose: own[purpose].certificate for purpose in Purpose} == {
        purpose: holder.certificate for purpose, holder in triple.items()
    }


@pytest.mark.parametrize("spoiled", list(Purpose))
def test_every_one_of_the_three_is_proven(
    pki: SmallPki, tmp_path: Path, triple: dict[Purpose, Holder], spoiled: Purpose
) -> None:
    keys = {purpose: holder.key.public_key() for purpose, holder in triple.items()}
    another = {**keys, spoiled: keys[next(purpose for purpose in Purpose if purpose is not spoiled)]}
    with pytest.raises(CertificateError) as refusal:
        own_certificates(tmp_path, GATEWAY, another, pki.trust(), NOW)
    assert refusal.value.reason is CertificateReason.NOT_PINNED
    with pytest.raises(CertificateError) as refusal:
        own_certificates(tmp_path, DeviceId("EABC0000000001"), keys, pki.trust(), NOW)
    assert refusal.value.reason is CertificateReason.WRONG_NAME
    (tmp_path / f"{spoiled}.pem").unlink()
    with pytest.raises(CertificateError, match="cannot be read"):
        own_certificates(tmp_path, GATEWAY, keys, pki.trust(), NOW)


def test_a_key_in_memory_comes_from_a_file_of_our_own(tmp_path: Path, triple: dict[Purpose, Holder]) -> None:
    write_keys(tmp_path, {purpose: holder.key for purpose, holder in triple.items()})
    path = tmp_path / "TLS.key"
    assert software_key(path).private_numbers() == triple[Purpose.TLS].key.private_numbers()
    path.chmod(0o640)
    for bad in (path, tmp_path / "missing"):
        with pytest.raises(TokenError) as refusal:
            software_key(bad)
        assert refusal.value.reason is TokenReason.KEY_REFUSED


def test_a_quality_seal_is_believed_in_the_first_generation_only(pki: SmallPki, tmp_path: Path) -> None:
    holders = {purpose: pki.holder(Role.SMGW, purpose, GATEWAY.text, seal=True) for purpose in Purpose}
    for purpose, holder in holders.items():
        (tmp_path / f"{purpose}.pem").write_bytes(pem(holder.certificate))
    keys = {purpose: holder.key for purpose, holder in holders.items()}
    public = {purpose: key.public_key() for purpose, key in keys.items()}
    own = own_certificates(tmp_path, GATEWAY, public, pki.trust(), NOW, seal=True)
    assert Identity(GATEWAY, 1, own, keys, {purpose: purpose.value for purpose in Purpose}).seal
    with pytest.raises(CertificateError) as refusal:
        own_certificates(tmp_path, GATEWAY, public, pki.trust(), NOW, seal=False)
    assert refusal.value.reason is CertificateReason.SEAL


def test_operational_certificates_are_no_seal(pki: SmallPki, tmp_path: Path, triple: dict[Purpose, Holder]) -> None:
    keys = {purpose: holder.key for purpose, holder in triple.items()}
    public = {purpose: key.public_key() for purpose, key in keys.items()}
    for seal in (True, False):
        own = own_certificates(tmp_path, GATEWAY, public, pki.trust(), NOW, seal=seal)
        assert not Identity(GATEWAY, 2, own, keys, {}).seal
