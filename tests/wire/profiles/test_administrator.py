"""The administrator's profile: every field is checked where the profile is built."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tests.wire.profiles.examples import ADMINISTRATOR, BEGIN
from wire.errors import ProfileError


@pytest.mark.parametrize(
    ("deviation", "field"),
    [
        ({"id": "a/b"}, "id"),
        ({"version": 0}, "version"),
        ({"party": "a\nb"}, "party"),
        ({"host": "gwa example"}, "host"),
        ({"management_port": 0}, "management_port"),
        ({"management_port": 65536}, "management_port"),
        ({"service_port": 0}, "service_port"),
        ({"tls_certificate": b""}, "tls_certificate"),
        ({"signature_certificate": ADMINISTRATOR.signature_certificate[:-1]}, "signature_certificate"),
        ({"valid_until": BEGIN}, "validity"),
        ({"session_seconds": 59}, "session_seconds"),
        ({"session_seconds": 172801}, "session_seconds"),
        ({"idle_seconds": 29}, "idle_seconds"),
        ({"idle_seconds": 3601}, "idle_seconds"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError, match=field):
        replace(ADMINISTRATOR, **deviation)


def test_a_tunnel_ends_after_ten_idle_minutes_and_two_days_unless_something_else_is_said() -> None:
    assert (ADMINISTRATOR.idle_seconds, ADMINISTRATOR.session_seconds) == (600, 172800)


def test_the_fingerprint_is_of_the_tls_certificate() -> None:
    assert ADMINISTRATOR.tls_fingerprint == hashlib.sha256(ADMINISTRATOR.tls_certificate).hexdigest()
