"""The certification authority with its keys in a token: certify, renew, take back; and what OpenSSL says about it."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import pki
from pki.authority import Authority, Holder, Issued
from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import CertificateError, CertificateReason, IssueError, IssueReason
from pki.requests import Triple, build_renewal, build_request, build_triple
from pki.store import Store
from pki.token import Token
from testbed.small_pki import NOW, SmallPki

pytestmark = pytest.mark.token
EMT = Holder(Role.EMT, "Netz", ("localhost",))
HOUR = timedelta(hours=1)


def refused(reason: IssueReason) -> "pytest.RaisesExc[IssueError]":
    return pytest.raises(IssueError, check=lambda error: error.reason is reason)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "ca", (Path(pki.__file__).parent / "hierarchy.toml").read_text())


@pytest.fixture
def authority(store: Store, token: Token) -> Authority:
    made = Authority(store, token)
    made.set_up(NOW)
    return made


def software_keys() -> dict[Purpose, ec.EllipticCurvePrivateKey]:
    return {purpose: ec.generate_private_key(ec.BrainpoolP256R1()) for purpose in Purpose}


def triple(holder: Holder = EMT) -> Triple:
    return build_triple(software_keys(), holder.common_name)


def reason(store: Store, issued: Issued, purpose: Purpose, at: datetime) -> CertificateReason | None:
    certificate = issued.certificates[purpose]
    trust = TrustStore.from_folder(store.trust)
    try:
        trust.verify(certificate, role=issued.holder.role, purpose=purpose, at=at, pinned={fingerprint(certificate)})
    except CertificateError as error:
        return error.reason
    return None


@pytest.mark.parametrize("holder", [EMT, Holder(Role.GWA, "Admin"), Holder(Role.SMGW, "EABC0012345678")])
def test_what_it_issues_is_good(store: Store, authority: Authority, holder: Holder) -> None:
    issued = authority.issue(triple(holder), holder, NOW)
    assert issued.generation == 1
    assert [reason(store, issued, purpose, NOW) for purpose in Purpose] == [None, None, None]
    entries = [entry for entry in store.read().entries if entry.role != Role.SUB_CA]
    assert [store.certificate(entry) for entry in entries] == [issued.certificates[purpose] for purpose in Purpose]


def test_set_up_once(authority: Authority) -> None:
    with refused(IssueReason.STATE):
        authority.set_up(NOW)


def test_nobody_gets_a_second_triple_beside_a_good_one(authority: Authority) -> None:
    issued = authority.issue(triple(), EMT, NOW)
    with refused(IssueReason.HOLDER_EXISTS):
        authority.issue(triple(), EMT, NOW + HOUR)
    authority.revoke([fingerprint(certificate) for certificate in issued.certificates.values()], "superseded", NOW)
    assert authority.issue(triple(), EMT, NOW + HOUR).generation == 2


def test_no_authority_is_issued_on_request(authority: Authority) -> None:
    with refused(IssueReason.REQUEST):
        authority.issue(triple(), Holder(Role.SUB_CA, "Netz"), NOW)


def test_a_triple_is_issued_whole_or_not_at_all(store: Store, authority: Authority) -> None:
    """The third key does not pass the linter: the first two are not signed either."""
    good = triple().requests
    wrong = build_request(ec.generate_private_key(ec.BrainpoolP384R1()), Purpose.ENC, EMT.common_name)
    before, issued = store.read(), len(list((store.folder / "issued").iterdir()))
    with refused(IssueReason.LINT):
        authority.issue(Triple({**good, Purpose.ENC: wrong}), EMT, NOW)
    assert store.read() == before
    assert len(list((store.folder / "issued").iterdir())) == issued


def test_keys_are_certified_once(authority: Authority) -> None:
    keys = software_keys()
    authority.issue(build_triple(keys, EMT.common_name), EMT, NOW)
    other = Holder(Role.EMT, "Other")
    with refused(IssueReason.REQUEST):
        authority.issue(build_triple(keys, other.common_name), other, NOW)


def test_renewal_by_the_current_key(store: Store, authority: Authority) -> None:
    keys = software_keys()
    first = authority.issue(build_triple(keys, EMT.common_name), EMT, NOW)
    document = build_renewal(triple(), first.certificates[Purpose.SIG], keys[Purpose.SIG])
    second = authority.renew(document, NOW + HOUR)
    assert (second.generation, second.holder) == (2, EMT)
    assert reason(store, second, Purpose.TLS, NOW + HOUR) is None
    # The same document again asks for keys that were certified by now.
    with refused(IssueReason.REQUEST):
        authority.renew(document, NOW + HOUR)


@pytest.mark.parametrize("purpose", [Purpose.TLS, Purpose.ENC])
def test_renewal_by_another_key_of_the_holder(authority: Authority, purpose: Purpose) -> None:
    keys = software_keys()
    first = authority.issue(build_triple(keys, EMT.common_name), EMT, NOW)
    with pytest.raises(CertificateError) as caught:
        authority.renew(build_renewal(triple(), first.certificates[purpose], keys[purpose]), NOW)
    assert caught.value.reason is CertificateReason.WRONG_PURPOSE


def test_renewal_for_another_holder(authority: Authority) -> None:
    keys = software_keys()
    first = authority.issue(build_triple(keys, EMT.common_name), EMT, NOW)
    foreign = build_renewal(triple(Holder(Role.EMT, "Other")), first.certificates[Purpose.SIG], keys[Purpose.SIG])
    with refused(IssueReason.REQUEST):
        authority.renew(foreign, NOW)


def test_renewal_with_a_revoked_expired_or_foreign_certificate(authority: Authority, small_pki: SmallPki) -> None:
    keys = software_keys()
    first = authority.issue(build_triple(keys, EMT.common_name), EMT, NOW)
    signer = first.certificates[Purpose.SIG]
    authority.revoke([f"{signer.serial_number:x}"], "key-compromise", NOW)
    later = NOW + timedelta(days=800)
    for at, expected in ((NOW, CertificateReason.REVOKED), (later, CertificateReason.EXPIRED)):
        with pytest.raises(CertificateError) as caught:
            authority.renew(build_renewal(triple(), signer, keys[Purpose.SIG]), at)
        assert caught.value.reason is expected
    stranger = small_pki.holder(Role.EMT, Purpose.SIG)
    with refused(IssueReason.UNKNOWN_CERTIFICATE):
        authority.renew(build_renewal(triple(), stranger.certificate, stranger.key), NOW)


def test_revocation_shows_in_the_lists(store: Store, authority: Authority) -> None:
    issued = authority.issue(triple(), EMT, NOW)
    handle = fingerprint(issued.certificates[Purpose.TLS])
    before = store.read()
    assert [entry.purpose for entry in authority.revoke([handle], "key-compromise", NOW + HOUR)] == ["TLS"]
    assert reason(store, issued, Purpose.TLS, NOW + HOUR) is CertificateReason.REVOKED
    assert reason(store, issued, Purpose.SIG, NOW + HOUR) is None
    assert store.read().sub_ca_crl == before.sub_ca_crl + 1
    with refused(IssueReason.ALREADY_REVOKED):
        authority.revoke([handle], "key-compromise", NOW + HOUR)
    with refused(IssueReason.STATE):
        authority.revoke([handle], "because", NOW + HOUR)
    with refused(IssueReason.UNKNOWN_CERTIFICATE):
        authority.revoke(["abc"], "superseded", NOW + HOUR)


def test_a_crash_while_the_lists_are_published_takes_no_revocation_back(
    store: Store, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is out, the power goes before anything else is written: the next list must still have the entry."""
    issued = authority.issue(triple(), EMT, NOW)
    publish = Store.publish

    def publish_and_die(self: Store, name: str, thing: Any) -> None:
        publish(self, name, thing)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(Store, "publish", publish_and_die)
        with pytest.raises(KeyboardInterrupt):
            authority.revoke([fingerprint(issued.certificates[Purpose.TLS])], "key-compromise", NOW)
    authority.publish_lists(NOW + HOUR)
    assert reason(store, issued, Purpose.TLS, NOW + HOUR) is CertificateReason.REVOKED


