"""How numbers, units, dates and times are written, in the visitor's language and in legal time (PTB-A 50.8, display).

Decides the digits: a meter reading with every digit that the meter gave, an amount used with as many as anybody can
use, money to the cent. Energies stay integers until they are written; nothing here computes with a float. Of the two
hours of an autumn night that both begin at 2, the first is marked A and the second B, as timetables do.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal

from han_web import words
from han_web.words import say_many
from smgw.han.shown import UNIT_SYMBOLS, Amount
from smgw.logs.texts import Language
from wire.reading import Unit

ZONE: Final = ZoneInfo("Europe/Berlin")
"""Legal time of all contracts (Einheiten- und Zeitgesetz)."""
_THOUSANDS: Final = {"W": "kW", "VA": "kVA", "var": "kvar", "Wh": "kWh", "VAh": "kVAh", "varh": "kvarh"}
_MICRO: Final = 1_000_000
_WATTS_IN_FULL: Final = 10_000
"""Below, a power is told in whole watts."""
_POWERS: Final = frozenset({Unit.W, Unit.VA, Unit.VAR})
_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
"""Between a number and its unit (DIN 1338)."""
NOTHING: Final = "\N{EN DASH}"
"""In the place of a number that cannot be told."""
_MINUS: Final = "\N{MINUS SIGN}"
_INSTANT: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LOCALES: Final = {Language.GERMAN: "de_DE", Language.ENGLISH: "en_GB"}


def locale() -> str:
    """Whose customs numbers and dates follow."""
    return _LOCALES[words.language()]


def number(value: Decimal | int, digits: int = 0) -> str:
    """``value`` with so many digits after the point."""
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(rounded, format=pattern, locale=locale()).replace("-", _MINUS)


def exact(amount: Amount) -> str:
    """A meter reading or a power with every digit that was given; energies in kWh, as the meter's own display."""
    unit, value, digits = _in_unit(amount, thousands=amount.unit not in _POWERS)
    return f"{number(value, digits)}{_NARROW}{unit}"


def energy(amount: Amount | None) -> str:
    """An amount used: three significant digits at least, none that nobody can use."""
    shown = energy_parts(amount)
    return _NARROW.join(shown) if shown[1] else shown[0]


def energy_parts(amount: Amount | None) -> tuple[str, str]:
    """Number and unit of :func:`energy`, to be set in different sizes."""
    if amount is None:
        return NOTHING, ""
    unit, value, _digits = _in_unit(amount, thousands=True)
    magnitude = abs(value)
    digits = 2 if magnitude < 10 else 1 if magnitude < 1000 else 0
    return number(value, digits), unit


def power(amount: Amount) -> str:
    """A power: whole watts below ten kilowatts, which everybody has read on a kettle."""
    return _NARROW.join(power_parts(amount))


def power_parts(amount: Amount) -> tuple[str, str]:
    """Number and unit of :func:`power`."""
    value = Decimal(amount.value).scaleb(amount.scaler)
    if abs(value) < _WATTS_IN_FULL:
        return number(value), UNIT_SYMBOLS.get(amount.unit, "")
    return number(value / 1000, 1), _THOUSANDS.get(UNIT_SYMBOLS.get(amount.unit, ""), "")


def percent(part: int, whole: int) -> str:
    """``part`` of ``whole`` in whole percent."""
    share = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{number(share)}{_NARROW}%"


def money(micro_euros: int | None) -> str:
    """Millionths of a euro, to the cent."""
    if micro_euros is None:
        return NOTHING
    rounded = (Decimal(micro_euros) / _MICRO).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return format_currency(rounded, "EUR", locale=locale())


def price(hundredths_of_cent: int) -> str:
    """A price of a kilowatt hour, in cents, with the digits that it has."""
    value = (Decimal(hundredths_of_cent) / 100).normalize()
    return number(value, max(0, -int(value.as_tuple().exponent)))


def local(at: int) -> datetime:
    """An instant (UTC seconds) on the wall clock."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZONE)


def midnight(day: date) -> datetime:
    """When ``day`` begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def clock_time(at: int, *, seconds: bool = False) -> str:
    """The time of day; marked A or B where the clock shows it twice."""
    pattern = "HH:mm:ss" if seconds else "HH:mm"
    return format_time(local(at).time(), pattern, locale=locale()) + _twice(at)


def day(at: int) -> str:
    """A date, with the month as a word."""
    return format_date(local(at).date(), "long", locale=locale())


