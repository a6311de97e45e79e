"""Whom the gateway may reach in the WAN: the addresses and TCP ports of the profiles that hold now.

Decides nothing but that, from nothing but the profiles: without a profile nobody is reached (FMT_MSA.3/FW). Only the
administrator installs profiles (FMT_MSA.1/FW), and each names the certificate by which its party is known, so that
every destination that is opened here is authenticated before it hears a word (FDP_IFF.1/FW). A host that is a name
opens nothing: its resolver would be a peer whom nobody authenticates, and whose answer would decide what is open
(ADR 0014). A proxy profile names its party by a communication profile and therefore opens nothing of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

from smgw.store.profiles import ProfileSet
from wire.profiles import AdministratorProfile

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, order=True)
class Destination:
    """One TCP port of one address."""

    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class Openings:
    """What the profiles of one moment open in the WAN; nothing, where nothing is said."""

    destinations: frozenset[Destination] = frozenset()
    administrators: frozenset[Address] = frozenset()
    """From where the administrator calls, as far as an address says anything: only a place in the queue."""
    named: tuple[str, ...] = ()
    """Profiles that open nothing, because their host is a name."""


def openings(profiles: ProfileSet, at: datetime, *, tried: AdministratorProfile | None = None) -> Openings:
    """What ``profiles`` open at ``at``; ``tried`` is an administrator who is being dialled before he holds.

    A profile opens its party from ``valid_from`` until just before ``valid_until``, and not a moment longer.
    """
    destinations: set[Destination] = set()
    administrators: set[Address] = set()
    named: list[str] = []
    known: Iterable[AdministratorProfile] = profiles.administrators.values()
    for administrator in (*known, *([] if tried is None else [tried])):
        if not administrator.valid_from <= at < administrator.valid_until:
            continue
        address = _address(administrator.host)
        if address is None:
            named.append(administrator.id)
            continue
        ports = (administrator.management_port, administrator.service_port)
        destinations.update(Destination(address, port) for port in ports)
        administrators.add(address)
    for communication in profiles.communications.values():
        if not communication.valid_from <= at < communication.valid_until:
            continue
        address = _address(communication.host)
        if address is None:
            named.append(communication.id)
        else:
            destinations.add(Destination(address, communication.port))
    return Openings(frozenset(destinations), frozenset(administrators), tuple(sorted(named)))


def _address(host: str) -> Address | None:
    """The address that ``host`` spells, or None for a name.

    What stands behind a per cent sign could be any text, and would stand in the rules as it is: it opens nothing.
    Profiles refuse it already (``wire/profiles/fields.py``).
    """
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return None
    # The kernel dials ::ffff:192.0.2.1 by IPv4, so that is the packet to let out.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