def test_revoking_the_sub_ca_ends_everything_below(store: Store, authority: Authority) -> None:
    issued = authority.issue(triple(), EMT, NOW)
    authority.revoke([fingerprint(store.authority("sub-ca"))], "ca-compromise", NOW + HOUR)
    assert reason(store, issued, Purpose.SIG, NOW + HOUR) is CertificateReason.REVOKED


def test_lists_are_renewed_before_they_are_over(store: Store, authority: Authority) -> None:
    issued = authority.issue(triple(), EMT, NOW)
    week = NOW + timedelta(days=7)
    assert reason(store, issued, Purpose.SIG, week) is CertificateReason.CRL_STALE
    authority.publish_lists(week)
    assert reason(store, issued, Purpose.SIG, week) is None


def openssl(store: Store, certificate: Path, at: datetime) -> tuple[int, str]:
    chain = store.folder / "chain.pem"
    parts = [store.trust / name for name in ("root.pem", "sub-ca.pem", "root.crl", "sub-ca.crl")]
    chain.write_bytes(b"".join(part.read_bytes() for part in parts))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(chain), "-crl_check_all"]
    command += ["-attime", str(int(at.timestamp())), str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.peer
def test_openssl_agrees(store: Store, authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue(triple(), EMT, NOW)
    paths = {}
    for purpose, certificate in issued.certificates.items():
        paths[purpose] = tmp_path / f"{purpose}.pem"
        paths[purpose].write_bytes(certificate.public_bytes(Encoding.PEM))
        assert openssl(store, paths[purpose], NOW + HOUR) == (0, f"{paths[purpose]}: OK\n")
    authority.revoke([fingerprint(issued.certificates[Purpose.TLS])], "key-compromise", NOW)
    for purpose, at, words in (
        (Purpose.TLS, NOW + HOUR, "certificate revoked"),
        (Purpose.SIG, NOW + timedelta(days=8), "CRL has expired"),
        (Purpose.SIG, NOW - timedelta(days=1), "not yet valid"),
    ):
        status, text = openssl(store, paths[purpose], at)
        assert status != 0
        assert words in text
    assert openssl(store, paths[Purpose.SIG], NOW + HOUR)[0] == 0


def test_a_ca_key_in_the_token_signs_what_software_verifies(store: Store, authority: Authority) -> None:
    root, sub_ca = store.authority("root"), store.authority("sub-ca")
    root.verify_directly_issued_by(root)
    sub_ca.verify_directly_issued_by(root)
    assert (root.public_key().key_size, sub_ca.public_key().key_size) == (512, 384)  # type: ignore[union-attr]
