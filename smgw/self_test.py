"""The self-test: what can be asked of the gateway about itself, at its start and when the administrator orders it.

Decides which checks there are and when each has failed; never what follows from a failure. Every check is made whatever
the others say, so that one order tells everything; each result has a sentence for a person and nothing measured in it.
PP-0073 FPT_TST.1: correct operation and the integrity of data and program are tested at start, on request and
periodically.
"""

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from pki.certificates import Purpose, TrustStore
from pki.errors import TrustError
from smgw.administration.errors import CommandRefusedError, Done
from smgw.identity import Identity, prove_own
from smgw.keys.cabinet import prove_key
from smgw.keys.state import FIRST
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from wire.canonical_json import JsonValue
from wire.orders import RunSelfTest

_logger = logging.getLogger(__name__)

LOCK_OUT: Final = timedelta(minutes=10)
"""A test reads the whole database: who asks more often is refused, so that orders cannot keep the disk busy.
Unverified: certified gateways have such a time, its length is not public (docs/deviations.md)."""
MINIMUM_FREE: Final = 32 * 1024 * 1024
"""Octets that must be free for the store: weeks of one household's readings (docs/deviations.md)."""
LONGEST_DETAIL: Final = 200
"""Characters of a sentence."""
PERIOD_SECONDS: Final = 24 * 3600.0
"""From one test that nobody ordered to the next, the first at the start (PP-0073 FPT_TST.1: periodically)."""


class CheckName(StrEnum):
    """What is tested."""

    DATABASE = "database"
    """Every page of the encrypted file is unaltered, and its structure holds."""
    SECURITY_MODULE = "security-module"
    """Each key in use signs or agrees, and the result fits its certificate."""
    CERTIFICATES = "certificates"
    """Each certificate in use is good now, by the revocation lists held."""
    FREE_SPACE = "free-space"
    CLOCK = "clock"
    """The time is one that readings may carry without a status."""
    PROGRAM = "program"
    """The files of the program are those that were installed."""


class SelfTestReason(StrEnum):
    """Why a test is not made."""

    TOO_SOON = "too-soon"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``detail`` is empty where it passed."""

    name: CheckName
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SelfTestPorts:
    """What is looked at."""

    store: Path
    database: Database
    identity: Callable[[], Identity]
    trust: Callable[[], TrustStore]
    clock_valid: Callable[[datetime], bool]
    program: Callable[[], str]
    """The hash of the program's files as they are now. May raise OSError."""
    installed: Callable[[], str]
    """The hash that was recorded when the program was installed."""
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free


class SelfTest:
    """The checks, and the handler of RunSelfTest."""

    def __init__(self, ports: SelfTestPorts, log: SystemLog) -> None:
        """Each run is written into ``log``."""
        self._ports = ports
        self._log = log
        self._last: datetime | None = None

    def order(self, command: RunSelfTest, at: datetime) -> Done:  # noqa: ARG002 - the command says nothing more
        """Make the test because the administrator ordered it; done whatever it finds.

        Raises CommandRefusedError TOO_SOON within :data:`LOCK_OUT` of the last order; a test at the start is none.
        """
        # A clock that was set back must not lock the test out for long: only nearness counts.
        if self._last is not None and abs(at - self._last) < LOCK_OUT:
            minutes = int(LOCK_OUT.total_seconds()) // 60
            sentence = f"the last order for a self-test is less than {minutes} minutes ago"
            raise CommandRefusedError(SelfTestReason.TOO_SOON, sentence)
        self._last = at
        checks: list[JsonValue] = [
            {"name": check.name.value, "passed": check.passed, "detail": check.detail} for check in self.run(at)
        ]
        return Done({"checks": checks})

    def run(self, at: datetime) -> tuple[Check, ...]:
        """Make every check at the moment ``at`` and write the outcome into the system log."""
        checks = tuple(self._check(name, at) for name in CheckName)
        failed = " ".join(check.name.value for check in checks if not check.passed)
        try:
            subject = self._ports.identity().gateway.text
            outcome = Outcome.FAILURE if failed else Outcome.SUCCESS
            self._log.record(Event.SELF_TEST, subject, outcome, at=at, failed=failed)
        except StoreError as error:
            # The database is one of the things that may be broken: the result is told all the same.
            _logger.warning("system log: %s", error)
        return checks

    def _check(self, name: CheckName, at: datetime) -> Check:
        try:
            detail = _CHECKS[name](self._ports, at)
        except (TrustError, StoreError, OSError) as error:
            detail = str(error) or type(error).__name__
        return Check(name, not detail, detail[:LONGEST_DETAIL])


def _database(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    with ports.database.read() as connection:
        # The first looks at the file, page by page, with the key; the second at the tables, whatever lies in the WAL.
        altered = connection.exec_driver_sql("PRAGMA cipher_integrity_check").scalars().all()
        if altered:
            return f"{len(altered)} pages of the database were altered"
        found = [str(one) for one in connection.exec_driver_sql("PRAGMA quick_check").scalars()]
    # What a damaged structure is called could quote a value: only its being there is told.
    return "" if found == ["ok"] else "the structure of the database is damaged"


def _security_module(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    identity = ports.identity()
    for purpose, key in identity.keys.items():
        prove_key(key, identity.certificates[purpose].public_key, purpose)
    return ""


def _certificates(ports: SelfTestPorts, at: datetime) -> str:
    identity, trust = ports.identity(), ports.trust()
    for purpose in Purpose:
        verified = identity.certificates[purpose]
        seal = identity.generation == FIRST
        prove_own(verified.certificate, purpose, identity.gateway, verified.public_key, trust, at, seal=seal)
    return ""


def _free_space(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    free = ports.free(ports.store)
    return "" if free >= MINIMUM_FREE else f"{free} octets are free, {MINIMUM_FREE} are needed"


def _clock(ports: SelfTestPorts, at: datetime) -> str:
    return "" if ports.clock_valid(at) else "the time is not valid"


def _program(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    found, installed = ports.program(), ports.installed()
    # An empty record would equal nothing that was ever installed.
    return "" if installed and found == installed else f"the program is {found}, installed was {installed or 'nothing'}"


_CHECKS: Final[Mapping[CheckName, Callable[[SelfTestPorts, datetime], str]]] = {
    CheckName.DATABASE: _database,
    CheckName.SECURITY_MODULE: _security_module,
    CheckName.CERTIFICATES: _certificates,
    CheckName.FREE_SPACE: _free_space,
    CheckName.CLOCK: _clock,
    CheckName.PROGRAM: _program,
}
"""Each gives the sentence of its failure, or nothing."""
