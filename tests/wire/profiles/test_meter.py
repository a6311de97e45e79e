"""The meter profile: every field is checked where the profile is built."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.wire.profiles.examples import END, IMPORTED, METER
from wire.errors import ProfileError
from wire.profiles import Protocol62056, ProtocolMode


@pytest.mark.parametrize(
    ("deviation", "field"),
    [
        ({"id": "meter 1"}, "id"),
        ({"version": 0}, "version"),
        ({"version": 2**31}, "version"),
        ({"meter": "1ISK0012345678"}, "meter"),
        ({"identity": ""}, "identity"),
        ({"identity": "1234 5678"}, "identity"),
        ({"identity": "1" * 33}, "identity"),
        ({"manufacturer": "IS"}, "manufacturer"),
        ({"manufacturer": "isk"}, "manufacturer"),
        ({"line": "../x"}, "line"),
        ({"address": "1!"}, "address"),
        ({"address": "1" * 33}, "address"),
        ({"registers": ()}, "registers"),
        ({"registers": (IMPORTED, IMPORTED)}, "registers"),
        ({"registers": ("1-0:1.8.0*255",)}, "registers"),
        ({"interval_seconds": 0}, "interval_seconds"),
        ({"interval_seconds": 7}, "interval_seconds"),
        ({"maximum_power_watts": 0}, "maximum_power_watts"),
        ({"maximum_power_watts": 10**9 + 1}, "maximum_power_watts"),
        ({"valid_from": END}, "validity"),
        ({"valid_until": END + timedelta(microseconds=1)}, "validity"),
        ({"protocol": {"mode": "C"}}, "protocol"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError, match=field):
        replace(METER, **deviation)


@pytest.mark.parametrize(
    ("deviation", "field"),
    [
        ({"mode": "C"}, "mode"),
        ({"fixed_speed": 9601}, "fixed_speed"),
        ({"switch_delay_ms": -1}, "switch_delay_ms"),
        ({"switch_delay_ms": 5001}, "switch_delay_ms"),
        ({"ignore_announced_speed": 1}, "ignore_announced_speed"),
        ({"block_check": "require"}, "block_check"),
        ({"wake_up": "loud"}, "wake_up"),
    ],
)
def test_a_protocol_out_of_bounds_is_refused(deviation: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError, match=field):
        replace(Protocol62056(mode=ProtocolMode.C), **deviation)
