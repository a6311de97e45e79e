"""The datacenter's configuration: one TOML file into frozen dataclasses, nothing guessed.

Decides what may stand in the file and what that means. A key that is not known is refused (a misspelt limit must not
silently become no limit), paths are relative to the file, private keys must be readable by their owner alone, and a
password never stands in the file: PostgreSQL reads it from a password file (libpq's ``passfile``) or ``~/.pgpass``.
"""

import ipaddress
import re
import stat
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from datacenter.errors import ConfigError

BIND_ANYWHERE = "yes-and-a-firewall-stands-in-front"
"""The words with which ``[listen] beyond_loopback`` permits an address that other machines can reach."""

_PROFILE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one sender may ask of us; each with the reason for its default."""

    body_bytes: int = 2 * 1024 * 1024
    """Sealed: a content document of at most 1 MiB (wire.cosem_xml), its envelope, and room for Base64-free growth."""
    future_seconds: int = 60
    """How far a gateway's clock may be ahead: its legal time deviates by at most 3 % of a 15-minute period (27 s)."""
    oldest_days: int = 1100
    """Readings older than three years are not accepted; it also bounds how many monthly partitions can come to be."""
    session_seconds: int = 172_800
    """A TLS session lives at most 48 h (TR-03109-1)."""
    request_seconds: int = 30
    """Longest silence inside a request or a handshake before the connection is closed."""
    idle_seconds: int = 3_600
    """How long a tunnel may rest between two deliveries: four raster periods of 15 minutes."""
    connections: int = 1_000
    """Open connections per worker; about 45 kB each."""

    def __post_init__(self) -> None:
        """Refuse a bound that is not a positive whole number: zero is not a way to say "no limit"."""
        for each in fields(self):
            value = getattr(self, each.name)
            if type(value) is not int or value <= 0:
                raise ConfigError(f"[limits] {each.name} must be a positive whole number")
        if self.session_seconds > 172_800:
            raise ConfigError("[limits] session_seconds must not exceed 172800 (48 h, TR-03109-1)")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the server listens: mutual TLS on ``host``:``port``, or plain HTTP for a TLS front on a Unix ``socket``."""

    host: str
    port: int
    socket: Path | None = None
    workers: int = 1
    threads: int = 8


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The datacenter's own certificates and keys (PEM): TLS towards gateways, ENC for what they seal."""

    tls_certificate: Path
    tls_key: Path
    encryption_certificate: Path
    encryption_key: Path


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that ``smgw-datacenter`` needs to know."""

    name: str
    listen: Listen
    database: URL
    trust: Path
    keys: KeyFiles
    gateways: Path
    administrators: Path | None = None
    """Who may bring pseudonymous deliveries; nobody if there is no such folder."""
    limits: Limits = field(default_factory=Limits)
    rasters: dict[str, int] = field(default_factory=dict)
    """Agreed raster in seconds by profile identification, for the search for missing points; inferred if absent."""


def load(path: Path) -> Config:
    """Read the configuration file. Raises ConfigError, whatever is wrong with it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return _config(_Section("", document), path.resolve().parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


class _Section:
    """One table of the file; whatever was not taken out of it when it is done is refused."""

    def __init__(self, name: str, table: Any) -> None:
        if not isinstance(table, dict):
            raise ConfigError(f"[{name}] must be a table")
        self._name = name
        self._table = dict(table)

    def section(self, name: str, *, required: bool = True) -> "_Section":
        if name not in self._table and required:
            raise ConfigError(f"[{name}] is missing")
        return _Section(name, self._table.pop(name, {}))

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        value = self._table.pop(key, default)
        if value is None:
            raise ConfigError(f"[{self._name}] {key} is missing")
        if type(value) is not kind:
            raise ConfigError(f"[{self._name}] {key} must be a {kind.__name__}")
        return value

    def rest(self) -> dict[str, Any]:
        table, self._table = self._table, {}
        return table

    def done(self) -> None:
        if self._table:
            where = f"[{self._name}] " if self._name else ""
            raise ConfigError(f"{where}unknown: {', '.join(sorted(self._table))}")


def _config(root: _Section, folder: Path) -> Config:
    datacenter = root.section("datacenter")
    name = datacenter.take("name", str)
    datacenter.done()
    trust = root.section("trust")
    trust_folder = folder / trust.take("folder", str)
    trust.done()
    gateways = root.section("gateways")
    gateways_folder = folder / gateways.take("folder", str)
    gateways.done()
    administrators = root.section("administrators", required=False)
    administrators_folder = administrators.take("folder", str, "")
    administrators.done()
    config = Config(
        name=name,
        listen=_listen(root.section("listen"), folder),
        database=_database(root.section("database", required=False), folder),
        trust=trust_folder,
        keys=_keys(root.section("keys"), folder),
        gateways=gateways_folder,
        administrators=folder / administrators_folder if administrators_folder else None,
        limits=_limits(root.section("limits", required=False)),
        rasters=_rasters(root.section("rasters", required=False)),
    )
    root.done()
    return config


def _listen(section: _Section, folder: Path) -> Listen:
    permitted = section.take("beyond_loopback", str, "no") == BIND_ANYWHERE
    host = section.take("host", str, "127.0.0.1")
    port = section.take("port", int, 8443)
    socket = section.take("socket", str, "")
    listen = Listen(
        host=host,
        port=port,
        socket=folder / socket if socket else None,
        workers=section.take("workers", int, 1),
        threads=section.take("threads", int, 8),
    )
    section.done()
    if not 0 < port < 65_536:
        raise ConfigError("[listen] port must be 1..65535")
    if not 0 < listen.workers <= 64 or not 0 < listen.threads <= 256:
        raise ConfigError("[listen] workers must be 1..64 and threads 1..256")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise ConfigError("[listen] host must be an address, not a name") from error
    if not loopback and not permitted:
        raise ConfigError(f'[listen] {host} is not loopback; beyond_loopback = "{BIND_ANYWHERE}" permits it')
    return listen


def _database(section: _Section, folder: Path) -> URL:
    text = section.take("url", str, "sqlite:///datacenter.db")
    password_file = section.take("password_file", str, "")
    section.done()
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError("[database] url is not a database URL") from error
    if url.password is not None:
        raise ConfigError("[database] url must not hold a password: use password_file or ~/.pgpass")
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError("[database] url must name a file")
        return url.set(database=str(folder / url.database))
    if backend != "postgresql":
        raise ConfigError("[database] url must be sqlite or postgresql")
    if password_file:
        url = url.update_query_dict({"passfile": str(owner_only(folder / password_file))})
    return url


def _keys(section: _Section, folder: Path) -> KeyFiles:
    files = KeyFiles(
        tls_certificate=folder / section.take("tls_certificate", str),
        tls_key=folder / section.take("tls_key", str),
        encryption_certificate=folder / section.take("encryption_certificate", str),
        encryption_key=folder / section.take("encryption_key", str),
    )
    section.done()
    owner_only(files.tls_key)
    owner_only(files.encryption_key)
    return files


def owner_only(path: Path) -> Path:
    """Return ``path`` if it is a file that group and others cannot touch. Raises ConfigError."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{path} is not a file")
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path} is open to others: chmod 600 it")
    return path


def _limits(section: _Section) -> Limits:
    table = section.rest()
    unknown = set(table) - {each.name for each in fields(Limits)}
    if unknown:
        raise ConfigError(f"[limits] unknown: {', '.join(sorted(unknown))}")
    return Limits(**table)


def _rasters(section: _Section) -> dict[str, int]:
    table = section.rest()
    for profile, seconds in table.items():
        if not _PROFILE_NAME.fullmatch(profile) or type(seconds) is not int or not 0 < seconds <= 86_400:
            raise ConfigError(f"[rasters] {profile[:40]!r} must be a profile with 1..86400 seconds")
    return table
