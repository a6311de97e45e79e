"""The certificate of the home area network: its key stays in the token (PP-0073 FTP_ITC.1/USR, FCS_CKM.4)."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import load_certificate
from pki.errors import TokenError
from pki.token import Token
from smgw.config_han import HanConfiguration
from smgw.han.certificate import FILE, REMAINDER, VALIDITY, HanCertificate, grouped_fingerprint
from tests.softhsm import MODULE, PIN, fresh_token
from wire.reading import DeviceId

pytestmark = pytest.mark.token
GATEWAY = DeviceId("EABC0012345678")
PAGE = HanConfiguration((ip_address("10.0.0.1"), ip_address("fe80::1%eth1")), 443, ("meter.home",), "smgw")
AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared() -> Iterator[Token]:
    with Token.open(MODULE, fresh_token(), PIN, monotonic=time.monotonic) as token:
        yield token


@pytest.fixture
def token(shared: Token) -> Token:
    for label in shared.labels():
        shared.destroy_key(label)
    return shared


def held(token: Token, folder: Path, page: HanConfiguration = PAGE) -> HanCertificate:
    return HanCertificate(GATEWAY, page, token, folder, random=bytes, sync=lambda: None)


def test_what_stands_in_it(token: Token, tmp_path: Path) -> None:
    certificate, label = held(token, tmp_path).look(AT, trusted=True)
    assert label == "HAN.1"
    assert certificate.public_key() == token.key(label).public_key()
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    certificate.verify_directly_issued_by(certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["meter.home", "smgw.local", "EABC0012345678"]
    # A certificate has no scopes: the address is the same by whichever interface.
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("10.0.0.1"), ip_address("fe80::1")]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == VALIDITY
    assert certificate.not_valid_before_utc < AT
    assert len(grouped_fingerprint(certificate)) == 95
    assert load_certificate((tmp_path / FILE).read_bytes()) == certificate


def test_it_stays_until_it_is_due_and_then_the_former_key_is_gone(token: Token, tmp_path: Path) -> None:
    first, _ = held(token, tmp_path).look(AT, trusted=True)
    again = held(token, tmp_path)
    due = first.not_valid_after_utc - REMAINDER
    assert again.look(due - timedelta(seconds=1), trusted=True) == (first, "HAN.1")
    # A clock that nobody compared renews nothing: people would see another fingerprint each time.
    assert again.look(due, trusted=False) == (first, "HAN.1")
    second, label = again.look(due, trusted=True)
    assert second != first
    assert label == "HAN.2"
    assert token.labels() == ["HAN.2"]
    assert held(token, tmp_path).look(due, trusted=True) == (second, "HAN.2")


def test_another_name_makes_another_certificate(token: Token, tmp_path: Path) -> None:
    first, _ = held(token, tmp_path).look(AT, trusted=True)
    second, _ = held(token, tmp_path, HanConfiguration((ip_address("10.0.0.2"),))).look(AT, trusted=False)
    assert second != first
    assert token.labels() == ["HAN.2"]


@pytest.mark.parametrize("spoiled", [b"", b"nonsense", None])
def test_a_certificate_that_is_lost_is_made_again(token: Token, tmp_path: Path, spoiled: bytes | None) -> None:
    first, _ = held(token, tmp_path).look(AT, trusted=True)
    if spoiled is None:
        (tmp_path / FILE).unlink()
    else:
        (tmp_path / FILE).write_bytes(spoiled)
    second, label = held(token, tmp_path).look(AT, trusted=True)
    assert (second == first, label) == (False, "HAN.2")


def test_a_key_without_a_certificate_is_what_a_loss_of_power_leaves(token: Token, tmp_path: Path) -> None:
    first, _ = held(token, tmp_path).look(AT, trusted=True)
    token.generate_key("HAN.2", ec.SECP256R1())  # and then the power was gone
    assert held(token, tmp_path).look(AT, trusted=True) == (first, "HAN.1")
    assert token.labels() == ["HAN.1"]


def test_other_keys_are_left_alone(token: Token, tmp_path: Path) -> None:
    token.generate_key("HAN", ec.SECP256R1())
    held(token, tmp_path).look(AT, trusted=True)
    assert token.labels() == ["HAN", "HAN.1"]


def test_without_a_place_for_it_nothing_is_in_use(token: Token, tmp_path: Path) -> None:
    certificate = held(token, tmp_path / "missing")
    with pytest.raises(OSError, match="missing"):
        certificate.look(AT, trusted=True)
    (tmp_path / "missing").mkdir()
    assert certificate.look(AT, trusted=True)[1] == "HAN.2"
    assert token.labels() == ["HAN.2"]
    with pytest.raises(TokenError):
        token.key("HAN.1")
