"""How a gateway is put together: token, trust, store, walk, lines and senders, in the order in which they may refuse.

Decides nothing about data. It proves before anything runs that the security module opens, that the certificates are
this gateway's and good, and that the store opens with the module's key; a failure of any of them is raised and nothing
has started. Clocks and randomness come from ``__main__``.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, TrustStore, load_certificate
from pki.errors import CertificateError, CertificateReason
from pki.pin import read_pin
from pki.tls import InProcessBackend, TlsIdentity
from pki.token import Token, use_configuration
from pki.token_tls import StunnelBackend, TokenAddress
from pki.tunnel import TunnelBackend
from smgw.config import Configuration, LineConfiguration, TunnelKind
from smgw.gateway import Gateway
from smgw.identity import OwnCertificates, own_certificates, software_key
from smgw.lmn.line import Line
from smgw.lmn.poll import Poller
from smgw.provisioning import Administrator, Provisioning
from smgw.runtime import MakeLine, Runtime
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.outbox import Outbox
from smgw.store.profiles import ProfileStore
from smgw.store.readings import ReadingStore
from smgw.trust import CurrentTrustBackend, TrustFolder
from smgw.wan.sender import Sender, SenderIdentity, SenderPorts
from wire.instant import format_instant
from wire.profiles import MeterProfile

_logger = logging.getLogger(__name__)

KEY_IN_MEMORY = "the private key of the WAN tunnel lies in process memory, outside the security module"
"""What a gateway with that backend says at its start, in its log and in its status."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What only the entry point owns."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    random: Callable[[int], bytes]
    jitter: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Composed:
    """A gateway whose parts have proven themselves and whose threads do not run yet."""

    configuration: Configuration
    environment: Environment
    gateway: Gateway
    outbox: Outbox
    log: SystemLog
    runtime: Runtime
    started_at: datetime

    def status(self) -> dict[str, Any]:
        """Everything that the status socket tells."""
        counted = self.gateway.counters.snapshot()
        # A copy in one step: each sender's own thread adds to its progress.
        progress = {name: one for sender in self.runtime.senders for name, one in dict(sender.progress).items()}
        profiles = {}
        for evaluation in self.gateway.profiles.evaluations.values():
            balance, done = self.outbox.balance(evaluation.id), progress.get(evaluation.id)
            profiles[evaluation.id] = {
                "party": evaluation.party,
                "use_case": evaluation.use_case.value,
                "version": evaluation.version,
                "granted": counted["granted"].get(evaluation.id, 0),
                "owed": balance.owed,
                "open": balance.open,
                "acknowledged": balance.acknowledged,
                "set_aside": balance.set_aside,
                "sealed": done.sealed if done else 0,
                "duplicates": done.duplicates if done else 0,
                "failures": done.failures if done else 0,
                "last_error": done.last_error if done else "",
            }
        return {
            "gateway": self.configuration.gateway.text,
            "started_at": format_instant(self.started_at),
            "deviations": [KEY_IN_MEMORY] if self.configuration.wan.tls_key_file else [],
            "meters": counted["meters"],
            "lines": counted["lines"],
            "parties": sorted(self.gateway.profiles.communications),
            "profiles": profiles,
            "refusals": counted["refusals"],
        }


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
    3. The gateway's own certificates are good now, are this gateway's and certify those keys.
    4. The pinned administrator's certificate can be read.
    5. The database opens with the key that the module unwraps.
    6. Profiles are imported.
    7. A tunnel can be made.

    Raises TokenError, CertificateError, TunnelError, StoreError.
    """
    now = environment.clock().replace(microsecond=0)
    with ExitStack() as opened:
        # 1
        token = opened.enter_context(open_token(configuration, environment.monotonic))
        key_file = configuration.wan.tls_key_file
        keys: dict[Purpose, ec.EllipticCurvePrivateKey] = {
            purpose: software_key(key_file) if key_file and purpose is Purpose.TLS else token.key(purpose)
            for purpose in Purpose
        }
        # 2
        trust = TrustFolder(configuration.trust.folder)
        # 3
        own = own_certificates(
            configuration.trust.certificates,
            configuration.gateway,
            {purpose: key.public_key() for purpose, key in keys.items()},
            trust(),
            now,
        )
        # 4
        administrator = Administrator(_administrator(configuration.trust.administrator))
        # 5
        database = Database.open(configuration.store, token, configuration.gateway)
        opened.callback(database.close)
        log = SystemLog(database)
        # 6
        store = ProfileStore(database)
        provisioning = Provisioning(store, log, administrator, trust())
        if configuration.profiles is None:
            profiles = store.load()
        else:
            profiles = provisioning.import_folder(configuration.profiles, now)
        # 7
        backend = CurrentTrustBackend(trust, _backend_maker(configuration, environment, own, keys))
        gateway = Gateway(
            configuration.gateway, keys[Purpose.SIG], ReadingStore(database), log, profiles, clock=environment.clock
        )
        outbox = Outbox(database)
        ports = SenderPorts(
            outbox=outbox,
            log=log,
            trust=trust,
            profiles=lambda: gateway.profiles,
            backend=backend,
            random=environment.random,
            jitter=environment.jitter,
            monotonic=environment.monotonic,
        )
        sealer = SenderIdentity(configuration.gateway, own[Purpose.SIG].certificate, keys[Purpose.SIG])
        runtime = Runtime(
            configuration.lines,
            make_line=_line_maker(gateway, environment),
            make_sender=lambda party: Sender(party, sealer, ports),
            clock=environment.clock,
        )
        if configuration.wan.tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY:
            _logger.warning("NOT AS REQUIRED: %s", KEY_IN_MEMORY)
            log.record(Event.GATEWAY_STARTED, "wan.tunnel", Outcome.FAILURE, at=now, deviation=KEY_IN_MEMORY)
        yield Composed(configuration, environment, gateway, outbox, log, runtime, now)


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


def _backend_maker(
    configuration: Configuration,
    environment: Environment,
    own: OwnCertificates,
    keys: dict[Purpose, ec.EllipticCurvePrivateKey],
) -> Callable[[TrustStore], TunnelBackend]:
    tls = own[Purpose.TLS].certificate
    pin = read_pin(configuration.token.pin_file)

    def make(trust: TrustStore) -> TunnelBackend:
        chain = (tls, *(authority for authority in trust.authorities if authority.subject != authority.issuer))
        if configuration.wan.tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY:
            return InProcessBackend(TlsIdentity(chain, keys[Purpose.TLS]), trust, clock=environment.clock)
        softhsm = configuration.token.configuration
        address = TokenAddress(
            module=configuration.token.module,
            token=configuration.token.label,
            environment={} if softhsm is None else {"SOFTHSM2_CONF": str(softhsm)},
            key=Purpose.TLS,
        )
        return StunnelBackend(address, pin, chain, trust, clock=environment.clock, monotonic=environment.monotonic)

    return make


def _administrator(path: Path) -> x509.Certificate:
    try:
        return load_certificate(path.read_bytes())
    except OSError as error:
        sentence = f"the administrator's certificate {path} cannot be read: {error.strerror}"
        raise CertificateError(CertificateReason.MALFORMED, sentence) from error