def short_day(at: int) -> str:
    """A date in figures."""
    pattern = "dd.MM.yyyy" if words.language() is Language.GERMAN else "dd/MM/yyyy"
    return format_date(local(at).date(), pattern, locale=locale())


def weekday(at: int, *, year: bool = True) -> str:
    """A date with its day of the week; without its year where that stands above."""
    pattern = ("EEEE, d. MMMM" if words.language() is Language.GERMAN else "EEEE, d MMMM") + (" yyyy" if year else "")
    return format_date(local(at).date(), pattern, locale=locale())


def month(at: int) -> str:
    """A month of a year."""
    return format_date(local(at).date(), "LLLL yyyy", locale=locale())


def short_month(at: int) -> str:
    """A month, short."""
    return format_date(local(at).date(), "LLL", locale=locale())


def moment(at: int, *, seconds: bool = False) -> str:
    """Date and time in figures; the machine's form stands beside it in a ``time`` element."""
    return f"{short_day(at)}, {clock_time(at, seconds=seconds)}"


def legal(text: str) -> str:
    """``text`` of a log with its instants, which are UTC there, as every other time of the page."""

    def told(match: re.Match[str]) -> str:
        try:
            return moment(int(datetime.fromisoformat(match[0]).timestamp()), seconds=True)
        except (ValueError, OverflowError):
            return match[0]

    return _INSTANT.sub(told, text)


def machine(at: int) -> str:
    """For the ``datetime`` attribute: ISO 8601 with its offset, which tells the doubled hours apart."""
    return local(at).isoformat()


def iso_day(at: int) -> str:
    """The date in the form of a date field."""
    return local(at).date().isoformat()


def last_day(end: int) -> str:
    """The last day of a period that ends with ``end``, exclusively."""
    return short_day(end - 1)


def since(begin: int) -> str:
    """When a period began: its day, and the time where that is not midnight."""
    return day(begin) if _is_midnight(begin) else moment(begin, seconds=begin % 60 != 0)


def both_ends(begin: int, end: int) -> tuple[str, str]:
    """First and last day of a period of whole days; of any other the moments between which it lies."""
    if _is_midnight(begin) and _is_midnight(end):
        return short_day(begin), last_day(end)
    seconds = (begin % 60, end % 60) != (0, 0)
    last = clock_time if local(begin).date() == local(end).date() else moment
    return moment(begin, seconds=seconds), last(end, seconds=seconds)


def _is_midnight(at: int) -> bool:
    return local(at).time() == time()


@lru_cache(maxsize=64)
def changes(on: date) -> int:
    """How many hours longer or shorter than 24 a day is: 1 in autumn, -1 in spring, else 0."""
    begin, end = midnight(on), midnight(on + timedelta(days=1))
    return round((end.timestamp() - begin.timestamp()) / 3600) - 24


def duration(seconds: int) -> str:
    """A length of time, in the largest unit that goes into it twice: ``15 minutes``."""
    if seconds < 120:
        return say_many("%(num)s second", "%(num)s seconds", seconds)
    if seconds < 2 * 3600:
        return say_many("%(num)s minute", "%(num)s minutes", seconds // 60)
    if seconds < 2 * 86400:
        return say_many("%(num)s hour", "%(num)s hours", seconds // 3600)
    return say_many("%(num)s day", "%(num)s days", seconds // 86400)


def ago(seconds: int) -> str:
    """How long something has been; whole texts, because other languages bend the noun."""
    if seconds < 120:
        return say_many("%(num)s second ago", "%(num)s seconds ago", max(0, seconds))
    if seconds < 2 * 3600:
        return say_many("%(num)s minute ago", "%(num)s minutes ago", seconds // 60)
    if seconds < 2 * 86400:
        return say_many("%(num)s hour ago", "%(num)s hours ago", seconds // 3600)
    return say_many("%(num)s day ago", "%(num)s days ago", seconds // 86400)


def _twice(at: int) -> str:
    shown = local(at)
    first, second = (shown.replace(fold=fold).utcoffset() for fold in (0, 1))
    # In spring an hour that is skipped has two offsets as well, but no instant is ever shown in it.
    return "" if first == second else f"{_NARROW}{'B' if shown.fold else 'A'}"


def _in_unit(amount: Amount, *, thousands: bool) -> tuple[str, Decimal, int]:
    """Unit, value, and the digits after the point that the given scaler means."""
    unit = UNIT_SYMBOLS.get(amount.unit, "")
    exponent = amount.scaler
    if thousands and unit in _THOUSANDS:
        unit, exponent = _THOUSANDS[unit], exponent - 3
    return unit, Decimal(amount.value).scaleb(exponent), max(0, -exponent)
