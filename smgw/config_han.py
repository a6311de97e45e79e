"""``[han]`` of the configuration: where the customer's page is served, and by which names.

Decides which addresses may be listened at. They are named one by one: one for all interfaces would be the WAN's too
(PP-0073 FDP_IFF.1/FW). What is served there comes from the optional part ``han_web``; without this table nothing is.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from smgw.config_table import ConfigurationError, Table
from wire.profiles.fields import HIGHEST_PORT

HTTPS: Final = 443
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_ONE_LABEL: Final = re.compile(_LABEL, re.ASCII)
_SCOPE: Final = re.compile(r"(?!lo$)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,14})", re.ASCII)


@dataclass(frozen=True, slots=True)
class HanConfiguration:
    """Where the page is, and how it is called (IF_GW_CON, IF_GW_SRV)."""

    addresses: tuple[IPv4Address | IPv6Address, ...]
    """An IPv6 address of a link carries the interface as its scope: ``fe80::1%eth1``."""
    port: int = HTTPS
    names: tuple[str, ...] = ()
    """Names for the certificate; somebody else answers for them."""
    mdns: str | None = None
    """The name that the gateway itself tells the network, without ``.local``."""

    @property
    def host_names(self) -> tuple[str, ...]:
        """Every name by which the page is reached."""
        return (*self.names, *(() if self.mdns is None else (f"{self.mdns}.local",)))


def read_han(table: Table) -> HanConfiguration:
    """The table. Raises ConfigurationError."""
    addresses = tuple(
        _address(f"{table.name('addresses')}[{index}]", text) for index, text in enumerate(table.texts("addresses"))
    )
    port, names, mdns = table.optional_integer("port"), table.texts("names"), table.optional_text("mdns")
    if not addresses:
        raise ConfigurationError(f"{table.name('addresses')} names no address: the page would be nowhere")
    # A link's addresses may stand on two interfaces; the server in front cannot tell them apart.
    if len({address.packed for address in addresses}) != len(addresses):
        raise ConfigurationError(f"{table.name('addresses')}: one address stands there twice")
    if port is not None and not 1 <= port <= HIGHEST_PORT:
        raise ConfigurationError(f"{table.name('port')} is {port}, not 1 to {HIGHEST_PORT}")
    for index, name in enumerate(names):
        if _NAME.fullmatch(name) is None:
            raise ConfigurationError(f"{table.name('names')}[{index}] is {name[:40]!r}, not a host name")
    if mdns is not None and _ONE_LABEL.fullmatch(mdns) is None:
        raise ConfigurationError(f"{table.name('mdns')} is {mdns[:40]!r}, not one label without '.local'")
    table.finish()
    return HanConfiguration(addresses, HTTPS if port is None else port, names, mdns)


def require_agreement(page: HanConfiguration, interface: str | None, port: int | None) -> None:
    """The firewall opens what is served and nothing else (FDP_IFF.1/FW). Raises ConfigurationError."""
    if interface is None or port != page.port:
        raise ConfigurationError(
            f"han.port is {page.port}, and the firewall does not open it: "
            f"set firewall.han to the interface and firewall.https_port = {page.port}"
        )
    for address in page.addresses:
        scope = address.scope_id if isinstance(address, IPv6Address) else None
        if scope is not None and scope != interface:
            raise ConfigurationError(f"han.addresses: {address} is not on firewall.han, which is {interface!r}")


def _address(path: str, text: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise ConfigurationError(f"{path} is {text[:60]!r}, not an IP address") from error
    if address.is_unspecified:
        raise ConfigurationError(f"{path} is {text}, which is every interface, the WAN's too: name the HAN's address")
    if address.is_multicast or (isinstance(address, IPv6Address) and address.ipv4_mapped is not None):
        raise ConfigurationError(f"{path} is {text}, at which nobody can be served")
    if isinstance(address, IPv6Address):
        scope = address.scope_id
        if address.is_link_local != (scope is not None):
            raise ConfigurationError(f"{path} is {text}: an address of a link, and no other, needs its %interface")
        if scope is not None and _SCOPE.fullmatch(scope) is None:
            raise ConfigurationError(f"{path} is {text[:60]!r}: that is not the name of an interface")
    return address
