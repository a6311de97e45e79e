"""The certification authority of a testbed on the same machine, as the administrator uses it: by its own command.

Decides nothing about certificates. The authority runs in a process of its own because its keys are in another token
than the administrator's, and a process has one configuration of its PKCS#11 module. Where there is no such authority,
the same files are carried to whoever certifies.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from admin.config import AuthorityConfiguration
from admin.errors import EnrolmentError, EnrolmentReason

TIMEOUT_SECONDS: Final = 60
"""A certification takes less than a second; a minute says that something hangs."""


def certifier(authority: AuthorityConfiguration) -> Callable[[Path], None]:
    """Certifies the renewal in a folder: ``smgw-pki renew``. It raises EnrolmentError(AUTHORITY)."""

    def certify(folder: Path) -> None:
        command = [sys.executable, "-m", "pki", "renew", str(authority.folder), str(folder)]
        command += ["--pin-file", str(authority.pin_file), "--module", str(authority.module)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)  # noqa: S603 - our own program, paths of the configuration
        except (OSError, subprocess.SubprocessError) as error:
            raise EnrolmentError(EnrolmentReason.AUTHORITY, f"the certification authority: {error}") from error
        if done.returncode != 0:
            said = done.stderr.strip() or f"exit status {done.returncode}"
            raise EnrolmentError(EnrolmentReason.AUTHORITY, f"the certification authority refuses: {said}")

    return certify
