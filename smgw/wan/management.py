"""The management tunnel: opened by the gateway alone, when it was woken, to the administrator that its profile names.

Decides when the gateway dials and whom. A wake-up is one bit: it carries no address, and it changes nothing while a
tunnel is open or on its way. The address and the pinned certificate come from the stored profile of the administrator,
whose certificates must be good at that moment, for one and the same party (TR-03109-1, MANAGEMENT; PP-0073 Firewall
SFP: connections are established from inside only). A tunnel that does not come up is tried a few times within two
minutes; then there is silence until the next wake-up. What happens inside is decided in ``management_session.py``.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pki.certificates import Role, TrustStore, VerifiedCertificate
from pki.errors import CertificateError, CertificateReason, TunnelError, TunnelReason
from pki.tunnel import Tunnel, TunnelBackend, TunnelPeer
from smgw.administration.desk import SUBJECT, Desk
from smgw.administration.order_gate import administrator_peer, administrator_signer
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.wan.management_session import ORDERLY, Ending, Session, SessionPorts
from wire.profiles.administrator import AdministratorProfile

_logger = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT: Final = 20.0
"""Seconds for dialling and the handshake; a token signs in milliseconds, a bad line needs seconds."""
RETRY_DELAYS: Final = (5.0, 10.0, 20.0, 40.0)
"""Seconds before each further attempt: an administrator who woke us is listening, so few are enough."""
GIVE_UP_SECONDS: Final = 120.0
"""After this from the wake-up no attempt begins or goes on: the administrator sends another wake-up if it still wants
something, and a gateway never dials for hours because of one datagram."""
STOP_SECONDS: Final = 30.0
"""How long :meth:`ManagementTunnel.stop` waits for a handshake or an order in progress to come to its end."""


class TunnelState(StrEnum):
    """What the tunnel is doing."""

    WAITING = "waiting"
    DIALLING = "dialling"
    OPEN = "open"
    STOPPED = "stopped"


TRANSITIONS: Final[dict[TunnelState, frozenset[TunnelState]]] = {
    TunnelState.WAITING: frozenset({TunnelState.DIALLING, TunnelState.STOPPED}),
    TunnelState.DIALLING: frozenset({TunnelState.OPEN, TunnelState.WAITING, TunnelState.STOPPED}),
    TunnelState.OPEN: frozenset({TunnelState.WAITING, TunnelState.STOPPED}),
    TunnelState.STOPPED: frozenset(),
}
"""From each state to what may follow; only WAITING hears a wake-up."""


class DialReason(StrEnum):
    """Why the gateway did not dial, beside the reasons of ``pki.errors.TunnelReason`` why it did in vain."""

    NO_ADMINISTRATOR = "no-administrator"
    """No profile of an administrator is stored, or it does not hold now."""
    ADMINISTRATOR_CERTIFICATE = "administrator-certificate"
    """One of its certificates is not good now, or they belong to two parties."""
    SECURE_STATE = "secure-state"
    """Nobody is served in the state that the gateway is in."""
    FAULT = "fault"
    """A fault of the gateway's own, its store included."""


_PASSING: Final = frozenset(
    {TunnelReason.UNREACHABLE, TunnelReason.TIMEOUT, TunnelReason.HANDSHAKE, TunnelReason.CLOSED}
)
"""Failures that another attempt may not meet again. A wrong certificate at the other end is none of them."""


@dataclass(frozen=True, slots=True)
class ManagementPorts:
    """Everything around the tunnel. ``restart`` ends the process; it is called when the tunnel is closed already."""

    administrator: Callable[[], AdministratorProfile | None]
    trust: Callable[[], TrustStore]
    backend: TunnelBackend
    desk: Desk
    log: SystemLog
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    restart: Callable[[], None]
    ended: Callable[[], None] = lambda: None
    """Called after each tunnel that had come up, unless a fault of the gateway's own ended it."""
    may_serve: Callable[[datetime], bool] = lambda _: True
    """Whether the administrator is served at that moment (``smgw/secure_states.py``: in every state, so far)."""


