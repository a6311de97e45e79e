"""The scene of the demonstration: everything that must exist before the machines can start, made once.

Decides nothing that the machines would not decide themselves: keys, requests and certificates are made with the
commands that an administrator would type, and each machine gets a folder of its own with its own copy of what it may
know. A second start finds the scene as it was and only brings fresh revocation lists.
"""

import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from pki import cms
from pki.certificates import fingerprint, load_certificate
from pki.files import read_key
from wire.profiles import Profile
from wire.profiles.mapping import profile_from_mapping

MAXIMUM_POWER_WATTS = 60_000
"""Plausibility bound of a household's meter: three phases of 63 A, and room for rounding to a watt-hour."""
VALID_DAYS = 365
PLAN = "plan.toml"
COMPLETE = "complete"
"""Name of the file that says that the scene was made to its end."""

Say = Callable[[str], None]


class SceneError(Exception):
    """The scene cannot be made; the text says which step failed and what its command said."""


@dataclass(frozen=True, slots=True)
class Party:
    """An external market participant of the scene, with a datacenter of its own."""

    id: str
    name: str
    purposes: tuple[str, ...]
    folder: Path

    @property
    def configuration(self) -> Path:
        """Of ``smgw-datacenter``."""
        return self.folder / "datacenter.toml"

    @property
    def port(self) -> int:
        """Of its server; chosen when the scene was made, because the party's communication profile names it."""
        return int(tomllib.loads(self.configuration.read_text())["listen"]["port"])


