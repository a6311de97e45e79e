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
from typing import Self

from pki.new_token import TokenConfiguration
from smgw.config_han import HanConfiguration, read_han, require_agreement
from smgw.config_table import ConfigurationError, Table
from wire.profiles.fields import HIGHEST_PORT
from wire.reading import DeviceId

__all__ = ["Configuration", "ConfigurationError", "HanConfiguration"]

MAX_CONFIGURATION_SIZE = 64 * 1024
_INTERFACE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,14})", re.ASCII)
"""What Linux takes as the name of an interface (15 octets), less what would be a pattern to the packet filter."""
LINE_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


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
    mdns: bool = False
    """Whether names are asked for and told in the HAN (UDP 5353); follows from ``[han]``."""


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
    han: HanConfiguration | None = None
    """Without it nothing is served in the home area network."""

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
            root = Table("", tomllib.loads(text), base)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigurationError(f"not TOML: {error}") from error
        gateway = root.table("gateway")
        token = root.table("token")
        store = root.table("store")
        trust = root.table("trust")
        administrator = root.table("administrator")
        firmware = root.optional_table("firmware")
        firewall = root.optional_table("firewall")
        page = root.optional_table("han")
        han = None if page is None else read_han(page)
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
            firewall=None if firewall is None else _firewall(firewall, mdns=han is not None and han.mdns is not None),
            han=han,
        )
        for table in (gateway, token, store, trust, administrator, firmware, root):
            if table is not None:
                table.finish()
        if configuration.han is not None and configuration.firewall is not None:
            require_agreement(configuration.han, configuration.firewall.han, configuration.firewall.https_port)
        names = [line.name for line in configuration.lines]
        if len(set(names)) != len(names):
            raise ConfigurationError("lines: two lines have the same name")
        if len({line.port for line in configuration.lines}) != len(names):
            raise ConfigurationError("lines: two lines use the same port")
        return configuration


def _wan(table: Table) -> WanConfiguration:
    tunnel = table.choice("tunnel", TunnelKind)
    key_file = table.optional_path("tls_key_file")
    if (tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY) != (key_file is not None):
        raise ConfigurationError(
            f'wan.tls_key_file goes together with wan.tunnel = "{TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY}", '
            "and only with it"
        )
    table.finish()
    return WanConfiguration(tunnel, key_file)


def _wake_up(table: Table) -> WakeUpConfiguration:
    wake_up = WakeUpConfiguration(host=table.text("host"), port=table.integer("port"))
    if not 1 <= wake_up.port <= HIGHEST_PORT:
        raise ConfigurationError(f"{table.name('port')} is {wake_up.port}, not 1 to {HIGHEST_PORT}")
    table.finish()
    return wake_up


def _firewall(table: Table, *, mdns: bool) -> FirewallConfiguration:
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
    return FirewallConfiguration(wan, han, lmn, ports["https_port"], ports["cls_port"], mdns)


def _line(table: Table) -> LineConfiguration:
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
