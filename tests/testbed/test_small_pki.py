"""The small SM-PKI is one that the real verification believes, and the same seed is the same PKI."""

from datetime import timedelta

import pytest

from pki.certificates import Purpose, Role, fingerprint
from pki.errors import CertificateError, CertificateReason
from pki.revoke import Revocation
from testbed.small_pki import GATEWAY, NOW, SmallPki


def test_its_certificates_are_believed() -> None:
    pki = SmallPki()
    verified = pki.verified(pki.holder(Role.EMT, Purpose.SIG), Role.EMT, Purpose.SIG)
    assert (verified.role, verified.purpose, verified.identity) == (Role.EMT, Purpose.SIG, "Netz")


def test_its_revocations_are_believed() -> None:
    pki = SmallPki()
    holder = pki.holder(Role.EMT, Purpose.SIG)
    trust = pki.trust(sub_ca=(Revocation(holder.certificate.serial_number, NOW),))
    pinned = {fingerprint(holder.certificate)}
    with pytest.raises(CertificateError) as refused:
        trust.verify(holder.certificate, role=Role.EMT, purpose=Purpose.SIG, at=NOW, pinned=pinned)
    assert refused.value.reason is CertificateReason.REVOKED


def test_its_quality_seals_are_believed_and_revoked() -> None:
    pki = SmallPki()
    seal = pki.holder(Role.SMGW, Purpose.SIG, GATEWAY, seal=True)
    assert pki.verified(seal, Role.SMGW, Purpose.SIG, seal=True).seal
    with pytest.raises(CertificateError) as refused:
        pki.verified(seal, Role.SMGW, Purpose.SIG)
    assert refused.value.reason is CertificateReason.SEAL
    trust = pki.trust(seal=(Revocation(seal.certificate.serial_number, NOW),))
    with pytest.raises(CertificateError) as refused:
        trust.verify(
            seal.certificate,
            role=Role.SMGW,
            purpose=Purpose.SIG,
            at=NOW,
            pinned={fingerprint(seal.certificate)},
            seal=True,
        )
    assert refused.value.reason is CertificateReason.REVOKED


def test_one_seed_is_one_pki() -> None:
    keys = [SmallPki(seed=seed).holder(Role.EMT, Purpose.ENC).key.private_numbers() for seed in (3, 3, 4)]
    assert keys[0] == keys[1] != keys[2]


def test_what_is_asked_for_twice_is_made_twice_and_the_same_of_one_seed_once() -> None:
    one, other, later = SmallPki(), SmallPki(), SmallPki(now=NOW + timedelta(days=1))
    first, second = (one.holder(Role.EMT, Purpose.ENC).certificate for _ in range(2))
    assert first.serial_number != second.serial_number
    assert first.public_key() != second.public_key()
    assert other.holder(Role.EMT, Purpose.ENC).certificate == first
    assert later.holder(Role.EMT, Purpose.ENC).certificate.not_valid_before_utc == NOW + timedelta(days=1)
    revocation = Revocation(first.serial_number, NOW)
    assert [len(crl) for crl in (*one.crls(), *one.crls(sub_ca=(revocation,)))] == [0, 0, 0, 1]
