"""The administrator's configuration: TOML in, frozen dataclasses out, nothing guessed.

Decides which keys exist. An unknown key, a missing one or one of the wrong type is refused with its path
(``token.label``), because a key that is silently ignored is a safety measure that silently does not exist. Relative
paths are relative to the file. Secrets are not configuration: the PIN is named by the file that holds it.
"""

import ipaddress
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from admin.errors import ConfigError
from pki.new_token import TokenConfiguration

MAX_CONFIGURATION_SIZE = 64 * 1024
RESEND_SECONDS = 5
"""A datagram may be lost. A gateway accepts each wake-up once and ignores all others while its tunnel is open."""
LINGER_SECONDS = 30
"""How long a tunnel with nothing left to do stays: somebody who has just woken a gateway gives the next order in it."""
TIMEOUT_SECONDS = 60
"""Twelve wake-ups without an answer: more of them would not help."""
LONGEST_TIMEOUT_SECONDS = 86_400
"""A day: whoever waits for longer queues an order instead."""
WEB_PORT = 8460
"""Of the console, where it is not said otherwise."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Certificates (PEM), and the TLS key of the servers (PEM, mode 0600)."""

    tls_certificate: Path
    tls_key: Path
    signature_certificate: Path


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server of the administrator listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class WakeUpConfiguration:
    """How often a wake-up is repeated, and how long anybody waits for the tunnel."""

    resend_seconds: int = RESEND_SECONDS
    timeout_seconds: int = TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class AuthorityConfiguration:
    """The certification authority of a testbed on the same machine, for enrolment and renewal in one command."""

    folder: Path
    pin_file: Path
    module: Path


@dataclass(frozen=True, slots=True)
class WebConfiguration:
    """Where the console for people listens. Without files it makes itself a certificate beside the database."""

    listen: Listen = Listen("127.0.0.1", WEB_PORT)
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that ``smgw-admin`` needs to know."""

    name: str
    token: TokenConfiguration
    trust: Path
    keys: KeyFiles
    database: Path
    management: Listen
    service: Listen
    wake_up: WakeUpConfiguration
    authority: AuthorityConfiguration | None
    linger_seconds: int = LINGER_SECONDS
    web: WebConfiguration = WebConfiguration()

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read ``file``. Raises ConfigError."""
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_CONFIGURATION_SIZE + 1)
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}; name it with --config") from error
        if len(data) > MAX_CONFIGURATION_SIZE:
            raise ConfigError(f"{file} is larger than {MAX_CONFIGURATION_SIZE} bytes")
        try:
            return cls.parse(data.decode("utf-8"), base=file.absolute().parent)
        except UnicodeDecodeError as error:
            raise ConfigError(f"{file} is not UTF-8") from error
        except ConfigError as error:
            raise ConfigError(f"{file}: {error}") from error

    @classmethod
    def parse(cls, text: str, *, base: Path) -> Self:
        """Read TOML whose relative paths start at ``base``. Raises ConfigError."""
        try:
            root = _Table("", tomllib.loads(text), base)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"not TOML: {error}") from error
        administrator, token, trust = root.table("administrator"), root.table("token"), root.table("trust")
        keys, database, management = root.table("keys"), root.table("database"), root.table("management")
        linger = management.integer("linger_seconds", 0, 3600, LINGER_SECONDS)
        configuration = cls(
            name=administrator.text("name"),
            token=TokenConfiguration(
                module=token.path("module"),
                configuration=token.optional_path("configuration"),
                label=token.text("label"),
                pin_file=token.path("pin_file"),
            ),
            trust=trust.path("folder"),
            keys=KeyFiles(
                tls_certificate=keys.path("tls_certificate"),
                tls_key=keys.path("tls_key"),
                signature_certificate=keys.path("signature_certificate"),
            ),
            database=database.path("file"),
            management=_listen(management),
            service=_listen(root.table("service")),
            wake_up=_wake_up(root.optional_table("wake_up")),
            authority=_authority(root.optional_table("authority")),
            linger_seconds=linger,
            web=_web(root.optional_table("web")),
        )
        for table in (administrator, token, trust, keys, database, root):
            table.finish()
        if configuration.management == configuration.service:
            raise ConfigError("management and service have the same host and port")
        return configuration


def _listen(table: "_Table") -> Listen:
    listen = Listen(table.text("host"), table.integer("port", 1, 65535))
    try:
        ipaddress.ip_address(listen.host)
    except ValueError as error:
        raise ConfigError(f"{table.name('host')} must be an address, not a name") from error
    table.finish()
    return listen


def _wake_up(table: "_Table | None") -> WakeUpConfiguration:
    if table is None:
        return WakeUpConfiguration()
    chosen = WakeUpConfiguration(
        table.integer("resend_seconds", 1, 3600, RESEND_SECONDS),
        table.integer("timeout_seconds", 1, LONGEST_TIMEOUT_SECONDS, TIMEOUT_SECONDS),
    )
    table.finish()
    return chosen


def _web(table: "_Table | None") -> WebConfiguration:
    if table is None:
        return WebConfiguration()
    certificate, key = table.optional_path("certificate"), table.optional_path("key")
    if (certificate is None) is not (key is None):
        raise ConfigError("web.certificate and web.key belong together")
    return WebConfiguration(_listen(table), certificate, key)


def _authority(table: "_Table | None") -> AuthorityConfiguration | None:
    if table is None:
        return None
    chosen = AuthorityConfiguration(table.path("folder"), table.path("pin_file"), table.path("module"))
    table.finish()
    return chosen


class _Table:
    """One TOML table that knows its own path and which of its keys were asked for."""

    def __init__(self, path: str, values: dict[str, Any], base: Path) -> None:
        self._path = path
        self._values = dict(values)
        self._base = base

    def name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        for key in sorted(self._values):
            raise ConfigError(f"{self.name(key)} is unknown: nothing reads it")

    def table(self, key: str) -> "_Table":
        return _Table(self.name(key), self._take(key, dict, "a table"), self._base)

    def optional_table(self, key: str) -> "_Table | None":
        return self.table(key) if key in self._values else None

    def text(self, key: str) -> str:
        value: str = self._take(key, str, "a text")
        if not value or not value.isprintable():
            raise ConfigError(f"{self.name(key)} is empty or not printable")
        return value

    def integer(self, key: str, lowest: int, highest: int, default: int | None = None) -> int:
        value: int = self._take(key, int, "a whole number", default)
        if not lowest <= value <= highest:
            raise ConfigError(f"{self.name(key)} must be {lowest}..{highest}, not {value}")
        return value

    def path(self, key: str) -> Path:
        return self._base / self.text(key)

    def optional_path(self, key: str) -> Path | None:
        return self.path(key) if key in self._values else None

    def _take(self, key: str, kind: type, description: str, default: object = None) -> Any:
        if key not in self._values:
            if default is None:
                raise ConfigError(f"{self.name(key)} is missing")
            return default
        value = self._values.pop(key)
        if type(value) is not kind:
            raise ConfigError(f"{self.name(key)} is not {description}")
        return value
