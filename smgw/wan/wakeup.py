"""Whether a datagram wakes the gateway: the only thing from outside that the WAN side looks at.

Decides with no socket and no clock of its own, in numbered steps, cheap ones first, so that a flood of garbage costs
little: what fails at one step is never looked at by the next. It never answers, never says more than a reason, and
takes nothing out of a wake-up but that it was signed: whom the gateway dials stands in the stored profile of its
administrator. A wake-up is believed once; it is remembered before it wakes anybody.
TR-03109-1, wake-up; PP-0073 FDP_IFF.1/FW.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from pki.certificates import TrustStore, VerifiedCertificate
from pki.errors import CertificateError, SealError
from pki.wakeup import verify_wake_up
from smgw.administration.order_gate import administrator_signer
from smgw.store.errors import StoreError
from wire.errors import WakeUpError
from wire.profiles import AdministratorProfile
from wire.reading import DeviceId
from wire.wakeup import ADDRESSEE, HEADER, SIZE, WakeUp

WINDOW: Final = timedelta(seconds=30)
"""How far the time of a wake-up may lie from the gateway's, either way (unverified: recalled, docs/deviations.md)."""


class WakeUpReason(StrEnum):
    """Why a datagram wakes nobody."""

    SIZE = "size"
    HEADER = "header"
    ADDRESSEE = "addressee"
    CONTENT = "content"
    """Header and addressee are right, and the rest is not what a wake-up holds."""
    STALE = "stale"
    FUTURE = "future"
    REPLAYED = "replayed"
    NO_ADMINISTRATOR = "no-administrator"
    """No administrator's profile is stored, or none that holds now."""
    CERTIFICATE = "certificate"
    """The administrator's signature certificate is not good now; the cause says why."""
    SIGNATURE = "signature"
    STORE = "store"
    """It was genuine, and it could not be remembered: believing it would mean believing it again after a restart."""
    CROWDED = "crowded"
    """More arrived than signatures are checked (smgw/wan/wakeup_budget.py); only the port says this."""
    SECURE_STATE = "secure-state"
    """Nobody is heard in the state that the gateway is in; only the port says this."""
    DROPPED = "dropped"
    """The kernel dropped it: not the shape of a wake-up for us, or no room; only the port says this."""


class WakeUpRefusedError(Exception):
    """A datagram wakes nobody; ``reason`` says why, ``cause`` whatever refused behind it."""

    def __init__(self, reason: WakeUpReason, cause: str = "") -> None:
        """``cause`` is a reason out of a short list too, never something that the datagram says."""
        super().__init__(f"{reason}: {cause}" if cause else reason.value)
        self.reason = reason
        self.cause = cause


class ReplayMemory(Protocol):
    """What was believed before; ``smgw.store.wake_ups.WakeUpMemory`` is one."""

    def seen(self, nonce: bytes, issued_at: datetime) -> bool:
        """Whether it was believed before, or may have been."""

    def remember(self, nonce: bytes, issued_at: datetime) -> None:
        """Keep it for good. Raises StoreError."""


class WakeUpGate:
    """The checks of one gateway. Belongs to one thread at a time."""

    def __init__(
        self,
        gateway: DeviceId,
        memory: ReplayMemory,
        administrator: Callable[[], AdministratorProfile | None],
        trust: Callable[[], TrustStore],
    ) -> None:
        """``administrator`` gives the stored profile of the one party that may wake ``gateway``, or None."""
        self.gateway = gateway
        self._addressee = gateway.text.encode("ascii")
        self._memory = memory
        self._administrator = administrator
        self._trust = trust

    @property
    def beginning(self) -> bytes:
        """With what every wake-up for this gateway begins: header and addressee."""
        return HEADER + self._addressee

    def open(self, datagram: bytes, at: datetime) -> WakeUp:
        """The wake-up in ``datagram``, believed; both halves of the checks at once.

        Raises:
            WakeUpRefusedError: with the reason of the first step that fails.
        """
        wake_up = self.examine(datagram, at)
        self.believe(wake_up, at)
        return wake_up

    def examine(self, datagram: bytes, at: datetime) -> WakeUp:
        """The cheap half: what of ``datagram`` can be refused without any cryptography.

        1. Size and header are those of a wake-up.
        2. It is addressed to this gateway.
        3. Its time lies within the window around ``at``.
        4. It was not seen before.

        What a caller MUST still do: :meth:`believe` it. Until then it is anybody's.

        Raises:
            WakeUpRefusedError: SIZE, HEADER, ADDRESSEE, CONTENT, STALE, FUTURE or REPLAYED.
        """
        # 1. Size and header are those of a wake-up.
        if len(datagram) != SIZE:
            raise WakeUpRefusedError(WakeUpReason.SIZE)
        if not datagram.startswith(HEADER):
            raise WakeUpRefusedError(WakeUpReason.HEADER)
        # 2. It is addressed to this gateway.
        if datagram[ADDRESSEE] != self._addressee:
            raise WakeUpRefusedError(WakeUpReason.ADDRESSEE)
        try:
            wake_up = WakeUp.from_bytes(datagram)
        except WakeUpError as error:
            raise WakeUpRefusedError(WakeUpReason.CONTENT) from error
        # 3. and 4.
        self._require_fresh(wake_up, at)
        return wake_up

    def believe(self, wake_up: WakeUp, at: datetime) -> None:
        """The costly half, for what passed :meth:`examine`, perhaps some moments ago; returns if it wakes the gateway.

        3. Its time still lies within the window, and
        4. nobody was woken by it since.
        5. The signature is that of the administrator in the stored profile, whose SIG certificate is good now: role,
           purpose, pin, chain, validity, revocation.

        Then it is remembered, on the disk, before this returns.

        Raises:
            WakeUpRefusedError: STALE, FUTURE, REPLAYED, NO_ADMINISTRATOR, CERTIFICATE, SIGNATURE or STORE.
        """
        # 3. and 4.
        self._require_fresh(wake_up, at)
        # 5. The signature is that of the administrator in the stored profile, whose certificate is good now.
        signer = self._signer(at)
        try:
            verify_wake_up(wake_up, signer)
        except SealError as error:
            raise WakeUpRefusedError(WakeUpReason.SIGNATURE) from error
        try:
            self._memory.remember(wake_up.nonce, wake_up.issued_at)
        except StoreError as error:
            raise WakeUpRefusedError(WakeUpReason.STORE, error.reason.value) from error

    def _require_fresh(self, wake_up: WakeUp, at: datetime) -> None:
        # 3. Its time lies within the window around `at`.
        if at - wake_up.issued_at > WINDOW:
            raise WakeUpRefusedError(WakeUpReason.STALE)
        if wake_up.issued_at - at > WINDOW:
            raise WakeUpRefusedError(WakeUpReason.FUTURE)
        # 4. It was not seen before (FPT_RPL.1).
        if self._memory.seen(wake_up.nonce, wake_up.issued_at):
            raise WakeUpRefusedError(WakeUpReason.REPLAYED)

    def _signer(self, at: datetime) -> VerifiedCertificate:
        profile = self._administrator()
        if profile is None or not profile.valid_from <= at < profile.valid_until:
            raise WakeUpRefusedError(WakeUpReason.NO_ADMINISTRATOR)
        try:
            return administrator_signer(profile, self._trust(), at)
        except CertificateError as error:
            raise WakeUpRefusedError(WakeUpReason.CERTIFICATE, error.reason.value) from error
