"""What is due when: raster points, tolerances and dispatch times, as pure functions of time.

Decides when a reading counts for a raster point and when a delivery leaves. Rasters and periods are multiples of their
length since 1970-01-01T00:00:00Z, so they do not know local time, daylight saving or the length of a month: billing
months in local time are a matter of the tariffs, not of this file. Never reads a clock, and never a value: dispatch
times follow from profile, identities and time alone, so that when a gateway speaks tells nothing of what was used
(FPR_CON.1; what it says then, and how long that is: ``smgw/wan/concealment.py``).
"""

import hashlib
from datetime import datetime, timedelta

from wire.instant import EPOCH
from wire.profiles import EvaluationProfile
from wire.reading import DeviceId

TOLERANCE_DIVISOR = 100
"""PTB-A 50.8, raster: two registrations may lie 1 % of their period further apart or closer (9 s at 900 s)."""
MINIMUM_TOLERANCE = timedelta(seconds=5)
"""A read-out takes seconds on a slow line; rasters far below 900 s exist in testbeds only and would never be met."""
MAXIMUM_TOLERANCE = timedelta(seconds=36)
"""1 % of an hour: of a billing period of a month 1 % would be seven hours, which is no boundary reading any more."""
JITTER_DIVISOR = 10
"""Dispatch times spread over at most a tenth of the dispatch interval."""


def raster_point(captured_at: datetime, raster_seconds: int) -> datetime:
    """The last raster point at or before ``captured_at`` (aware UTC)."""
    raster = timedelta(seconds=raster_seconds)
    return EPOCH + (captured_at - EPOCH) // raster * raster


def tolerance(raster_seconds: int) -> timedelta:
    """How long after a raster point a reading still stands for it: whole seconds, always below half a raster."""
    wanted = max(MINIMUM_TOLERANCE, timedelta(seconds=raster_seconds // TOLERANCE_DIVISOR))
    return min(wanted, MAXIMUM_TOLERANCE, timedelta(seconds=(raster_seconds - 1) // 2))


def served_point(captured_at: datetime, raster_seconds: int) -> datetime | None:
    """The raster point for which a reading captured at this time stands, or None between two points.

    At most one: the windows of two points cannot overlap, because a tolerance is below half a raster.
    """
    point = raster_point(captured_at, raster_seconds)
    return point if captured_at - point <= tolerance(raster_seconds) else None


def jitter(profile: EvaluationProfile, gateway: DeviceId) -> timedelta:
    """How much later than the raster this gateway dispatches this profile: the same for ever, at most a tenth of it.

    Derived from identities by SHA-256, so that gateways with neighbouring numbers spread evenly over the interval and a
    restart does not move anybody (all gateways at the same second would be the datacenter's worst load).
    """
    name = f"{gateway.text}\0{profile.id}".encode("ascii")
    spread = profile.dispatch_seconds // JITTER_DIVISOR + 1
    return timedelta(seconds=int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % spread)


def next_dispatch(profile: EvaluationProfile, gateway: DeviceId, after: datetime) -> datetime:
    """The first dispatch time of this profile on this gateway that lies after ``after`` (aware UTC)."""
    offset = jitter(profile, gateway)
    return raster_point(after - offset, profile.dispatch_seconds) + timedelta(seconds=profile.dispatch_seconds) + offset


def due(profile: EvaluationProfile, gateway: DeviceId, last_dispatch: datetime | None, now: datetime) -> bool:
    """Whether a delivery of this profile shall leave now; ``last_dispatch`` is None before the first one.

    Any number of missed times is one due delivery, because a delivery takes all that is owed. A last dispatch in the
    future means that the clock went back: within one interval it is waited for, beyond that it says nothing and the
    delivery is due, for otherwise a clock once set a year ahead would silence the gateway for a year.
    """
    if last_dispatch is None:
        return next_dispatch(profile, gateway, profile.valid_from) <= now
    if last_dispatch - now > timedelta(seconds=profile.dispatch_seconds):
        return True
    return next_dispatch(profile, gateway, last_dispatch) <= now
