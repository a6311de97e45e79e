"""How a gateway is put together: token, trust, store, walk, lines and senders, in the order in which they may refuse.

Decides nothing about data. It proves before anything runs that the security module opens, that the certificates are
this gateway's and good, that the store opens with the module's key and that somebody administers the gateway; a failure
of any of them is raised and nothing has started. Clocks and randomness come from ``__main__``.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509

from pki.certificates import Purpose, load_certificate
from pki.errors import CertificateError, CertificateReason
from pki.pin import read_pin
from pki.token import Token, use_configuration
from smgw.administration.desk import Desk, DeskPorts
from smgw.administration.errors import C, Done, Handler
from smgw.administration.order_gate import OrderGate
from smgw.certificate_watch import CertificateWatch
from smgw.clock import GatewayClock
from smgw.config import Configuration, LineConfiguration, TunnelKind
from smgw.firmware.parts import Firmware, FirmwareBase, compose_firmware
from smgw.gateway import Gateway
from smgw.keys.cabinet import KeyCabinet
from smgw.keys.ring import KeyRing
from smgw.lmn.line import Line
from smgw.lmn.poll import Poller
from smgw.profile_change import ProfileChange
from smgw.program import program_hash, version
from smgw.provisioning import Administrator, Provisioning
from smgw.renewal import KeyOrders
from smgw.report import KEY_IN_MEMORY, Program, Report
from smgw.retention import Retention
from smgw.runtime import MakeLine, Runtime
from smgw.secure_states import Duty, SecureStates
from smgw.self_test import SelfTest, SelfTestPorts
from smgw.store.calibration_log import CalibrationLog
from smgw.store.clock_records import ClockRecords
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.orders import OrderStore
from smgw.store.outbox import Outbox
from smgw.store.profiles import ProfileSet, ProfileStore
from smgw.store.readings import ReadingStore
from smgw.store.settings import Settings
from smgw.timekeeping import Timekeeping
from smgw.trust import RevocationLists, TrustFolder
from smgw.tunnels import CurrentBackend, backend_maker
from smgw.wan.management import ManagementTunnel
from smgw.wan.parts import Link, WakeUpPortError, reserve
from smgw.wan.sender import Sender, SenderIdentity, SenderPorts
from smgw.wan.wakeup_port import WakeUpPort
from wire.orders import (
    ChangeProfiles,
    InstallCertificates,
    InstallRevocationLists,
    RenewKeys,
    RunSelfTest,
    SetRetention,
    SynchroniseClock,
)
from wire.profiles import MeterProfile

__all__ = ["KEY_IN_MEMORY", "Composed", "Environment", "WakeUpPortError", "compose", "open_token"]

_logger = logging.getLogger(__name__)


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
    firmware: Firmware | None = None
    """There where the configuration names slots."""

    def status(self) -> dict[str, Any]:
        """Everything that the status socket tells."""
        return self.report.for_owner()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start every thread and end them in the reverse order."""
        with ExitStack() as running:
            running.callback(self.runtime.stop)
            self.runtime.start(self.gateway.profiles)
            running.enter_context(self.timekeeping.running())
            running.callback(self.management.stop)
            self.management.start()
            # Last in, first out: nobody is woken who is about to go.
            running.callback(self.wake_up_port.stop)
            self.wake_up_port.start()
            reserve(self.wake_up_port, self.gateway.profiles)
            yield


@contextmanager
def open_token(configuration: Configuration, monotonic: Callable[[], float]) -> Iterator[Token]:
    """The gateway's security module, logged in. Raises TokenError."""
    if configuration.token.configuration is not None:
        use_configuration(configuration.token.configuration)
    pin = read_pin(configuration.token.pin_file)
    with Token.open(configuration.token.module, configuration.token.label, pin, monotonic=monotonic) as token:
        yield token


