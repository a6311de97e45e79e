import pytest

from smgw.metering.quantities import counts_up, expected_unit
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
