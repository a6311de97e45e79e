"""Valid rules of the tariff use cases, of which a test states only its deviation, and strategies that build others."""

from datetime import date, timedelta

from hypothesis import strategies as st

from wire.obis import Obis
from wire.profiles import (
    BillingPeriod,
    BillingUnit,
    BlockStages,
    ControlEvents,
    DayProfile,
    EventStages,
    Extremes,
    LoadStages,
    Mirror,
    Prepaid,
    Rule,
    SpecialDay,
    TariffCalendar,
    TariffStage,
    TariffSwitch,
    Threshold,
    TimeStages,
    UseCase,
    derived_register,
)
from wire.reading import DeviceId

IMPORTED = Obis.parse("1-0:1.8.0")
STAGES = (TariffStage(1, Obis.parse("1-0:1.8.1")), TariffStage(2, Obis.parse("1-0:1.8.2")))
WORKING_DAY = DayProfile(1, (TariffSwitch(0, 2), TariffSwitch(360, 1), TariffSwitch(1320, 2)))
FREE_DAY = DayProfile(2, (TariffSwitch(0, 2),))
CALENDAR = TariffCalendar((WORKING_DAY, FREE_DAY), (1, 1, 1, 1, 1, 2, 2), (SpecialDay(date(2026, 12, 25), 2),))
MONTH = BillingPeriod(1, BillingUnit.MONTH)
EXAMPLES: dict[UseCase, Rule] = {
    UseCase.TAF_2: TimeStages(STAGES, CALENDAR),
    UseCase.TAF_3: LoadStages(STAGES, (3000,)),
    UseCase.TAF_4: BlockStages(STAGES, (500_000,)),
    UseCase.TAF_5: EventStages(STAGES, 1, (("surplus", 2),)),
    UseCase.TAF_8: Extremes(0, 3),
    UseCase.TAF_10: Threshold(IMPORTED, above=25_000),
    UseCase.TAF_11: ControlEvents(("dim",)),
    UseCase.TAF_12: Prepaid(100_000, 10_000, 86_400),
    UseCase.TAF_13: Mirror("another-profile"),
}

names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)


def billing_periods(raster: int = 1) -> st.SearchStrategy[BillingPeriod]:
    """Periods that begin and end on a raster that divides an hour."""
    return (
        st.sampled_from((1, 2, 3, 6, 12)).map(lambda count: BillingPeriod(count, BillingUnit.MONTH))
        | st.integers(1, 366).map(lambda count: BillingPeriod(count, BillingUnit.DAY))
        | st.integers(1, 366 * 86400 // raster).map(lambda count: BillingPeriod(count * raster, BillingUnit.SECOND))
    )


@st.composite
def calendars(draw: st.DrawFn, numbers: list[int]) -> TariffCalendar:
    ids = draw(st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True))
    profiles = []
    for one in ids:
        minutes = [0, *sorted(draw(st.sets(st.integers(1, 1439), max_size=3)))]
        profiles.append(
            DayProfile(one, tuple(TariffSwitch(minute, draw(st.sampled_from(numbers))) for minute in minutes))
        )
    week = tuple(draw(st.lists(st.sampled_from(ids), min_size=7, max_size=7)))
    days = sorted(draw(st.sets(st.integers(0, 1000), max_size=3)))
    special = tuple(SpecialDay(date(2026, 1, 1) + timedelta(days=day), draw(st.sampled_from(ids))) for day in days)
    return TariffCalendar(tuple(profiles), week, special)


@st.composite
def rules(draw: st.DrawFn, use_case: UseCase, register: Obis) -> Rule | None:
    numbers = draw(st.lists(st.integers(1, 62), min_size=2, max_size=4, unique=True))
    stages = tuple(TariffStage(number, derived_register(register, number)) for number in numbers)
    limits = tuple(sorted(draw(st.sets(st.integers(1, 10**9), min_size=len(stages) - 1, max_size=len(stages) - 1))))
    distinct = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    match use_case:
        case UseCase.TAF_2:
            return TimeStages(stages, draw(calendars(numbers)))
        case UseCase.TAF_3:
            return LoadStages(stages, limits)
        case UseCase.TAF_4:
            return BlockStages(stages, limits)
        case UseCase.TAF_5:
            chosen = st.sampled_from(numbers)
            return EventStages(stages, draw(chosen), tuple((name, draw(chosen)) for name in distinct))
        case UseCase.TAF_8:
            return Extremes(draw(st.integers(0, 5)), draw(st.integers(1, 5)))
        case UseCase.TAF_10:
            bound = draw(st.integers(-1000, 1000))
            both = Threshold(register, bound, bound - 1)
            return draw(st.sampled_from((None, Threshold(register, bound), Threshold(register, None, bound), both)))
        case UseCase.TAF_11:
            return ControlEvents(tuple(distinct))
        case UseCase.TAF_12:
            breaker = st.just(()) | st.just((DeviceId("1ISK0012345678"),))
            return Prepaid(
                draw(st.integers(10, 10**9)), draw(st.integers(0, 10)), draw(st.integers(0, 10)), draw(breaker)
            )
        case UseCase.TAF_13:
            return Mirror(draw(names))
        case _:
            return None
