"""What is shown are values: they compare, and nobody changes one on its way."""

import dataclasses

import pytest

from smgw.han import shown
from smgw.han.shown import UNIT_SYMBOLS, WATT_HOUR, Amount
from wire.reading import Unit


def test_every_shape_is_frozen() -> None:
    shapes = [one for one in vars(shown).values() if isinstance(one, type) and dataclasses.is_dataclass(one)]
    assert shapes
    assert all(shape.__dataclass_params__.frozen for shape in shapes)  # type: ignore[attr-defined]  # of every dataclass


def test_an_amount_is_what_it_says() -> None:
    amount = Amount(5, -1, WATT_HOUR)
    assert amount == Amount(5, -1, WATT_HOUR)
    with pytest.raises(dataclasses.FrozenInstanceError):
        amount.value = 6  # type: ignore[misc]  # the point


def test_every_unit_has_a_symbol() -> None:
    assert set(UNIT_SYMBOLS) == set(Unit)
