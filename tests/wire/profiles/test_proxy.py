"""The proxy profile: every field is checked where the profile is built."""

from dataclasses import replace
from typing import Any

import pytest

from tests.wire.profiles.examples import BEGIN, PROXY
from wire.errors import ProfileError


@pytest.mark.parametrize(
    ("deviation", "field"),
    [
        ({"id": ""}, "id"),
        ({"version": True}, "version"),
        ({"party": "grid operator"}, "party"),
        ({"cls_certificate": b"\x30\x03abc"}, "cls_certificate"),
        ({"scenario": "HKS4"}, "scenario"),
        ({"valid_until": BEGIN}, "validity"),
        ({"session_seconds": 59}, "session_seconds"),
        ({"session_seconds": 172801}, "session_seconds"),
        ({"idle_seconds": 29}, "idle_seconds"),
        ({"idle_seconds": 3601}, "idle_seconds"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError, match=field):
        replace(PROXY, **deviation)
