from datetime import UTC, datetime, timedelta

import pytest

from pki.errors import TunnelError, TunnelReason
from pki.tunnel import MAX_TUNNEL_AGE, require_age

OPENED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("age", [timedelta(), timedelta(hours=1), MAX_TUNNEL_AGE - timedelta(microseconds=1)])
def test_a_young_tunnel_serves(age: timedelta) -> None:
    require_age(OPENED, OPENED + age)


@pytest.mark.parametrize("age", [MAX_TUNNEL_AGE, timedelta(days=30), timedelta(seconds=-1)])
def test_an_old_tunnel_or_one_from_the_future_does_not(age: timedelta) -> None:
    with pytest.raises(TunnelError) as caught:
        require_age(OPENED, OPENED + age)
    assert caught.value.reason is TunnelReason.CLOSED


def test_the_age_is_that_of_the_tr() -> None:
    """FIA_UAU.6."""
    assert timedelta(hours=48) == MAX_TUNNEL_AGE
