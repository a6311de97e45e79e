"""What the gateway hands to whoever serves its home area network, and what it gets back.

Decides that the gateway and the page know each other by these names only: the gateway loads the entry point ``page`` of
the group ``smgw.han`` and never imports it, so that a gateway without a page carries nothing of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, Protocol

from pki.token_tls import TokenAddress
from smgw.config_han import HanConfiguration
from smgw.han.port import HanPort

__all__ = [
    "HanConfiguration",
    "HanIdentity",
    "HanSettings",
    "RunningPage",
    "Serve",
    "ServingError",
    "ServingReason",
    "load_page",
]

GROUP: Final = "smgw.han"
NAME: Final = "page"


class ServingReason(StrEnum):
    """Why the home area network is not served."""

    NOT_INSTALLED = "not-installed"
    ADDRESS = "address"
    """It cannot be listened at."""
    FRONT = "front"
    """The server that ends TLS does not start, or ended."""


class ServingError(Exception):
    """Nothing is served; the message is a sentence that says what to do."""

    def __init__(self, reason: ServingReason, sentence: str) -> None:
        """``sentence`` is for people."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HanIdentity:
    """The certificate that is shown in the home area network, and where its key is."""

    certificate: bytes
    """PEM."""
    fingerprint: str
    """SHA-256 of the certificate as browsers show it: pairs of capitals with colons."""
    key: TokenAddress


@dataclass(frozen=True, slots=True)
class HanSettings:
    """All that serving needs beside the port."""

    page: HanConfiguration
    folder: Path
    """For the socket and for what a server must have on a disk; nobody else's, mode 0700."""
    pin: Callable[[], str]
    """The PIN of the token; it goes through a pipe and nowhere else."""
    identity: Callable[[], HanIdentity]
    """What is to be shown now; asked again and again, and another one once it is renewed. Raises TokenError, OSError,
    CertificateError."""
    changed: Callable[[str], None]
    """Told that it is served (nothing), or why it is not any more (a reason that an entry of a log can hold)."""


class RunningPage(Protocol):
    """A page that is served."""

    def stop(self) -> None:
        """End it, in order."""

    def serving(self) -> bool:
        """Whether somebody could reach it now."""

    def fingerprint(self) -> str:
        """Of the certificate that is shown."""


Serve = Callable[[HanPort, HanSettings], RunningPage]
"""Begin to serve; raises ServingError where it cannot."""


def load_page(found: Callable[[], Sequence[EntryPoint]] | None = None) -> Serve:
    """The part that serves. Raises ServingError NOT_INSTALLED."""
    entries = tuple(entry_points(group=GROUP, name=NAME)) if found is None else tuple(found())
    advice = "install the program with its extra: pip install 'smart-meter-gateway[han]', or take [han] out"
    if len(entries) != 1:
        sentence = f"[han] is configured and nothing is installed that could serve it: {advice}"
        raise ServingError(ServingReason.NOT_INSTALLED, sentence)
    try:
        page: Serve = entries[0].load()
    except (ImportError, AttributeError) as error:
        sentence = f"[han] is configured and what serves it is not whole ({error}): {advice}"
        raise ServingError(ServingReason.NOT_INSTALLED, sentence) from error
    return page
