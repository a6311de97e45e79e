"""The administrator's first day: keys in the token, a key file, requests that the CA accepts; nothing made twice."""

import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from admin.keys import create_token, request_certificates
from pki.certificates import Purpose, Role
from pki.errors import IssueError, TokenError, TokenReason
from pki.files import read_requests
from pki.pin import read_pin
from pki.requests import common_name_of, read_triple
from pki.token import Token
from tests.admin.bureau import MODULE, PIN, Bureau
from tests.softhsm import shared_configuration

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


def test_a_token_and_its_pins(bureau: Bureau, tmp_path: Path) -> None:
    label = f"{bureau.label}-new"
    chosen = replace(bureau.configuration.token, label=label, pin_file=tmp_path / "new" / "pin")
    create_token(chosen, os.urandom)
    pins = [read_pin(tmp_path / "new" / name) for name in ("pin", "pin.so")]
    assert pins[0] != pins[1]
    create_token(chosen, os.urandom)
    with Token.open(MODULE, label, pins[0], monotonic=time.monotonic) as token:
        assert token.labels() == []


def test_a_softhsm_configuration_of_its_own(bureau: Bureau, tmp_path: Path) -> None:
    """Made with its token folder where there is none; left alone where there is one."""
    folder = tmp_path / "own"
    chosen = replace(
        bureau.configuration.token, label="own", pin_file=folder / "pin", configuration=folder / "softhsm2.conf"
    )
    try:
        create_token(chosen, os.urandom)
        written = (folder / "softhsm2.conf").read_text()
        assert f"directories.tokendir = {folder / 'tokens'}" in written
        assert stat.S_IMODE((folder / "tokens").stat().st_mode) == 0o700
        (folder / "softhsm2.conf").write_text(written + "# by hand\n")
        create_token(chosen, os.urandom)
        assert (folder / "softhsm2.conf").read_text().endswith("# by hand\n")
        with Token.open(MODULE, "own", read_pin(folder / "pin"), monotonic=time.monotonic) as token:
            assert token.labels() == []
    finally:
        shared_configuration()


def test_a_token_that_cannot_be_made(bureau: Bureau, tmp_path: Path) -> None:
    chosen = replace(bureau.configuration.token, label="x" * 40, pin_file=tmp_path / "pin", module=tmp_path / "none.so")
    with pytest.raises(TokenError) as caught:
        create_token(chosen, os.urandom)
    assert caught.value.reason is TokenReason.NO_MODULE
