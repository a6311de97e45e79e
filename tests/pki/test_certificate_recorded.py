"""What was signed in the past: good then, by today's revocation lists; each step refuses what it guards against."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.checks import check_signature
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from pki.revoke import Revocation
from testbed.small_pki import GATEWAY, NOW, Holder, SmallPki
from tests.pki import forge

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
RECORDED = NOW + 30 * DAY
LATER = NOW + 1000 * DAY
"""The gateway's certificate, good for two years, has expired."""


@pytest.fixture(scope="module")
def gateway(small_pki: SmallPki) -> Holder:
    return small_pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)


def believed(trust: TrustStore, certificate: x509.Certificate, recorded_at: datetime = RECORDED, **changes: Any) -> str:
    asked: dict[str, Any] = {"role": Role.SMGW, "purpose": Purpose.SIG, "at": LATER}
    asked |= {"pinned": {fingerprint(certificate)}} | changes
    return trust.verify_recorded(certificate, recorded_at=recorded_at, **asked).identity


def reason_of(
    trust: TrustStore, certificate: x509.Certificate, recorded_at: datetime = RECORDED, **changes: Any
) -> Reason:
    with pytest.raises(CertificateError) as caught:
        believed(trust, certificate, recorded_at, **changes)
    return caught.value.reason


def revoked(pki: SmallPki, holder: Holder, at: datetime, reason: str = "superseded") -> TrustStore:
    entry = Revocation(holder.certificate.serial_number, at, reason)
    return pki.trust(sub_ca=(entry,), now=LATER)


def test_expired_since_and_still_evidence(small_pki: SmallPki, gateway: Holder) -> None:
    trust = small_pki.trust(now=LATER)
    assert believed(trust, gateway.certificate) == GATEWAY
    with pytest.raises(CertificateError) as caught:
        trust.verify(
            gateway.certificate,
            role=Role.SMGW,
            purpose=Purpose.SIG,
            at=LATER,
            pinned={fingerprint(gateway.certificate)},
        )
    assert caught.value.reason is Reason.EXPIRED


# 1. to 5., as for what is used now; also when the chain is remembered.


def test_steps_1_to_5_are_those_of_verify(small_pki: SmallPki, gateway: Holder) -> None:
    trust, good = small_pki.trust(now=LATER), gateway.certificate
    for _ in range(2):
        assert reason_of(trust, good, pinned=()) is Reason.NOT_PINNED
        assert reason_of(trust, good, role=Role.EMT) is Reason.WRONG_ROLE
        assert reason_of(trust, good, purpose=Purpose.TLS) is Reason.WRONG_PURPOSE
        assert believed(trust, good) == GATEWAY
    stranger = ec.generate_private_key(ec.BrainpoolP384R1())
    assert reason_of(trust, forge.rebuild(good, stranger)) is Reason.BAD_SIGNATURE
    weak = forge.rebuild(good, small_pki.hierarchy.sub_ca.key, algorithm=hashes.SHA224())
    assert reason_of(trust, weak) is Reason.PROFILE


# 6. Valid when it was recorded.


def test_recorded_outside_the_validity_of_the_certificate(small_pki: SmallPki, gateway: Holder) -> None:
    trust, certificate = small_pki.trust(now=LATER), gateway.certificate
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    for _ in range(2):
        assert reason_of(trust, certificate, begin - SECOND) is Reason.NOT_YET_VALID
        assert reason_of(trust, certificate, end + SECOND) is Reason.EXPIRED
        assert {believed(trust, certificate, moment) for moment in (begin, RECORDED, end)} == {GATEWAY}


@pytest.mark.parametrize("level", ["root", "sub_ca"])
def test_recorded_outside_the_validity_of_a_level_above(small_pki: SmallPki, gateway: Holder, level: str) -> None:
    hierarchy = small_pki.hierarchy
    authorities = {"root": hierarchy.root.certificate, "sub_ca": hierarchy.sub_ca.certificate}
    authorities[level] = forge.rebuild(authorities[level], hierarchy.root.key, begin=RECORDED + DAY, end=LATER + DAY)
    trust = TrustStore([authorities["root"]], [authorities["sub_ca"]], small_pki.crls(now=LATER))
    assert reason_of(trust, gateway.certificate) is Reason.NOT_YET_VALID
    assert believed(trust, gateway.certificate, RECORDED + DAY) == GATEWAY


# 7. Today's lists; revoked before, after, and for good.


@pytest.mark.parametrize(
    ("lists_of", "reason"), [(LATER - 8 * DAY, Reason.CRL_STALE), (RECORDED, Reason.CRL_STALE), (None, "missing")]
)
def test_lists_are_those_of_now(
    small_pki: SmallPki, gateway: Holder, lists_of: datetime | None, reason: object
) -> None:
    """A list that was fresh when the value was recorded does not know what came out since."""
    crls = small_pki.crls(now=lists_of) if lists_of else small_pki.crls(now=LATER)[:1]
    trust = TrustStore([small_pki.hierarchy.root.certificate], [small_pki.hierarchy.sub_ca.certificate], crls)
    assert reason_of(trust, gateway.certificate) is (Reason.CRL_MISSING if reason == "missing" else reason)


def test_lists_go_stale_after_a_proof_was_remembered(small_pki: SmallPki, gateway: Holder) -> None:
    trust = small_pki.trust(now=LATER)
    assert believed(trust, gateway.certificate) == GATEWAY
    assert reason_of(trust, gateway.certificate, at=LATER + 7 * DAY) is Reason.CRL_STALE
    assert reason_of(trust, gateway.certificate, at=LATER - SECOND) is Reason.CRL_STALE


