"""The self-test: what can be asked of the gateway about itself, at its start, every day, and on request.

Decides which checks there are, when each has failed, and which condition that is; what follows from a condition is
decided in ``smgw/secure_states.py``. Every check is made whatever the others say, so that one request tells everything;
each result has a sentence for a person and nothing measured in it. PP-0073 FPT_TST.1: correct operation and the
integrity of data and program are tested at start, on request of the administrator and of the consumer, periodically.

A fault that passes must not last: what failed is tested again every ten minutes, and what is passed holds no state any
more (FPT_FLS.1).
"""

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Final

from pki.certificates import Purpose, TrustStore
from pki.errors import TrustError
from smgw.administration.errors import CommandRefusedError, Done
from smgw.identity import Identity, prove_own
from smgw.keys.cabinet import prove_key
from smgw.keys.state import FIRST
from smgw.secure_states import Condition, Conditions
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.event_table import Actor
from smgw.store.logs import Event, Outcome, SystemLog
from wire.canonical_json import JsonValue
from wire.orders import RunSelfTest

_logger = logging.getLogger(__name__)

LOCK_OUT: Final = timedelta(minutes=10)
"""A test reads the whole database: who asks more often is refused, so that requests cannot keep the disk busy. Each who
may ask has a lock-out of his own, so that nobody's asking takes the test from another (TR-03109-1, self-test, of the
consumer's; for the administrator the same is ours, docs/deviations.md)."""
MINIMUM_FREE: Final = 32 * 1024 * 1024
"""Octets that must be free: with less nothing is measured, so that logs and administration go on (docs/deviations.md).
Weeks of one household's readings."""
LONGEST_DETAIL: Final = 200
"""Characters of a sentence."""
PERIOD_SECONDS: Final = 24 * 3600.0
"""From one whole test to the next that nobody asked for (PP-0073 FPT_TST.1: periodically)."""
AGAIN_SECONDS: Final = 600.0
"""From one test to the next of what failed: as often as anybody may ask."""


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
    LOGS = "logs"
    """The chains of the logs are whole, and what was signed of them is."""
    FIREWALL = "firewall"
    """The rules between the interfaces stand."""
    UPDATE = "update"
    """No slot holds a program that failed its trial."""


FINDS: Final[Mapping[CheckName, Condition]] = MappingProxyType(
    {
        CheckName.DATABASE: Condition.DATABASE_DAMAGED,
        CheckName.SECURITY_MODULE: Condition.SECURITY_MODULE_FAILED,
        CheckName.CERTIFICATES: Condition.CERTIFICATES_BAD,
        CheckName.FREE_SPACE: Condition.DISK_FULL,
        CheckName.PROGRAM: Condition.PROGRAM_ALTERED,
        CheckName.LOGS: Condition.LOG_CHAIN_BROKEN,
        CheckName.UPDATE: Condition.UPDATE_FAILED,
    }
)
"""The condition that each failure is. The clock and the firewall are not here: they are watched all the time, and who
watches them says when they are right again."""
PASSES_BY_ITSELF: Final = frozenset({CheckName.CLOCK})
"""What is not tested again for its own sake: the time service asks anyway."""


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
    logs: Callable[[], str] = lambda: ""
    """What is wrong with the logs, in a sentence; nothing where they are whole. May raise StoreError."""
    firewall: Callable[[], str] = lambda: ""
    """Why the rules do not stand; nothing where they do, or where somebody else manages them."""
    update: Callable[[], str] = lambda: ""
    """Which program failed its trial and was not replaced."""
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free


