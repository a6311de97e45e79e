"""The communication profile: every field is checked where the profile is built; fingerprints are of the DER bytes."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tests.wire.profiles.examples import BEGIN, COMMUNICATION
from wire.errors import ProfileError
from wire.profiles import AccessPurpose


@pytest.mark.parametrize(
    ("deviation", "field"),
    [
        ({"id": "a/b"}, "id"),
        ({"version": -1}, "version"),
        ({"party": "a\nb"}, "party"),
        ({"host": "emt example"}, "host"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"path": "deliveries"}, "path"),
        ({"tls_certificate": b""}, "tls_certificate"),
        ({"encryption_certificate": COMMUNICATION.encryption_certificate[:-1]}, "encryption_certificate"),
        ({"purposes": (AccessPurpose.BILLING, AccessPurpose.BILLING)}, "purposes"),
        ({"purposes": ("billing",)}, "purposes"),
        ({"valid_until": BEGIN}, "validity"),
        ({"role": "EMT"}, "role"),
        ({"key_agreement": "ecka-eg-X963KDF-SHA256"}, "key_agreement"),
        ({"session_seconds": 59}, "session_seconds"),
        ({"session_seconds": 172801}, "session_seconds"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError, match=field):
        replace(COMMUNICATION, **deviation)


def test_no_purpose_at_all_is_a_profile_that_permits_nothing() -> None:
    assert replace(COMMUNICATION, purposes=()).purposes == ()


def test_fingerprints_are_of_the_certificates_in_their_places() -> None:
    assert COMMUNICATION.tls_fingerprint == hashlib.sha256(COMMUNICATION.tls_certificate).hexdigest()
    assert COMMUNICATION.encryption_fingerprint == hashlib.sha256(COMMUNICATION.encryption_certificate).hexdigest()
