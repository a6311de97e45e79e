"""What a gateway's triple is worth before the inventory takes it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from admin.certificates import judged, read_folder
from admin.errors import InventoryError, InventoryReason
from pki.certificates import Purpose, Role
from testbed.small_pki import NOW, SmallPki
from tests.admin.bureau import GATEWAY, OTHER, der, pem

PKI = SmallPki()
STRANGERS = SmallPki(seed=99)
Triple = dict[Purpose, bytes]


def triple(pki: SmallPki = PKI, name: str = GATEWAY.text) -> Triple:
    return {purpose: der(pki.holder(Role.SMGW, purpose, name)) for purpose in Purpose}


def write(folder: Path, certificates: Triple) -> None:
    for purpose, data in certificates.items():
        (folder / f"{purpose}.pem").write_bytes(pem(x509.load_der_x509_certificate(data)))


def test_operational_certificates(tmp_path: Path) -> None:
    good = triple()
    write(tmp_path, good)
    assert read_folder(tmp_path) == good
    assert judged(good, GATEWAY, PKI.trust(), NOW) is False


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: triple(STRANGERS),
        lambda _: triple(name=OTHER.text),
        lambda good: good | {Purpose.SIG: good[Purpose.ENC]},
        lambda good: good | {Purpose.SIG: der(PKI.holder(Role.EMT, Purpose.SIG))},
        lambda good: good | {Purpose.SIG: b"0"},
        lambda _: {},
    ],
)
def test_what_is_not_believed(spoil: Callable[[Triple], Triple]) -> None:
    with pytest.raises(InventoryError) as caught:
        judged(spoil(triple()), GATEWAY, PKI.trust(), NOW)
    assert caught.value.reason is InventoryReason.CERTIFICATES


def test_a_folder_with_one_missing_or_broken(tmp_path: Path) -> None:
    write(tmp_path, triple())
    (tmp_path / "ENC.pem").write_text("no certificate")
    with pytest.raises(InventoryError, match=r"ENC\.pem"):
        read_folder(tmp_path)
    (tmp_path / "ENC.pem").unlink()
    with pytest.raises(InventoryError, match=r"needs TLS\.pem, SIG\.pem, ENC\.pem"):
        read_folder(tmp_path)
