"""TAF-11: what the meter showed when a load or a generator was controlled (TR-03109-1, TAF-11).

Decides that each event of the profile is told once, with its own time, and that the first recorded reading of each
register at or after it is told with it; one reading that follows several events is told once.
"""

from datetime import datetime, timedelta
from typing import Final

from smgw.access.grants import Grant, RefusalReason
from smgw.access.use_cases.case import Case, Outcome
from smgw.metering.status import GatewayStatus, combined
from smgw.metering.tariffs.taf5 import TariffEvent
from wire.instant import EPOCH, format_instant
from wire.obis import CURRENT_VALUE, Obis
from wire.profiles import ControlEvents
from wire.reading import Reading, Register, Unit

_EVENT_LOG: Final = (0, 0, 96, 11)
"""IEC 62056-61: abstract objects, event codes; group E is the place of the event in the profile's rule, from 1."""
_SECOND: Final = timedelta(seconds=1)


def at_events(case: Case) -> Outcome:
    """The events since the reading before this one, and this reading for all of them."""
    rule, measured = case.evaluation.rule, case.measured
    if not isinstance(rule, ControlEvents):
        return (RefusalReason.NO_RULE,)
    outside = case.outside_validity(measured.captured_at)
    if outside is not None:
        return (outside,)
    before = case.history.before(measured.device, measured.obis, measured.captured_at)
    since = (
        case.evaluation.valid_from if before is None else max(before.captured_at + _SECOND, case.evaluation.valid_from)
    )
    happened = [event for event in case.history.events(rule.events, measured.captured_at) if _instant(event) >= since]
    if not happened:
        return (RefusalReason.NO_EVENT,)
    reading = case.grant(
        f"{measured.device}|{measured.obis}|{format_instant(measured.captured_at)}",
        min(_instant(event) for event in happened),
        measured.captured_at,
        readings=(case.signed,),
    )
    return (*(_told(case, rule, event) for event in happened), reading)


def _told(case: Case, rule: ControlEvents, event: TariffEvent) -> Grant:
    """The event itself: the same grant, whichever register is read first after it."""
    at = _instant(event)
    obis = Obis(*_EVENT_LOG, rule.events.index(event.name) + 1, CURRENT_VALUE)
    register = Register(int(event.active), 0, Unit.COUNT)
    derived = Reading(case.gateway, obis, register, at, combined(GatewayStatus(0)))
    return case.grant(f"{case.gateway}|{event.name}|{format_instant(at)}", at, at, derived=(derived,))


def _instant(event: TariffEvent) -> datetime:
    return EPOCH + timedelta(seconds=event.at)
