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
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Role
from pki.errors import TrustError
from pki.store import Store, write_atomically
from smgw.config import ConfigurationError
from smgw.store.errors import StoreError
from testbed.demo import templates
from testbed.demo.drafts import REGISTER, drafts, number_of
from testbed.demo.past import Past, write
from testbed.meter.settings import LoadKind
from wire.obis import Obis

PLAN = "plan.toml"
COMPLETE = "complete.4"
"""Name of the file that says that the scene was made to its end, in this form; one of an earlier form is made anew."""

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
    def known(self) -> Path:
        """The certificates of the gateways that its datacenter believes."""
        return self.folder / "gateways"

    def certificate(self, purpose: str) -> str:
        """Its TLS, SIG or ENC certificate (PEM)."""
        return (self.folder / f"{purpose}.pem").read_text()

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
        missing = {"gateway", "administrator", "lines", "meters", "parties", "evaluations"} - set(self.plan)
        if missing:
            raise SceneError(f"{chosen}: {', '.join(sorted(missing))} missing; testbed/demo/demo.toml shows a plan")
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
    def administrator_configuration(self) -> Path:
        """Of ``smgw-admin``."""
        return self.administrator / "admin.toml"

    @property
    def drafts(self) -> list[str]:
        """The names of the drafts that the administrator issues to the gateway."""
        return sorted(path.stem for path in (self.administrator / "drafts").glob("*.toml"))

    @property
    def evaluations(self) -> dict[str, str]:
        """Every configured delivery: evaluation profile -> party."""
        return {entry["id"]: entry["party"] for entry in self.plan["evaluations"]}

    def meters_of(self, evaluation: str) -> list[str]:
        """The meters that a delivery needs."""
        return next(list(entry["meters"]) for entry in self.plan["evaluations"] if entry["id"] == evaluation)

    def use_case_of(self, evaluation: str) -> str:
        """The use case of a delivery, as ``TAF-7``."""
        return next(str(entry["use_case"]) for entry in self.plan["evaluations"] if entry["id"] == evaluation)

    @property
    def consumers(self) -> list[str]:
        """Those whose consumption is measured."""
        return sorted({entry["consumer"] for entry in self.plan["meters"]})

    def meters_measuring(self, consumer: str) -> set[str]:
        """The meters of one consumer."""
        return {entry["meter"] for entry in self.plan["meters"] if entry["consumer"] == consumer}

    def letter(self, name: str) -> Path:
        """The letter with which the administrator gives somebody access to the gateway's page."""
        return self.administrator / "letters" / f"{name}.txt"

    def registers_of(self, evaluation: str) -> list[str]:
        """The registers whose original readings a delivery may hold, each as its whole OBIS code."""
        entry = next(entry for entry in self.plan["evaluations"] if entry["id"] == evaluation)
        return [str(Obis.parse(code)) for code in entry.get("registers", [REGISTER])]

    @property
    def past(self) -> Past | None:
        """What is simulated of the time before the demonstration."""
        return Past.of(self.plan)

    def give_past(self) -> int:
        """Lay the past into the gateway's store; gives how many readings. Raises SceneError."""
        if self.past is None:
            return 0
        drafts, lines = self.administrator / "drafts", self.state / "lines"
        try:
            return write(self.past, self.gateway_configuration, drafts, lines)
        except (TrustError, StoreError, ConfigurationError) as error:
            raise SceneError(f"the past of the house: {error}") from error

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
            run("smgw-pki", "crl", self.pki, *self._pin)
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
        yield "SM-PKI: root, sub-CAs and revocation lists, their keys in a token", self._make_pki
        yield "parties: TLS, SIG and ENC certificates; datacenters that know no gateway yet", self._make_parties
        yield "administrator: keys in its own token, requests, certificates", self._make_administrator
        yield (
            "gateway: keys in its own token, quality-seal certificates, encrypted store, no profile",
            self._make_gateway,
        )
        yield "administrator: the gateway in its inventory, drafts of the gateway's profiles", self._make_inventory
        yield "meters on their lines", self._make_lines

    @property
    def _pin(self) -> tuple[str, Path]:
        return "--pin-file", self.state / "pki.pin"

    def _make_pki(self) -> None:
        for folder in (self.pki, self.administrator, self.gateway, self.state / "parties", self.state / "lines"):
            shutil.rmtree(folder, ignore_errors=True)
        (self.state / "pki.pin").unlink(missing_ok=True)
        hierarchy = resources.files("pki").joinpath("hierarchy.toml").read_text("utf-8")
        if self.past is not None:
            hierarchy = f"backdated_days = {self.past.backdated_days}\n{hierarchy}"
        file = self.state / "hierarchy.toml"
        file.write_text(hierarchy)
        run("smgw-pki", "init", self.pki, "--hierarchy", file, *self._pin)

    def _make_parties(self) -> None:
        for party, port in zip(self.parties, free_ports(len(self.parties)), strict=True):
            party.folder.mkdir(mode=0o700, parents=True)
            party.known.mkdir(mode=0o700)
            options = ("--role", "EMT", "--name", party.name, "--host", "localhost", "--generate")
            run("smgw-pki", "issue", self.pki, party.folder, *options, *self._pin)
            party.configuration.write_text(templates.DATACENTER.format(name=party.name, port=port))

    def _make_administrator(self) -> None:
        self.administrator.mkdir(mode=0o700)
        name, (management, service) = self.plan["administrator"], free_ports(2)
        self.administrator_configuration.write_text(
            templates.ADMINISTRATOR.format(name=name, module=softhsm_module(), management=management, service=service)
        )
        self._distribute_trust()
        self.administer("init")
        certificates = self.administrator / "certificates"
        options = ("--role", "GWA", "--name", name, "--host", "localhost")
        run("smgw-pki", "issue", self.pki, certificates, *options, *self._pin)

    def _make_gateway(self) -> None:
        self.gateway.mkdir(mode=0o700)
        wake_up, (page,) = free_datagram_port(), free_ports(1)
        text = templates.GATEWAY.format(id=self.gateway_id, module=softhsm_module(), wake_up=wake_up)
        text += templates.PAGE.format(page=page)
        for line in self.plan["lines"]:
            text += templates.LINE.format(
                **{**line, "port": self.port_of(line["name"]), "echo": str(line["echo"]).lower()}
            )
        self.gateway_configuration.write_text(text)
        # All that it knows of its administrator: his SIG certificate, pinned, and the profile that he signed.
        shutil.copy(self.administrator / "certificates" / "SIG.pem", self.gateway / "administrator.pem")
        self.administer("introduction", self.gateway / "administrator.cms", "--host", "127.0.0.1")
        self._distribute_trust()
        run("smgw", "init", self.gateway_configuration, "--create-token")
        options = ("--role", "SMGW", "--name", self.gateway_id, "--seal")
        run("smgw-pki", "issue", self.pki, self.gateway / "certificates", *options, *self._pin)

    def _make_inventory(self) -> None:
        wake_up = tomllib.loads(self.gateway_configuration.read_text())["wake_up"]
        options = ("--host", wake_up["host"], "--port", wake_up["port"])
        seals = self.gateway / "certificates"
        self.administer("gateways", "add", self.gateway_id, *options, "--certificates", seals)
        folder = self.administrator / "drafts"
        folder.mkdir(mode=0o700)
        (self.administrator / "letters").mkdir(mode=0o700)
        for name, text in drafts(self.plan, self.parties, datetime.now(UTC).replace(microsecond=0)):
            (folder / f"{name}.toml").write_text(text)
        self.administer("profiles", "import", *sorted(folder.glob("*.toml")))

    def administer(self, *words: object) -> None:
        """Run one command of the administrator. Raises SceneError."""
        run("smgw-admin", *words, "--config", self.administrator_configuration)

    def publish_certificates(self) -> bool:
        """Let every party take the gateway's operational certificates from the SM-PKI; False while there are none.

        A party looks them up where the SM-PKI publishes them: it is not the administrator who vouches for them.
        """
        store = Store(self.pki)
        index = store.read()
        good = [each for each in index.good(Role.SMGW, self.gateway_id, datetime.now(UTC)) if not each.seal]
        for entry in good:
            if entry.purpose not in {"TLS", "SIG"}:
                continue
            data = store.certificate(entry).public_bytes(Encoding.PEM)
            for party in self.parties:
                file = party.known / f"{self.gateway_id}.{entry.purpose}.{entry.generation}.pem"
                if not file.exists():
                    write_atomically(file, data)
        return bool(good)

    def _make_lines(self) -> None:
        (self.state / "lines").mkdir(mode=0o700)
        for line in self.plan["lines"]:
            text = f"speed = {line['speed']}\necho = {str(line['echo']).lower()}\n"
            for seed, entry in enumerate(self.plan["meters"], 1):
                if entry["line"] == line["name"]:
                    text += templates.METER.format(
                        serial=number_of(entry["meter"]),
                        address=entry["address"] or number_of(entry["meter"]),
                        top_speed=f'"{speed}"' if isinstance(speed := line["top_speed"], str) else speed,
                        energy=entry["annual_watt_hours"],
                        seed=seed,
                        load=entry.get("load", LoadKind.H25),
                    )
            self.line_file(line["name"]).write_text(text)

    def _distribute_trust(self) -> None:
        """Give every machine its own copy of the anchors and the current revocation lists."""
        for folder in (self.gateway, self.administrator, *(party.folder for party in self.parties)):
            if not folder.exists():
                continue  # it is made later, and gets its copy then
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


_HELD: list[socket.socket] = []


def free_ports(count: int) -> list[int]:
    """Ports on the loopback interface that the system gives to nobody else while this process lives, all different.

    Each stays bound, to a socket that does not listen: a server that binds with SO_REUSEADDR may have it all the same.
    """
    sockets = [socket.socket() for _ in range(count)]
    _HELD.extend(sockets)
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind(("127.0.0.1", 0))
    return [each.getsockname()[1] for each in sockets]


def program(name: str) -> str:
    """The console script ``name`` of the environment that runs this."""
    return str(Path(sys.executable).parent / name)


def free_datagram_port() -> int:
    """A UDP port on the loopback interface that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(name: str, *arguments: object) -> None:
    """Run one command of ours and wait for it. Raises SceneError with what it said."""
    command = [program(name), *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise SceneError(f"`{' '.join([name, *command[1:]])}` ended with {done.returncode}: {said}")