class _NotOpenedError(Exception):
    def __init__(self, reason: str, sentence: str, *, passing: bool = False) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.passing = passing


class ManagementTunnel:
    """The one management tunnel of a gateway, and the thread that it lives in."""

    def __init__(self, ports: ManagementPorts, *, delays: Sequence[float] = RETRY_DELAYS) -> None:
        """Nothing runs before :meth:`start`."""
        self._ports = ports
        self._delays = tuple(delays)
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._state = TunnelState.WAITING
        self._thread = threading.Thread(target=self._run, name="management", daemon=True)

    @property
    def state(self) -> TunnelState:
        """What it is doing at this moment."""
        return self._state

    def start(self) -> None:
        """Begin to wait for wake-ups."""
        self._thread.start()

    def wake(self) -> None:
        """Dial, unless a tunnel is open or on its way: then that is written down and nothing else happens.

        Returns at once; called by whoever believed a wake-up, in its thread.
        """
        with self._changed:
            state = self._state
            if state is TunnelState.WAITING:
                self._enter(TunnelState.DIALLING)
        if state in (TunnelState.DIALLING, TunnelState.OPEN):
            with self._failures_shown():
                self._ports.log.record(
                    Event.WAKE_UP_IGNORED, SUBJECT, Outcome.SUCCESS, at=self._ports.clock(), reason=state.value
                )

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """End the tunnel and the thread; may be called from any thread, again, and before :meth:`start`."""
        self._stopping.set()
        with self._changed:
            if self._state is not TunnelState.STOPPED:
                self._enter(TunnelState.STOPPED)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _enter(self, state: TunnelState) -> None:
        """Change the state; the caller holds the lock."""
        if state not in TRANSITIONS[self._state]:
            raise RuntimeError(f"a tunnel does not go from {self._state} to {state}")
        self._state = state
        self._changed.notify_all()

    def _reach(self, state: TunnelState) -> bool:
        """Change the state, unless :meth:`stop` came first."""
        with self._changed:
            if self._state is TunnelState.STOPPED:
                return False
            self._enter(state)
            return True

    def _run(self) -> None:
        while self._woken():
            try:
                ending = self._one_tunnel()
            except Exception:  # a defect of ours, or the store's: the next wake-up finds us waiting again
                _logger.exception("management tunnel")
                ending = None
                self._failed(DialReason.FAULT)
            if not self._reach(TunnelState.WAITING):
                return
            if ending is not None:
                self._follow(ending)

    def _follow(self, ending: Ending) -> None:
        """What others do once a tunnel is over; none of it may end the thread that hears the next wake-up."""
        try:
            self._ports.ended()
        except Exception:
            _logger.exception("after a management tunnel")
        if ending is Ending.RESTART:
            self._ports.restart()

    def _woken(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._state is not TunnelState.WAITING)
            return self._state is not TunnelState.STOPPED

    def _one_tunnel(self) -> Ending | None:
        """From a wake-up to the end of the tunnel; None where none came up."""
        opened = self._dial()
        if opened is None:
            return None
        tunnel, profile = opened
        ending = Ending.FAULT
        try:
            if self._reach(TunnelState.OPEN):
                with self._failures_shown():
                    self._ports.log.record(
                        Event.TUNNEL_OPENED, SUBJECT, Outcome.SUCCESS, at=self._ports.clock(), profile=profile.id
                    )
                ending = self._serve(tunnel, profile)
            else:
                ending = Ending.STOPPED
        finally:
            tunnel.close()
            outcome = Outcome.SUCCESS if ending in ORDERLY else Outcome.FAILURE
            with self._failures_shown():
                self._ports.log.record(
                    Event.TUNNEL_ENDED, SUBJECT, outcome, at=self._ports.clock(), reason=ending.value
                )
        return ending

    def _serve(self, tunnel: Tunnel, profile: AdministratorProfile) -> Ending:
        ports = SessionPorts(
            desk=self._ports.desk,
            judge=lambda at: self._judge(profile, at),
            stopped=self._stopping.is_set,
            clock=self._ports.clock,
            monotonic=self._ports.monotonic,
        )
        session = Session(tunnel, ports, idle_seconds=profile.idle_seconds, session_seconds=profile.session_seconds)
        return session.serve()

    def _dial(self) -> tuple[Tunnel, AdministratorProfile] | None:
        """A few attempts within GIVE_UP_SECONDS; each failure is written down with its reason."""
        began = self._ports.monotonic()
        for delay in (0.0, *self._delays):
            if self._stopping.wait(delay):
                return None
            left = GIVE_UP_SECONDS - (self._ports.monotonic() - began)
            if left <= 0:
                return None
            try:
                return self._attempt(min(HANDSHAKE_TIMEOUT, left))
            except _NotOpenedError as error:
                _logger.info("management tunnel: %s", error)
                self._failed(error.reason)
                if not error.passing:
                    return None
        return None

    def _attempt(self, timeout: float) -> tuple[Tunnel, AdministratorProfile]:
        """Dial the administrator of this moment. Raises _NotOpenedError."""
        at, profile = self._ports.clock(), self._ports.administrator()
        if not self._ports.may_serve(at):
            raise _NotOpenedError(DialReason.SECURE_STATE, "nobody is served in this state")
        if profile is None or not profile.valid_from <= at < profile.valid_until:
            raise _NotOpenedError(DialReason.NO_ADMINISTRATOR, "no profile of an administrator holds now")
        try:
            verified = good_administrator(profile, self._ports.trust(), at)
        except CertificateError as error:
            raise _NotOpenedError(DialReason.ADMINISTRATOR_CERTIFICATE, str(error)) from error
        # Probed, because we only answer: without probes the tunnel to an administrator whose machine went down would
        # stay open, and its wake-ups unheard, until the tunnel has been idle for long enough.
        peer = TunnelPeer(profile.host, profile.management_port, verified.certificate, Role.GWA, probed=True)
        try:
            return self._ports.backend.open(peer, timeout=timeout), profile
        except TunnelError as error:
            passing = error.reason in _PASSING
            raise _NotOpenedError(error.reason.value, str(error), passing=passing) from error

    def _judge(self, opened_with: AdministratorProfile, at: datetime) -> Ending | None:
        """Whether an open tunnel must end: its peer is no more the administrator, or is good no more."""
        if not self._ports.may_serve(at):
            return Ending.SECURE_STATE
        profile = self._ports.administrator()
        if (
            profile is None
            or not profile.valid_from <= at < profile.valid_until
            or profile.tls_fingerprint != opened_with.tls_fingerprint
        ):
            return Ending.CHANGED
        try:
            good_administrator(profile, self._ports.trust(), at)
        except CertificateError as error:
            _logger.warning("the administrator's certificate: %s", error)
            return Ending.CERTIFICATE
        return None

    def _failed(self, reason: str) -> None:
        with self._failures_shown():
            self._ports.log.record(
                Event.TUNNEL_FAILED, SUBJECT, Outcome.FAILURE, at=self._ports.clock(), reason=str(reason)
            )

    @contextmanager
    def _failures_shown(self) -> Iterator[None]:
        """A store that takes no entry must not keep the administrator out: it is how the store is mended."""
        try:
            yield
        except StoreError as error:
            _logger.warning("not in the system log: %s", error)


def good_administrator(profile: AdministratorProfile, trust: TrustStore, at: datetime) -> VerifiedCertificate:
    """The administrator's TLS certificate, good at ``at``, whose party's signature certificate is good as well.

    A party whose signing key is compromised is not let in to read either. Raises CertificateError.
    """
    peer = administrator_peer(profile, trust, at)
    signer = administrator_signer(profile, trust, at)
    if signer.identity != peer.identity:
        raise CertificateError(
            CertificateReason.WRONG_NAME, f"the tunnel leads to {peer.identity}, orders are signed by {signer.identity}"
        )
    return peer
