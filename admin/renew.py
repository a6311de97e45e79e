"""Renewal of operational certificates: the walk of ``enrolment.py``, for gateways that operate, before theirs are over.

Decides whose turn it is: gateways whose earliest certificate ends within a period, the most urgent first. One gateway
that does not answer keeps no other from its turn; what became of each is told.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from admin.enrolment import Walk, walk_on
from admin.errors import AdminError, EnrolmentError, EnrolmentReason
from admin.inventory import GatewayRecord, LifeCycle
from pki.certificates import load_certificate
from pki.errors import TrustError

DEFAULT_DAYS: Final = 60
"""Two months before the end of two years: time for a gateway that is not reached at once."""
LONGEST_DAYS: Final = 3660
"""Ten years: no certificate of a gateway holds for so long, so all of them are due."""


@dataclass(frozen=True, slots=True)
class Due:
    """A gateway whose certificates end soon, and when the first of them does."""

    record: GatewayRecord
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of one gateway; ``failure`` is empty where all went well."""

    gateway: str
    failure: str = ""


def ends_at(record: GatewayRecord) -> datetime | None:
    """When the first of a gateway's certificates is over; None where it has none."""
    return min((load_certificate(der).not_valid_after_utc for der in record.certificates.values()), default=None)


def due(records: Iterable[GatewayRecord], within: timedelta, at: datetime) -> list[Due]:
    """Operating gateways whose certificates end before ``at`` + ``within``, the most urgent first."""
    found = [
        Due(record, end)
        for record in records
        if record.state is LifeCycle.OPERATING and (end := ends_at(record)) is not None and end < at + within
    ]
    return sorted(found, key=lambda each: (each.ends_at, each.record.gateway.text))


def renew(walk: Walk) -> None:
    """New keys and certificates for one gateway. Raises EnrolmentError (STATE unless it operates), InventoryError."""
    if walk.record.state is not LifeCycle.OPERATING:
        sentence = f"{walk.gateway} is {walk.record.state}: smgw-admin enrol {walk.gateway} comes first"
        raise EnrolmentError(EnrolmentReason.STATE, sentence)
    walk_on(walk)


def renew_all(gateways: Iterable[Due], walk_of: Callable[[GatewayRecord], Walk]) -> Iterator[Renewed]:
    """Renew one after the other, telling what became of each."""
    for each in gateways:
        failure = ""
        try:
            renew(walk_of(each.record))
        except (AdminError, TrustError) as error:
            failure = str(error)
        yield Renewed(each.record.gateway.text, failure)
