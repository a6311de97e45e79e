"""What the gateway's process does against its own machine before it touches a secret.

Decides that the PIN, the database key and content keys do not reach a disk or another process of the same user by
accident: no core dump (neither of this process nor of a tunnel's child, which inherits the limit), no debugger without
the right to one, and no file that others may read, whatever umask the gateway was started with. Root can still look:
only a hardware module keeps keys from root (docs/deviations.md).
"""

import ctypes
import os
import resource
from typing import Final

PRIVATE_UMASK: Final = 0o077
_PR_SET_DUMPABLE: Final = 4
"""prctl(2); without it, /proc/<pid>/mem and ptrace are open to every process of the same user."""


def protect_process() -> None:
    """Protect this process and what it will write, for good.

    Raises OSError where the kernel refuses: a gateway that cannot keep its secrets to itself does not start.
    """
    os.umask(PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
