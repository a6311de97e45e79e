"""Who may come in at the page of the demonstration's gateway, and what these people are told.

Decides the accounts that the administrator makes: one for each consumer of the plan, called as she is, and one for the
service technician whom the plan names. Each password stands in one letter that its owner alone may read (0600), and on
the screen of whoever runs the demonstration, because both are the same person here.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from testbed.demo.scene import Scene

_PASSWORD: Final = re.compile(r"^  Password +(\S+)$", re.MULTILINE)
LANGUAGE: Final = "en"
"""Of the letters: the demonstration speaks English; the page itself speaks German too."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account; ``consumer`` is None for the technician."""

    name: str
    consumer: str | None

    @property
    def words(self) -> tuple[str, ...]:
        """What the administrator types about him."""
        return ("--technician",) if self.consumer is None else ("--consumer", self.consumer)


def people(scene: Scene) -> list[Person]:
    """Everybody who gets an account, consumers first."""
    technician = scene.plan.get("technician")
    own = [Person(consumer, consumer) for consumer in scene.consumers]
    return [*own, *([] if technician is None else [Person(technician, None)])]


def password_of(scene: Scene, name: str) -> str:
    """The password in his letter; empty where there is no letter yet."""
    letter = scene.letter(name)
    found = _PASSWORD.search(letter.read_text("utf-8")) if letter.is_file() else None
    return "" if found is None else found[1]


def address_of(scene: Scene) -> str:
    """What is typed into a browser."""
    page = tomllib.loads(scene.gateway_configuration.read_text())["han"]
    return f"https://{page['addresses'][0]}:{page['port']}/"


def told(scene: Scene, page: Mapping[str, Any]) -> list[str]:
    """Where the page is and who comes in, for whoever wants to see it; ``page`` is what the gateway says of it."""
    lines = [f"the customer's page answers: {address_of(scene)}"]
    for person in people(scene):
        what = "her meters, contracts and data" if person.consumer else "the technician: the system log, and no reading"
        lines.append(f"  user name {person.name:<8} password {password_of(scene, person.name)}  ({what})")
    lines += [
        "  The browser will warn you, because the certificate is the gateway's own and no authority vouches for it.",
        "  Look at the certificate there, and go on if its fingerprint (SHA-256) is this one:",
    ]
    pairs = str(page.get("sha256", "")).split(":")
    return [*lines, f"  {':'.join(pairs[:16])}", f"  {':'.join(pairs[16:])}"]
