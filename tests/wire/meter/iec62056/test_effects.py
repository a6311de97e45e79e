"""Effects are plain facts: what to send or change to, and after which pause."""

import dataclasses

import pytest

from wire.meter.iec62056 import ChangeSpeed, Send


def test_nothing_waits_unless_it_is_said() -> None:
    assert (Send(b"\x06").after, ChangeSpeed(9600).after) == (0.0, 0.0)


def test_an_effect_cannot_be_changed_on_its_way_to_the_port() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Send(b"\x06").after = 1.0  # type: ignore[misc]
