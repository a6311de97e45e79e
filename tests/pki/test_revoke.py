"""Revocation lists: complete, numbered, short-lived, with the reasons that end a certificate."""

from datetime import timedelta

import pytest
from cryptography import x509

from pki.errors import IssueError
from pki.revoke import REASONS, Revocation, build_crl
from testbed.small_pki import NOW, SmallPki


def test_entries_number_and_times(small_pki: SmallPki) -> None:
    revocations = [Revocation(9, NOW, "key-compromise"), Revocation(3, NOW - timedelta(days=1))]
    crl = build_crl(small_pki.hierarchy.sub_ca, revocations, number=4, now=NOW.replace(microsecond=5), days=7)
    assert [entry.serial_number for entry in crl] == [3, 9]
    assert (crl.last_update_utc, crl.next_update_utc) == (NOW, NOW + timedelta(days=7))
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 4
    without, with_reason = crl
    assert len(without.extensions) == 0
    reason = with_reason.extensions.get_extension_for_class(x509.CRLReason).value
    assert reason.reason is x509.ReasonFlags.key_compromise
    assert crl.is_signature_valid(small_pki.hierarchy.sub_ca.key.public_key())


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_can_be_told(small_pki: SmallPki, reason: str) -> None:
    crl = build_crl(small_pki.hierarchy.sub_ca, [Revocation(1, NOW, reason)], number=1, now=NOW, days=1)
    assert len(crl) == 1


@pytest.mark.parametrize("reason", ["certificate-hold", "remove-from-crl", ""])
def test_nothing_is_revoked_for_a_while(small_pki: SmallPki, reason: str) -> None:
    with pytest.raises(IssueError):
        build_crl(small_pki.hierarchy.sub_ca, [Revocation(1, NOW, reason)], number=1, now=NOW, days=1)


@pytest.mark.parametrize(("level", "days"), [("root", 31), ("sub_ca", 8), ("sub_ca", 0), ("root", -1)])
def test_a_list_lives_no_longer_than_it_may(small_pki: SmallPki, level: str, days: int) -> None:
    with pytest.raises(IssueError):
        build_crl(getattr(small_pki.hierarchy, level), [], number=1, now=NOW, days=days)
