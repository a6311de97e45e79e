"""The gateway's configuration: TOML in, frozen dataclasses out, nothing guessed.

Decides which keys exist. An unknown key, a missing one or one of the wrong type is refused with its path
(``lines[0].speed``), because a key that is silently ignored is a safety measure that silently does not exist. Relative
paths are relative to the file. Secrets are not configuration: the PIN is named by the file that holds it.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

from pki.new_token import TokenConfiguration
from wire.errors import WireError
from wire.profiles.fields import HIGHEST_PORT
from wire.reading import DeviceId

_Choice = TypeVar("_Choice", bound=StrEnum)

MAX_LINES = 16
"""More serial lines than any gateway has; a bound on threads."""
MAX_CONFIGURATION_SIZE = 64 * 1024
_INTERFACE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,14})", re.ASCII)
"""What Linux takes as the name of an interface (15 octets), less what would be a pattern to the packet filter."""
LINE_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


class ConfigurationError(Exception):
    """The configuration is refused; the message is a sentence with the path of the key."""


class TunnelKind(StrEnum):
    """Where the private key of the WAN tunnel is used."""

    STUNNEL = "stunnel"
    PRIVATE_KEY_IN_PROCESS_MEMORY = "private-key-in-process-memory"


class Framing(StrEnum):
    """Characters on a serial line."""

    SEVEN_EVEN = "7E1"
    EIGHT_NONE = "8N1"
    EIGHT_NONE_SOFTWARE_PARITY = "8N1-software-parity"


@dataclass(frozen=True, slots=True)
class TrustConfiguration:
    """Whom the gateway believes, and who it is."""

    folder: Path
    certificates: Path
    administrator: Path


@dataclass(frozen=True, slots=True)
class WanConfiguration:
    """How tunnels are made; ``tls_key_file`` only with the key in process memory."""

    tunnel: TunnelKind
    tls_key_file: Path | None


@dataclass(frozen=True, slots=True)
class WakeUpConfiguration:
    """Where wake-up calls arrive (UDP)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class FirmwareConfiguration:
    """Where programs lie in their slots, and the certificate of the manufacturer who signs them."""

    folder: Path
    manufacturer: Path


@dataclass(frozen=True, slots=True)
class FirewallConfiguration:
    """The gateway's interfaces by their names in the kernel, and what may be reached from the HAN (TCP ports).

    ``lmn`` is for meters on a network of their own: it is named so that nothing of it can be taken for another one.
    """

    wan: str
    han: str | None = None
    lmn: str | None = None
    https_port: int | None = None
    cls_port: int | None = None


@dataclass(frozen=True, slots=True)
class LineConfiguration:
    """One serial line of the LMN."""

    name: str
    port: str
    speed: int
    framing: Framing
    echo: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that a gateway is told before it starts."""

    gateway: DeviceId
    token: TokenConfiguration
    store: Path
    trust: TrustConfiguration
    administrator: Path
    """The initial AdministratorProfile, signed by ``trust.administrator``; every other profile comes by his orders."""
    wake_up: WakeUpConfiguration
    wan: WanConfiguration
    lines: tuple[LineConfiguration, ...]
    firmware: FirmwareConfiguration | None = None
    """Without it the gateway takes no firmware."""
    firewall: FirewallConfiguration | None = None
    """Without it somebody else must keep the interfaces apart, and the status says so."""

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read ``file``. Raises ConfigurationError."""
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_CONFIGURATION_SIZE + 1)
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
        if len(data) > MAX_CONFIGURATION_SIZE:
            raise ConfigurationError(f"{file} is larger than {MAX_CONFIGURATION_SIZE} bytes")
        try:
            return cls.parse(data.decode("utf-8"), base=file.absolute().parent)
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{file} is not UTF-8") from error
        except ConfigurationError as error:
            raise ConfigurationError(f"{file}: {error}") from error

    @classmethod
    def parse(cls, text: str, *, base: Path) -> Self:
        """Read TOML whose relative paths start at ``base``. Raises ConfigurationError."""
        try:
            root = _Table("", tomllib.loads(text), base)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigurationError(f"not TOML: {error}") from error
        gateway = root.table("gateway")
        token = root.table("token")
        store = root.table("store")
        trust = root.table("trust")
        administrator = root.table("administrator")
        firmware = root.optional_table("firmware")
        firewall = root.optional_table("firewall")
        configuration = cls(
            gateway=gateway.device("id"),
            token=TokenConfiguration(
                module=token.path("module"),
                configuration=token.optional_path("configuration"),
                label=token.text("label"),
                pin_file=token.path("pin_file"),
            ),
            store=store.path("folder"),
            trust=TrustConfiguration(
                folder=trust.path("folder"),
                certificates=trust.path("certificates"),
                administrator=trust.path("administrator"),
            ),
            administrator=administrator.path("profile"),
            wake_up=_wake_up(root.table("wake_up")),
            wan=_wan(root.table("wan")),
            lines=tuple(_line(line) for line in root.tables("lines")),
            firmware=None
            if firmware is None
            else FirmwareConfiguration(firmware.path("folder"), firmware.path("manufacturer")),
            firewall=None if firewall is None else _firewall(firewall),
        )
        for table in (gateway, token, store, trust, administrator, firmware, root):
            if table is not None:
                table.finish()
        names = [line.name for line in configuration.lines]
        if len(set(names)) != len(names):
            raise ConfigurationError("lines: two lines have the same name")
        if len({line.port for line in configuration.lines}) != len(names):
            raise ConfigurationError("lines: two lines use the same port")
        return configuration


