"""A gateway's keys in a real token, with certificates of a small PKI, and a power cut at any moment one likes."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import pki.files
import smgw.keys.ring as ring_module
from pki.certificates import Purpose, Role, TrustStore
from pki.token import Token
from smgw.keys.cabinet import KeyCabinet, key_file_of, prove_key
from smgw.keys.ring import KeyRing
from smgw.keys.state import KeyState, read_state
from testbed.small_pki import SmallPki
from tests.softhsm import MODULE, PIN
from wire.reading import DeviceId

GATEWAY = DeviceId("EABC0012345678")


class PowerLossError(BaseException):
    """Nothing in the gateway may catch this: what comes after it does not happen."""


def _raise() -> None:
    raise PowerLossError


@dataclass
class Meter:
    """Counts moments at which the power may go, and cuts it at one of them.

    The kind of a moment is the phase on the disk and what is being done, whatever the key or the number.
    """

    folder: Path = Path()
    cut_at: int = -1
    cut: Callable[[], None] = _raise
    passed: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def tick(self, moment: str) -> None:
        if len(self.passed) == self.cut_at:
            self.passed.append(f"{moment} CUT")
            self.cut()
        self.passed.append(moment)
        self.kinds.append(" ".join([read_state(self.folder).phase, *moment.split(" ")[:2]]))

    @property
    def phases(self) -> list[str]:
        """The phase of each moment that passed."""
        return [kind.partition(" ")[0] for kind in self.kinds]


class MeteredCabinet(KeyCabinet):
    """The real cabinet; the power may go before and after everything that it does to the security module."""

    meter = Meter()

    def make(self, purpose: Purpose, generation: int) -> ec.EllipticCurvePrivateKey:
        self.meter.tick(f"before make {purpose}.{generation}")
        made = super().make(purpose, generation)
        self.meter.tick(f"after make {purpose}.{generation}")
        return made

    def destroy(self, purpose: Purpose, generation: int) -> None:
        self.meter.tick(f"before destroy {purpose}.{generation}")
        super().destroy(purpose, generation)
        self.meter.tick(f"after destroy {purpose}.{generation}")

    def settle_on_disk(self) -> None:
        # Every write of these tests is seen by the next look at the same disk; what a disk that loses its cache
        # would show is not tested here.
        self.meter.tick("sync")


class World:
    """One gateway; ``software`` keeps its TLS key in a file."""

    def __init__(
        self, folder: Path, token: Token, pki_: SmallPki, *, software: bool = False, begin: bool = True
    ) -> None:
        self.folder = folder / "certificates"
        self.token = token
        self.pki = pki_
        self.trust = _proven(pki_.seed, pki_.now)
        self.key_file = folder / "tls.key" if software else None
        self.cabinet = MeteredCabinet(token, self.key_file)
        self.meter = self.cabinet.meter = Meter(self.folder)
        if begin:
            self.folder.mkdir(parents=True)
            for label in token.labels():
                token.destroy_key(label)
            keys = {purpose: KeyCabinet.make(self.cabinet, purpose, 1) for purpose in Purpose}
            pki.files.write_certificates(self.folder, self.certify(keys))

    @classmethod
    def again(cls, folder: Path, token: Token, pki_: SmallPki) -> "World":
        """What is left of a world after its process died: its folder and its token."""
        return cls(folder, token, pki_, begin=False)

    def certify(self, keys: dict[Purpose, ec.EllipticCurvePrivateKey]) -> dict[Purpose, x509.Certificate]:
        """What the CA makes of a renewal."""
        return {each: self.pki.certify(key.public_key(), Role.SMGW, each, GATEWAY.text) for each, key in keys.items()}

    def start(self) -> KeyRing:
        return KeyRing.open(GATEWAY, self.folder, self.cabinet, self.trust, self.pki.now)

    def renew(self, ring: KeyRing) -> None:
        """A whole renewal: new keys, certificates, switch."""
        ring.install(self.certify(dict(ring.renew())), self.trust, self.pki.now)

    def check(self, ring: KeyRing) -> KeyState:
        """Exactly one working set, at most one that waits, and no other private key."""
        identity, state = ring.current(), ring.state
        assert identity.generation == state.generation
        for purpose, key in identity.keys.items():
            prove_key(key, identity.certificates[purpose].public_key, purpose)
        generations = {state.generation} if state.other is None else {state.generation, state.other}
        assert self.cabinet.present() == {(purpose, number) for purpose in Purpose for number in generations}
        labels = {label for label in self.token.labels() if label != "STORAGE"}
        assert len(labels) == len(generations) * (2 if self.key_file else 3)
        if self.key_file:
            files = {path.name for path in self.key_file.parent.glob(f"*{self.key_file.name}*")}
            assert files == {key_file_of(self.key_file, number).name for number in generations}
        folders = {path.name for path in self.folder.glob("generation-*")}
        assert folders == {f"generation-{number}" for number in range(2, state.generation + 1)} & folders
        assert state.generation == 1 or f"generation-{state.generation}" in folders
        return state


@cache
def _proven(seed: int, now: datetime) -> TrustStore:
    """Made once for all worlds: each new one would prove its authorities and their lists anew."""
    return SmallPki(seed, now).trust()


@contextmanager
def metered_files(world: World) -> Iterator[None]:
    """The power may go before and after every file that is written or removed."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (ring_module, "write_state"),
            (ring_module, "read_state"),
            (shutil, "rmtree"),
            (pki.files, "write_atomically"),
        ):
            patch.setattr(module, name, _metered(getattr(module, name), world, name))
        yield


def _metered(function: Callable[..., object], world: World, name: str) -> Callable[..., object]:
    def metered(*arguments: object, **named: object) -> object:
        world.meter.tick(f"before {name} {arguments[-1]!r:.40}")
        result = function(*arguments, **named)
        world.meter.tick(f"after {name}")
        return result

    return metered


def open_token(label: str) -> Token:
    return Token.open(MODULE, label, PIN, monotonic=time.monotonic)


def cut_the_process() -> None:
    """Nothing is flushed, nothing is closed, no handler runs."""
    os._exit(42)
