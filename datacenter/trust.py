"""What is believed right now: trust store and registry, read again when their files change.

Decides when to look: at most once a second, by the files' names, times and sizes (trust) and by the folder's time
(gateways and administrators: files there must be put in place by renaming, as ``mv`` does). A new revocation list takes
effect within a second, without a restart, for kept tunnels as well, because every request is verified anew.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from datacenter.errors import ConfigError
from datacenter.registry import Registry
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate
from pki.errors import CertificateError, CertificateReason

LOOK_SECONDS = 1.0
"""How long a change may stay unseen; looking costs a few system calls."""

State = tuple[tuple[str, int, int, int], ...]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """Trust store and registry of one moment; immutable."""

    store: TrustStore
    registry: Registry

    def signers(self, sender: str, at: datetime, role: Role = Role.SMGW) -> Sequence[VerifiedCertificate]:
        """The registered signature certificates of ``sender`` in ``role`` that are good at ``at``; at least one.

        Raises CertificateError: the first certificate's trouble, or NOT_PINNED where none is registered.
        """
        registered = self.registry.of(sender, role).signature
        good: list[VerifiedCertificate] = []
        trouble: CertificateError | None = None
        for mark, certificate in registered.items():
            try:
                verified = self.store.verify(
                    certificate, role=role, purpose=Purpose.SIG, at=at, pinned=registered.keys()
                )
            except CertificateError as error:
                _log.debug("signature certificate %s of %s: %s", mark[:16], sender, error)
                trouble = trouble or error
            else:
                good.append(verified)
        if good:
            return good
        raise trouble or CertificateError(
            CertificateReason.NOT_PINNED, f"no signature certificate is registered for {sender}"
        )


class Grounds(Protocol):
    """Whoever can say what is believed right now."""

    def current(self) -> Ground:
        """What holds now. Raises ConfigError while nobody can be believed."""


class Trust:
    """The current :class:`Ground` from its folders; thread-safe (Grounds)."""

    def __init__(
        self, trust: Path, gateways: Path, monotonic: Callable[[], float], administrators: Path | None = None
    ) -> None:
        """Read the folders. Raises ConfigError if anything in them cannot be used."""
        self._trust = trust
        self._gateways = gateways
        self._administrators = administrators
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked = monotonic()
        self._state = self._look()
        self._ground = self._read()
        if self._ground.registry.faults:
            raise ConfigError(f"registered certificates: {'; '.join(self._ground.registry.faults)}")

    def current(self) -> Ground:
        """What holds now. Raises ConfigError while the files cannot be used: then nobody is believed."""
        if self._monotonic() - self._looked < LOOK_SECONDS:
            return self._ground
        with self._lock:
            state = self._look()
            if state != self._state:
                ground = self._read()
                for fault in ground.registry.faults:
                    _log.error("registered certificates: left out: %s", fault)
                _log.info("trust read again: %d gateways", len(ground.registry.gateways))
                self._ground, self._state = ground, state
            self._looked = self._monotonic()
            return self._ground

    def _look(self) -> tuple[State, int, int]:
        administrators = self._administrators
        try:
            return (
                folder_state(self._trust),
                self._gateways.stat().st_mtime_ns,
                0 if administrators is None else administrators.stat().st_mtime_ns,
            )
        except OSError as error:
            raise ConfigError(f"{error.filename}: {error.strerror}") from error

    def _read(self) -> Ground:
        try:
            return Ground(
                TrustStore.from_folder(self._trust), Registry.from_folder(self._gateways, self._administrators)
            )
        except CertificateError as error:
            raise ConfigError(str(error)) from error


def folder_state(folder: Path) -> State:
    """Names, inodes, times and sizes of the files in ``folder``: differs when one was changed. Raises OSError."""
    with os.scandir(folder) as entries:
        stats = [(entry.name, entry.stat()) for entry in entries]
    return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats))