def _wan(table: "_Table") -> WanConfiguration:
    tunnel = table.choice("tunnel", TunnelKind)
    key_file = table.optional_path("tls_key_file")
    if (tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY) != (key_file is not None):
        raise ConfigurationError(
            f'wan.tls_key_file goes together with wan.tunnel = "{TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY}", '
            "and only with it"
        )
    table.finish()
    return WanConfiguration(tunnel, key_file)


def _wake_up(table: "_Table") -> WakeUpConfiguration:
    wake_up = WakeUpConfiguration(host=table.text("host"), port=table.integer("port"))
    if not 1 <= wake_up.port <= HIGHEST_PORT:
        raise ConfigurationError(f"{table.name('port')} is {wake_up.port}, not 1 to {HIGHEST_PORT}")
    table.finish()
    return wake_up


def _firewall(table: "_Table") -> FirewallConfiguration:
    wan, han, lmn = table.text("wan"), table.optional_text("han"), table.optional_text("lmn")
    names = {"wan": wan, "han": han, "lmn": lmn}
    ports = {key: table.optional_integer(key) for key in ("https_port", "cls_port")}
    for key, name in names.items():
        if name is not None and (_INTERFACE.fullmatch(name) is None or name == "lo"):
            raise ConfigurationError(f"{table.name(key)} is {name[:40]!r}, not the name of an interface")
    named = [name for name in names.values() if name is not None]
    if len(set(named)) != len(named):
        raise ConfigurationError("firewall: one interface has two roles")
    for key, port in ports.items():
        if port is not None and not 1 <= port <= HIGHEST_PORT:
            raise ConfigurationError(f"{table.name(key)} is {port}, not 1 to {HIGHEST_PORT}")
        if port is not None and han is None:
            raise ConfigurationError(f"{table.name(key)} goes together with {table.name('han')}")
    if ports["https_port"] is not None and ports["https_port"] == ports["cls_port"]:
        raise ConfigurationError("firewall: https_port and cls_port are the same")
    table.finish()
    return FirewallConfiguration(wan, han, lmn, ports["https_port"], ports["cls_port"])


def _line(table: "_Table") -> LineConfiguration:
    line = LineConfiguration(
        name=table.text("name"),
        port=table.text("port"),
        speed=table.integer("speed"),
        framing=table.choice("framing", Framing),
        echo=table.boolean("echo", default=False),
    )
    if line.speed not in LINE_SPEEDS:
        raise ConfigurationError(
            f"{table.name('speed')} is {line.speed}, not one of {', '.join(map(str, LINE_SPEEDS))}"
        )
    table.finish()
    return line


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
            raise ConfigurationError(f"{self.name(key)} is unknown: nothing reads it")

    def table(self, key: str) -> "_Table":
        return _Table(self.name(key), self._take(key, dict, "a table"), self._base)

    def optional_table(self, key: str) -> "_Table | None":
        return self.table(key) if key in self._values else None

    def tables(self, key: str) -> list["_Table"]:
        """Tables ``[[key]]``; none is allowed: a gateway without a line delivers what it has."""
        found = self._take(key, list, "a list of tables", default=[])
        if len(found) > MAX_LINES:
            raise ConfigurationError(f"{self.name(key)} has more than {MAX_LINES} entries")
        for index, value in enumerate(found):
            if not isinstance(value, dict):
                raise ConfigurationError(f"{self.name(key)}[{index}] is not a table")
        return [_Table(f"{self.name(key)}[{index}]", value, self._base) for index, value in enumerate(found)]

    def text(self, key: str) -> str:
        value: str = self._take(key, str, "a text")
        if not value or not value.isprintable():
            raise ConfigurationError(f"{self.name(key)} is empty or not printable")
        return value

    def integer(self, key: str) -> int:
        value: int = self._take(key, int, "a whole number")
        return value

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if key in self._values else None

    def optional_integer(self, key: str) -> int | None:
        return self.integer(key) if key in self._values else None

    def boolean(self, key: str, *, default: bool) -> bool:
        value: bool = self._take(key, bool, "true or false", default=default)
        return value

    def path(self, key: str) -> Path:
        return self._base / self.text(key)

    def optional_path(self, key: str) -> Path | None:
        return self.path(key) if key in self._values else None

    def device(self, key: str) -> DeviceId:
        try:
            return DeviceId(self.text(key))
        except WireError as error:
            raise ConfigurationError(f"{self.name(key)}: {error}") from error

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        value = self.text(key)
        try:
            return kind(value)
        except ValueError as error:
            allowed = ", ".join(f'"{choice}"' for choice in kind)
            raise ConfigurationError(f"{self.name(key)} is {value[:40]!r}, not one of {allowed}") from error

    def _take(self, key: str, kind: type, description: str, default: object = None) -> Any:
        if key not in self._values:
            if default is None:
                raise ConfigurationError(f"{self.name(key)} is missing")
            return default
        value = self._values.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigurationError(f"{self.name(key)} is not {description}")
        return value
