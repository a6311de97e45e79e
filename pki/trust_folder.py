"""Whom a machine believes, read again when somebody brought new revocation lists.

Decides when the trust folder is read: whenever a file in it came, went or changed. A folder that cannot be read leaves
the former store in place, whose revocation lists end by themselves: without fresh ones all is refused in the end.
"""

import logging
import threading
from pathlib import Path

from pki.certificates import TrustStore
from pki.errors import CertificateError

_logger = logging.getLogger(__name__)

_Files = frozenset[tuple[str, int, int, int]]


class TrustFolder:
    """The current TrustStore of a folder; call it for each decision. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Read ``folder``. Raises CertificateError."""
        self._folder = folder
        self._lock = threading.Lock()
        self._seen = self._told = self._files()
        self._store = self._read()

    def __call__(self) -> TrustStore:
        """The store of the files that lie there now."""
        # One reader at a time: what a slower one read of the former files must not take the place of newer lists.
        with self._lock:
            files = self._files()
            if files != self._seen:
                try:
                    self._store, self._seen = self._read(), files
                except CertificateError as error:
                    # Tried again at the next call, told once: it may have been the moment that was bad, not the files.
                    if files != self._told:
                        sentence = "trust folder %s: %s (what was believed before goes on)"
                        _logger.warning(sentence, self._folder, error)
                    self._told = files
            return self._store

    def _read(self) -> TrustStore:
        """The store of the folder; who remembers more than the folder says so here. Raises CertificateError."""
        return TrustStore.from_folder(self._folder)

    def _files(self) -> _Files:
        found = set()
        for path in self._folder.glob("*"):
            try:
                status = path.stat()
            except OSError:
                continue  # replaced at this moment: the next look sees it
            found.add((path.name, status.st_ino, status.st_mtime_ns, status.st_size))
        return frozenset(found)
