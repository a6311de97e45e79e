"""The PIN of a token: where it may come from and what it must look like.

A PIN comes from a file that only its owner can read, or from a descriptor, never from an argument list or the
environment, which other processes can see. It never appears in a message.
"""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pki.errors import TokenError, TokenReason

MINIMUM_DIGITS: Final = 10
"""TR-03116-3 asks for ten digits at least between a gateway and its security module."""
MAXIMUM_DIGITS: Final = 64
"""Beyond any token's limit (SoftHSM2: 255); bounds what is read from a file or descriptor."""
NEW_PIN_DIGITS: Final = 16


def check_pin(pin: str) -> str:
    """``pin`` itself, of 10 to 64 decimal digits; raises TokenError PIN_WEAK otherwise."""
    if re.fullmatch(rf"[0-9]{{{MINIMUM_DIGITS},{MAXIMUM_DIGITS}}}", pin, re.ASCII) is None:
        sentence = f"the PIN must be {MINIMUM_DIGITS} to {MAXIMUM_DIGITS} decimal digits; choose a new one"
        raise TokenError(TokenReason.PIN_WEAK, sentence)
    return pin


def read_pin(source: Path | int) -> str:
    """The PIN in a file, or on a descriptor, which is read to its end and closed; one line end after it is ignored.

    Raises:
        TokenError: PIN_FILE where the file is not there, not a regular file of ours, or readable by others; PIN_WEAK.
    """
    try:
        # Checking the opened file, not the path: nobody can swap it between look and use. Without blocking: a pipe in
        # its place must be refused, not waited for.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(source, flags) if isinstance(source, Path) else source
        with os.fdopen(descriptor, "rb") as file:
            if isinstance(source, Path):
                _check_owner(source, os.fstat(file.fileno()))
            data = file.read(MAXIMUM_DIGITS + 2)
    except OSError as error:
        sentence = f"the PIN cannot be read from {source} ({error.strerror}); it is a file of mode 0600 with the digits"
        raise TokenError(TokenReason.PIN_FILE, sentence) from error
    return check_pin(data.removesuffix(b"\n").removesuffix(b"\r").decode("ascii", "replace"))


def create_pin_file(path: Path, random: Callable[[int], bytes]) -> None:
    """Write a new random PIN of sixteen digits to ``path`` (mode 0600); never overwrites.

    Raises:
        TokenError: PIN_FILE where the file exists or cannot be written.
    """
    digits = ""
    while len(digits) < NEW_PIN_DIGITS:
        # 250 is the largest multiple of ten in an octet: what is left is uniform.
        digits += "".join(str(octet % 10) for octet in random(NEW_PIN_DIGITS) if octet < 250)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(digits[:NEW_PIN_DIGITS].encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise TokenError(TokenReason.PIN_FILE, f"no PIN file {path} was made: {error.strerror}") from error


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o077:
        sentence = f"{path} must be a regular file of this user that nobody else may read: chmod 600 {path}"
        raise TokenError(TokenReason.PIN_FILE, sentence)
