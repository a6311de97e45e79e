"""How a gateway is, in words: states, conditions, what is tested, the firewall (PP-0073 FPT_FLS.1, FPT_TST.1).

Decides the words and nothing else; a name without words is shown as it is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from han_web.words import language, mark, say
from smgw.logs.texts import Language
from smgw.logs.words import in_german

STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "normal": mark("Everything works"),
        "measurement": mark("Meters are read without a valid time"),
        "connectivity": mark("Meters are read, nothing is sent"),
        "application": mark("Nothing is recorded at the moment"),
        "boot": mark("The gateway waits for its administrator"),
    }
)
CONDITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no-valid-time": mark("Nobody has compared the clock for too long."),
        "clock-deviation": mark("The clock deviates too far."),
        "certificates-bad": mark("A certificate of the gateway is not good now."),
        "firewall-not-applied": mark("The firewall's rules are not in force."),
        "security-module-failed": mark("The security module does not answer."),
        "database-damaged": mark("The data store is damaged."),
        "log-chain-broken": mark("A log was altered."),
        "disk-full": mark("The data store is full."),
        "calibration-log-full": mark("The calibration log is full."),
        "program-altered": mark("The program is not the one that was installed."),
        "update-failed": mark("An update failed; the gateway works with the program before."),
    }
)
TESTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "database": mark("Data store"),
        "security-module": mark("Security module"),
        "certificates": mark("Certificates"),
        "free-space": mark("Free space"),
        "clock": mark("Clock"),
        "program": mark("Program"),
        "logs": mark("Logs"),
        "firewall": mark("Firewall"),
        "update": mark("Update"),
        "meters": mark("Meters"),
    }
)
FIREWALLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "applied": mark("The rules are in force"),
        "not-applied": mark("The rules are not in force"),
        "not-managed": mark("Looked after by somebody else"),
    }
)


def word(table: Mapping[str, str], key: str) -> str:
    """``key`` in words; itself where somebody added one without words."""
    return say(table[key]) if key in table else key


def reason(name: str) -> str:
    """Why something did not go well, by the words of the logs."""
    return str(in_german(name)) if language() is Language.GERMAN else name.replace("-", " ")
