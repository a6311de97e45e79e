"""The gateway's name in the home area network: ``<name>.local``, by multicast DNS (RFC 6762).

Decides that only what the configuration names is told: one name, the addresses of the page and its port; nothing of the
gateway's identification, the meters or who lives there. Needs the extra ``mdns``, of a version that remembers no more
than 10,000 answers of others: whoever floods the network with them does not fill the gateway's memory.
"""

import logging
import socket
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from smgw.han.settings import HanConfiguration, ServingError, ServingReason

if TYPE_CHECKING:
    from zeroconf import Zeroconf

_logger = logging.getLogger(__name__)
_SERVICE = "_https._tcp.local."


class Announcement:
    """Tells the name until it is stopped (mDNS-Name)."""

    def __init__(self, page: HanConfiguration) -> None:
        """Look whether it can be told. Raises ServingError NOT_INSTALLED."""
        try:
            import zeroconf  # noqa: PLC0415 - an extra of its own: whoever names nothing needs nothing
        except ImportError as error:
            sentence = "han.mdns is configured: pip install 'smart-meter-gateway[mdns]', or take han.mdns out"
            raise ServingError(ServingReason.NOT_INSTALLED, sentence) from error
        self._library = zeroconf
        self._page = page
        self._told: Zeroconf | None = None

    def start(self) -> None:
        """Tell it. A network that does not take it is no reason to serve nobody: the log of the program says so."""
        page, library = self._page, self._library
        try:
            self._told = library.Zeroconf(interfaces=_interfaces(page))
            self._told.register_service(
                library.ServiceInfo(
                    _SERVICE,
                    f"{page.mdns}.{_SERVICE}",
                    port=page.port,
                    addresses=[address.packed for address in page.addresses],
                    server=f"{page.mdns}.local.",
                )
            )
        except (OSError, RuntimeError, library.Error) as error:
            _logger.warning("the name %s.local is not told: %s", page.mdns, error or type(error).__name__)
            self.stop()

    def stop(self) -> None:
        """Say that it goes, and go."""
        told, self._told = self._told, None
        if told is not None:
            told.close()


def _interfaces(page: HanConfiguration) -> list[str | int | tuple[tuple[str, int, int], int]]:
    """Where it is told: at the page's addresses and nowhere else."""
    chosen: list[str | int | tuple[tuple[str, int, int], int]] = []
    for address in page.addresses:
        scope = address.scope_id if isinstance(address, IPv6Address) else None
        chosen.append(str(address) if scope is None else socket.if_nametoindex(scope))
    return chosen
