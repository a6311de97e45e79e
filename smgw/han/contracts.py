"""Her contracts as they are shown: who gets which of her values, how often, and for what (Auswertungsprofile).

Decides that a contract is told in her own time and with her own devices: that others are summed with her is said, and
not who, how many, or since when (PP-0073 FDP_ACC.2). TR-03109-1, consumer.
"""

from collections.abc import Mapping
from typing import Final

from smgw.han.hers import HerContract
from smgw.han.shown import Contract
from smgw.store.profiles import ProfileSet
from wire.profiles import (
    BlockStages,
    ControlEvents,
    EvaluationProfile,
    EventStages,
    Extremes,
    LoadStages,
    Mirror,
    Prepaid,
    Rule,
    Threshold,
    TimeStages,
)
from wire.profiles.stages import TariffStage

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS: Final[Mapping[type[Rule], str]] = {
    TimeStages: "time-stages",
    LoadStages: "load-stages",
    BlockStages: "block-stages",
    EventStages: "event-stages",
    Extremes: "extremes",
    Threshold: "threshold",
    ControlEvents: "control-events",
    Prepaid: "prepaid",
    Mirror: "mirror",
}
"""What each kind of rule is called."""


def shown_contract(hers: HerContract, profiles: ProfileSet) -> Contract:
    """``hers`` as values; ``profiles`` know the names of parties."""
    profile = hers.profile
    party = profiles.communications.get(profile.party)
    own = {one.measured.span.device for one in hers.meters}
    billing = profile.billing
    return Contract(
        id=profile.id,
        version=profile.version,
        party=profile.party,
        party_name="" if party is None else party.party,
        use_case=profile.use_case.value,
        purpose=profile.purpose.value,
        meters=tuple(meter.text for meter in profile.meters if meter in own),
        others=hers.others,
        registers=tuple(str(register) for register in profile.registers),
        subtracted=tuple(meter.text for meter in profile.subtracted if meter in own),
        period_seconds=profile.period_seconds,
        dispatch_seconds=profile.dispatch_seconds,
        billing_count=0 if billing is None else billing.count,
        billing_unit="" if billing is None else billing.unit.value,
        pseudonym=profile.pseudonym is not None,
        stored=not profile.unstored,
        since=hers.since,
        until=hers.until,
        rule="" if profile.rule is None else WORDS[type(profile.rule)],
        stages=tuple((one.number, str(one.obis)) for one in stages_of(profile.rule)),
        switches=_switches(profile),
    )


def stages_of(rule: Rule | None) -> tuple[TariffStage, ...]:
    """The stages that ``rule`` divides into, if it does."""
    found: tuple[TariffStage, ...] = getattr(rule, "stages", ())
    return found


def _switches(profile: EvaluationProfile) -> tuple[tuple[str, tuple[tuple[int, int], ...]], ...]:
    if not isinstance(profile.rule, TimeStages):
        return ()
    calendar = profile.rule.calendar
    plans = {one.id: tuple((switch.minute, switch.stage) for switch in one.switches) for one in calendar.day_profiles}
    week = tuple((name, plans[plan]) for name, plan in zip(_DAYS, calendar.week, strict=True))
    return (*week, *((one.day.isoformat(), plans[one.day_profile]) for one in calendar.special_days))
