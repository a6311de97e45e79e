"""When to try again: exponential, with jitter, never longer than a cap.

Decides delays only. The jitter is drawn for every delay (full range from half to whole), so that ten thousand gateways
which lost the same datacenter at the same second do not come back at the same second.
"""

from collections.abc import Callable
from datetime import timedelta

FIRST_DELAY = timedelta(seconds=10)
DELAY_CAP = timedelta(minutes=30)
"""Two raster periods of 15 minutes: an outage that ends is noticed soon enough, a dead host is asked 48 times a day."""
_MAX_DOUBLINGS = 16
"""Beyond the cap already; keeps the power small however long an outage is."""


def delay(failures: int, jitter: Callable[[], float]) -> timedelta:
    """How long to wait after the ``failures``-th failure in a row (1..); ``jitter()`` is uniform in [0, 1)."""
    whole = min(DELAY_CAP, FIRST_DELAY * (1 << min(failures - 1, _MAX_DOUBLINGS)))
    return whole * (0.5 + jitter() / 2)
