"""``smgw-pki`` as people use it: a session from init to revocation, and what it says when it refuses."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pki.__main__ import main
from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.checks import is_seal
from pki.files import read_key, write_requests
from pki.requests import build_renewal, build_triple
from pki.token import use_configuration
from testbed.small_pki import SmallPki
from tests.softhsm import shared_configuration

pytestmark = pytest.mark.token


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    shared = shared_configuration()
    yield tmp_path
    use_configuration(shared)


def run(folder: Path, *words: object, pin: bool = True) -> Result:
    arguments = [str(word) for word in words]
    if pin:
        arguments += ["--pin-file", str(folder / "pin")]
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def state(folder: Path) -> Path:
    result = run(folder, "init", folder / "ca")
    assert result.exit_code == 0, result.output
    assert "new PIN" in result.output
    return folder / "ca"


def issue_netz(folder: Path, state: Path) -> Path:
    netz = folder / "netz"
    result = run(folder, "issue", state, netz, "--generate", "--role", "EMT", "--name", "Netz", "--host", "localhost")
    assert result.exit_code == 0, result.output
    return netz


def test_a_session(folder: Path, state: Path) -> None:
    netz = issue_netz(folder, state)
    first = load_certificate((netz / "SIG.pem").read_bytes())
    assert first.public_key() == read_key(netz / "SIG.key").public_key()
    trust = TrustStore.from_folder(state / "trust")
    now = first.not_valid_before_utc
    trust.verify(first, role=Role.EMT, purpose=Purpose.SIG, at=now, pinned={fingerprint(first)})
    assert run(folder, "renew", state, netz, "--generate").exit_code == 0
    second = load_certificate((netz / "SIG.pem").read_bytes())
    assert second.public_key() == read_key(netz / "SIG.key").public_key() != first.public_key()
    result = run(folder, "revoke", state, netz / "TLS.pem", f"{first.serial_number:x}", "--reason", "superseded")
    assert result.exit_code == 0
    assert result.output.count("revoked Netz.EMT") == 2
    assert run(folder, "crl", state).exit_code == 0
    shown = run(folder, "show", state, pin=False).output
    assert "SM-Test-Root.CA (brainpoolP512r1), list number 2" in shown
    assert shown.count("revoked") == 2
    assert "Netz (EMT, for SIG)" in run(folder, "show", netz / "SIG.pem", pin=False).output


def test_requests_of_a_gateway(folder: Path, state: Path, small_pki: SmallPki) -> None:
    keys = {purpose: small_pki.holder(Role.EMT, purpose).key for purpose in Purpose}
    gateway = folder / "gateway"
    write_requests(gateway, build_triple(keys, "EABC0012345678.SMGW"))
    other = run(folder, "issue", state, gateway, "--role", "SMGW", "--name", "EABC0012345679")
    assert (other.exit_code, (gateway / "TLS.pem").exists()) == (1, False)
    result = run(folder, "issue", state, gateway, "--role", "SMGW", "--name", "EABC0012345678")
    assert result.exit_code == 0, result.output
    for purpose in Purpose:
        assert load_certificate((gateway / f"{purpose}.pem").read_bytes()).public_key() == keys[purpose].public_key()
    again = run(folder, "issue", state, gateway, "--role", "SMGW", "--name", "EABC0012345678")
    assert again.exit_code == 1
    assert "renew or revoke" in again.stderr


def test_a_gateway_leaves_the_factory_with_a_seal_and_renews_it(folder: Path, state: Path, small_pki: SmallPki) -> None:
    keys, fresh = ({purpose: small_pki.holder(Role.EMT, purpose).key for purpose in Purpose} for _ in range(2))
    gateway, name = folder / "gateway", "EABC0012345678"
    write_requests(gateway, build_triple(keys, f"{name}.SMGW"))
    result = run(folder, "issue", state, gateway, "--role", "SMGW", "--name", name, "--seal")
    assert result.exit_code == 0, result.output
    seal = load_certificate((gateway / "SIG.pem").read_bytes())
    renewal = build_renewal(build_triple(fresh, f"{name}.SMGW"), seal, keys[Purpose.SIG])
    (gateway / "renewal.der").write_bytes(renewal)
    assert run(folder, "renew", state, gateway).exit_code == 0
    operational = load_certificate((gateway / "SIG.pem").read_bytes())
    assert (is_seal(seal), is_seal(operational)) == (True, False)
    for certificate, holder in ((seal, keys), (operational, fresh)):
        assert certificate.public_key() == holder[Purpose.SIG].public_key()


def test_a_manufacturer_has_certificates_and_no_seal(folder: Path, state: Path) -> None:
    words = ("issue", state, folder / "werk", "--generate", "--role", "GWH", "--name", "Werk")
    refused = run(folder, *words, "--seal")
    assert (refused.exit_code, "of a gateway" in refused.stderr) == (1, True)
    assert run(folder, *words).exit_code == 0
    assert "Werk (GWH, for SIG)" in run(folder, "show", folder / "werk" / "SIG.pem", pin=False).output


def test_the_keys_of_a_gateway_are_not_made_here(folder: Path, state: Path) -> None:
    result = run(folder, "issue", state, folder / "g", "--generate", "--role", "SMGW", "--name", "EABC0012345678")
    assert result.exit_code == 1
    assert "in its token" in result.stderr
    assert not (folder / "g").exists()


def test_keys_are_not_overwritten(folder: Path, state: Path) -> None:
    netz = issue_netz(folder, state)
    before = (netz / "SIG.key").read_bytes()
    result = run(folder, "issue", state, netz, "--generate", "--role", "GWA", "--name", "Admin")
    assert result.exit_code == 1
    assert (netz / "SIG.key").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["init", "ca"], "already"),
        (["issue", "ca", "absent", "--role", "EMT", "--name", "Netz"], "TLS.csr"),
        (["renew", "ca", "absent"], "renewal.der"),
        (["renew", "ca", "absent", "--generate"], "SIG.pem"),
        (["revoke", "ca", "abcdef"], "issued no certificate"),
        (["revoke", "ca", "absent.pem"], "cannot be read"),
        (["crl", "nowhere"], "begin with init"),
    ],
)
def test_refusals_are_one_sentence(folder: Path, state: Path, words: list[str], sentence: str) -> None:
    paths = [folder / word if word in ("ca", "absent", "nowhere", "absent.pem") else word for word in words]
    result = run(folder, *paths)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.startswith("smgw-pki: ")
    assert result.stderr.count("\n") == 1


def test_the_pin_comes_from_one_place(folder: Path, state: Path) -> None:
    for options in ([], ["--pin-fd", "0", "--pin-file", str(folder / "pin")]):
        result = run(folder, "crl", state, *options, pin=False)
        assert result.exit_code == 1
        assert "--pin-file or --pin-fd" in result.stderr
    (folder / "other").write_text("1111111111\n")
    (folder / "other").chmod(0o600)
    result = run(folder, "crl", state, "--pin-file", folder / "other", pin=False)
    assert result.exit_code == 1
    assert "PIN" in result.stderr
    assert "1111111111" not in result.stderr


def test_as_a_program_with_the_pin_on_a_descriptor(folder: Path, state: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, (folder / "pin").read_bytes())
    os.close(writing)
    command = [sys.executable, "-m", "pki", "crl", str(state), "--pin-fd", str(reading)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, pass_fds=[reading], cwd=root, capture_output=True, text=True, check=False, timeout=30
    )
    os.close(reading)
    assert (done.returncode, done.stderr) == (0, "")
    wrong = subprocess.run([*command[:3], "nonsense"], cwd=root, capture_output=True, check=False, timeout=30)
    assert wrong.returncode == 2


@pytest.mark.parametrize("command", [[], ["init"], ["issue"], ["renew"], ["revoke"], ["crl"], ["show"]])
def test_help(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output
