"""Which gateways are known here, and by which certificates: one folder of files, pinned one by one.

Decides nothing about validity (``pki.certificates`` does, at the time of use): it says which TLS and which SIG
certificates an operator has registered for a gateway, ``<id>.TLS.pem`` and ``<id>.SIG.pem``; while one is renewed also
``<id>.TLS.2.pem`` and so on. Who is not registered is nobody: there is no default and no wildcard.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from datacenter.errors import ConfigError
from pki.certificates import fingerprint, load_certificate
from pki.errors import CertificateError

_FILE_NAME = re.compile(r"([0-9A-F][A-Z0-9]{3}[0-9A-F]{2}[0-9]{8})\.(TLS|SIG)(?:\.[A-Za-z0-9-]{1,16})?\.pem", re.ASCII)


@dataclass(frozen=True, slots=True)
class GatewayCertificates:
    """What is registered for one gateway, by fingerprint."""

    tunnel: Mapping[str, x509.Certificate] = field(default_factory=dict)
    signature: Mapping[str, x509.Certificate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registry:
    """All registered gateways; immutable. ``faults`` are files that were left out, with the reason."""

    gateways: Mapping[str, GatewayCertificates]
    faults: tuple[str, ...] = ()
    _owners: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Index tunnel certificates. Raises ConfigError where two gateways claim the same one."""
        owners: dict[str, str] = {}
        for gateway, certificates in self.gateways.items():
            for mark in certificates.tunnel:
                if owners.setdefault(mark, gateway) != gateway:
                    raise ConfigError(f"{gateway} and {owners[mark]} are registered with the same TLS certificate")
        object.__setattr__(self, "_owners", owners)

    @classmethod
    def from_folder(cls, folder: Path) -> "Registry":
        """Read every ``*.pem``; one that cannot be used is left out and named in ``faults``. Raises ConfigError."""
        found: dict[str, dict[str, dict[str, x509.Certificate]]] = {}
        faults: list[str] = []
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            raise ConfigError(f"gateways folder {folder}: {error.strerror}") from error
        for path in paths:
            if path.suffix != ".pem":
                continue
            name = _FILE_NAME.fullmatch(path.name)
            if name is None:
                faults.append(f"{path.name}: not <gateway>.TLS.pem or <gateway>.SIG.pem")
                continue
            try:
                certificate = load_certificate(path.read_bytes())
            except (OSError, CertificateError) as error:
                faults.append(f"{path.name}: {error}")
                continue
            found.setdefault(name[1], {}).setdefault(name[2], {})[fingerprint(certificate)] = certificate
        gateways = {
            gateway: GatewayCertificates(purposes.get("TLS", {}), purposes.get("SIG", {}))
            for gateway, purposes in found.items()
        }
        return cls(gateways, tuple(faults))

    def owner(self, tunnel_fingerprint: str) -> str | None:
        """The gateway that a TLS certificate is registered for."""
        return self._owners.get(tunnel_fingerprint)

    def of(self, gateway: str) -> GatewayCertificates:
        """What is registered for ``gateway``: nothing, if it is not known."""
        return self.gateways.get(gateway, GatewayCertificates())