@contextmanager
def compose(configuration: Configuration, environment: Environment) -> Iterator[Composed]:
    """Put the gateway together.

    1. The security module opens with the PIN and holds the keys.
    2. The trust folder can be read.
    3. The database opens with the key that the module unwraps, and says by how much the machine's clock is wrong.
    4. The gateway's own certificates are good now, are this gateway's and certify the keys in use.
    5. The pinned administrator's certificate can be read.
    6. The profile of an administrator is there.
    7. A tunnel can be made.
    8. The wake-up port is free.

    Raises TokenError, CertificateError, TunnelError, StoreError, ImportRefusedError, WakeUpPortError.
    """
    with ExitStack() as opened:
        # 1
        token = opened.enter_context(open_token(configuration, environment.monotonic))
        cabinet = KeyCabinet(token, configuration.wan.tls_key_file)
        # 2
        trust = TrustFolder(configuration.trust.folder)
        # 3
        database = Database.open(configuration.store, token, configuration.gateway)
        opened.callback(database.close)
        clock = GatewayClock(environment.clock, ClockRecords(database).load())
        now = clock.administration().replace(microsecond=0)
        # 4
        ring = KeyRing.open(configuration.gateway, configuration.trust.certificates, cabinet, trust(), now)
        # 5
        administrator = Administrator(_certificate(configuration.trust.administrator))
        # 6
        log = SystemLog(database)
        provisioning = Provisioning(ProfileStore(database), log, administrator, trust())
        profiles = provisioning.import_administrator(configuration.administrator, now)
        parts = _Parts(configuration, replace(environment, clock=clock), database, log, trust, ring, clock)
        # 7 and 8
        yield parts.compose(profiles, now, opened, environment.clock)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the rest is made of."""

    configuration: Configuration
    environment: Environment
    database: Database
    log: SystemLog
    trust: TrustFolder
    ring: KeyRing
    clock: GatewayClock

    def compose(
        self, profiles: ProfileSet, now: datetime, opened: ExitStack, system: Callable[[], datetime]
    ) -> Composed:
        configuration, environment, states = self.configuration, self.environment, SecureStates(self.clock)
        backend = CurrentBackend(
            self.ring.current,
            self.trust,
            backend_maker(configuration, self.clock.administration, environment.monotonic),
        )
        gateway = Gateway(
            configuration.gateway,
            self.ring.signature_key(),
            ReadingStore(self.database),
            self.log,
            profiles,
            clock=environment.clock,
            clock_valid=states.allows(Duty.CLAIM_VALID_TIME),
        )
        link = Link(
            gateway=configuration.gateway,
            profiles=lambda: gateway.profiles,
            trust=self.trust,
            backend=backend,
            database=self.database,
            log=self.log,
            clock=self.clock,
            monotonic=environment.monotonic,
            jitter=environment.jitter,
        )
        runtime = Runtime(
            configuration.lines,
            make_line=_line_maker(gateway, environment),
            make_sender=self._sender_maker(link, states),
            clock=environment.clock,
        )
        timekeeping = Timekeeping(
            system=system,
            clock=self.clock,
            states=states,
            certificates=CertificateWatch(self.ring.current, lambda: gateway.profiles, self.log, self.trust),
            service=link.time_service(runtime.nudge),
            notifier=link.notifier(),
            records=ClockRecords(self.database),
        )
        program = Program(version(), program_hash())
        base = FirmwareBase(configuration, self.database, self.log, self.trust, self.ring.current, program.version)
        firmware = compose_firmware(base, parent=environment.parent)
        report = Report(
            configuration=configuration,
            program=program,
            started_at=now,
            gateway=gateway,
            runtime=runtime,
            outbox=Outbox(self.database),
            orders=OrderStore(self.database),
            retention=Retention(Settings(self.database), self.log),
            identity=self.ring.current,
            trust=self.trust,
            timekeeping=timekeeping,
            firmware=None if firmware is None else firmware.report,
        )
        orders = KeyOrders(self.ring, self.trust, self.log)
        orders.note(now)  # what was finished at this start
        followers = [runtime.apply]
        test = self._self_test(states, program, firmware)
        desk = self._desk(gateway, runtime, report, orders, followers, link=link, test=test, firmware=firmware)
        management = link.management(desk, restart=environment.restart, ended=timekeeping.tunnel_ended)
        wake_up_port = link.wake_up_port(configuration.wake_up, management.wake)
        opened.callback(wake_up_port.stop)
        followers.append(partial(reserve, wake_up_port))
        if configuration.wan.tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY:
            _logger.warning("NOT AS REQUIRED: %s", KEY_IN_MEMORY)
            self.log.record(Event.GATEWAY_STARTED, "wan.tunnel", Outcome.FAILURE, at=now, deviation=KEY_IN_MEMORY)
        return Composed(
            configuration,
            environment,
            gateway,
            self.log,
            runtime,
            report,
            management,
            wake_up_port,
            timekeeping,
            test,
            firmware,
        )

    def _sender_maker(self, link: Link, states: SecureStates) -> Callable[[str], Sender]:
        ports = SenderPorts(
            outbox=Outbox(self.database),
            log=self.log,
            trust=self.trust,
            profiles=link.profiles,
            backend=link.backend,
            random=self.environment.random,
            jitter=self.environment.jitter,
            monotonic=self.environment.monotonic,
            may_deliver=states.allows(Duty.DELIVER),
            service=link.service(),
        )

        def identity() -> SenderIdentity:
            # Certificate and key out of one look: a renewal between two looks would give a pair that does not fit.
            current = self.ring.current()
            certificate = current.certificates[Purpose.SIG].certificate
            return SenderIdentity(current.gateway, certificate, current.keys[Purpose.SIG])

        return lambda party: Sender(party, identity, ports)

    def _self_test(self, states: SecureStates, program: Program, firmware: Firmware | None) -> SelfTest:
        """Without a slot nobody recorded the program's hash: then it must be the one that this process started with."""
        recorded = None if firmware is None else firmware.installed
        return SelfTest(
            SelfTestPorts(
                store=self.configuration.store,
                database=self.database,
                identity=self.ring.current,
                trust=self.trust,
                clock_valid=states.allows(Duty.CLAIM_VALID_TIME),
                program=program_hash,
                installed=recorded or (lambda: program.sha256),
            ),
            self.log,
        )

    def _desk(
        self,
        gateway: Gateway,
        runtime: Runtime,
        report: Report,
        orders: KeyOrders,
        followers: Sequence[Callable[[ProfileSet], None]],
        *,
        link: Link,
        test: SelfTest,
        firmware: Firmware | None,
    ) -> Desk:
        """The administrator's desk, and what may be ordered at it; ``followers`` learn which profiles hold then."""

        def apply(profiles: ProfileSet) -> None:
            for follow in followers:
                follow(profiles)

        lists = RevocationLists(self.trust, self.log)
        change = ProfileChange(
            ProfileStore(self.database),
            self.trust,
            lines=[line.name for line in self.configuration.lines],
            reachable=link.reachable,
            exchange=gateway.change_profiles,
            apply=apply,
        )
        handlers: dict[type[Any], Handler[Any]] = {
            ChangeProfiles: change,
            SetRetention: report.retention,
            RunSelfTest: test.order,
            RenewKeys: orders.renew,
            InstallCertificates: and_then(orders.install, runtime.nudge),
            InstallRevocationLists: and_then(lists.install, runtime.nudge),
            SynchroniseClock: report.timekeeping.service.order,
            **({} if firmware is None else firmware.handlers),
        }
        gate = OrderGate(
            self.configuration.gateway,
            administrator=link.administrator,
            trust=self.trust,
            orders=OrderStore(self.database),
        )
        return Desk(
            DeskPorts(
                gate=gate,
                system_log=self.log,
                calibration_log=CalibrationLog(self.database),
                status=report.for_administrator,
                handlers=handlers,
                stage=None if firmware is None else firmware.stage,
            )
        )


def and_then(handler: Handler[C], follow: Callable[[], None]) -> Handler[C]:
    """``handler``, and ``follow`` once it has done its work."""

    def handle(command: C, at: datetime) -> Done:
        done = handler(command, at)
        follow()
        return done

    return handle


def _line_maker(gateway: Gateway, environment: Environment) -> MakeLine:
    def make(settings: LineConfiguration, meters: Sequence[MeterProfile], since: datetime | None) -> Line:
        return Line(
            settings,
            meters,
            deliver=gateway.accept,
            report=gateway.report,
            clock=environment.clock,
            poller=Poller(clock=environment.clock),
            since=since,
        )

    return make


def _certificate(path: Path) -> x509.Certificate:
    try:
        return load_certificate(path.read_bytes())
    except OSError as error:
        sentence = f"the administrator's certificate {path} cannot be read: {error.strerror}"
        raise CertificateError(CertificateReason.MALFORMED, sentence) from error
