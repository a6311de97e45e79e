"""The folder of one holder: three requests, three certificates and, where keys are kept in software, three key files.

::

    TLS.csr SIG.csr ENC.csr   requests (PEM), made by the holder
    TLS.pem SIG.pem ENC.pem   certificates, written by the CA
    TLS.key SIG.key ENC.key   private keys (PKCS#8 PEM, 0600): of an EMT or GWA, never of a gateway
    renewal.der               a renewal, signed with the current SIG key
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pki.certificates import Purpose
from pki.errors import IssueError, IssueReason
from pki.requests import Triple
from pki.store import write_atomically

RENEWAL: Final = "renewal.der"


def read_requests(folder: Path) -> dict[Purpose, bytes]:
    """The three request files of ``folder``; raises IssueError REQUEST where one is missing."""
    try:
        return {purpose: (folder / f"{purpose}.csr").read_bytes() for purpose in Purpose}
    except OSError as error:
        sentence = f"{folder} needs the requests TLS.csr, SIG.csr and ENC.csr: {error.strerror}: {error.filename}"
        raise IssueError(IssueReason.REQUEST, sentence) from error


def write_requests(folder: Path, triple: Triple) -> None:
    """Write the three requests of a holder."""
    with _writing(folder):
        for purpose, request in triple.requests.items():
            write_atomically(folder / f"{purpose}.csr", request.public_bytes(Encoding.PEM), mode=0o644)


def write_certificates(folder: Path, certificates: Mapping[Purpose, x509.Certificate]) -> None:
    """Write the three certificates of a holder."""
    with _writing(folder):
        for purpose, certificate in certificates.items():
            write_atomically(folder / f"{purpose}.pem", certificate.public_bytes(Encoding.PEM), mode=0o644)


def write_keys(folder: Path, keys: Mapping[Purpose, ec.EllipticCurvePrivateKey]) -> None:
    """Write three software keys, readable by their owner only."""
    with _writing(folder):
        for purpose, key in keys.items():
            _write_key(folder / f"{purpose}.key", key)


def make_key(path: Path) -> None:
    """A new software key in ``path``, readable by its owner only; one that is there stays. Raises IssueError STATE."""
    if not path.exists():
        with _writing(path.parent):
            _write_key(path, ec.generate_private_key(ec.BrainpoolP256R1()))


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """A software key on brainpoolP256r1 (PKCS#8 PEM).

    Raises:
        IssueError: STATE where it cannot be read, others may read it, or it is no such key.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise IssueError(IssueReason.STATE, f"others may read the private key {path}: chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IssueError(IssueReason.STATE, f"the private key {path} cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.BrainpoolP256R1):
        raise IssueError(IssueReason.STATE, f"{path} holds no key on brainpoolP256r1")
    return key


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    write_atomically(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise IssueError(IssueReason.STATE, f"{folder} cannot be written: {error}") from error
