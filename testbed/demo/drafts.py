"""The profiles of the demonstration, as drafts that a person at the administrator's desk could have written (TOML).

Decides what the plan means in profiles, and no versions: an office gives each the next one when it issues it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from pki.certificates import fingerprint, load_certificate

MAXIMUM_POWER_WATTS = 60_000
"""Plausibility bound of a household's meter: three phases of 63 A, and room for rounding to a watt-hour."""
VALID_DAYS = 365
REGISTER = "1-0:1.8.0"
"""What meters are asked for and parties are given where the plan says nothing."""


class Recipient(Protocol):
    """A party as its profiles need it."""

    @property
    def id(self) -> str:
        """Its identifier in the plan."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def purposes(self) -> tuple[str, ...]:
        """What it may be given values for."""

    @property
    def port(self) -> int:
        """Where its datacenter listens on this machine."""

    def certificate(self, purpose: str) -> str:
        """Its TLS or ENC certificate (PEM)."""


def drafts(plan: Mapping[str, Any], parties: Sequence[Recipient], now: datetime) -> Iterator[tuple[str, str]]:
    """Name and TOML of every profile of the plan: meters, parties, evaluations."""
    validity = {"valid_from": now - timedelta(hours=1), "valid_until": now + timedelta(days=VALID_DAYS)}
    lines = {line["name"]: line for line in plan["lines"]}
    for entry in plan["meters"]:
        number = number_of(entry["meter"])
        line = lines[entry["line"]]
        table = {
            "kind": "meter",
            "id": f"meter-{number}",
            "meter": entry["meter"],
            "consumer": entry["consumer"],
            "identity": number,
            "manufacturer": "ISK",
            "line": entry["line"],
            "address": entry["address"],
            "registers": entry.get("registers", [REGISTER]),
            "interval": entry["interval"],
            "store": entry.get("store", entry["interval"]),
            "maximum_power_watts": MAXIMUM_POWER_WATTS,
        }
        if line["top_speed"] == "none":
            table["protocol.fixed_speed"] = line["speed"]
        yield f"meter-{number}", toml(table | validity)
    recipients = {}
    for party in parties:
        encryption = party.certificate("ENC")
        recipients[party.id] = fingerprint(load_certificate(encryption.encode()))
        table = {
            "kind": "communication",
            "id": party.id,
            "party": party.name,
            "host": "127.0.0.1",
            "port": party.port,
            "path": "/deliveries",
            "tls_certificate": party.certificate("TLS"),
            "encryption_certificate": encryption,
            "purposes": list(party.purposes),
        }
        yield party.id, toml(table | validity)
    for entry in plan["evaluations"]:
        table = {"kind": "evaluation", "registers": [REGISTER], "recipient": recipients[entry["party"]], **entry}
        yield entry["id"], toml(table | validity)


def toml(table: Mapping[str, Any]) -> str:
    """One table as TOML; a table within stands on one line."""
    return "".join(f"{name} = {_value(value)}\n" for name, value in table.items())


def _value(value: object) -> str:
    match value:
        case int():
            return str(value)
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_value(str(name))} = {_value(one)}' for name, one in value.items())} }}"
        case _:
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def number_of(meter: str) -> str:
    """The eight digits that the meter itself calls its number."""
    return meter[-8:]
