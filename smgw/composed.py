"""A gateway that is put together: what it was made with, and how its threads start and end.

Decides the order in which threads start and stop, and nothing else.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smgw.config import Configuration
from smgw.firewall.watch import Firewall
from smgw.firmware.parts import Firmware
from smgw.gateway import Gateway
from smgw.han.service import HanService
from smgw.logs.watch import LogWatch
from smgw.report import Report
from smgw.runtime import Runtime
from smgw.self_test import SelfTest
from smgw.store.logs import SystemLog
from smgw.timekeeping import Timekeeping
from smgw.wan.management import ManagementTunnel
from smgw.wan.parts import reserve
from smgw.wan.wakeup_port import WakeUpPort


@dataclass(frozen=True, slots=True)
class Environment:
    """What only the entry point owns. ``restart`` ends the process so that whoever started it starts it again."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    random: Callable[[int], bytes]
    jitter: Callable[[], float]
    restart: Callable[[], None] = lambda: None
    parent: int = 0
    """The process that started this one."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A gateway whose parts have proven themselves and whose threads do not run yet."""

    configuration: Configuration
    environment: Environment
    gateway: Gateway
    log: SystemLog
    runtime: Runtime
    report: Report
    management: ManagementTunnel
    wake_up_port: WakeUpPort
    timekeeping: Timekeeping
    self_test: SelfTest
    log_watch: LogWatch
    firmware: Firmware | None = None
    """There where the configuration names slots."""
    firewall: Firewall | None = None
    """There where the configuration names interfaces; applied already."""
    page: HanService | None = None
    """There where the configuration has a home area network."""

    def status(self) -> dict[str, Any]:
        """Everything that the status socket tells."""
        return self.report.for_owner()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start every thread and end them in the reverse order. Raises ServingError, TokenError."""
        with ExitStack() as running:
            if self.firewall is not None:
                running.callback(self.firewall.stop)
                self.firewall.start()
            running.callback(self.runtime.stop)
            self.runtime.start(self.gateway.profiles)
            running.enter_context(self.timekeeping.running())
            running.callback(self.management.stop)
            self.management.start()
            # Last in, first out: nobody is woken who is about to go.
            running.callback(self.wake_up_port.stop)
            self.wake_up_port.start()
            reserve(self.wake_up_port, self.gateway.profiles)
            if self.page is not None:
                running.callback(self.page.stop)
                self.page.start()
            yield
