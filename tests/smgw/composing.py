"""Gateways that are put together whole, on tokens of their own, and the copies of one that tests may spoil."""

import copy
import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from smgw.composed import Composed, Environment
from smgw.composition import compose
from tests.smgw.premises import Premises, now
from tests.softhsm import shared_configuration

_NUMBERS = itertools.count()


def name() -> str:
    """A token's name that no other test has."""
    return f"premises-{next(_NUMBERS)}"


def make(folder: Path) -> Premises:
    """A gateway with certificates and one profile; tokens and certificates take their time."""
    made = Premises(folder, shared_configuration(), name())
    made.enrol()
    made.hold(made.party(), made.evaluation())
    return made


def copied(built: Premises, folder: Path) -> Premises:
    """A gateway that would start: files of its own, the token that all share."""
    twin = copy.copy(built)
    twin.folder = folder
    twin.file = folder / built.file.name
    shutil.copytree(built.folder, folder)
    return twin


@contextmanager
def composed(premises: Premises, clock: Callable[[], datetime] = now) -> Iterator[Composed]:
    """The gateway put together; no thread of it runs."""
    generator = random.Random(1)
    environment = Environment(clock, lambda: 0.0, generator.randbytes, generator.random)
    with compose(premises.configuration, environment) as one:
        yield one
