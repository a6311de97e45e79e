"""Which revocation lists the server brings to a gateway by itself: newer ones, before anything else.

Decides what is due: the current lists of our own trust folder that are newer than what the gateway tells and than what
it was ever given. A gateway fetches none (TR-03109-4), and without a current list it believes nobody: it would hear no
wake-up any more, so this waits for no person. Each list is brought to a gateway once; one that it refuses is not
brought again, only its successor. Nothing is known of a gateway that names no authority: it is brought nothing.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from admin.office import Office
from admin.orders import OrderRecord, OrderState
from pki.certificates import TrustStore
from pki.errors import CertificateError
from pki.revocation_lists import MAXIMUM_LISTS, mark_and_number, newer
from wire.canonical_json import JsonObject
from wire.orders import InstallRevocationLists
from wire.orders.commands import MAXIMUM_REVOCATION_LIST_BYTES
from wire.reading import DeviceId

LISTS: Final = "revocation_lists"
"""Where a gateway's status has its lists, by the key identifier of the authority (smgw/report.py)."""
LOOK_SECONDS: Final = 0.5
"""How long an answer to "which lists lie in our folder" is good; one look serves all tunnels."""
REMEMBERED: Final = 16
"""So many of the latest orders are searched for what was brought before; lists only ever get newer."""
MAXIMUM_OCTETS: Final = 700_000
"""Of all lists in one order: a third more in its text, and below the largest order. The rest goes in another."""
MAXIMUM_DIGITS: Final = 40
"""Of a number: twenty octets (RFC 5280 5.2.3). What is longer was not told by a gateway of ours."""
NONE: Final = -1
"""Below every number: the authority is known, and no list of it."""

_log = logging.getLogger(__name__)


class ListCourier:
    """Brings lists to gateways, by orders; one object for all tunnels. Thread-safe."""

    def __init__(self, office: Office, by: str, monotonic: Callable[[], float]) -> None:
        """``by`` stands in the audit log."""
        self._office = office
        self._by = by
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked: tuple[float, TrustStore] | None = None

    def store(self) -> TrustStore:
        """What lies in our trust folder; another object when it changed. Raises CertificateError."""
        with self._lock:
            now = self._monotonic()
            if self._looked is None or now - self._looked[0] >= LOOK_SECONDS:
                self._looked = (now, self._office.trust())
            return self._looked[1]

    def bring(self, gateway: DeviceId, at: datetime) -> None:
        """Queue what is due for ``gateway``: nothing, or one order, or more where they are large.

        Raises StorageError, InventoryError, CertificateError.
        """
        trust, has = self.store(), self._has(gateway)
        due: list[bytes] = []
        for mark, number, data in _good(trust, at):
            if mark not in has or number <= has[mark]:
                continue
            if len(due) == MAXIMUM_LISTS or sum(map(len, due)) + len(data) > MAXIMUM_OCTETS:
                self._queue(gateway, due, at)
                due = []
            due.append(data)
        if due:
            self._queue(gateway, due, at)

    def _queue(self, gateway: DeviceId, lists: list[bytes], at: datetime) -> None:
        self._office.orders.queue(gateway, InstallRevocationLists(tuple(lists)), self._by, at)

    def _has(self, gateway: DeviceId) -> dict[str, int]:
        """The number of each list that the gateway tells of, was given, or is about to be given, by authority."""
        status = self._office.reports.status(gateway)
        has = {} if status is None else told(status.document)
        for record in self._office.orders.latest(gateway, InstallRevocationLists.KIND, REMEMBERED):
            if not self._counts(record) or not isinstance(record.command, InstallRevocationLists):
                continue
            for data in record.command.lists:
                try:
                    mark, number = mark_and_number(data)
                except CertificateError:
                    continue  # a person may order what is no list; the gateway has refused it
                has[mark] = max(number, has.get(mark, NONE))
        return has

    def _counts(self, record: OrderRecord) -> bool:
        """Ours always, whatever the gateway said to it; another's unless it failed."""
        return record.by == self._by or record.state is not OrderState.FAILED


def told(status: JsonObject) -> dict[str, int]:
    """The number of the list of each authority, out of a gateway's status; what cannot be read was not told."""
    lists = status.get(LISTS)
    found: dict[str, int] = {}
    for mark, entry in lists.items() if isinstance(lists, dict) else ():
        number = entry.get("number", "") if isinstance(entry, dict) else ""
        if number is None:
            found[mark] = NONE
        elif isinstance(number, str) and number.isalnum() and len(number) <= MAXIMUM_DIGITS:
            try:
                found[mark] = int(number, 16)
            except ValueError:
                continue
    return found


def _good(trust: TrustStore, at: datetime) -> list[tuple[str, int, bytes]]:
    """Authority, number and DER of the lists that a gateway with our authorities would believe."""
    found = []
    for crl in trust.crls:
        data = crl.public_bytes(Encoding.DER)
        try:
            newer(trust, [data], at)
        except CertificateError as error:
            _log.info("a list of our trust folder is not brought to gateways: %s", error)
            continue
        if len(data) > MAXIMUM_REVOCATION_LIST_BYTES:
            _log.warning("a list of our trust folder has %d octets: too large for any order", len(data))
            continue
        found.append((*mark_and_number(data), data))
    return found
