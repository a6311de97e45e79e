"""Prepare, lint, issue: once, exactly what was linted, and only by a CA that may."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role
from pki.errors import CertificateError, CertificateReason, IssueError, IssueReason
from pki.issue import Issuer, Order, Prepared, build_hierarchy, prepare, prepare_root, serial_number, validity_end
from pki.plan import CURVES, Plan
from testbed.small_pki import GATEWAY, NOW, SmallPki

KEY = ec.generate_private_key(ec.BrainpoolP256R1())
ORDER = Order(KEY.public_key(), Role.SMGW, GATEWAY, Purpose.SIG)


def prepared(pki: SmallPki, order: Order = ORDER, issuer: Issuer | None = None, now: datetime = NOW) -> Prepared:
    return prepare(order, issuer=issuer or pki.hierarchy.sub_ca, plan=pki.plan, serial=7, now=now)


def refused(reason: IssueReason) -> "pytest.RaisesExc[IssueError]":
    return pytest.raises(IssueError, check=lambda error: error.reason is reason)


def test_issued_once(small_pki: SmallPki) -> None:
    waiting = prepared(small_pki)
    certificate = waiting.issue()
    certificate.verify_directly_issued_by(small_pki.hierarchy.sub_ca.certificate)
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA384)
    with refused(IssueReason.SPENT):
        waiting.issue()


def test_the_draft_is_not_signed_by_the_ca(small_pki: SmallPki) -> None:
    """A CA key that would sign nothing but is asked only by issue()."""

    class Untouchable:
        curve = ec.BrainpoolP384R1()

        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    issuer = Issuer(small_pki.hierarchy.sub_ca.certificate, Untouchable())  # type: ignore[arg-type]
    waiting = prepared(small_pki, issuer=issuer)
    with pytest.raises((AssertionError, TypeError)):
        waiting.issue()


def test_what_does_not_pass_the_linter_is_not_signed(small_pki: SmallPki) -> None:
    p384 = ec.generate_private_key(ec.BrainpoolP384R1()).public_key()
    with refused(IssueReason.LINT) as caught:
        prepared(small_pki, Order(p384, Role.SMGW, GATEWAY, Purpose.SIG))
    assert "brainpool" in str(caught.value)


def test_what_was_not_linted_is_not_issued(small_pki: SmallPki) -> None:
    waiting = prepared(small_pki)
    waiting._linted = waiting._linted[:-1]
    with refused(IssueReason.LINT):
        waiting.issue()


def test_a_signature_under_another_key_than_the_ca_says_is_noticed(small_pki: SmallPki) -> None:
    """A broken token: it signs, but not with the key whose public part it shows."""

    class Broken:
        curve = small_pki.hierarchy.sub_ca.key.curve

        def public_key(self) -> ec.EllipticCurvePublicKey:
            return small_pki.hierarchy.sub_ca.key.public_key()

        def sign(self, data: bytes, algorithm: ec.ECDSA) -> bytes:
            return ec.generate_private_key(self.curve).sign(data, algorithm)

    ec.EllipticCurvePrivateKey.register(Broken)
    issuer = Issuer(small_pki.hierarchy.sub_ca.certificate, Broken())  # type: ignore[arg-type]
    with refused(IssueReason.ISSUER):
        prepared(small_pki, issuer=issuer).issue()


@pytest.mark.parametrize("now", [NOW - timedelta(days=1), NOW + timedelta(days=2 * 366)])
def test_a_ca_signs_only_in_its_own_signing_period(small_pki: SmallPki, now: datetime) -> None:
    with refused(IssueReason.ISSUER):
        prepared(small_pki, now=now)


@pytest.mark.parametrize(
    ("role", "name"),
    [(Role.SMGW, "1ABC0012345678"), (Role.SMGW, "Netz"), (Role.EMT, "a.GWA"), (Role.EMT, ""), (Role.GWA, "x" * 60)],
)
def test_wrong_names(small_pki: SmallPki, role: Role, name: str) -> None:
    with pytest.raises(CertificateError) as caught:
        prepared(small_pki, Order(KEY.public_key(), role, name, Purpose.SIG))
    assert caught.value.reason is CertificateReason.WRONG_NAME


def test_the_subject_is_as_the_policy_has_it(small_pki: SmallPki) -> None:
    certificate = prepared(small_pki, Order(KEY.public_key(), Role.EMT, "Netz", Purpose.TLS, 3, ("localhost",))).issue()
    assert certificate.subject.rdns[0].rfc4514_string() == "CN=Netz.EMT"
    assert [attribute.value for attribute in certificate.subject] == ["Netz.EMT", "SM-Test-PKI-DE", "DE", "3"]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["netz.emt.testbed.example", "localhost"]


def test_validity_ends_before_midnight() -> None:
    assert validity_end(datetime(2026, 1, 15, 12, tzinfo=UTC), 2) == datetime(2028, 1, 14, 23, 59, 59, tzinfo=UTC)
    assert validity_end(datetime(2028, 2, 29, tzinfo=UTC), 5) == datetime(2033, 2, 27, 23, 59, 59, tzinfo=UTC)
    assert validity_end(datetime(2026, 1, 1, tzinfo=UTC), 5) == datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_serial_numbers_are_positive_and_short() -> None:
    draws = random.Random(1)
    numbers = [serial_number(draws.randbytes) for _ in range(200)]
    assert all(0 < number < 2**127 for number in numbers)
    assert serial_number(bytes) == 1


def test_a_root_signs_itself() -> None:
    key = ec.generate_private_key(ec.BrainpoolP512R1())
    root = prepare_root(key, plan=Plan.default(), serial=1, now=NOW).issue()
    root.verify_directly_issued_by(root)
    assert isinstance(root.signature_hash_algorithm, hashes.SHA512)


def test_a_hierarchy_with_a_simulated_past_dates_back_what_it_issues() -> None:
    plan = replace(Plan.default(), backdated_days=400)
    root_key, sub_ca_key = (ec.generate_private_key(CURVES[one.curve]) for one in (plan.root, plan.sub_ca))
    made = build_hierarchy(root_key, sub_ca_key, plan=plan, now=NOW, random=random.Random(1).randbytes)
    issued = prepare(ORDER, issuer=made.sub_ca, plan=plan, serial=7, now=NOW).issue()
    begins = {one.not_valid_before_utc for one in (made.root.certificate, made.sub_ca.certificate, issued)}
    assert begins == {NOW - timedelta(days=400)}
    assert issued.not_valid_after_utc == validity_end(NOW - timedelta(days=400), plan.end_user.years)