class SelfTest:
    """The checks, and who may ask for them; safe to use from any thread, one test at a time."""

    def __init__(self, ports: SelfTestPorts, log: SystemLog, conditions: Conditions | None = None) -> None:
        """Each whole run is written into ``log``; ``conditions`` are set and cleared by what is found."""
        self._ports = ports
        self._log = log
        self._conditions = Conditions() if conditions is None else conditions
        self._testing = Lock()
        self._asked: dict[str | None, datetime] = {}
        self._failed: frozenset[CheckName] = frozenset()
        self._wanted = False
        self._whole_since: float | None = None
        self._again_since = 0.0

    def order(self, command: RunSelfTest, at: datetime) -> Done:  # noqa: ARG002 - the command says nothing more
        """Make the test because the administrator ordered it; done whatever it finds.

        Raises CommandRefusedError TOO_SOON within :data:`LOCK_OUT` of his last order; a test at the start is none.
        """
        self._require_late(None, at)
        checks: list[JsonValue] = [
            {"name": check.name.value, "passed": check.passed, "detail": check.detail}
            for check in self.run(at, user=Actor.ADMINISTRATOR.value)
        ]
        return Done({"checks": checks})

    def for_consumer(self, consumer: str, at: datetime) -> tuple[Check, ...]:
        """Make the test because ``consumer`` asked for it; the result goes into the logs as that of any other.

        FPT_TST.1: the consumer asks at his own interface, whose owner must have authenticated him. Raises
        CommandRefusedError TOO_SOON within :data:`LOCK_OUT` of the last time that he asked.
        """
        self._require_late(consumer, at)
        # The result stands in everybody's log; who asked for it is nobody else's business.
        return self.run(at)

    def locked_until(self, consumer: str, at: datetime) -> datetime | None:
        """Until when a test that ``consumer`` asks for at ``at`` is refused; None where it is not."""
        with self._testing:
            last = self._asked.get(consumer)
        return None if last is None or abs(at - last) >= LOCK_OUT else last + LOCK_OUT

    def run(self, at: datetime, *, user: str = "") -> tuple[Check, ...]:
        """Make every check at the moment ``at``, set and clear what they find, and write the outcome down.

        ``user`` is who asked for it, where that may be told (FAU_GEN.2).
        """
        with self._testing:
            checks = tuple(self._check(name, at) for name in CheckName)
            self._failed = frozenset(check.name for check in checks if not check.passed)
            self._whole_since = None
            self._write(at, user)
            return checks

    def again(self, at: datetime) -> None:
        """Make the checks that failed once more; it is written down if one of them is passed now."""
        with self._testing:
            names = [name for name in CheckName if name in self._failed - PASSES_BY_ITSELF]
            passed = {name for name in names if self._check(name, at).passed}
            if passed:
                self._failed -= passed
                self._write(at, "")

    def soon(self) -> None:
        """Something was put right, perhaps: what failed is tested again at the next :meth:`step`."""
        self._wanted = True

    def step(self, at: datetime, seconds: float) -> None:
        """Make the test that is due, if any is; ``seconds`` are those of a clock that nobody can set."""
        if self._whole_since is None:
            self._whole_since = self._again_since = seconds
        if seconds - self._whole_since >= PERIOD_SECONDS:
            self.run(at)
        elif self._wanted or seconds - self._again_since >= AGAIN_SECONDS:
            self._wanted, self._again_since = False, seconds
            self.again(at)
        else:
            self._look_at_the_disk(at)

    def _look_at_the_disk(self, at: datetime) -> None:
        """A disk fills within a day, and what is left must be there for the logs: so it is looked at each time.

        That there is room again is found by :meth:`again`, or what comes and goes would be told each minute.
        """
        with self._testing:
            if CheckName.FREE_SPACE in self._failed or self._check(CheckName.FREE_SPACE, at).passed:
                return
            self._failed |= {CheckName.FREE_SPACE}
            self._write(at, "")

    def _require_late(self, who: str | None, at: datetime) -> None:
        """Raises CommandRefusedError TOO_SOON."""
        with self._testing:
            # A clock that was set back must not lock the test out for long: only nearness counts.
            self._asked = {one: last for one, last in self._asked.items() if abs(at - last) < LOCK_OUT}
            if who in self._asked:
                minutes = int(LOCK_OUT.total_seconds()) // 60
                sentence = f"the last order for a self-test is less than {minutes} minutes ago"
                raise CommandRefusedError(SelfTestReason.TOO_SOON, sentence)
            self._asked[who] = at

    def _write(self, at: datetime, user: str) -> None:
        failed = " ".join(name.value for name in CheckName if name in self._failed)
        try:
            subject = self._ports.identity().gateway.text
            outcome = Outcome.FAILURE if failed else Outcome.SUCCESS
            self._log.record_for(Event.SELF_TEST, subject, outcome, at=at, user=user, parameters={"failed": failed})
        except StoreError as error:
            # The database is one of the things that may be broken: the result is told all the same.
            _logger.warning("system log: %s", error)

    def _check(self, name: CheckName, at: datetime) -> Check:
        try:
            detail = _CHECKS[name](self._ports, at)
        except (TrustError, StoreError, OSError) as error:
            detail = str(error) or type(error).__name__
        except Exception as error:  # what cannot be tested was not passed
            _logger.exception("self-test: %s", name.value)
            detail = type(error).__name__
        condition = FINDS.get(name)
        if condition is not None and detail:
            self._conditions.set(condition, detail, at)
        elif condition is not None:
            self._conditions.clear(condition, at)
        return Check(name, not detail, detail[:LONGEST_DETAIL])


def _database(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    with ports.database.read() as connection:
        # FDP_SDI.2: the first looks at the file, page by page, with the key; the second at the tables, whatever lies in
        # the WAL.
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
    # Without the number: what comes and goes is counted in the logs only where it is the same.
    return "" if free >= MINIMUM_FREE else f"less than {MINIMUM_FREE} octets are free"


def _clock(ports: SelfTestPorts, at: datetime) -> str:
    return "" if ports.clock_valid(at) else "the time is not valid"


def _program(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    found, installed = ports.program(), ports.installed()
    # An empty record would equal nothing that was ever installed.
    return "" if installed and found == installed else f"the program is {found}, installed was {installed or 'nothing'}"


def _logs(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    return ports.logs()


def _firewall(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    return ports.firewall()


def _update(ports: SelfTestPorts, at: datetime) -> str:  # noqa: ARG001 - all checks are called alike
    return ports.update()


_CHECKS: Final[Mapping[CheckName, Callable[[SelfTestPorts, datetime], str]]] = {
    CheckName.DATABASE: _database,
    CheckName.SECURITY_MODULE: _security_module,
    CheckName.CERTIFICATES: _certificates,
    CheckName.FREE_SPACE: _free_space,
    CheckName.CLOCK: _clock,
    CheckName.PROGRAM: _program,
    CheckName.LOGS: _logs,
    CheckName.FIREWALL: _firewall,
    CheckName.UPDATE: _update,
}
"""Each gives the sentence of its failure, or nothing."""
