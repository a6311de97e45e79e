"""What SoftHSM2 loses when it is killed, and how it gets it back.

With every log-in SoftHSM2 (2.6.1, file backend, the only one that Debian builds) writes the description of its token
anew, ``token.object``: it empties the file and then fills it, and keeps no former one. A process that is killed between
the two, or a machine that loses its power, leaves an empty description, and with it every key of the token is out of
reach for ever. Measured: three kills in the middle of log-ins were enough.

So a copy of the description is kept beside it after a log-in, and one that was emptied or cut off is filled from the
copy before the next. The copy holds what the file itself holds, is as secret, and follows every change of a PIN at the
next log-in. Decides nothing about tokens of other makers: they keep themselves.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pki.store import write_atomically

DEFAULT_CONFIGURATION: Final = Path("/etc/softhsm/softhsm2.conf")
_DESCRIPTION: Final = "token.object"
_KEPT: Final = "token.kept"
"""SoftHSM2 takes files that end with ``.object`` for objects and leaves others alone."""
_COUNTER_OCTETS: Final = 8
"""A number at the beginning rises with every write."""
_NUMBER: Final = 8
_BYTES: Final = 3
_SIZES: Final = {1: 1, 2: 8}
"""What SoftHSM2 writes of a truth and of a number, by kind; octets (3) have their count before them."""
_WRITING_SECONDS: Final = 0.05
"""SoftHSM2 gives its lock back between emptying and filling. Whoever lives has filled it some microseconds later,
perhaps with another PIN, and is not written over; whoever was killed never will."""
_FOLDER = re.compile(r"^\s*directories\.tokendir\s*=\s*(\S.*?)\s*$", re.MULTILINE)


def mend(module: Path) -> None:
    """Fill every description that was emptied or cut off; call it before a log-in. Raises OSError.

    A shorter one that is whole is left alone: a token that was initialised again has no user PIN at first.
    """
    for folder in _tokens(module):
        kept = _kept(folder)
        if not _is_whole(kept) or _is_whole((folder / _DESCRIPTION).read_bytes()):
            continue
        time.sleep(_WRITING_SECONDS)
        with _locked(folder / _DESCRIPTION) as description:
            if not _is_whole(_content(description)):
                os.pwrite(description, kept, 0)
                os.ftruncate(description, len(kept))
                os.fsync(description)


def keep(module: Path) -> None:
    """Keep a copy of every description that changed; call it after a log-in. Raises OSError."""
    for folder in _tokens(module):
        with _locked(folder / _DESCRIPTION) as description:  # of two processes one after the other writes the copy
            content, status = _content(description), os.fstat(description)
            # Another process may have been killed since our own log-in: what is cut off takes no whole one's place.
            if not _is_whole(content) or content[_COUNTER_OCTETS:] == _kept(folder)[_COUNTER_OCTETS:]:
                continue
            # A command of root's must not take the copy away from the user whose token it is.
            owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
            write_atomically(folder / _KEPT, content, owner=owner)


def _is_whole(content: bytes) -> bool:
    """Whether it ends where an attribute does: after the counter come type, kind and value of each."""
    at = _COUNTER_OCTETS
    while at + 2 * _NUMBER <= len(content):
        kind = int.from_bytes(content[at + _NUMBER : at + 2 * _NUMBER])
        at += 2 * _NUMBER
        if kind == _BYTES:
            at += _NUMBER + int.from_bytes(content[at : at + _NUMBER])
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            return False
    return at == len(content) > _COUNTER_OCTETS


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _kept(folder: Path) -> bytes:
    """The copy; nothing where there is none yet."""
    try:
        return (folder / _KEPT).read_bytes()
    except FileNotFoundError:
        return b""


def _tokens(module: Path) -> Iterator[Path]:
    """The folders of all tokens that ``module`` would find; none where it is not SoftHSM2."""
    if "softhsm" not in module.name:
        return
    configuration = Path(os.environ.get("SOFTHSM2_CONF", DEFAULT_CONFIGURATION))
    match = _FOLDER.search(configuration.read_text()) if configuration.is_file() else None
    if match is not None and Path(match[1]).is_dir():
        for file in sorted(Path(match[1]).glob(f"*/{_DESCRIPTION}")):
            if file.is_file() and os.access(file, os.R_OK | os.W_OK):  # other users' tokens do not stand in our way
                yield file.parent


@contextmanager
def _locked(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDWR)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
