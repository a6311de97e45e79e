import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.quantities import QuantityError, counts_up, expected_unit, register, unit_of
from wire.obis import Obis
from wire.reading import Unit


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ("1-0:1.8.0", Unit.WH),
        ("1-0:2.8.2", Unit.WH),
        ("1-0:5.8.0", Unit.VARH),
        ("1-0:9.8.0", Unit.VAH),
        ("1-0:1.7.0", Unit.W),
        ("1-0:1.6.0", Unit.W),
        ("1-0:32.7.0", Unit.V),
        ("1-0:31.7.0", Unit.A),
        ("1-0:14.7.0", Unit.HZ),
        ("1-0:96.1.0", None),
        ("1-0:0.9.1", None),
    ],
)
def test_a_quantity_has_one_unit(code: str, unit: Unit | None) -> None:
    assert expected_unit(Obis.parse(code)) is unit


def test_what_counts_up() -> None:
    assert counts_up(Obis.parse("1-0:1.8.0"))
    for code in ("1-0:1.8.0*1", "1-0:1.9.0", "1-0:1.7.0", "1-0:16.8.0"):
        assert not counts_up(Obis.parse(code))


def test_units_and_their_prefixes() -> None:
    assert unit_of("MWh") == (Unit.WH, 6)
    with pytest.raises(QuantityError):
        unit_of("kwh")


@given(st.integers(0, 10**12 - 1), st.integers(0, 6), st.sampled_from([0, 3, 6]))
def test_numbers_stay_exact(value: int, places: int, power: int) -> None:
    text = str(Decimal(value).scaleb(-places).quantize(Decimal(1).scaleb(-places)))
    assert register(text, Unit.WH, power).exact() == Decimal(text).scaleb(power)


@given(st.text(max_size=30))
def test_only_the_own_error_escapes(text: str) -> None:
    with contextlib.suppress(QuantityError):
        register(text, Unit.WH, 3)
