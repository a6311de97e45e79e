"""HTTP Digest (RFC 7616), the server's half of it: challenges, and the answers of programs that know a password.

Decides what an answer is and whether it is the right one. Challenges name SHA-256 and ``qop=auth`` alone; whoever
answers by a hashed user name or in the form of RFC 2069 is refused. An answer by MD5 can be read, because some client
answers so whatever the challenge names; whether it counts is the door's decision, and by default it never does.

What a challenge says is kept by nobody: it carries its own age under a key of this process, and only those that were
answered rightly are remembered, so that no answer counts twice and nobody without a password fills the memory (PP-0073
FIA_UAU.5, FIA_UAU.6). Does no IO; times are seconds of one monotonic clock.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from smgw.han.sessions import IDLE_SECONDS

LONGEST_HEADER: Final = 4096
"""Characters of an ``Authorization`` value; the longest that a client here has reason to send has some 2,500."""
MOST_PARAMETERS: Final = 16
"""RFC 7616 has eleven."""
LONGEST_NAME: Final = 128
LONGEST_TARGET: Final = 2048
LIFETIME_SECONDS: Final = IDLE_SECONDS
"""How old a challenge may be: as long as somebody may be idle (FIA_UAU.6)."""
CAPACITY: Final = 1024
"""Challenges whose counts are remembered at once; some 200 kB."""
WINDOW: Final = 64
"""By how many counts an answer may be overtaken: a client may ask several things at once."""

_KEY_SIZE: Final = 32
_TIME_SIZE: Final = 8
_UNIQUE_SIZE: Final = 8
_TAG_SIZE: Final = 16
_MICROSECONDS: Final = 1_000_000
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of RFC 9110
_QUOTED: Final = r'"((?:[^"\\\x00-\x1f\x7f]|\\[ -~])*)"'
_PARAMETER: Final = re.compile(rf"({_TOKEN})[ \t]*=[ \t]*(?:{_QUOTED}|({_TOKEN}))")
_SEPARATOR: Final = re.compile(r"[ \t]*,[ \t]*")
_SCHEME: Final = re.compile(r"digest +", re.IGNORECASE)
_ESCAPED: Final = re.compile(r"\\(.)")
_NAME: Final = re.compile(rf"[^\x00-\x1f\x7f]{{1,{LONGEST_NAME}}}")
_PRINTABLE: Final = re.compile(r"[ -~]{1,128}")
_TARGET: Final = re.compile(rf"[!-~]{{1,{LONGEST_TARGET}}}")
_COUNT: Final = re.compile(r"[0-9a-f]{8}")
_NONCE: Final = re.compile(rf"[0-9a-f]{{{2 * (_TIME_SIZE + _UNIQUE_SIZE + _TAG_SIZE)}}}")


class Algorithm(StrEnum):
    """By which hash somebody answers."""

    SHA_256 = "SHA-256"
    MD5 = "MD5"
    """Outdated (TR-03116-3 permits SHA-2): for accounts that are open to older clients, and for no others."""


_RESPONSES: Final = {Algorithm.SHA_256: re.compile(r"[0-9a-f]{64}"), Algorithm.MD5: re.compile(r"[0-9a-f]{32}")}


class DigestError(Exception):
    """The value of an ``Authorization`` header is no answer to a challenge of ours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client answers; whether it is right is not said yet."""

    name: str
    realm: str
    nonce: str
    target: str
    """``uri``: what the client says that it asks for."""
    count: int
    """``nc``: how often it answered this challenge, this time included; from 1."""
    client_nonce: str
    response: str
    algorithm: Algorithm = Algorithm.SHA_256

    def expected(self, verifier: bytes, method: str) -> str:
        """The response of somebody whose ``name:realm:password`` has the hash ``verifier`` (section 3.4.1)."""
        request = self._hash(f"{method}:{self.target}")
        return self._hash(f"{verifier.hex()}:{self.nonce}:{self.count:08x}:{self.client_nonce}:auth:{request}")

    def is_right(self, verifier: bytes, method: str) -> bool:
        """Whether he knows the password; takes the same time for every answer."""
        return hmac.compare_digest(self.response, self.expected(verifier, method))

    def to_header(self) -> str:
        """The value of the header, in one form."""
        return (
            f"Digest username={_quoted(self.name)}, realm={_quoted(self.realm)}, nonce={_quoted(self.nonce)}, "
            f'uri={_quoted(self.target)}, response="{self.response}", algorithm={self.algorithm.value}, qop=auth, '
            f"nc={self.count:08x}, cnonce={_quoted(self.client_nonce)}"
        )

    def _hash(self, said: str) -> str:
        if self.algorithm is Algorithm.SHA_256:
            return hashlib.sha256(said.encode()).hexdigest()
        return hashlib.md5(said.encode()).hexdigest()  # noqa: S324 - for accounts that are open to it


def parse_answer(value: str) -> Answer:
    """Read the value of an ``Authorization`` header. Raises DigestError.

    1. It is short, of the scheme Digest, and a list of parameters, none of them twice. What RFC 7616 does not name is
       passed over. 2. It is SHA-256 or MD5 with ``qop=auth`` and a name in clear. 3. Each parameter has its form.
       Quotation marks are the RFC's, except that ``algorithm`` and ``qop`` may have them: requests writes them so.
    """
    # 1
    given = _parameters(value)
    # 2
    if given.get("qop", ("", False))[0] != "auth":
        raise DigestError("qop is auth")
    try:
        # An answer that names none would be one by MD5 (section 3.3): it is none.
        algorithm = Algorithm(given.get("algorithm", ("", False))[0])
    except ValueError:
        raise DigestError("algorithm is SHA-256") from None
    if given.get("userhash", ("false", False))[0] != "false" or "username*" in given:
        raise DigestError("the user name stands in username, in clear")
    # 3
    count = int(_one(given, "nc", _COUNT, quoted=False), 16)
    if not count:
        raise DigestError("nc begins with 1")
    return Answer(
        name=_one(given, "username", _NAME),
        realm=_one(given, "realm", _PRINTABLE),
        nonce=_one(given, "nonce", _PRINTABLE),
        target=_one(given, "uri", _TARGET),
        count=count,
        client_nonce=_one(given, "cnonce", _PRINTABLE),
        response=_one(given, "response", _RESPONSES[algorithm]),
        algorithm=algorithm,
    )


def challenge(realm: str, nonce: str, *, stale: bool = False) -> str:
    """The value of a ``WWW-Authenticate`` header; ``stale`` says that the password was right and only this is new."""
    said = f'Digest realm={_quoted(realm)}, qop="auth", algorithm=SHA-256, nonce="{nonce}", charset=UTF-8'
    return f"{said}, stale=true" if stale else said


class Nonces:
    """The challenges of one process, and which answers to them were taken. Belongs to one thread at a time."""

    def __init__(self, random: Callable[[int], bytes], *, capacity: int = CAPACITY) -> None:
        """``random`` gives that many random octets."""
        self._random = random
        self._key = random(_KEY_SIZE)
        self._capacity = capacity
        self._taken: dict[str, tuple[int, int]] = {}
        """Of each challenge that was answered rightly: the highest count, and which of those below were taken."""
        self._forgotten = -1
        """Challenges that are no younger than this may have been answered, and nobody knows how often."""

    def issue(self, now: float) -> str:
        """A challenge that nobody was given before."""
        said = int(now * _MICROSECONDS).to_bytes(_TIME_SIZE) + self._random(_UNIQUE_SIZE)
        return (said + self._tag(said)).hex()

    def holds(self, nonce: str, now: float) -> bool:
        """Whether ``nonce`` is one of ours, and young."""
        if not _NONCE.fullmatch(nonce):
            return False
        octets = bytes.fromhex(nonce)
        said, tag = octets[:-_TAG_SIZE], octets[-_TAG_SIZE:]
        ours = hmac.compare_digest(tag, self._tag(said))
        return ours and 0 <= int(now * _MICROSECONDS) - _issued(nonce) < LIFETIME_SECONDS * _MICROSECONDS

    def take(self, nonce: str, count: int, now: float) -> bool:
        """Take the right answer number ``count`` to ``nonce``, once; whether it counts.

        1. The challenge is ours, young, and not forgotten. 2. The count was not taken before, and is not so far behind
        that nobody knows.
        """
        # 1
        if not self.holds(nonce, now):
            return False
        if nonce not in self._taken:
            if _issued(nonce) <= self._forgotten:
                return False
            self._make_room(now)
            self._taken[nonce] = (count, 1)
            return True
        # 2
        highest, seen = self._taken[nonce]
        ahead = count - highest
        if ahead > 0:
            kept = seen << ahead if ahead < WINDOW else 0
            self._taken[nonce] = (count, (kept | 1) & ((1 << WINDOW) - 1))
            return True
        if -ahead >= WINDOW or seen >> -ahead & 1:
            return False
        self._taken[nonce] = (highest, seen | 1 << -ahead)
        return True

    def is_known(self, nonce: str) -> bool:
        """Whether an answer to ``nonce`` was taken already."""
        return nonce in self._taken

    def _make_room(self, now: float) -> None:
        if len(self._taken) < self._capacity:
            return
        self._taken = {nonce: taken for nonce, taken in self._taken.items() if self.holds(nonce, now)}
        while len(self._taken) >= self._capacity:
            # Never an answer twice: what is forgotten here makes everything that is as old as it stale.
            oldest = min(self._taken, key=_issued)
            self._forgotten = max(self._forgotten, _issued(oldest))
            del self._taken[oldest]

    def _tag(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, "sha256")[:_TAG_SIZE]


def _issued(nonce: str) -> int:
    return int(nonce[: 2 * _TIME_SIZE], 16)


def _parameters(value: str) -> dict[str, tuple[str, bool]]:
    """Every parameter by its name in small letters: its value, and whether it stood in quotation marks."""
    scheme = _SCHEME.match(value)
    if len(value) > LONGEST_HEADER or scheme is None:
        raise DigestError("no answer to a Digest challenge, or too long")
    found: dict[str, tuple[str, bool]] = {}
    position = scheme.end()
    while True:
        one = _PARAMETER.match(value, position)
        if one is None:
            raise DigestError("a parameter is malformed")
        name, quoted, token = one.group(1).lower(), one.group(2), one.group(3)
        if name in found or len(found) >= MOST_PARAMETERS:
            raise DigestError("a parameter stands twice, or there are too many")
        found[name] = (token, False) if quoted is None else (_ESCAPED.sub(r"\1", quoted), True)
        position = one.end()
        if not value[position:].strip(" \t"):
            return found
        separator = _SEPARATOR.match(value, position)
        if separator is None:
            raise DigestError("parameters are separated by commas")
        position = separator.end()


def _one(given: dict[str, tuple[str, bool]], name: str, form: re.Pattern[str], *, quoted: bool = True) -> str:
    value, was_quoted = given.get(name, ("", quoted))
    if was_quoted is not quoted or not form.fullmatch(value):
        raise DigestError(f"{name} is missing or malformed")
    return value


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
