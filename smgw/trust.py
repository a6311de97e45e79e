"""Whom the gateway believes, read again when somebody brought new revocation lists.

Decides what of the trust folder is believed, which ``pki.trust_folder`` reads: a list with a lower number than one that
was installed before is not, whoever put it into the folder.

The administrator brings lists with an order (TR-03109-4: the gateway fetches none); ``pki.revocation_lists`` proves
them, and what is proven is written here, one file for each authority, each replaced in one step. First the lists, then
the memory of their numbers: a power loss between the two forgets a number whose list is there.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from pki import trust_folder
from pki.certificates import TrustStore, fingerprint
from pki.checks import UNREADABLE
from pki.errors import CertificateError, CertificateReason
from pki.revocation_lists import HighestNumbers, ProvenList, mark_of, newer
from pki.store import write_atomically
from smgw.administration.errors import CommandRefusedError, Done
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from wire.orders import InstallRevocationLists

_logger = logging.getLogger(__name__)

NUMBERS: Final = "numbers.json"
"""The highest number of each authority's lists that was ever installed; only counts upwards."""


class TrustFolder(trust_folder.TrustFolder):
    """The current TrustStore of a folder, without lists older than one that was installed before."""

    def __init__(self, folder: Path) -> None:
        """Read ``folder``. Raises CertificateError."""
        self._changing = Lock()
        super().__init__(folder)

    def highest(self) -> HighestNumbers:
        """The numbers of the newest lists that were ever installed. Raises CertificateError MALFORMED."""
        try:
            return HighestNumbers.from_bytes((self._folder / NUMBERS).read_bytes())
        except FileNotFoundError:
            return HighestNumbers()
        except OSError as error:
            # A memory that cannot be read must not pass for an empty one.
            sentence = f"{self._folder / NUMBERS} cannot be read: {error.strerror}"
            raise CertificateError(CertificateReason.MALFORMED, sentence) from error

    def keep(self, authorities: Iterable[x509.Certificate], lists: Sequence[ProvenList]) -> None:
        """Write what the caller has proven. Raises OSError, and CertificateError where the numbers cannot be read.

        What was written until then is complete and proven.
        """
        with self._changing:
            for authority in authorities:
                path = self._folder / f"authority-{fingerprint(authority)[:16]}.pem"
                write_atomically(path, authority.public_bytes(Encoding.PEM), mode=0o644)
            for proven in lists:
                former = self._files_of(proven.crl)
                name = former[0].name if former else f"{proven.crl.fingerprint(SHA256()).hex()[:16]}.crl"
                write_atomically(self._folder / name, proven.crl.public_bytes(Encoding.PEM), mode=0o644)
                for superfluous in former[1:]:
                    superfluous.unlink(missing_ok=True)
            if lists:
                memory = self.highest().remembering(lists)
                write_atomically(self._folder / NUMBERS, memory.to_bytes(), mode=0o644)

    def _read(self) -> TrustStore:
        store, highest = TrustStore.from_folder(self._folder), self.highest()
        good = [crl for crl in store.crls if not highest.outdates(crl)]
        if len(good) == len(store.crls):
            return store
        _logger.warning("trust folder %s: a list is older than one that was installed before", self._folder)
        return TrustStore(store.roots, store.authorities[len(store.roots) :], good)

    def _files_of(self, crl: x509.CertificateRevocationList) -> list[Path]:
        """The files that hold a list of the same authority and key."""
        found = []
        for path in sorted(self._folder.glob("*.crl")):
            try:
                held = x509.load_pem_x509_crl(path.read_bytes())
            except (OSError, *UNREADABLE):
                continue
            if held.issuer == crl.issuer and mark_of(held) == mark_of(crl):
                found.append(path)
        return found


class RevocationReason(StrEnum):
    """Why revocation lists are not installed."""

    NOT_PROVEN = "list-not-proven"
    STORAGE = "storage"


class RevocationLists:
    """The handler of InstallRevocationLists: proven lists take the place of older ones."""

    def __init__(self, trust: TrustFolder, log: SystemLog) -> None:
        """``trust`` is the folder that all decisions are made by."""
        self._trust = trust
        self._log = log

    def install(self, command: InstallRevocationLists, at: datetime) -> Done:
        """Install the lists of ``command``.

        1. Each is proven, current and not older than what is held or was ever installed (``pki.revocation_lists``).
        2. They are written; every tunnel is judged by them from its next look on.

        A list that revokes the administrator's own certificate is installed as well: the tunnel it came through ends
        at its next look, and only another administrator's certificate opens the next one. Raises CommandRefusedError.
        """
        # 1
        try:
            lists = newer(self._trust(), command.lists, at, self._trust.highest())
        except CertificateError as error:
            raise CommandRefusedError(RevocationReason.NOT_PROVEN, f"{error.reason.value}: {error}") from error
        # 2
        try:
            self._trust.keep((), lists)
        except OSError as error:
            sentence = f"the trust folder takes no list: {error.strerror}"
            raise CommandRefusedError(RevocationReason.STORAGE, sentence) from error
        note_lists(self._log, lists, at)
        return Done({"installed": {proven.authority: f"{proven.number:x}" for proven in lists}})


def note_lists(log: SystemLog, lists: Iterable[ProvenList], at: datetime) -> None:
    """Tell the system log; a log that takes no entry undoes nothing."""
    for proven in lists:
        try:
            log.record(
                Event.REVOCATION_LISTS_INSTALLED,
                proven.authority,
                Outcome.SUCCESS,
                at=at,
                number=f"{proven.number:x}",
                revoked=len(proven.crl),
            )
        except StoreError as error:
            _logger.warning("system log: %s", error)
