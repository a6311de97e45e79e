"""The folder of a holder: what is written reads back, keys are their owner's alone, refusals name the file."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.certificates import Purpose
from pki.errors import IssueError, IssueReason
from pki.files import make_key, read_key, read_requests, write_certificates, write_keys, write_requests
from pki.requests import build_triple, read_triple
from testbed.small_pki import SmallPki

KEYS = {purpose: ec.generate_private_key(ec.BrainpoolP256R1()) for purpose in Purpose}


def test_requests(tmp_path: Path) -> None:
    with pytest.raises(IssueError) as caught:
        read_requests(tmp_path)
    assert "TLS.csr" in str(caught.value)
    write_requests(tmp_path / "new", build_triple(KEYS, "Netz.EMT"))
    read_triple(read_requests(tmp_path / "new"), "Netz.EMT")


def test_keys(tmp_path: Path) -> None:
    write_keys(tmp_path, KEYS)
    for purpose, key in KEYS.items():
        path = tmp_path / f"{purpose}.key"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert read_key(path).private_numbers() == key.private_numbers()
    (tmp_path / "SIG.key").chmod(0o640)
    with pytest.raises(IssueError, match="chmod 600"):
        read_key(tmp_path / "SIG.key")


def test_what_is_no_key_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.key"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    another_curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(*form)
    another_kind = ed25519.Ed25519PrivateKey.generate().private_bytes(*form)
    for data in (b"", b"garbage", another_curve, another_kind):
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(IssueError):
            read_key(path)
    with pytest.raises(IssueError):
        read_key(tmp_path / "absent.key")


def test_a_folder_that_cannot_be_written(tmp_path: Path, small_pki: SmallPki) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IssueError):
        write_certificates(tmp_path / "file", {Purpose.SIG: small_pki.hierarchy.root.certificate})


def test_a_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "new" / "TLS.key"
    make_key(path)
    made = read_key(path).private_numbers()
    assert path.stat().st_mode & 0o777 == 0o600
    make_key(path)
    assert read_key(path).private_numbers() == made


def test_a_key_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(IssueError) as caught:
        make_key(tmp_path / "file" / "TLS.key")
    assert caught.value.reason is IssueReason.STATE
