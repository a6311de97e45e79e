"""The administrator's first day: keys in the token, a key file, requests that the CA accepts; nothing made twice."""

import stat
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from admin.keys import request_certificates
from pki.certificates import Purpose, Role
from pki.errors import IssueError
from pki.files import read_requests
from pki.requests import common_name_of, read_triple
from pki.token import Token
from tests.admin.bureau import MODULE, PIN, Bureau

pytestmark = pytest.mark.token


def open_token(bureau: Bureau) -> Token:
    return Token.open(MODULE, bureau.label, PIN, monotonic=time.monotonic)


def test_requests_for_keys_that_stay_where_they_are(bureau: Bureau) -> None:
    with open_token(bureau) as token:
        folder = request_certificates(bureau.configuration, token)
        assert token.labels() == ["ENC", "SIG"]
    assert folder == bureau.folder / "certificates"
    triple = read_triple(read_requests(folder), common_name_of(Role.GWA, bureau.name))
    assert triple.public_key(Purpose.SIG) == bureau.certificate.public_key()
    assert stat.S_IMODE((folder / "TLS.key").stat().st_mode) == 0o600
    assert [path.name for path in folder.glob("*.key")] == ["TLS.key"]


def test_saying_it_twice_makes_nothing_twice(bureau: Bureau) -> None:
    def keys() -> list[ec.EllipticCurvePublicKey]:
        with open_token(bureau) as token:
            folder = request_certificates(bureau.configuration, token)
        triple = read_triple(read_requests(folder), common_name_of(Role.GWA, bureau.name))
        return [triple.public_key(purpose) for purpose in Purpose]

    assert keys() == keys()


def test_a_key_file_that_others_may_read_is_not_used(bureau: Bureau) -> None:
    with open_token(bureau) as token:
        request_certificates(bureau.configuration, token)
        bureau.configuration.keys.tls_key.chmod(0o644)
        with pytest.raises(IssueError):
            request_certificates(bureau.configuration, token)
