"""How a rule set comes into the kernel and what stands there: the only place that calls ``nft``.

Decides whether what stands is what was applied: both are compared in one canonical form, without the handles that the
kernel numbers anew. It also decides whether the machine forwards packets by itself, which the rules forbid in any case:
a machine that is set up as a router is not a gateway's (O.SeparateIF). It must never take an answer that it does not
understand for a good one.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from smgw.firewall.render import FAMILIES, TABLE
from smgw.firewall.rights import lent_rights

PROGRAM: Final = Path("/usr/sbin/nft")
KERNEL: Final = Path("/proc/sys/net")
SECONDS: Final = 10.0
"""For one call of ``nft``, which takes some milliseconds; the kernel may have to load a module."""
_SWITCHES: Final = ("ipv4/ip_forward", "ipv4/conf/*/forwarding", "ipv6/conf/*/forwarding")
_SENTENCE_LENGTH: Final = 200


class FirewallReason(StrEnum):
    """Why no packet filter of ours stands."""

    NO_PROGRAM = "no-program"
    REFUSED = "refused"
    """``nft`` or the kernel refused: no right to, no support for it, or an error in the rules."""
    UNREADABLE = "unreadable"
    """What stands cannot be told."""
    FORWARDING = "forwarding"
    """The machine is set up to forward packets between its interfaces."""
    CHANGED = "changed"
    """What stands is not what was applied: somebody else changed or removed it."""


class FirewallError(Exception):
    """The packet filter does not stand; ``reason`` says why."""

    def __init__(self, reason: FirewallReason, detail: str) -> None:
        """``detail`` is for people."""
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PacketFilter:
    """The kernel's packet filter, in the network namespace of this process."""

    program: Path = PROGRAM
    kernel: Path = KERNEL

    def apply(self, rules: str) -> str:
        """Replace our tables by ``rules`` in one transaction; gives what stands then. Raises FirewallError.

        Where it raises, the former tables stand as they did.
        """
        self._nft("-f", "-", given=rules.encode("ascii"))
        return self.standing()

    def standing(self) -> str:
        """Our tables as they stand, in canonical form. Raises FirewallError, also where there is none.

        Each is asked for by its name: what others keep in theirs is none of our business, and ``nft`` writes no valid
        JSON of some of it.
        """
        return "\n".join(canonical(self._nft("-j", "list", "table", family, TABLE, given=b"")) for family in FAMILIES)

    def require_no_router(self) -> None:
        """Refuse a machine that forwards packets (FDP_IFC.2/FW). Raises FirewallError.

        The first switch is there on every machine: where it is hidden, so may be the others, and nobody can tell.
        """
        if not (self.kernel / _SWITCHES[0]).exists():
            raise FirewallError(FirewallReason.UNREADABLE, f"{self.kernel / _SWITCHES[0]} is hidden")
        for pattern in _SWITCHES:
            for switch in sorted(self.kernel.glob(pattern)):
                try:
                    value = switch.read_text("ascii").strip()
                except OSError as error:
                    if not switch.exists():
                        continue  # the interface went away between the two looks
                    raise FirewallError(FirewallReason.UNREADABLE, f"{switch}: {error.strerror}") from error
                if value != "0":
                    raise FirewallError(FirewallReason.FORWARDING, f"{switch} is {value}: this machine is a router")

    def absent(self, names: Iterable[str]) -> list[str]:
        """Which of these interfaces the machine has not, at this moment: an adapter that is pulled, or a wrong name."""
        return sorted(name for name in names if not (self.kernel / "ipv4" / "conf" / name).is_dir())

    def _nft(self, *words: str, given: bytes) -> bytes:
        try:
            with lent_rights():
                done = subprocess.run(  # noqa: S603 - a fixed program, its rules are our own
                    [str(self.program), *words], input=given, capture_output=True, timeout=SECONDS, check=False
                )
        except FileNotFoundError as error:
            raise FirewallError(FirewallReason.NO_PROGRAM, f"{self.program} is not installed") from error
        except (OSError, subprocess.SubprocessError) as error:
            raise FirewallError(FirewallReason.REFUSED, f"{self.program}: {error}") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
            hint = "needs CAP_NET_ADMIN: " if "not permitted" in said else ""
            raise FirewallError(FirewallReason.REFUSED, f"nft {words[0]}: {hint}{said[:_SENTENCE_LENGTH]}")
        return done.stdout


def canonical(listing: bytes) -> str:
    """A table out of what ``nft -j list table`` wrote, so that equal tables are equal texts.

    Raises FirewallError(UNREADABLE) for whatever is not such a listing.
    """
    try:
        return json.dumps(list(_content(json.loads(listing))), sort_keys=True)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FirewallError(FirewallReason.UNREADABLE, f"nft list: {error}"[:_SENTENCE_LENGTH]) from error


def _content(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in told["nftables"]:
        ((kind, content),) = entry.items()
        if kind != "metainfo":
            kept = {key: value for key, value in content.items() if key != "handle"}
            if "timeout" in kept.get("flags", ()):  # what the kernel remembers for a while is none of our rules
                kept.pop("elem", None)
            if "elem" in kept:  # sets have no order
                kept["elem"] = sorted(kept["elem"], key=lambda one: json.dumps(one, sort_keys=True))
            yield {kind: kept}
