"""A contract in words: who receives what, how often, and what for (TR-03109-1, consumer; TAF 1 to 14).

Decides the sentences, from the profile's fields alone: what is said is what the gateway does, not what somebody says of
it. The first sentence is the whole contract in short; the others add what she might not expect, such as that a sum
holds more meters than hers, or that her name is left out.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from han_web.registers import register_name
from han_web.words import mark, say, say_many
from smgw.han.shown import Contract

_MINUTE, _QUARTER_HOUR, _HALF_HOUR, _HOUR, _DAY, _WEEK = 60, 900, 1800, 3600, 86_400, 604_800
_SHORTEST_MONTH, _LONGEST_MONTH = 28 * _DAY, 31 * _DAY
_SHORTEST_YEAR, _LONGEST_YEAR = 365 * _DAY, 366 * _DAY
_PER: Final[Mapping[int, str]] = MappingProxyType(
    {
        _MINUTE: mark("per minute"),
        _QUARTER_HOUR: mark("per quarter-hour"),
        _HALF_HOUR: mark("per half hour"),
        _HOUR: mark("per hour"),
        _DAY: mark("per day"),
    }
)
_OFTEN: Final[Mapping[int, str]] = MappingProxyType(
    {
        _MINUTE: mark("once a minute"),
        _QUARTER_HOUR: mark("every quarter of an hour"),
        _HALF_HOUR: mark("every half hour"),
        _HOUR: mark("once an hour"),
        _DAY: mark("once a day"),
        _WEEK: mark("once a week"),
    }
)
PURPOSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "grid-operation": mark("running the grid"),
        "billing": mark("billing"),
        "value-added": mark("a service that you ordered"),
    }
)
_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "grid-operation": mark("It may be used for running the grid only."),
        "billing": mark("It may be used for your bill only."),
        "value-added": mark("It may be used only for a service that you ordered."),
    }
)
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TAF-1": mark("One sum for each billing period"),
        "TAF-2": mark("Tariff by the time of day"),
        "TAF-3": mark("Tariff by power"),
        "TAF-4": mark("Tariff by blocks of energy"),
        "TAF-5": mark("Tariff by events"),
        "TAF-6": mark("Reading on request"),
        "TAF-7": mark("Series of meter readings"),
        "TAF-8": mark("Highest and lowest powers"),
        "TAF-9": mark("Present feed-in on request"),
        "TAF-10": mark("State of the grid"),
        "TAF-11": mark("Controlled devices"),
        "TAF-12": mark("Prepaid energy"),
        "TAF-13": mark("Values for showing"),
        "TAF-14": mark("Frequent values for a service"),
    }
)
_FIRST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TAF-1": mark("%(who)s receives one sum %(billing)s, and nothing of when you used it."),
        "TAF-2": mark("%(who)s receives %(billing)s how much you used in each tariff, and nothing of when exactly."),
        "TAF-3": mark("%(who)s receives %(billing)s how much you used at low and at high power."),
        "TAF-4": mark("%(who)s receives %(billing)s how much you used, divided into blocks of energy."),
        "TAF-5": mark("%(who)s receives %(billing)s how much you used, divided by events such as a switched tariff."),
        "TAF-6": mark("%(who)s may ask for the reading of a single day, for instance when you move."),
        "TAF-7": mark("%(who)s receives one reading %(per)s, %(often)s."),
        "TAF-8": mark("%(who)s receives %(billing)s the highest or lowest powers and when they were."),
        "TAF-9": mark("%(who)s may ask how much is being fed in at this moment."),
        "TAF-10": mark("%(who)s receives measurements of the grid at your connection, %(often)s at most."),
        "TAF-11": mark("%(who)s receives time and reading whenever a device of yours is controlled."),
        "TAF-12": mark("%(who)s receives %(billing)s how much of your credit was used."),
        "TAF-13": mark("%(who)s receives the values of another contract once more, to show them."),
        "TAF-14": mark("%(who)s receives one value %(per)s, %(often)s."),
    }
)
_SENT: Final = frozenset({"TAF-5", "TAF-11", "TAF-12", "TAF-13"})
"""Use cases whose first sentence does not say how often something is sent."""
_SENT_AFTERWARDS: Final = frozenset({"TAF-1", "TAF-2", "TAF-3", "TAF-4", "TAF-8"})
"""Those in which it is sent once, at the next dispatch time after a billing period."""


def title(contract: Contract) -> str:
    """What kind of contract it is."""
    text = TITLES.get(contract.use_case)
    return contract.use_case if text is None else say(text)


def sentences(contract: Contract) -> list[str]:
    """The contract in words, the most important sentence first."""
    return [said for part in _PARTS if (said := part(contract))]


def per(seconds: int) -> str:
    """One value each time so many seconds have passed."""
    if seconds in _PER:
        return say(_PER[seconds])
    if seconds % _MINUTE:
        return say_many("per second", "per %(num)s seconds", seconds)
    return say("per %(num)s minutes", num=seconds // _MINUTE)


def often(seconds: int) -> str:
    """How often something is sent."""
    if seconds in _OFTEN:
        return say(_OFTEN[seconds])
    if _SHORTEST_MONTH <= seconds <= _LONGEST_MONTH:
        return say("once a month")
    if _SHORTEST_YEAR <= seconds <= _LONGEST_YEAR:
        return say("once a year")
    for length, text in (
        (_DAY, mark("every %(num)s days")),
        (_HOUR, mark("every %(num)s hours")),
        (_MINUTE, mark("every %(num)s minutes")),
    ):
        # One of each has words of its own, above.
        if seconds % length == 0:
            return say(text, num=seconds // length)
    return say_many("once a second", "every %(num)s seconds", seconds)


def billing(contract: Contract) -> str:
    """For which periods something is summed."""
    count = contract.billing_count
    if contract.billing_unit == "month" and count == 12:
        return say("for each year")
    if contract.billing_unit == "month":
        return say_many("for each month", "for every %(num)s months", count)
    if contract.billing_unit == "day":
        return say_many("for each day", "for every %(num)s days", count)
    return say_many("for each second", "for every %(num)s seconds", count)


def _first(contract: Contract) -> str:
    text = _FIRST.get(contract.use_case)
    if text is None:
        return say("%(who)s receives values of yours.", who=contract.party_name)
    return say(
        text,
        who=contract.party_name,
        per=per(contract.period_seconds),
        often=often(contract.dispatch_seconds),
        billing=billing(contract),
    )


def _sent(contract: Contract) -> str:
    if contract.use_case in _SENT_AFTERWARDS:
        return say("It is sent after the end of each of these periods.")
    return say("It is sent %(often)s.", often=often(contract.dispatch_seconds)) if contract.use_case in _SENT else ""


def _what(contract: Contract) -> str:
    names = list(dict.fromkeys(register_name(register) for register in contract.registers))
    return say("What is measured: %(names)s.", names=_joined(names)) if names else ""


def _whose(contract: Contract) -> str:
    if contract.others:
        return say("The sum holds other people's meters too; nobody can tell your share in it.")
    if len(contract.meters) > 1:
        return say_many("It is about one meter of yours.", "It is about %(num)s meters of yours.", len(contract.meters))
    return ""


def _subtracted(contract: Contract) -> str:
    return (
        say_many(
            "One meter is subtracted from the sum.",
            "%(num)s meters are subtracted from the sum.",
            len(contract.subtracted),
        )
        if contract.subtracted
        else ""
    )


def _alias(contract: Contract) -> str:
    return say("It is sent under an alias: neither you nor your meter is named.") if contract.pseudonym else ""


def _kept(contract: Contract) -> str:
    return "" if contract.stored else say("The gateway sends these values and keeps none of them.")


def _purpose(contract: Contract) -> str:
    text = _FOR.get(contract.purpose)
    return "" if text is None else say(text)


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else say("%(some)s and %(last)s", some=", ".join(names[:-1]), last=names[-1])


_PARTS: Final[tuple[Callable[[Contract], str], ...]] = (
    _first,
    _sent,
    _what,
    _whose,
    _subtracted,
    _alias,
    _kept,
    _purpose,
)
