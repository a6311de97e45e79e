"""Readings at raster points: TAF-7 (Zaehlerstandsgang, stored) and TAF-14 (high frequency, never stored).

Decides that the first reading at or after each raster point is the only one a party gets for it: no finer resolution
than the profile's (TR-03109-1, TAF-7, TAF-14; PP-0073 FDP_IFF.1/MTR, T.Privacy).
"""

from smgw.access.grants import RefusalReason
from smgw.access.use_cases.case import Case, Outcome


def stored(case: Case) -> Outcome:
    """TR-03109-1, TAF-7: the first recorded reading at or after each raster point."""
    refused = case.raster_refusal()
    if refused is not None or case.point is None:
        return (refused or RefusalReason.OFF_RASTER,)
    measured = case.measured
    first = case.history.reading_at(measured.device, measured.obis, case.point, case.window)
    if first is not None and first != measured:
        return (RefusalReason.ALREADY_SERVED,)
    return (case.grant_of_reading(case.point),)


def volatile(case: Case) -> Outcome:
    """TR-03109-1, TAF-14: the same, where nothing of it is stored and memory says whether a point was served."""
    refused = case.raster_refusal()
    if refused is not None or case.point is None:
        return (refused or RefusalReason.OFF_RASTER,)
    latest = case.history.latest(case.measured.device, case.measured.obis)
    if latest is not None and latest.captured_at >= case.point:
        return (RefusalReason.ALREADY_SERVED,)
    return (case.grant_of_reading(case.point),)