@pytest.mark.parametrize("reason", ["unspecified", "superseded", "cessation-of-operation", "affiliation-changed"])
def test_revoked_later_leaves_what_was_recorded_before(small_pki: SmallPki, gateway: Holder, reason: str) -> None:
    trust = revoked(small_pki, gateway, RECORDED, reason)
    for _ in range(2):
        assert believed(trust, gateway.certificate, RECORDED - SECOND) == GATEWAY
        assert reason_of(trust, gateway.certificate, RECORDED) is Reason.REVOKED
        assert reason_of(trust, gateway.certificate, RECORDED + SECOND) is Reason.REVOKED


@pytest.mark.parametrize("reason", ["key-compromise", "ca-compromise"])
def test_a_compromised_key_takes_everything_with_it(small_pki: SmallPki, gateway: Holder, reason: str) -> None:
    trust = revoked(small_pki, gateway, LATER - DAY, reason)
    assert reason_of(trust, gateway.certificate) is Reason.REVOKED


def test_a_sub_ca_revoked_later_or_compromised(small_pki: SmallPki, gateway: Holder) -> None:
    hierarchy = small_pki.hierarchy
    serial = hierarchy.sub_ca.certificate.serial_number
    for reason, recorded_at, good in (
        ("superseded", RECORDED - SECOND, True),
        ("superseded", RECORDED, False),
        ("ca-compromise", RECORDED - SECOND, False),
    ):
        crls = small_pki.crls(root=(Revocation(serial, RECORDED, reason),), now=LATER)
        trust = TrustStore([hierarchy.root.certificate], [hierarchy.sub_ca.certificate], crls)
        if good:
            assert believed(trust, gateway.certificate, recorded_at) == GATEWAY
        else:
            assert reason_of(trust, gateway.certificate, recorded_at) is Reason.REVOKED


@pytest.mark.parametrize(
    ("extension", "good"),
    [
        (x509.InvalidityDate(RECORDED.replace(tzinfo=None) + SECOND), True),
        (x509.InvalidityDate(RECORDED.replace(tzinfo=None)), False),
        (x509.CRLReason(x509.ReasonFlags.certificate_hold), False),
        (x509.CertificateIssuer([x509.DirectoryName(x509.Name([]))]), False),
    ],
    ids=["invalid after", "invalid from then on", "on hold", "of another issuer"],
)
def test_what_else_an_entry_may_say(
    small_pki: SmallPki, gateway: Holder, extension: x509.ExtensionType, good: bool
) -> None:
    """The invalidity date counts where it is earlier than the revocation; what is not understood refuses."""
    entry = x509.RevokedCertificateBuilder().serial_number(gateway.certificate.serial_number)
    entry = entry.revocation_date(RECORDED + DAY).add_extension(extension, critical=False)
    sub_ca = small_pki.hierarchy.sub_ca
    builder = x509.CertificateRevocationListBuilder().issuer_name(sub_ca.certificate.subject).last_update(LATER)
    crl = builder.next_update(LATER + DAY).add_revoked_certificate(entry.build()).sign(sub_ca.key, hashes.SHA384())
    root = small_pki.hierarchy.root.certificate
    trust = TrustStore([root], [sub_ca.certificate], [small_pki.crls(now=LATER)[0], crl])
    if good:
        assert believed(trust, gateway.certificate) == GATEWAY
    else:
        assert reason_of(trust, gateway.certificate) is Reason.REVOKED


# What is remembered.


@pytest.fixture
def chains(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every signature of a certificate that is really checked."""
    checked: list[object] = []

    def check(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
        checked.append(certificate)
        check_signature(certificate, issuer)

    monkeypatch.setattr("pki.certificates.check_signature", check)
    return checked


def test_a_year_of_quarter_hours_costs_one_chain(small_pki: SmallPki, gateway: Holder, chains: list[object]) -> None:
    trust = revoked(small_pki, gateway, RECORDED)
    for quarter in range(-200, 200):
        recorded_at = RECORDED + timedelta(minutes=15 * quarter)
        if quarter < 0:
            assert believed(trust, gateway.certificate, recorded_at) == GATEWAY
        else:
            assert reason_of(trust, gateway.certificate, recorded_at) is Reason.REVOKED
    assert len(chains) == 3


def test_good_in_the_past_is_not_remembered_as_good_now(small_pki: SmallPki, gateway: Holder) -> None:
    trust = revoked(small_pki, gateway, LATER - DAY)
    pinned = {fingerprint(gateway.certificate)}
    asked: dict[str, Any] = {"role": Role.SMGW, "purpose": Purpose.SIG, "pinned": pinned}
    assert believed(trust, gateway.certificate) == GATEWAY
    with pytest.raises(CertificateError):
        trust.verify(gateway.certificate, at=LATER, **asked)


@pytest.mark.parametrize("moment", ["at", "recorded_at"])
def test_a_moment_without_time_zone_is_a_programming_error(small_pki: SmallPki, gateway: Holder, moment: str) -> None:
    moments = {"at": LATER, "recorded_at": RECORDED} | {moment: NOW.replace(tzinfo=None)}
    with pytest.raises(RuntimeError):
        believed(small_pki.trust(now=LATER), gateway.certificate, **moments)
