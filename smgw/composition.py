"""How a gateway is put together: token, trust, store, walk, lines and senders, in the order in which they may refuse.

Decides nothing about data. It proves before anything runs that the security module opens, that the certificates are
this gateway's and good, that the store opens with the module's key and that somebody administers the gateway; a failure
of any of them is raised and nothing has started. Clocks and randomness come from ``__main__``.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from pki.certificates import load_certificate
from pki.errors import CertificateError, CertificateReason
from pki.pin import read_pin
from pki.token import Token, use_configuration
from smgw.clock import GatewayClock
from smgw.config import Configuration
from smgw.keys.cabinet import KeyCabinet
from smgw.keys.ring import KeyRing
from smgw.store.clock_records import ClockRecords
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.store.profiles import ProfileStore
from smgw.trust import TrustFolder

if TYPE_CHECKING:
    from smgw.composed import Composed, Environment


@contextmanager
def open_token(configuration: Configuration, monotonic: Callable[[], float]) -> Iterator[Token]:
    """The gateway's security module, logged in. Raises TokenError."""
    if configuration.token.configuration is not None:
        use_configuration(configuration.token.configuration)
    pin = read_pin(configuration.token.pin_file)
    with Token.open(configuration.token.module, configuration.token.label, pin, monotonic=monotonic) as token:
        yield token


@contextmanager
def open_store(configuration: Configuration, monotonic: Callable[[], float]) -> Iterator[tuple[Token, Database]]:
    """Security module and store for whoever only looks, also while the gateway runs. Raises TokenError, StoreError."""
    with (
        open_token(configuration, monotonic) as token,
        closing(Database.open(configuration.store, token, configuration.gateway)) as database,
    ):
        yield token, database


@contextmanager
def compose(configuration: Configuration, environment: "Environment") -> Iterator["Composed"]:
    """Put the gateway together.

    1. The security module opens with the PIN and holds the keys.
    2. The trust folder can be read.
    3. The database opens with the key that the module unwraps, and says by how much the machine's clock is wrong.
    4. The gateway's own certificates are good now, are this gateway's and certify the keys in use.
    5. The pinned administrator's certificate can be read.
    6. The profile of an administrator is there.
    7. A tunnel can be made.
    8. The firewall stands, where one is configured (FMT_MSA.3/FW): before it nothing is opened.
    9. The wake-up port is free, and what serves the home area network is installed where that is configured.

    Raises TokenError, CertificateError, TunnelError, StoreError, ImportRefusedError, FirewallError, WakeUpPortError,
    ServingError.
    """
    from smgw.assembly import Assembly  # noqa: PLC0415 - who only opens token or store loads no gateway
    from smgw.provisioning import Administrator, Provisioning  # noqa: PLC0415 - as above

    with ExitStack() as opened:
        # 1
        token = opened.enter_context(open_token(configuration, environment.monotonic))
        cabinet = KeyCabinet(token, configuration.wan.tls_key_file)
        # 2
        trust = TrustFolder(configuration.trust.folder)
        # 3
        database = Database.open(configuration.store, token, configuration.gateway, sole=True)
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
        parts = Assembly(configuration, replace(environment, clock=clock), database, log, trust, ring, clock, token)
        # 7 to 9
        yield parts.compose(profiles, now, opened, environment.clock)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return load_certificate(path.read_bytes())
    except OSError as error:
        sentence = f"the administrator's certificate {path} cannot be read: {error.strerror}"
        raise CertificateError(CertificateReason.MALFORMED, sentence) from error
