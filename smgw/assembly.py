"""The parts of a gateway and what each is handed: walk, lines, senders, desk, and what looks after all of them.

Decides who knows whom, and nothing about data; ``composition.py`` proves first that there is something to build on.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from pki.certificates import Purpose
from pki.token import Token
from smgw.access.volatile import VolatileStore
from smgw.administration.desk import Desk, DeskPorts
from smgw.administration.errors import C, Done, Handler
from smgw.administration.order_gate import OrderGate
from smgw.administration.permission import permitted
from smgw.certificate_watch import CertificateWatch
from smgw.clock import ClockState, GatewayClock
from smgw.composed import Composed, Environment
from smgw.config import Configuration, LineConfiguration, TunnelKind
from smgw.contract_end import ContractEnd
from smgw.firewall.parts import open_firewall
from smgw.firewall.watch import Firewall
from smgw.firmware.parts import Firmware, FirmwareBase, compose_firmware
from smgw.gateway import Gateway
from smgw.han.service import HanService, ServiceParts, compose_service
from smgw.han.status import Facts
from smgw.keys.ring import KeyRing
from smgw.lmn.line import Line
from smgw.lmn.poll import Poller
from smgw.logs.errors import LogIntegrityError
from smgw.logs.sealing import Sealer
from smgw.logs.signer import certified_signer
from smgw.logs.stored import Judge, verify_logs
from smgw.logs.watch import LogWatch
from smgw.profile_change import ProfileChange
from smgw.program import program_hash, version
from smgw.renewal import KeyOrders
from smgw.report import KEY_IN_MEMORY, Program, Report
from smgw.retention import Retention
from smgw.runtime import MakeLine, Runtime
from smgw.secure_states import Conditions, Duty, SecureStates
from smgw.self_test import SelfTest, SelfTestPorts
from smgw.state_keeper import StateKeeper
from smgw.store.calibration_log import CalibrationLog
from smgw.store.condition_records import ConditionRecords
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.orders import OrderStore
from smgw.store.outbox import Outbox
from smgw.store.profiles import ProfileSet, ProfileStore
from smgw.store.readings import ReadingStore
from smgw.store.settings import Settings
from smgw.store.sweep import Sweeper
from smgw.tariff_orders import TariffOrders
from smgw.timekeeping import Timekeeping
from smgw.trust import RevocationLists, TrustFolder
from smgw.tunnels import CurrentBackend, backend_maker
from smgw.wan.parts import Link, reserve
from smgw.wan.sender import Sender, SenderIdentity, SenderPorts
from wire.orders import (
    ChangeProfiles,
    InstallCertificates,
    InstallRevocationLists,
    RaiseEvent,
    RenewKeys,
    RequestValues,
    RunSelfTest,
    SetRetention,
    SynchroniseClock,
)
from wire.profiles import MeterProfile

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembly:
    """What stands before the rest is made; :meth:`compose` makes it."""

    configuration: Configuration
    environment: Environment
    database: Database
    log: SystemLog
    trust: TrustFolder
    ring: KeyRing
    clock: GatewayClock
    token: Token

    def compose(
        self, profiles: ProfileSet, now: datetime, opened: ExitStack, system: Callable[[], datetime]
    ) -> Composed:
        """Make the rest; ``system`` is the machine's clock.

        Raises TunnelError, FirewallError, WakeUpPortError, ServingError.
        """
        configuration, environment = self.configuration, self.environment
        condition_records = ConditionRecords(self.database)
        states = SecureStates(self.clock, Conditions(condition_records.load()))
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
        firewall = open_firewall(  # before anything is opened
            configuration,
            profiles=lambda: gateway.profiles,
            clock=self.clock.administration,
            log=self.log,
            conditions=states.conditions,
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
            states=states,
            trying=nullcontext if firewall is None else firewall.trying,
        )
        runtime = Runtime(
            configuration.lines,
            make_line=_line_maker(gateway, environment, states.allows(Duty.READ_METERS)),
            make_sender=self._sender_maker(link, states, gateway.volatile),
            clock=environment.clock,
        )
        timekeeping = Timekeeping(
            system=system,
            clock=self.clock,
            states=states,
            certificates=CertificateWatch(self.ring.current, lambda: gateway.profiles, self.log, self.trust),
            service=link.time_service(runtime.nudge),
            notifier=link.notifier(),
            keeper=StateKeeper(states, condition_records, self.clock, runtime.nudge),
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
            retention=self._retention(gateway, states),
            identity=self.ring.current,
            trust=self.trust,
            timekeeping=timekeeping,
            firmware=None if firmware is None else firmware.report,
            firewall=None if firewall is None else firewall.report,
        )
        orders = KeyOrders(self.ring, self.trust, self.log)
        orders.note(now)  # what was finished at this start
        # Whoever went is out of reach, and whoever came within it, before a sender looks at the new set.
        followers = [runtime.apply] if firewall is None else [firewall.follow, runtime.apply]
        log_watch = self._log_watch(states, gateway)
        log_watch.fill(now)  # a full calibration log is found before anything runs
        log_watch.concern(now)
        test = self._self_test(states, program, firmware, firewall)
        page = self._page(gateway, states, test, report, firewall)
        report = replace(report, page=None if page is None else page.report)
        desk = self._desk(gateway, runtime, report, orders, followers, link=link, test=test, firmware=firmware)
        management = link.management(desk, restart=environment.restart, ended=timekeeping.tunnel_ended)
        wake_up_port = link.wake_up_port(configuration.wake_up, management.wake)
        opened.callback(wake_up_port.stop)
        followers.append(partial(reserve, wake_up_port))
        if configuration.wan.tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY:
            _logger.warning("NOT AS REQUIRED: %s", KEY_IN_MEMORY)
            self.log.record(Event.GATEWAY_STARTED, "wan.tunnel", Outcome.FAILURE, at=now, deviation=KEY_IN_MEMORY)
        return Composed(
            configuration=configuration,
            environment=environment,
            gateway=gateway,
            log=self.log,
            runtime=runtime,
            report=report,
            management=management,
            wake_up_port=wake_up_port,
            timekeeping=timekeeping,
            self_test=test,
            log_watch=log_watch,
            firmware=firmware,
            firewall=firewall,
            page=page,
        )

    def _page(
        self, gateway: Gateway, states: SecureStates, test: SelfTest, report: Report, firewall: Firewall | None
    ) -> HanService | None:
        facts = Facts(
            gateway=self.configuration.gateway,
            version=report.program.version,
            program_sha256=report.program.sha256,
            started_at=report.started_at,
            states=states,
            identity=self.ring.current,
            trust=self.trust,
            certificates=self.configuration.trust.certificates,
            firewall=None if firewall is None else lambda: not firewall.report()["reason"],
        )
        environment = self.environment
        parts = ServiceParts(
            self.configuration, self.token, self.database, self.log, gateway, test, facts, environment.clock,
            environment.monotonic, environment.random,
        )  # fmt: skip
        return compose_service(parts)

    def _sender_maker(self, link: Link, states: SecureStates, volatile: VolatileStore) -> Callable[[str], Sender]:
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
            volatile=volatile,
        )

        def identity() -> SenderIdentity:
            # Certificate and key out of one look: a renewal between two looks would give a pair that does not fit.
            current = self.ring.current()
            certificate = current.certificates[Purpose.SIG].certificate
            return SenderIdentity(current.gateway, certificate, current.keys[Purpose.SIG])

        return lambda party: Sender(party, identity, ports)

    def _retention(self, gateway: Gateway, states: SecureStates) -> Retention:
        return Retention(
            Settings(self.database),
            self.log,
            Sweeper(self.database),
            ContractEnd(
                self.database,
                self.log,
                Sealer(self.database, self.ring.current),
                begun=lambda: gateway.change_profiles(ProfileStore(self.database).load),
            ),
            profiles=lambda: gateway.profiles,
            trusted=lambda at: self.clock.state is ClockState.VALID and states.works(Duty.CLAIM_VALID_TIME, at),
        )

    def _log_watch(self, states: SecureStates, gateway: Gateway) -> LogWatch:
        return LogWatch(
            gateway=self.configuration.gateway.text,
            sealer=Sealer(self.database, self.ring.current),
            log=self.log,
            calibration=CalibrationLog(self.database),
            conditions=states.conditions,
            time_valid=self.clock.valid,
            concerns=lambda at: gateway.profiles.concerns(at),  # noqa: PLW0108 - of the profiles that hold then
        )

    def _self_test(
        self, states: SecureStates, program: Program, firmware: Firmware | None, firewall: Firewall | None
    ) -> SelfTest:
        """Without a slot nobody recorded the program's hash: then it must be the one that this process started with."""
        recorded = None if firmware is None else firmware.installed
        return SelfTest(
            SelfTestPorts(
                store=self.configuration.store,
                database=self.database,
                identity=self.ring.current,
                trust=self.trust,
                clock_valid=self.clock.valid,
                program=program_hash,
                installed=recorded or (lambda: program.sha256),
                logs=lambda: _altered_logs(self.database, certified_signer(self.configuration.gateway, self.trust())),
                firewall=(lambda: "") if firewall is None else (lambda: str(firewall.report()["reason"])),
                update=(lambda: "") if firmware is None else firmware.defective,
            ),
            self.log,
            states.conditions,
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

        may_update = link.states.allows(Duty.UPDATE_FIRMWARE)
        lists = RevocationLists(self.trust, self.log)
        change = ProfileChange(
            ProfileStore(self.database),
            self.trust,
            lines=[line.name for line in self.configuration.lines],
            identity=self.ring.current,
            reachable=link.reachable,
            exchange=gateway.change_profiles,
            apply=apply,
            addresses_only=self.configuration.firewall is not None,
        )
        tariffs = TariffOrders(gateway, self.database, due=runtime.nudge)
        handlers: dict[type[Any], Handler[Any]] = {
            ChangeProfiles: permitted(change, link.states.allows(Duty.CHANGE_PROFILES)),
            SetRetention: report.retention,
            RunSelfTest: test.order,
            RenewKeys: orders.renew,
            InstallCertificates: and_then(and_then(orders.install, runtime.nudge), test.soon),
            InstallRevocationLists: and_then(and_then(lists.install, runtime.nudge), test.soon),
            SynchroniseClock: report.timekeeping.service.order,
            RaiseEvent: tariffs.raise_event,
            RequestValues: tariffs.request_values,
        }
        if firmware is not None:
            handlers |= {kind: permitted(one, may_update) for kind, one in firmware.handlers.items()}
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
                stage=None if firmware is None else permitted(firmware.stage, may_update),
            )
        )


def _altered_logs(database: Database, judge: Judge) -> str:
    """What the self-test says of the logs. Raises StoreError."""
    try:
        verify_logs(database, judge)
    except LogIntegrityError as error:
        return f"{error.reason.value}: {error}"
    return ""


def and_then(handler: Handler[C], follow: Callable[[], None]) -> Handler[C]:
    """``handler``, and ``follow`` once it has done its work."""

    def handle(command: C, at: datetime) -> Done:
        done = handler(command, at)
        follow()
        return done

    return handle


def _line_maker(gateway: Gateway, environment: Environment, may_read: Callable[[datetime], bool]) -> MakeLine:
    def make(settings: LineConfiguration, meters: Sequence[MeterProfile], since: datetime | None) -> Line:
        return Line(
            settings,
            meters,
            deliver=gateway.accept,
            report=gateway.report,
            clock=environment.clock,
            poller=Poller(clock=environment.clock),
            since=since,
            may_read=may_read,
        )

    return make
