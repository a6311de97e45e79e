"""Which senders are known here, and by which certificates: folders of files, pinned one by one.

Decides nothing about validity (``pki.certificates`` does, at the time of use): it says which TLS and which SIG
certificates an operator has registered for a gateway, ``<id>.TLS.pem`` and ``<id>.SIG.pem``; while one is renewed also
``<id>.TLS.2.pem`` and so on. Administrators, who forward what gateways send under pseudonyms (TR-03109-1), have a
folder of their own, ``<name>.TLS.pem`` and ``<name>.SIG.pem``, so that no file makes one of the other. Who is not
registered is nobody: there is no default and no wildcard.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from datacenter.errors import ConfigError
from pki.certificates import Role, fingerprint, load_certificate
from pki.errors import CertificateError

_PURPOSE = r"\.(TLS|SIG)(?:\.[A-Za-z0-9-]{1,16})?\.pem"
_FILE_NAME = re.compile(rf"([0-9A-F][A-Z0-9]{{3}}[0-9A-F]{{2}}[0-9]{{8}}){_PURPOSE}", re.ASCII)
_ADMINISTRATOR_FILE_NAME = re.compile(rf"([A-Za-z0-9-]{{1,60}}){_PURPOSE}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GatewayCertificates:
    """What is registered for one gateway or administrator, by fingerprint."""

    tunnel: Mapping[str, x509.Certificate] = field(default_factory=dict)
    signature: Mapping[str, x509.Certificate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registry:
    """All registered senders; immutable. ``faults`` are files that were left out, with the reason."""

    gateways: Mapping[str, GatewayCertificates]
    faults: tuple[str, ...] = ()
    administrators: Mapping[str, GatewayCertificates] = field(default_factory=dict)
    _owners: Mapping[str, tuple[Role, str]] = field(init=False)

    def __post_init__(self) -> None:
        """Index tunnel certificates. Raises ConfigError where two senders claim the same one."""
        owners: dict[str, tuple[Role, str]] = {}
        for role, registered in ((Role.SMGW, self.gateways), (Role.GWA, self.administrators)):
            for name, certificates in registered.items():
                for mark in certificates.tunnel:
                    if owners.setdefault(mark, (role, name)) != (role, name):
                        raise ConfigError(f"{name} and {owners[mark][1]} are registered with the same TLS certificate")
        object.__setattr__(self, "_owners", owners)

    @classmethod
    def from_folder(cls, folder: Path, administrators: Path | None = None) -> "Registry":
        """Read every ``*.pem``; one that cannot be used is left out and named in ``faults``. Raises ConfigError."""
        gateways, faults = _read(folder, "gateway", _FILE_NAME)
        if administrators is None:
            return cls(gateways, tuple(faults))
        others, more = _read(administrators, "administrator", _ADMINISTRATOR_FILE_NAME)
        return cls(gateways, (*faults, *more), others)

    def owner(self, tunnel_fingerprint: str) -> str | None:
        """The gateway or administrator that a TLS certificate is registered for."""
        found = self._owners.get(tunnel_fingerprint)
        return None if found is None else found[1]

    def role(self, tunnel_fingerprint: str) -> Role:
        """As what it is registered; who is registered as nothing would have to be a gateway."""
        found = self._owners.get(tunnel_fingerprint)
        return Role.SMGW if found is None else found[0]

    def of(self, name: str, role: Role = Role.SMGW) -> GatewayCertificates:
        """What is registered for ``name`` in that role: nothing, if it is not known."""
        registered = self.administrators if role is Role.GWA else self.gateways
        return registered.get(name, GatewayCertificates())


def _read(folder: Path, kind: str, file_name: re.Pattern[str]) -> tuple[dict[str, GatewayCertificates], list[str]]:
    """The certificates in one folder by the name they are registered for, and the files that were left out."""
    found: dict[str, dict[str, dict[str, x509.Certificate]]] = {}
    faults: list[str] = []
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{kind}s folder {folder}: {error.strerror}") from error
    for path in paths:
        if path.suffix != ".pem":
            continue
        name = file_name.fullmatch(path.name)
        if name is None:
            faults.append(f"{path.name}: not <{kind}>.TLS.pem or <{kind}>.SIG.pem")
            continue
        try:
            certificate = load_certificate(path.read_bytes())
        except (OSError, CertificateError) as error:
            faults.append(f"{path.name}: {error}")
            continue
        found.setdefault(name[1], {}).setdefault(name[2], {})[fingerprint(certificate)] = certificate
    return {
        name: GatewayCertificates(purposes.get("TLS", {}), purposes.get("SIG", {})) for name, purposes in found.items()
    }, faults
