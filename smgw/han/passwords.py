"""Passwords of the home area network's page: what is kept of one, and what a new one must be (PP-0073 FIA_UAU.5).

Decides that a password is text in one spelling (NFC), that nobody keeps it, and which ones are too easy to guess. What
is kept is what HTTP Digest needs of it (RFC 7616 section 3.4.2): SHA-256, and MD5 beside it for an account that is open
to older clients, and for no other. Does no IO.
"""

import hmac
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from wire.profiles import account

SHORTEST: Final = 12
"""Characters of a new password."""
LONGEST: Final = 128
"""Characters of any: what is longer is nobody's."""
FEWEST_DIFFERENT: Final = 5
"""Different characters in a new one."""


class PasswordReason(StrEnum):
    """Why a password is none, or no good one."""

    MALFORMED = "malformed"
    TOO_LONG = "too-long"
    TOO_SHORT = "too-short"
    TOO_SIMPLE = "too-simple"
    THE_NAME = "the-name"
    THE_OLD_ONE = "the-old-one"


SENTENCES: Final[Mapping[PasswordReason, str]] = MappingProxyType(
    {
        PasswordReason.MALFORMED: "The password holds characters that cannot be typed.",
        PasswordReason.TOO_LONG: f"The password has at most {LONGEST} characters.",
        PasswordReason.TOO_SHORT: f"The new password has at least {SHORTEST} characters.",
        PasswordReason.TOO_SIMPLE: f"The new password has at least {FEWEST_DIFFERENT} different characters.",
        PasswordReason.THE_NAME: "The new password is not the user name.",
        PasswordReason.THE_OLD_ONE: "The new password is another one than before.",
    }
)
"""What to do about it, for people."""


class PasswordError(Exception):
    """A password is refused; the message may be shown and never holds the password."""

    def __init__(self, reason: PasswordReason) -> None:
        """The sentence follows from the reason."""
        super().__init__(SENTENCES[reason])
        self.reason = reason


def verifier_of(name: str, realm: str, password: str, *, older: bool = False) -> bytes:
    """What is kept of a password: SHA-256 of ``name:realm:password``; MD5 of it follows where ``older`` clients come.

    Raises PasswordError MALFORMED, TOO_LONG.
    """
    return account.verifier_of(name, realm, normalised(password), md5=older)


def normalised(password: str) -> str:
    """``password`` in the one spelling in which it is hashed. Raises PasswordError MALFORMED, TOO_LONG.

    1. It is short enough to be looked at, before and after. 2. It holds no control character and no half character.
    """
    # 1: no character becomes more than three by NFC.
    if len(password) > LONGEST:
        raise PasswordError(PasswordReason.TOO_LONG)
    text = unicodedata.normalize("NFC", password)
    if len(text) > LONGEST:
        raise PasswordError(PasswordReason.TOO_LONG)
    # 2
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise PasswordError(PasswordReason.MALFORMED)
    return text


def new_verifier(name: str, realm: str, password: str, present: bytes) -> bytes:
    """The verifier of a password that somebody chose; ``present`` is that of the one before. Raises PasswordError.

    It holds what ``present`` holds: to whom the account is open is not hers to say.

    1. It is text. 2. It is long enough, and not one character again and again. 3. It is not the user name, once or
    several times. 4. It is another one than before.
    """
    # 1
    text = normalised(password)
    # 2
    if len(text) < SHORTEST:
        raise PasswordError(PasswordReason.TOO_SHORT)
    if len(set(text)) < FEWEST_DIFFERENT:
        raise PasswordError(PasswordReason.TOO_SIMPLE)
    # 3
    if not text.casefold().replace(name.casefold(), ""):
        raise PasswordError(PasswordReason.THE_NAME)
    # 4
    verifier = verifier_of(name, realm, text, older=len(present) > account.VERIFIER_BYTES)
    if hmac.compare_digest(verifier, present):
        raise PasswordError(PasswordReason.THE_OLD_ONE)
    return verifier
