"""Names on the two connections between a gateway and its administrator: resources, media types, sizes.

Decides nothing; both ends must only say the same. On the management tunnel the gateway dials and the roles reverse: the
administrator asks, the gateway serves (TR-03109-1, MANAGEMENT). On the service connection the gateway asks
(ADMIN-SERVICE, NTP-HTTPS). The TR's own resource tree is not public (docs/deviations.md). There is no resource for
consumption data and none for the consumer log (PP-0073 FAU_SAR.1/CON): the gateway refuses whatever asks for them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wire.orders import MAX_ORDER_BYTES

# The management tunnel: the gateway's resources.
ORDERS = "/orders"
"""POST: CMS SignedData by the administrator's SIG key over ``Order.to_bytes()``; 200 or 422 with a ``Reply``."""
FIRMWARE = "/firmware"
"""PUT: a firmware package, staged only; an order activates it."""
STATUS = "/status"
"""GET: a JSON object."""
SYSTEM_LOG = "/logs/system"
"""GET: a page of the system log, ``{"entries": [...]}``; ``?after=N`` gives what came after entry N. An entry has every
field of the log schema, its hash in the chain and its ``text`` in German and English (``de``, ``en``)."""
CALIBRATION_LOG = "/logs/calibration"
"""GET: a page of the calibration log (eichtechnisches Log), as above."""
AFTER = "after"
"""Query parameter of the logs: the number of the last entry that is known already."""
LAST_RECORD = 10**18 - 1
"""The highest record number that can be asked for: eighteen digits."""
PAGE_ENTRIES = 500
"""Entries of a log in one answer; some 350 kB."""

# The service connection: the administrator's resources.
NOTIFICATIONS = "/notifications"
"""POST: a ``Notification``; 200 with ``{"result": "stored"}`` or ``{"result": "duplicate"}``."""
TIME = "/time"
"""POST: an NTP packet each way, 48 octets."""
RELAY = "/relay"
"""POST: a pseudonymous delivery, sealed for its receiver."""

JSON = "application/json"
CMS = "application/cms"
"""RFC 7193."""
PACKAGE = "application/octet-stream"
NTP = "application/octet-stream"
"""No media type is registered for an NTP packet."""

MAX_SIGNED_ORDER_BYTES = MAX_ORDER_BYTES + 65536
"""An order and what CMS puts around it: a signature, the signer's certificate and its chain."""
MAX_PACKAGE_BYTES = 64 * 1024 * 1024
"""A built wheel set with everything that it depends on has some 20 MB."""
MAX_ANSWER_BYTES = 1024 * 1024
"""The largest answer of a gateway is a page of a log."""
LARGER_BODIES: Mapping[tuple[str, str], int] = MappingProxyType(
    {("POST", ORDERS): MAX_SIGNED_ORDER_BYTES, ("PUT", FIRMWARE): MAX_PACKAGE_BYTES}
)
"""What may be larger than other requests on the management tunnel, for ``HttpServer(larger_bodies=...)``."""
