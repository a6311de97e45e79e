"""The firewall of a running gateway: applied before anything is opened, following the profiles, watched until the end.

Decides when the rules are handed to the kernel (again): at the start, when profiles change, when one of them begins or
ends, and when what stands is not what was applied. Where they cannot be, the gateway does not start; where that happens
later, ``Condition.FIREWALL_NOT_APPLIED`` holds until they stand again, and ``smgw/secure_states.py`` says what works
meanwhile (FDP_IFC.2/FW: there is no moment at which the gateway serves without them and says nothing). It never takes
the rules away: a gateway that has ended leaves a closed machine behind.

The watch looks at intervals, so an intruder with the right to change the kernel's rules has that long; it is meant for
mistakes, for other software that manages firewalls, and for what would otherwise never be noticed.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from smgw.config import FirewallConfiguration, WakeUpConfiguration
from smgw.firewall.apply import FirewallError, FirewallReason, PacketFilter
from smgw.firewall.openings import Openings, openings
from smgw.firewall.render import render
from smgw.secure_states import Condition, Conditions
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet
from wire.canonical_json import JsonObject
from wire.instant import format_instant
from wire.profiles import AdministratorProfile

_logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
"""Between two looks, each of which costs some milliseconds of ``nft``: also how late a profile that begins is reached,
which is less than a sender waits after a failure."""
NOT_MANAGED: Final = "no firewall is managed by the gateway: somebody else must keep WAN, HAN and LMN apart"
"""What a gateway without one says in its status."""


class Cause(StrEnum):
    """Why the rules were handed to the kernel."""

    START = "start"
    PROFILES = "profiles"
    TIME = "time"
    """A profile began or ended."""
    NOT_STANDING = "not-standing"
    """They did not stand any more, or did not yet."""


@dataclass(frozen=True, slots=True)
class FirewallPorts:
    """What the firewall stands on; ``user`` is whose connections may leave."""

    settings: FirewallConfiguration
    wake_up: WakeUpConfiguration
    user: int
    kernel: PacketFilter
    profiles: Callable[[], ProfileSet]
    clock: Callable[[], datetime]
    """The time by which administrators are judged: whoever mends the clock must be reached while it is wrong."""
    log: SystemLog
    conditions: Conditions


class Firewall:
    """The rules of one gateway (Firewall); every method may be called from any thread."""

    def __init__(self, ports: FirewallPorts) -> None:
        """Nothing is applied yet; :meth:`open` comes first."""
        self._ports = ports
        self._lock = threading.Lock()
        self._rules = ""
        self._standing = ""
        """What the kernel told after the last success."""
        self._openings = Openings()
        self._tried: AdministratorProfile | None = None
        self._wrong: FirewallReason | None = None
        self._applied_at: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="firewall", daemon=True)

    def open(self) -> None:
        """Apply the rules for the first time. Raises FirewallError: then nothing may be opened."""
        with self._lock:
            try:
                self._ports.kernel.require_no_router()  # whoever's machine this is, its network is not cut off
                self._apply(Cause.START)
            except FirewallError as error:
                self._fail(Cause.START, error.reason, str(error))
                raise

    def follow(self, profiles: ProfileSet) -> None:  # noqa: ARG002 - whoever holds them is asked, also by the next look
        """The profiles changed: whoever went is unreachable, and whoever came is reachable, when this returns."""
        self.look(Cause.PROFILES)

    @contextmanager
    def trying(self, administrator: AdministratorProfile) -> Iterator[None]:
        """Let ``administrator`` be dialled within the block, by the word of the one who holds.

        He must answer with his certificate before his profile holds (``smgw/profile_change.py``), and so before any
        installed profile names his address.
        """
        self._try(administrator)
        try:
            yield
        finally:
            self._try(None)

    def _try(self, administrator: AdministratorProfile | None) -> None:
        with self._lock:
            self._tried = administrator
        self.look(Cause.PROFILES)

    def look(self, cause: Cause = Cause.TIME) -> None:
        """See that the rules stand and are those of this moment, and apply them where not; raises nothing.

        1. What stands is what was applied. 2. What was applied is what holds now. 3. The machine is no router: where it
        became one, the rules are what still keeps its networks apart, so they go on standing and following.
        """
        with self._lock:
            try:
                if self._wrong is None:
                    self._require_standing()  # 1
                if self._wrong is not None:
                    self._apply(Cause.NOT_STANDING)
                elif self._render()[1] != self._rules:  # 2
                    self._apply(cause)
                else:
                    self._ports.kernel.require_no_router()  # 3
            except FirewallError as error:
                self._fail(cause, error.reason, str(error))

    def _require_standing(self) -> None:
        """Notice what stands and was not applied; what cannot be told is not what was applied either."""
        detail = "our tables were changed"
        try:
            if self._ports.kernel.standing() == self._standing:
                return
        except FirewallError as error:
            detail = f"our tables are gone or cannot be told: {error}"
        self._fail(Cause.NOT_STANDING, FirewallReason.CHANGED, detail)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; the rules go on standing."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def report(self) -> JsonObject:
        """How the firewall stands, for the owner and for the administrator.

        Without the lock: who asks need not wait for the kernel. Each word is right, if not all of the same moment.
        """
        wrong, applied_at, opened = self._wrong, self._applied_at, self._openings
        settings = self._ports.settings
        named = [name for name in (settings.wan, settings.han, settings.lmn) if name is not None]
        return {
            "standing": wrong is None and applied_at is not None,
            "reason": "" if wrong is None else wrong.value,
            "applied_at": None if applied_at is None else format_instant(applied_at),
            "destinations": len(opened.destinations),
            "not_opened": list(opened.named),
            "absent": list(self._ports.kernel.absent(named)),
        }

    def _render(self) -> tuple[Openings, str]:
        ports = self._ports
        opened = openings(ports.profiles(), ports.clock(), tried=self._tried)
        return opened, render(ports.settings, ports.wake_up, opened, user=ports.user)

    def _apply(self, cause: Cause) -> None:
        """Hand the rules of this moment to the kernel; all is well if that is no router.

        Raises FirewallError; the former rules stand then, or these on a router.
        """
        opened, rules = self._render()
        self._standing = self._ports.kernel.apply(rules)
        at = self._now()
        self._rules, self._openings, self._applied_at = rules, opened, at
        self._ports.kernel.require_no_router()
        self._wrong = None
        self._ports.conditions.clear(Condition.FIREWALL_NOT_APPLIED, at)
        self._note(Outcome.SUCCESS, at, cause=cause.value, destinations=len(opened.destinations))
        for name in opened.named:
            _logger.warning("firewall: %s names no address, and nobody can be reached by it", name)

    def _fail(self, cause: Cause, reason: FirewallReason, detail: str) -> None:
        """The rules do not stand: say so once for each reason, and at the next look try again."""
        if reason is self._wrong:
            return
        at = self._now()
        self._wrong = reason
        _logger.error("firewall: %s: %s", reason.value, detail)
        self._ports.conditions.set(Condition.FIREWALL_NOT_APPLIED, f"{reason.value}: {detail}", at)
        self._note(Outcome.FAILURE, at, cause=cause.value, reason=reason.value)

    def _note(self, outcome: Outcome, at: datetime, **parameters: str | int) -> None:
        try:
            self._ports.log.record(Event.FIREWALL_APPLIED, "firewall", outcome, at=at, times=1, **parameters)
        except StoreError as error:
            _logger.warning("system log: %s", error)

    def _now(self) -> datetime:
        return self._ports.clock().replace(microsecond=0)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                # A defect of ours must not end the watch: the next look may find what this one could not.
                _logger.exception("firewall")


def describe_firewall(told: Mapping[str, Any] | None) -> Iterator[str]:
    """What the status says of the firewall, a line each; nothing where the gateway has none."""
    if told is None:
        return
    state = f"standing, {told['destinations']} destinations" if told["standing"] else f"NOT STANDING: {told['reason']}"
    yield f"firewall {state}"
    for name in told["not_opened"]:
        yield f"firewall: profile {name} names no address and is not reached"
    for name in told["absent"]:
        yield f"firewall: there is no interface {name}"
