"""Quality seals from the factory to the first operational certificates: who may issue, take and renew them."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

import pki
from pki.authority import Authority, Holder, Issued
from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.checks import check_seal, is_seal
from pki.errors import CertificateError, IssueError, IssueReason
from pki.errors import CertificateReason as Reason
from pki.issue import Order, prepare
from pki.lint import lint
from pki.plan import Plan
from pki.profiles import QUALITY_SEAL_POLICY
from pki.requests import Triple, build_renewal, build_triple
from pki.revoke import Revocation
from pki.show import show
from pki.store import SEAL_CA, SUB_CA, Store
from pki.token import Token
from testbed.small_pki import GATEWAY, NOW, SmallPki
from tests.pki import forge

PKI = SmallPki(seed=41)
PLAN = (Path(pki.__file__).parent / "hierarchy.toml").read_text()
DEVICE = Holder(Role.SMGW, GATEWAY)


def policies(*oids: str) -> tuple[tuple[x509.ExtensionType, bool]]:
    statements = [x509.PolicyInformation(ObjectIdentifier(oid), ["http://c.example"]) for oid in oids]
    return ((x509.CertificatePolicies(statements), False),)


SEAL, OWN, BSI = QUALITY_SEAL_POLICY.dotted_string, "1.3.6.1.4.1.32473.3109.4.1", "0.4.0.127.0.7.3.4.1.1.1"


def reason_of(
    certificate: x509.Certificate, *, seal: bool, trust: TrustStore | None = None, purpose: Purpose = Purpose.SIG
) -> Reason | None:
    pinned = {fingerprint(certificate)}
    try:
        verified = (trust or PKI.trust()).verify(
            certificate, role=Role.SMGW, purpose=purpose, at=NOW, pinned=pinned, seal=seal
        )
    except CertificateError as error:
        return error.reason
    assert verified.seal is is_seal(certificate)
    return None


# Verification


@pytest.mark.parametrize("purpose", Purpose)
def test_a_seal_is_believed_only_by_who_takes_seals(purpose: Purpose) -> None:
    seal = PKI.holder(Role.SMGW, purpose, GATEWAY, seal=True).certificate
    operational = PKI.holder(Role.SMGW, purpose, GATEWAY).certificate
    trust = PKI.trust()
    # Twice each, in both orders: what was proven once must not open the other door.
    for taken in (True, False, True, False):
        assert reason_of(seal, seal=taken, trust=trust, purpose=purpose) is (None if taken else Reason.SEAL)
        assert reason_of(operational, seal=taken, trust=trust, purpose=purpose) is None


def test_nothing_that_is_kept_is_signed_by_a_seal() -> None:
    seal = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY, seal=True).certificate
    with pytest.raises(CertificateError) as caught:
        PKI.trust().verify_recorded(
            seal, role=Role.SMGW, purpose=Purpose.SIG, recorded_at=NOW, at=NOW, pinned={fingerprint(seal)}
        )
    assert caught.value.reason is Reason.SEAL


@pytest.mark.parametrize("taken", [True, False])
def test_a_manufacturers_ca_makes_nothing_operational_and_no_other_makes_seals(taken: bool) -> None:
    seal = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY, seal=True).certificate
    operational = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY).certificate
    unmarked = forge.rebuild(seal, PKI.seal_ca.key, replace=policies(OWN))
    assert reason_of(unmarked, seal=taken) is Reason.PROFILE
    marked = forge.rebuild(operational, PKI.hierarchy.sub_ca.key, replace=policies(SEAL))
    assert reason_of(marked, seal=taken) is (Reason.PROFILE if taken else Reason.SEAL)


def test_a_seal_is_revoked_by_its_own_ca() -> None:
    seal = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY, seal=True).certificate
    gone = (Revocation(seal.serial_number, NOW),)
    assert reason_of(seal, seal=True, trust=PKI.trust(sub_ca=gone)) is None
    assert reason_of(seal, seal=True, trust=PKI.trust(seal=gone)) is Reason.REVOKED
    without = TrustStore(PKI.trust().roots, PKI.trust().authorities[1:], PKI.crls())
    assert reason_of(seal, seal=True, trust=without) is Reason.CRL_MISSING
    assert reason_of(PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY).certificate, seal=False, trust=without) is None


def test_without_policies_nothing_is_a_seal() -> None:
    seal = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY, seal=True).certificate
    bare = forge.rebuild(seal, PKI.seal_ca.key, drop=(x509.CertificatePolicies.oid,))
    assert not is_seal(bare)
    with pytest.raises(CertificateError):
        check_seal(bare, PKI.seal_ca.certificate)


# The second opinion, and issuing


def test_clean_seals_are_clean() -> None:
    for purpose in Purpose:
        assert lint(PKI.holder(Role.SMGW, purpose, GATEWAY, seal=True).certificate, PKI.seal_ca.certificate) == []
    assert lint(PKI.seal_ca.certificate, PKI.hierarchy.root.certificate) == []


def test_each_rule_about_seals_has_a_certificate_that_breaks_it() -> None:
    seal_ca, sub_ca, root = PKI.seal_ca, PKI.hierarchy.sub_ca, PKI.hierarchy.root
    seal = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY, seal=True).certificate
    operational = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY).certificate
    unmarked = forge.rebuild(seal, seal_ca.key, replace=policies(OWN))
    assert lint(unmarked, seal_ca.certificate) == [
        "quality seals come from a CA for quality seals, which issues nothing else"
    ]
    marked = forge.rebuild(operational, sub_ca.key, replace=policies(SEAL))
    assert lint(marked, sub_ca.certificate) == [
        "quality seals come from a CA for quality seals, which issues nothing else"
    ]
    both = forge.rebuild(seal, seal_ca.key, replace=policies(SEAL, OWN))
    assert lint(both, seal_ca.certificate) == ["a quality seal carries no other policy"]
    marked_root = forge.rebuild(root.certificate, root.key, replace=policies(BSI, SEAL))
    assert "a root is not for quality seals" in lint(marked_root, None)
    with pytest.raises(IssueError, match="a quality seal is of a gateway"):
        PKI.holder(Role.GWA, Purpose.SIG, "Admin", seal=True)


def test_a_hierarchy_without_a_manufacturer() -> None:
    plan = Plan.from_toml(PLAN[: PLAN.index("# The manufacturer's")] + PLAN[PLAN.index("[end_user]") :])
    assert plan.seal_ca is None
    key = ec.generate_private_key(ec.BrainpoolP256R1()).public_key()
    order = Order(key, Role.SMGW, GATEWAY, Purpose.SIG, seal=True)
    with pytest.raises(IssueError) as caught:
        prepare(order, issuer=PKI.seal_ca, plan=plan, serial=1, now=NOW)
    assert caught.value.reason is IssueReason.STATE
    with pytest.raises(IssueError):
        Plan.from_toml(PLAN.replace('"Testbed-Maker"', '"Testbed"'))


# The authority


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "ca", PLAN)


@pytest.fixture
def authority(store: Store, token: Token) -> Authority:
    made = Authority(store, token)
    made.set_up(NOW)
    return made


Keys = dict[Purpose, ec.EllipticCurvePrivateKey]


def triple() -> tuple[Keys, Triple]:
    keys = {purpose: ec.generate_private_key(ec.BrainpoolP256R1()) for purpose in Purpose}
    return keys, build_triple(keys, DEVICE.common_name)


def believed(store: Store, issued: Issued, *, seal: bool = False) -> list[Reason | None]:
    trust = TrustStore.from_folder(store.trust)
    return [reason_of(issued.certificates[each], seal=seal, trust=trust, purpose=each) for each in Purpose]


@pytest.mark.token
def test_from_the_factory_into_operation(store: Store, authority: Authority) -> None:
    assert sorted(path.name for path in store.trust.iterdir()) == sorted(
        f"{name}.{kind}" for name in ("root", "sub-ca", "seal-ca") for kind in ("pem", "crl")
    )
    keys, requests = triple()
    delivered = authority.issue(requests, DEVICE, NOW, seal=True)
    assert believed(store, delivered, seal=True) == [None] * 3
    assert believed(store, delivered) == [Reason.SEAL] * 3
    renewal = build_renewal(triple()[1], delivered.certificates[Purpose.SIG], keys[Purpose.SIG])
    operational = authority.renew(renewal, NOW)
    assert (operational.generation, operational.holder) == (2, DEVICE)
    assert believed(store, operational) == [None] * 3
    assert believed(store, delivered, seal=True) == [None] * 3
    text = show(store.folder)
    assert "Testbed-Maker.CA (brainpoolP384r1), list number 1, for quality seals" in text
    assert text.count("TLS quality seal generation 1") == 1
    path = store.folder / "issued" / f"{delivered.certificates[Purpose.TLS].serial_number:x}.pem"
    assert f"{GATEWAY} (SMGW, for TLS, quality seal)" in show(path)


@pytest.mark.token
def test_revoked_seals_stand_on_their_own_list_and_renew_nothing(store: Store, authority: Authority) -> None:
    keys, requests = triple()
    delivered = authority.issue(requests, DEVICE, NOW, seal=True)
    signer = delivered.certificates[Purpose.SIG]
    authority.revoke([fingerprint(signer)], "key-compromise", NOW)
    assert [len(store.read().revocations(name)) for name in (SUB_CA, SEAL_CA)] == [0, 1]
    assert believed(store, delivered, seal=True) == [None, Reason.REVOKED, None]
    with pytest.raises(CertificateError) as caught:
        authority.renew(build_renewal(triple()[1], signer, keys[Purpose.SIG]), NOW)
    assert caught.value.reason is Reason.REVOKED


@pytest.mark.token
def test_only_a_gateway_has_one_and_one_device_has_one_identity(authority: Authority) -> None:
    with pytest.raises(IssueError) as caught:
        authority.issue(triple()[1], Holder(Role.GWA, "Admin"), NOW, seal=True)
    assert caught.value.reason is IssueReason.REQUEST
    authority.issue(triple()[1], DEVICE, NOW, seal=True)
    with pytest.raises(IssueError) as caught:
        authority.issue(triple()[1], DEVICE, NOW)
    assert caught.value.reason is IssueReason.HOLDER_EXISTS


@pytest.mark.token
def test_an_authority_from_before_there_were_seals_goes_on(tmp_path: Path, token: Token) -> None:
    text = PLAN[: PLAN.index("# The manufacturer's")] + PLAN[PLAN.index("[end_user]") :]
    store = Store.create(tmp_path / "old", text)
    authority = Authority(store, token)
    authority.set_up(NOW)
    index = store.folder / "index.json"
    index.write_text(index.read_text().replace(',\n "seal_ca_crl": 0', "").replace(',\n   "seal": false', ""))
    assert "seal" not in index.read_text()
    issued = authority.issue(triple()[1], DEVICE, NOW)
    authority.publish_lists(NOW)
    assert believed(store, issued) == [None] * 3
    assert not (store.trust / "seal-ca.pem").exists()
    assert "quality seals" not in show(store.folder)
    with pytest.raises(IssueError, match="no quality seals") as caught:
        authority.issue(
            build_triple(triple()[0], "EABC0012345679.SMGW"), Holder(Role.SMGW, "EABC0012345679"), NOW, seal=True
        )
    assert caught.value.reason is IssueReason.STATE
