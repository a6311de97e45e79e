"""Present values that are never stored: TAF-9 (actual feed-in on request) and TAF-10 (grid status data).

Decides that a request is answered once for each register, by the first reading after it, and that a threshold is told
when it is passed, and at raster points for as long as it is. A reading that passed one is told as the gateway's own
value with the threshold bit, because the meter's reading is one for all parties and must not show what another party
watches (TR-03109-1, TAF-9, TAF-10; PP-0073 FDP_IFF.1/MTR).
"""

from dataclasses import replace

from smgw.access.grants import Grant, RefusalReason
from smgw.access.use_cases.case import Case, Outcome
from smgw.metering.status import GatewayStatus
from wire.instant import format_instant
from wire.profiles import Threshold
from wire.reading import Reading

_MARKER = int(GatewayStatus.THRESHOLD) << 32


def on_request(case: Case) -> Outcome:
    """TR-03109-1, TAF-9: the first reading at or after the request."""
    measured = case.measured
    requested_at = case.requests.get(case.evaluation.id)
    if requested_at is None or measured.captured_at < requested_at:
        return (RefusalReason.ON_REQUEST_ONLY,)
    outside = case.outside_validity(measured.captured_at)
    if outside is not None:
        return (outside,)
    latest = case.history.latest(measured.device, measured.obis)
    if latest is not None and latest.captured_at >= requested_at:
        return (RefusalReason.ON_REQUEST_ONLY,)
    return (case.grant_of_reading(measured.captured_at),)


def grid_status(case: Case) -> Outcome:
    """TR-03109-1, TAF-10: without a rule at every raster point, with a threshold while it is passed."""
    rule, measured = case.evaluation.rule, case.measured
    outside = case.outside_validity(measured.captured_at)
    if outside is not None:
        return (outside,)
    before = case.history.latest(measured.device, measured.obis)
    if before is not None and before.captured_at >= measured.captured_at:
        return (RefusalReason.ALREADY_SERVED,)
    if isinstance(rule, Threshold):
        watches = measured.obis == rule.register
        watched = measured if watches else case.history.latest(measured.device, rule.register)
        if watched is None or not _beyond(watched, rule):
            return (RefusalReason.NO_EVENT,)
        if watches and (before is None or not _beyond(before, rule)):
            return (_marked(case),)
    refused = case.raster_refusal()
    if refused is not None or case.point is None:
        return (refused or RefusalReason.OFF_RASTER,)
    if before is not None and before.captured_at >= case.point:
        return (RefusalReason.ALREADY_SERVED,)
    return (case.grant_of_reading(case.point),)


def _beyond(reading: Reading, rule: Threshold) -> bool:
    value = reading.register.exact()
    return (rule.above is not None and value > rule.above) or (rule.below is not None and value < rule.below)


def _marked(case: Case) -> Grant:
    """The value with the threshold bit; group B tells several meters of one profile apart (IEC 62056-61, channel)."""
    measured, meters = case.measured, case.evaluation.meters
    channel = measured.obis.b if len(meters) == 1 else meters.index(measured.device) + 1
    derived = replace(
        measured,
        device=case.gateway,
        obis=replace(measured.obis, b=channel),
        status=measured.status | _MARKER,
    )
    at = measured.captured_at
    return case.grant(f"{measured.device}|{measured.obis}|{format_instant(at)}", at, at, derived=(derived,))
