import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from admin.authority import certifier
from admin.config import AuthorityConfiguration
from admin.errors import EnrolmentError, EnrolmentReason
from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.files import RENEWAL, read_key
from pki.requests import build_renewal, build_triple, common_name_of
from tests.softhsm import MODULE, shared_configuration

pytestmark = pytest.mark.token
NAME = "Admin"


def pki(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pki", *map(str, arguments)], check=True, capture_output=True)


def test_a_renewal_is_certified_by_the_authoritys_own_process(tmp_path: Path) -> None:
    """A holder with software keys stands for the gateway: the authority does not care where keys live."""
    shared_configuration()
    state, pin, holder, work = (tmp_path / name for name in ("pki", "pin", "holder", "work"))
    pki("init", state, "--pin-file", pin)
    pki("issue", state, holder, "--role", "GWA", "--name", NAME, "--generate", "--pin-file", pin)
    keys = {purpose: ec.generate_private_key(ec.BrainpoolP256R1()) for purpose in Purpose}
    current = load_certificate((holder / "SIG.pem").read_bytes())
    triple = build_triple(keys, common_name_of(Role.GWA, NAME))
    work.mkdir()
    (work / RENEWAL).write_bytes(build_renewal(triple, current, read_key(holder / "SIG.key")))

    certifier(AuthorityConfiguration(state, pin, MODULE))(work)
    trust = TrustStore.from_folder(state / "trust")
    for purpose, key in keys.items():
        certificate = load_certificate((work / f"{purpose}.pem").read_bytes())
        pinned = {fingerprint(certificate)}
        verified = trust.verify(certificate, role=Role.GWA, purpose=purpose, at=datetime.now(UTC), pinned=pinned)
        assert verified.public_key == key.public_key()

    # The same keys again: the authority's own sentence reaches whoever asked.
    with pytest.raises(EnrolmentError, match="certified before") as caught:
        certifier(AuthorityConfiguration(state, pin, MODULE))(work)
    assert caught.value.reason is EnrolmentReason.AUTHORITY


def test_an_authority_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EnrolmentError, match="refuses: smgw-pki: ") as caught:
        certifier(AuthorityConfiguration(tmp_path / "no", tmp_path / "pin", MODULE))(tmp_path)
    assert caught.value.reason is EnrolmentReason.AUTHORITY
