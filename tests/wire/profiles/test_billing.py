"""Billing periods: the lengths that contracts have, and no others."""

from typing import Any

import pytest
from hypothesis import given

from tests.wire.profiles.rules import billing_periods
from wire.errors import ProfileError
from wire.profiles import BillingPeriod, BillingUnit
from wire.profiles.document import Fields


@pytest.mark.parametrize(
    ("count", "unit"),
    [
        (0, BillingUnit.DAY),
        (367, BillingUnit.DAY),
        (True, BillingUnit.DAY),
        (4, BillingUnit.MONTH),
        (24, BillingUnit.MONTH),
        (366 * 86400 + 1, BillingUnit.SECOND),
        (1, "month"),
        (1, None),
    ],
)
def test_another_length_is_refused(count: Any, unit: Any) -> None:
    with pytest.raises(ProfileError, match="billing"):
        BillingPeriod(count, unit)


@given(billing_periods())
def test_what_is_written_is_read_back(period: BillingPeriod) -> None:
    assert BillingPeriod.from_fields(Fields(period.to_document())) == period


def test_another_member_is_refused() -> None:
    with pytest.raises(ProfileError, match="unknown keys: begin"):
        BillingPeriod.from_fields(Fields({"count": 1, "unit": "month", "begin": 5}))
