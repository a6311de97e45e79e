"""How everything between the gateway and its administrator is put together, but for what he may order.

Decides who the administrator is: the one whose profile is stored. With none, or against every rule several, there is
nobody to believe. All of it goes by the administration's clock (``GatewayClock.administration``).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from pki.certificates import Role, load_certificate
from pki.errors import TunnelError, TunnelReason
from pki.profiles import read_subject
from pki.tunnel import TunnelPeer
from smgw.administration.desk import Desk
from smgw.clock import GatewayClock
from smgw.config import WakeUpConfiguration
from smgw.secure_states import Duty, SecureStates
from smgw.store.clock_records import ClockRecords
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.store.notifications import Notifications
from smgw.store.profiles import ProfileSet
from smgw.store.wake_ups import WakeUpMemory
from smgw.trust import TrustFolder
from smgw.tunnels import CurrentBackend
from smgw.wan.management import ManagementPorts, ManagementTunnel
from smgw.wan.notifier import Notifier, NotifierPorts
from smgw.wan.service import ServicePorts
from smgw.wan.time_service import TimePorts, TimeService
from smgw.wan.wakeup import WakeUpGate
from smgw.wan.wakeup_port import WakeUpPort, addresses_of
from wire.profiles import AdministratorProfile
from wire.reading import DeviceId

TRIAL_SECONDS: Final = 20.0
"""For dialling an administrator before his profile holds; the order waits meanwhile, and its answer has two minutes."""


class WakeUpPortError(Exception):
    """The wake-up port cannot be opened: another holds it, or its address is not this machine's."""


@dataclass(frozen=True, slots=True)
class Link:
    """What all connections with the administrator rest on."""

    gateway: DeviceId
    profiles: Callable[[], ProfileSet]
    trust: TrustFolder
    backend: CurrentBackend
    database: Database
    log: SystemLog
    clock: GatewayClock
    monotonic: Callable[[], float]
    jitter: Callable[[], float]
    states: SecureStates
    trying: Callable[[AdministratorProfile], AbstractContextManager[object]] = nullcontext
    """Lets an administrator be dialled whose profile does not hold yet (``smgw/firewall/watch.py``)."""

    def administrator(self) -> AdministratorProfile | None:
        """The administrator of this moment."""
        return administrator_of(self.profiles())

    def reachable(self, profile: AdministratorProfile) -> None:
        """Whether ``profile`` leads to an administrator: handshakes with its certificate, and closes at once.

        At the address that is in use now, the same party's former certificate is as good: it is shown there until the
        last gateway has the new profile. Raises TunnelError, within TRIAL_SECONDS.
        """
        with self.trying(profile):
            self._reach(profile)

    def _reach(self, profile: AdministratorProfile) -> None:
        began = self.monotonic()
        try:
            self._try(profile, profile.tls_certificate, TRIAL_SECONDS)
        except TunnelError as error:
            former = self.administrator()
            if error.reason is not TunnelReason.PEER_CERTIFICATE or former is None or not _at_home(former, profile):
                raise
            self._try(profile, former.tls_certificate, max(1.0, TRIAL_SECONDS - (self.monotonic() - began)))

    def _try(self, profile: AdministratorProfile, certificate: bytes, seconds: float) -> None:
        peer = TunnelPeer(profile.host, profile.management_port, load_certificate(certificate), Role.GWA)
        self.backend.open(peer, timeout=seconds).close()

    def management(self, desk: Desk, *, restart: Callable[[], None], ended: Callable[[], None]) -> ManagementTunnel:
        """The management tunnel; ``ended`` is called after each."""
        return ManagementTunnel(
            ManagementPorts(
                administrator=self.administrator,
                trust=self.trust,
                backend=self.backend,
                desk=desk,
                log=self.log,
                clock=self.clock.administration,
                monotonic=self.monotonic,
                restart=restart,
                ended=ended,
                may_serve=self.states.allows(Duty.SERVE_ADMINISTRATOR),
            )
        )

    def wake_up_port(self, chosen: WakeUpConfiguration, wake: Callable[[], None]) -> WakeUpPort:
        """The port that hears wake-ups. Raises WakeUpPortError."""
        gate = WakeUpGate(self.gateway, WakeUpMemory(self.database), self.administrator, self.trust)
        try:
            return WakeUpPort(
                chosen.host,
                chosen.port,
                gate=gate,
                wake=wake,
                log=self.log,
                clock=self.clock.administration,
                monotonic=self.monotonic,
                may_hear=self.states.allows(Duty.HEAR_WAKE_UPS),
            )
        except OSError as error:
            sentence = f"the wake-up port {chosen.host} {chosen.port} cannot be opened: {error.strerror}"
            raise WakeUpPortError(sentence) from error

    def time_service(self, changed: Callable[[], None]) -> TimeService:
        """The time service; ``changed`` is called when a secure state begins or ends."""
        return TimeService(
            TimePorts(
                service=self.service(),
                clock=self.clock,
                records=ClockRecords(self.database),
                profiles=self.profiles,
                jitter=self.jitter,
                changed=changed,
                may_ask=self.states.allows(Duty.SYNCHRONISE),
                otherwise=self.states.beside_the_clock,
            )
        )

    def notifier(self) -> Notifier:
        """Whoever tells the administrator what happened."""
        return Notifier(
            NotifierPorts(
                self.gateway,
                self.service(),
                Notifications(self.database),
                self.log,
                self.jitter,
                may_tell=self.states.allows(Duty.NOTIFY),
            )
        )

    def service(self) -> ServicePorts:
        """The way to the administrator's service port."""
        return ServicePorts(self.administrator, self.trust, self.backend, self.clock.administration, self.monotonic)


def _at_home(former: AdministratorProfile, profile: AdministratorProfile) -> bool:
    """Whether both are of one party at one address: only its certificates or terms changed."""
    one, other = (read_subject(load_certificate(each.tls_certificate).subject) for each in (former, profile))
    same_place = (former.host, former.management_port) == (profile.host, profile.management_port)
    return same_place and one.identity == other.identity


def administrator_of(profiles: ProfileSet) -> AdministratorProfile | None:
    """The one administrator. With none or, against every rule, several there is nobody to believe."""
    found = tuple(profiles.administrators.values())
    return found[0] if len(found) == 1 else None


def reserve(port: WakeUpPort, profiles: ProfileSet) -> None:
    """A lane for the administrator's own addresses; resolving its name may take a moment."""
    administrator = administrator_of(profiles)
    port.reserve(() if administrator is None else addresses_of(administrator.host))
