"""A household with its gateway and its grid operator, joined by real TLS on which an observer looks.

Meter, walk, sender, sealing, store and datacenter are the real ones (``testbed.world``); so is TLS, by the project's
profile on both ends. Time is simulated: the observer notes records by the gateway's clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from pki.certificates import Purpose
from pki.tls import InProcessBackend, TlsIdentity, server_context
from pki.tunnel import TunnelBackend
from smgw.store.profiles import ProfileSet
from smgw.store.tariff_events import TariffEvents
from smgw.wan.sender import Sender, SenderIdentity
from testbed.meter.device import Device
from testbed.meter.settings import LoadKind, MeterSettings
from testbed.observer import Observer
from testbed.world import GATEWAY, IMPORT, METER, PARTY, QUARTER_HOUR, SERIES, World
from tests.smgw.wan.receiver import TlsReceiver, http
from wire.cosem_xml import MEDIA_TYPE
from wire.obis import Obis
from wire.profiles import UseCase
from wire.profiles.billing import BillingPeriod, BillingUnit
from wire.profiles.tariff import ControlEvents, LoadStages, Prepaid, TariffStage, Threshold

AFTER_THE_POINT = timedelta(seconds=2)
"""A meter is read shortly after each quarter hour."""
POWER = Obis.parse("1-0:1.7.0*255")
THRESHOLD_WATTS = 6_800
HOUR = BillingPeriod(3600, BillingUnit.SECOND)
LOADS = LoadStages(tuple(TariffStage(n, replace(IMPORT, e=n)) for n in (1, 2)), (THRESHOLD_WATTS,))
LENGTH = 70
"""Octets of an ECDSA signature on a 256-bit curve in DER, most often; by chance it has one or two more, or fewer."""


Tunnels = Callable[[World], TunnelBackend]


class EvenKey:
    """A signature key all of whose signatures have one length in DER.

    Chance makes the length of a sealed message vary by some octets, whatever is in it (``test_sealing``). Here it is
    taken away, so that two observations can be compared to the octet.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def sign(self, data: bytes, algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        while len(signature := self._key.sign(data, algorithm)) != LENGTH:
            pass
        return signature

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)


ec.EllipticCurvePrivateKey.register(EvenKey)


class Front(TlsReceiver):
    """The datacenter's end of TLS, TLS 1.2 only as its own server is, before its real application."""

    def __init__(self, world: World) -> None:
        holder, posted = world.party_holders[Purpose.TLS], world.datacenter.post
        identity = TlsIdentity((holder.certificate, world.pki.hierarchy.sub_ca.certificate), holder.key)
        context = server_context(identity, world.trust)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        super().__init__(lambda body: http(*posted("/deliveries", {"Content-Type": MEDIA_TYPE}, body)), context)


def now() -> datetime:
    """By the machine's clock, as OpenSSL has it."""
    return datetime.now(UTC)


def key_in_memory(world: World) -> TunnelBackend:
    """Tunnels by pyOpenSSL."""
    holder = world.gateway_holders[Purpose.TLS]
    identity = TlsIdentity((holder.certificate, world.pki.hierarchy.sub_ca.certificate), holder.key)
    return InProcessBackend(identity, world.trust, clock=now)


@dataclass(frozen=True)
class Life:
    """What goes on in a house: how much is used in a year, and how often loads are controlled, reading by reading."""

    annual_watt_hours: int
    events: Sequence[int] = (0,)


class House:
    """Everything of one household, from ``start`` on."""

    def __init__(
        self, folder: Path, life: Life, start: datetime, use_cases: Sequence[UseCase], tunnels: Tunnels | None = None
    ) -> None:
        """``tunnels`` makes them; without it the TLS key lies in memory."""
        folder.mkdir()
        self.life = life
        self.world = world = World(folder, start=start)  # the seed is the same in every house
        world.meter = Device(
            MeterSettings(serial=METER.text[-8:], load=LoadKind.FLAT, annual_watt_hours=life.annual_watt_hours),
            clock=lambda: world.now,
        )
        self._front = Front(world)
        self.observer = Observer(("127.0.0.1", self._front.port), lambda: world.now)
        self._set_profiles(use_cases, start)
        self._set_sender(tunnels or key_in_memory)

    def _set_profiles(self, use_cases: Sequence[UseCase], start: datetime) -> None:
        held = self.world.profiles
        validity: dict[str, Any] = {
            "valid_from": start - timedelta(minutes=30),
            "valid_until": start + timedelta(days=2),
        }
        reading: dict[str, Any] = {"interval_seconds": 300, "store_seconds": 900}
        series = replace(held.evaluations[SERIES], **validity)
        changes: dict[UseCase, dict[str, Any]] = {
            UseCase.TAF_1: {"dispatch_seconds": 3600, "billing": HOUR},
            UseCase.TAF_3: {"dispatch_seconds": 3600, "billing": HOUR, "rule": LOADS},
            UseCase.TAF_10: {"registers": (IMPORT, POWER), "rule": Threshold(POWER, above=THRESHOLD_WATTS)},
            UseCase.TAF_11: {"rule": ControlEvents(("dim",))},
            UseCase.TAF_12: {"billing": HOUR, "rule": Prepaid(credit=3_000, warn_at=2_000, tolerance_seconds=600)},
        }
        evaluations = [
            replace(series, id=use_case.value, use_case=use_case, **changes.get(use_case, {})) for use_case in use_cases
        ]
        self.world.profiles = ProfileSet(
            {METER.text: replace(held.meters[METER.text], registers=(IMPORT, POWER), **reading, **validity)},
            {evaluation.id: evaluation for evaluation in evaluations},
            {PARTY: replace(held.communications[PARTY], port=self.observer.port, **validity)},
        )
        self.world.gateway_side.gateway.profiles = self.world.profiles

    def _set_sender(self, tunnels: Tunnels) -> None:
        world, side = self.world, self.world.gateway_side
        signer = world.gateway_holders[Purpose.SIG]
        even: Any = EvenKey(signer.key)
        identity = SenderIdentity(GATEWAY, signer.certificate, even)
        ports = replace(side.sender.ports, backend=tunnels(world))
        side.sender = Sender(PARTY, lambda: identity, ports)

    def live(self, quarters: int) -> None:
        """Read the meter three times in each quarter hour, let happen what happens, and the sender do what it wants."""
        for turn in range(3 * quarters):
            following = self.world.now + QUARTER_HOUR / 3
            self.world.advance(AFTER_THE_POINT)
            self.world.poll()
            self._happens(self.life.events[turn % len(self.life.events)])
            while self.world.now < following:
                wanted = self.world.gateway_side.sender.step(self.world.now)
                self.world.now = min(following, max(wanted, self.world.now + timedelta(seconds=1)))

    def close(self) -> None:
        self.world.close()
        self.observer.close()
        self._front.close()

    def _happens(self, count: int) -> None:
        """Loads are controlled ``count`` times, second after second: what an order to the gateway comes to."""
        gateway, events = self.world.gateway_side.gateway, TariffEvents(self.world.gateway_side.database)
        for second in range(1, count + 1):
            note = partial(events.append, "dim", active=bool(second % 2))
            assert gateway.happened(self.world.now + timedelta(seconds=second), note)
