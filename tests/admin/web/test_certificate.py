"""The console's own certificate: made once, for these names, its key for its owner alone."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from admin.errors import ConfigError
from admin.web.certificate import DAYS, own_certificate
from pki.certificates import load_certificate
from testbed.small_pki import NOW


def test_it_is_made_once_and_of_a_curve_that_browsers_know(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path, "127.0.0.1", NOW)
    made = certificate.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    found = load_certificate(made)
    public = found.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert isinstance(public.curve, ec.SECP256R1)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert own_certificate(tmp_path, "127.0.0.1", NOW) == (certificate, key)
    assert certificate.read_bytes() == made


@pytest.mark.parametrize("change", ["time", "host", "key", "certificate"])
def test_it_is_made_anew_when_it_does_not_serve(tmp_path: Path, change: str) -> None:
    certificate, key = own_certificate(tmp_path, "127.0.0.1", NOW)
    made, at, host = certificate.read_bytes(), NOW, "127.0.0.1"
    if change == "time":
        at += timedelta(days=DAYS - 29)
    elif change == "host":
        host = "192.0.2.1"
    elif change == "key":
        key.unlink()
    else:
        certificate.write_bytes(b"")
    own_certificate(tmp_path, host, at)
    assert certificate.read_bytes() not in {made, b""}
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be kept"):
        own_certificate(tmp_path / "nowhere", "127.0.0.1", NOW)