class Scene:
    """The folders of one demonstration below ``state``."""

    def __init__(self, state: Path, plan: Path | None = None) -> None:
        """Read the plan: the one the scene was made with, else ``plan``, else ``demo.toml``. Raises SceneError."""
        self.state = state.absolute()
        kept = self.state / PLAN
        if plan is not None and kept.exists() and kept.read_bytes() != plan.read_bytes():
            raise SceneError(f"{state} was made with another plan; choose another folder or remove it")
        chosen = kept if kept.exists() else plan or Path(str(resources.files("testbed.demo").joinpath("demo.toml")))
        try:
            self._text = chosen.read_text("utf-8")
            self.plan: dict[str, Any] = tomllib.loads(self._text)
        except (OSError, ValueError) as error:
            raise SceneError(f"{chosen}: {error}") from error
        self.gateway_id: str = self.plan["gateway"]
        self.gateway = self.state / "gateway"
        self.pki = self.state / "pki"
        self.administrator = self.state / "administrator"
        self.parties = [
            Party(entry["id"], entry["name"], tuple(entry["purposes"]), self.state / "parties" / entry["id"])
            for entry in self.plan["parties"]
        ]

    @property
    def gateway_configuration(self) -> Path:
        """Of ``smgw``."""
        return self.gateway / "gateway.toml"

    @property
    def evaluations(self) -> dict[str, str]:
        """Every configured delivery: evaluation profile -> party."""
        return {entry["id"]: entry["party"] for entry in self.plan["evaluations"]}

    def meters_of(self, evaluation: str) -> list[str]:
        """The meters that a delivery needs."""
        return next(list(entry["meters"]) for entry in self.plan["evaluations"] if entry["id"] == evaluation)

    def port_of(self, line: str) -> Path:
        """Where a line's pseudo-terminal is linked to."""
        return self.state / "lines" / line

    def line_file(self, line: str) -> Path:
        """What the simulator of a line is told."""
        return self.state / "lines" / f"{line}.toml"

    def prepare(self, say: Say) -> None:
        """Make what is missing. Raises SceneError."""
        if (self.state / COMPLETE).exists():
            say("the scene stands already; fresh revocation lists")
            _run("smgw-pki", "crl", self.pki, *self._pin)
            self._distribute_trust()
            return
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.state / PLAN).write_text(self._text)
        for number, (sentence, step) in enumerate(steps := list(self._steps()), 1):
            say(f"{number}/{len(steps)} {sentence}")
            step()
        (self.state / COMPLETE).touch()

    def _steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What is made, in order; a scene that was interrupted begins again from nothing."""
        yield "SM-PKI: root, sub-CA and revocation lists, their keys in a token", self._make_pki
        yield "administrator and parties: TLS, SIG and ENC certificates", self._make_parties
        yield "gateway: keys in its own token, requests, certificates, encrypted store", self._make_gateway
        yield "datacenters: configuration, the certificates of the gateway that they know", self._make_datacenters
        yield "profiles, signed by the administrator", self._make_profiles
        yield "meters on two lines", self._make_lines

    @property
    def _pin(self) -> tuple[str, Path]:
        return "--pin-file", self.state / "pki.pin"

    def _make_pki(self) -> None:
        for folder in (self.pki, self.administrator, self.gateway, self.state / "parties", self.state / "lines"):
            shutil.rmtree(folder, ignore_errors=True)
        (self.state / "pki.pin").unlink(missing_ok=True)
        _run("smgw-pki", "init", self.pki, *self._pin)

    def _make_parties(self) -> None:
        holders = [("GWA", self.plan["administrator"], self.administrator)]
        holders += [("EMT", party.name, party.folder) for party in self.parties]
        for role, name, folder in holders:
            folder.mkdir(mode=0o700, parents=True)
            options = ("--role", role, "--name", name, "--host", "localhost", "--generate")
            _run("smgw-pki", "issue", self.pki, folder, *options, *self._pin)

    def _make_gateway(self) -> None:
        self.gateway.mkdir(mode=0o700)
        lines = "".join(
            f'[[lines]]\nname = "{line["name"]}"\nport = "{self.port_of(line["name"])}"\nspeed = {line["speed"]}\n'
            f'framing = "8N1-software-parity"\necho = {str(line["echo"]).lower()}\n\n'
            for line in self.plan["lines"]
        )
        (self.gateway / "tokens").mkdir(mode=0o700)
        (self.gateway / "softhsm2.conf").write_text(
            f"directories.tokendir = {self.gateway / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.gateway_configuration.write_text(GATEWAY.format(id=self.gateway_id, module=softhsm_module()) + lines)
        shutil.copy(self.administrator / "SIG.pem", self.gateway / "administrator.pem")
        self._distribute_trust()
        _run("smgw", "init", self.gateway_configuration, "--create-token")
        certificates = self.gateway / "certificates"
        _run("smgw-pki", "issue", self.pki, certificates, "--role", "SMGW", "--name", self.gateway_id, *self._pin)

    def _make_datacenters(self) -> None:
        for party, port in zip(self.parties, free_ports(len(self.parties)), strict=True):
            known = party.folder / "gateways"
            known.mkdir(mode=0o700)
            for purpose in ("TLS", "SIG"):
                shutil.copy(
                    self.gateway / "certificates" / f"{purpose}.pem", known / f"{self.gateway_id}.{purpose}.pem"
                )
            party.configuration.write_text(DATACENTER.format(name=party.name, port=port))
        self._distribute_trust()

    def _make_profiles(self) -> None:
        folder = self.gateway / "profiles"
        folder.mkdir(mode=0o700)
        key, signer = read_key(self.administrator / "SIG.key"), load_certificate(_bytes(self.administrator / "SIG.pem"))
        for profile in self._profiles():
            document = cms.sign_document(profile.to_bytes(), signer=signer, key=key)
            (folder / f"{profile.KIND}-{profile.id}.cms").write_bytes(document)

    def _profiles(self) -> Iterator[Profile]:
        now = datetime.now(UTC).replace(microsecond=0)
        validity = {"valid_from": now - timedelta(hours=1), "valid_until": now + timedelta(days=VALID_DAYS)}
        speeds = {line["name"]: line for line in self.plan["lines"]}
        for entry in self.plan["meters"]:
            line = speeds[entry["line"]]
            protocol = {"fixed_speed": line["speed"]} if line["top_speed"] == "none" else {}
            yield profile_from_mapping(
                {
                    "kind": "meter",
                    "id": f"meter-{_number(entry['meter'])}",
                    "meter": entry["meter"],
                    "identity": _number(entry["meter"]),
                    "manufacturer": "ISK",
                    "line": entry["line"],
                    "address": entry["address"],
                    "registers": ["1-0:1.8.0"],
                    "interval": entry["interval"],
                    "maximum_power_watts": MAXIMUM_POWER_WATTS,
                    "protocol": protocol,
                    **validity,
                }
            )
        recipients = {}
        for party in self.parties:
            tls, encryption = (_bytes(party.folder / f"{purpose}.pem").decode() for purpose in ("TLS", "ENC"))
            recipients[party.id] = fingerprint(load_certificate(encryption.encode()))
            yield profile_from_mapping(
                {
                    "kind": "communication",
                    "id": party.id,
                    "party": party.name,
                    "host": "127.0.0.1",
                    "port": party.port,
                    "path": "/deliveries",
                    "tls_certificate": tls,
                    "encryption_certificate": encryption,
                    "purposes": list(party.purposes),
                    **validity,
                }
            )
        for entry in self.plan["evaluations"]:
            yield profile_from_mapping(
                {
                    "kind": "evaluation",
                    "registers": ["1-0:1.8.0"],
                    "recipient": recipients[entry["party"]],
                    **entry,
                    **validity,
                }
            )

    def _make_lines(self) -> None:
        (self.state / "lines").mkdir(mode=0o700)
        for line in self.plan["lines"]:
            text = f"speed = {line['speed']}\necho = {str(line['echo']).lower()}\n"
            for seed, entry in enumerate(self.plan["meters"], 1):
                if entry["line"] == line["name"]:
                    text += METER.format(
                        serial=_number(entry["meter"]),
                        address=entry["address"] or _number(entry["meter"]),
                        top_speed=f'"{speed}"' if isinstance(speed := line["top_speed"], str) else speed,
                        energy=entry["annual_watt_hours"],
                        seed=seed,
                    )
            self.line_file(line["name"]).write_text(text)

    def _distribute_trust(self) -> None:
        """Give every machine its own copy of the anchors and the current revocation lists."""
        for folder in (self.gateway, *(party.folder for party in self.parties)):
            target = folder / "trust"
            target.mkdir(mode=0o700, exist_ok=True)
            for source in (self.pki / "trust").iterdir():
                fresh = target / f".{source.name}.new"
                shutil.copy(source, fresh)
                fresh.replace(target / source.name)


def softhsm_module() -> Path:
    """Where Debian and Ubuntu put SoftHSM2. Raises SceneError."""
    for pattern in ("softhsm/libsofthsm2.so", "*/softhsm/libsofthsm2.so"):
        for found in sorted(Path("/usr/lib").glob(pattern)):
            return found
    raise SceneError("SoftHSM2 is not installed; `make demo` installs it, or: sudo apt-get install softhsm2")


def free_ports(count: int) -> list[int]:
    """Ports on the loopback interface that nobody uses now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def program(name: str) -> str:
    """The console script ``name`` of the environment that runs this."""
    return str(Path(sys.executable).parent / name)


def _run(name: str, *arguments: object) -> None:
    command = [program(name), *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise SceneError(f"`{' '.join([name, *command[1:]])}` ended with {done.returncode}: {said}")


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _number(meter: str) -> str:
    """The eight digits that the meter itself calls its number."""
    return meter[-8:]


GATEWAY = """\
[gateway]
id = "{id}"

[token]
module = "{module}"
configuration = "softhsm2.conf"
label = "{id}"
pin_file = "pin"

[store]
folder = "store"

[trust]
folder = "trust"
certificates = "certificates"
administrator = "administrator.pem"

[profiles]
folder = "profiles"

[wan]
tunnel = "stunnel"

"""
DATACENTER = """\
[datacenter]
name = "{name}"

[listen]
host = "127.0.0.1"
port = {port}

[database]
url = "sqlite:///datacenter.db"

[trust]
folder = "trust"

[keys]
tls_certificate = "TLS.pem"
tls_key = "TLS.key"
encryption_certificate = "ENC.pem"
encryption_key = "ENC.key"

[gateways]
folder = "gateways"
"""
METER = """
[[meters]]
serial = "{serial}"
address = "{address}"
top_speed = {top_speed}
annual_watt_hours = {energy}
seed = {seed}
"""
