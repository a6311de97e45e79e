"""Wake a gateway and wait for its tunnel; when nothing comes, say what may be the reason.

Decides when a wake-up is repeated (each with a new nonce and time) and what silence means. A gateway never answers a
wake-up, so every reason but those that can be seen from here is a guess, and is told as one; what can be seen comes
first: no server here, somebody refused here, a certificate that is not believed here, nobody listening there.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from admin.certificates import judged
from admin.errors import InventoryError
from admin.office import Letter, Office
from admin.tunnels import TunnelRecord
from wire.reading import DeviceId

POLL_SECONDS = 0.1
"""How often the tunnel is looked for; a tunnel takes longer than that to come up."""
WINDOW_SECONDS = 30
"""How far the clocks may differ before a gateway refuses a wake-up as stale or from the future."""


class WakeOutcome(StrEnum):
    """What became of it."""

    CAME = "came"
    WAS_OPEN = "was-open"
    SILENCE = "silence"


class SilenceReason(StrEnum):
    """Why nothing came; the first five were seen, the rest is likely."""

    NO_SERVER = "no-server"
    REFUSED_HERE = "refused-here"
    CERTIFICATE = "certificate"
    NOBODY_LISTENS = "nobody-listens"
    NOT_SENT = "not-sent"
    NEVER_CAME = "never-came"
    ADDRESS = "address"
    CLOCK = "clock"
    ADMINISTRATOR = "administrator"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Likely:
    """One reason and its sentence."""

    reason: SilenceReason
    sentence: str


@dataclass(frozen=True, slots=True)
class WakeResult:
    """What came of waking one gateway."""

    gateway: DeviceId
    outcome: WakeOutcome
    after: timedelta
    wake_ups: int
    tunnel: TunnelRecord | None = None
    reasons: tuple[Likely, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """While waiting: how long, and how many wake-ups were sent."""

    waited: timedelta
    wake_ups: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Clocks and limits of waiting; only ``__main__`` owns the clocks."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    timeout: timedelta
    resend: timedelta


class Postman:
    """One UDP socket: sends wake-ups and notices where the network says that nobody is there."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._udp: socket.socket | None = None
        self.bounced = False
        self.failure = ""

    def __enter__(self) -> Self:
        """The postman himself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket."""
        self.close()

    def close(self) -> None:
        """Close the socket. Closing twice is harmless."""
        if self._udp is not None:
            self._udp.close()

    def send(self, letter: Letter) -> None:
        """Send one wake-up; trouble is noted, not raised, because the next one may get through."""
        try:
            if self._udp is None:
                self._udp = socket.socket(letter.family, socket.SOCK_DGRAM)
                self._udp.setblocking(False)
                # Connected, so that an ICMP "port unreachable" comes back to this socket.
                self._udp.connect(letter.address)
            self._udp.send(letter.datagram)
            self.failure = ""
        except ConnectionRefusedError:
            self.bounced = True
        except OSError as error:
            self.failure = error.strerror or str(error)

    def look(self) -> None:
        """Notice what came back: nothing ever should."""
        if self._udp is None:
            return
        try:
            self._udp.recv(1)
        except ConnectionRefusedError:
            self.bounced = True
        except OSError:
            pass  # nothing there, which is what a gateway answers


def wake_and_wait(
    office: Office,
    gateway: DeviceId,
    timing: Timing,
    by: str,
    progress: Callable[[Progress], None] = lambda _: None,
) -> WakeResult:
    """Wake ``gateway`` until its tunnel is there, or the time is over. Raises as ``Office.letter``."""
    begun, began_at = timing.monotonic(), timing.clock()
    resend = timing.resend.total_seconds()
    office.inventory.require_reachable(gateway)
    # The last one before the look at the open ones: a tunnel that opens between the two is a new one.
    before = office.tunnels.last(gateway)
    there = office.tunnels.open(gateway, began_at)
    if there is not None:
        return WakeResult(gateway, WakeOutcome.WAS_OPEN, timedelta(0), 0, there)
    known = 0 if before is None else before.number
    sent = 0
    with Postman() as postman:
        while True:
            waited = timing.monotonic() - begun
            if waited >= timing.timeout.total_seconds():
                break
            if waited >= sent * resend:
                postman.send(office.letter(gateway, timing.clock(), by))
                sent += 1
            timing.sleep(POLL_SECONDS)
            postman.look()
            last = office.tunnels.last(gateway)
            after = timedelta(seconds=timing.monotonic() - begun)
            if last is not None and last.number > known:
                return WakeResult(gateway, WakeOutcome.CAME, after, sent, last)
            progress(Progress(after, sent))
    after = timedelta(seconds=timing.monotonic() - begun)
    reasons = tuple(likely_reasons(office, gateway, postman, began_at, timing.clock()))
    return WakeResult(gateway, WakeOutcome.SILENCE, after, sent, None, reasons)


def likely_reasons(
    office: Office, gateway: DeviceId, postman: Postman, began_at: datetime, at: datetime
) -> list[Likely]:
    """Why ``gateway`` did not come since ``began_at``: what was seen, or else what is likely."""
    record = office.inventory.get(gateway)
    place = f"{record.wake_host}:{record.wake_port}"
    seen: list[Likely] = []
    if not office.tunnels.running(at):
        listen = office.configuration.management
        seen.append(
            Likely(
                SilenceReason.NO_SERVER,
                f"no server of ours waits for gateways on {listen.host}:{listen.port}: start smgw-admin serve",
            )
        )
    seen += [
        Likely(SilenceReason.REFUSED_HERE, f"{refused.peer} called and was refused here: {refused.why}")
        for refused in office.tunnels.refusals_since(began_at.replace(microsecond=0))
    ]
    if record.certificates:
        # OpenSSL refuses a revoked or expired certificate without saying which of it and whose it was.
        try:
            judged(record.certificates, gateway, office.trust(), at)
        except InventoryError as error:
            seen.append(Likely(SilenceReason.CERTIFICATE, f"it is not let in: {error}"))
    if postman.failure:
        seen.append(Likely(SilenceReason.NOT_SENT, f"the wake-up could not be sent to {place}: {postman.failure}"))
    if postman.bounced:
        seen.append(
            Likely(
                SilenceReason.NOBODY_LISTENS,
                f"nobody listens on {place}: the gateway is not running, or the address is wrong "
                f"(smgw-admin gateways address {gateway} HOST PORT)",
            )
        )
    if seen:
        return seen
    likely: list[Likely] = []
    if office.tunnels.last(gateway) is None:
        likely.append(
            Likely(SilenceReason.NEVER_CAME, "it never called before: does its administrator profile name this server?")
        )
    likely += [
        Likely(SilenceReason.ADDRESS, f"the address {place} may be another machine's, or a firewall keeps UDP from it"),
        Likely(
            SilenceReason.CLOCK,
            f"its clock and ours may differ by more than {WINDOW_SECONDS} s: ours says {at:%Y-%m-%d %H:%M:%S} UTC",
        ),
        Likely(
            SilenceReason.ADMINISTRATOR,
            "it may have another administrator's SIG certificate pinned than "
            f"{office.configuration.keys.signature_certificate}",
        ),
        Likely(SilenceReason.OFF, "it may be off, or without network"),
    ]
    return likely
