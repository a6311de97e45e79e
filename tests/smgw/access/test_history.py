"""Which readings a bill may rest on."""

import pytest

from smgw.access.history import is_usable
from tests.smgw.access.cases import at, reading


@pytest.mark.parametrize(
    ("status", "usable"),
    [(0, True), (0x1000 << 32, True), (0x2000 << 32, True), (0x200 << 32, False), (0x20000, False)],
)
def test_a_bill_rests_on_what_is_not_critical(status: int, usable: bool) -> None:
    """PTB-A 50.8, statusPTB 0 to 2."""
    assert is_usable(reading(at("12:00:00"), status=status).reading) is usable
