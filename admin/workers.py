"""One thread for each tunnel that a gateway opened, and never more threads than a bound.

Decides how many gateways are served at once and that nobody waits for a slow one: connections are taken by one thread,
the handshake is made by the thread that will serve the tunnel. Where every place is taken, further gateways wait in the
kernel's queue and time out at their own end; they come again. When places get few, one address that opens connections
and makes no handshake does not get the last of them. It knows nothing of what is said in a tunnel.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from pki.acceptor import AcceptedTunnel, Acceptor, Address, Incoming
from pki.errors import TunnelError

MAXIMUM_TUNNELS: Final = 256
"""Tunnels of one server at once: a run over 200 gateways has room, and threads and connections stay bounded."""
FEW: Final = 4
"""Places are few when less than one in so many is free; then one address may hold one in so many by handshakes that are
not made yet. Below, nobody is counted: many gateways may stand behind one address."""
HANDSHAKE_SECONDS: Final = 15.0
"""A gateway's token signs in milliseconds, a mobile connection needs seconds; an idler gets his place for no longer."""
LOOK_SECONDS: Final = 0.5
"""How often the accepting thread looks whether it is to stop."""

Serve = Callable[[AcceptedTunnel, threading.Event], None]
"""Serves one tunnel until it ends or the event is set; whoever called it closes the tunnel."""
Refused = Callable[[Address, TunnelError], None]
"""Hears of somebody with whom no handshake was made."""

_log = logging.getLogger(__name__)


class Workers:
    """Serves everybody who dials one acceptor."""

    def __init__(
        self,
        name: str,
        acceptor: Acceptor,
        serve: Serve,
        *,
        refused: Refused = lambda _address, _error: None,
        limit: int = MAXIMUM_TUNNELS,
    ) -> None:
        """Name the server for logs; nothing is accepted before :meth:`start`. ``refused`` hears who was not let in."""
        self._refused = refused
        self._name = name
        self._acceptor = acceptor
        self._serve = serve
        self._places = threading.BoundedSemaphore(limit)
        self._share = max(1, limit // FEW)
        self._many = limit - self._share
        self._shaking: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._working: set[threading.Thread] = set()
        self._accepting = threading.Thread(target=self._accept, name=f"{name} accepts", daemon=True)

    @property
    def busy(self) -> int:
        """How many connections are being served now, handshakes included."""
        with self._lock:
            return len(self._working)

    def start(self) -> None:
        """Begin to accept."""
        self._accepting.start()

    def stop(self, timeout: float) -> int:
        """Accept nobody any more and let every tunnel end in order; gives how many did not within ``timeout``."""
        self._stopping.set()
        self._acceptor.close()
        deadline = time.monotonic() + timeout
        self._accepting.join(timeout)
        with self._lock:
            working = list(self._working)
        for thread in working:
            thread.join(max(0.0, deadline - time.monotonic()))
        return self.busy

    def _accept(self) -> None:
        while not self._stopping.is_set():
            # The place first: a connection that nobody could serve is better left in the kernel's queue.
            if not self._places.acquire(timeout=LOOK_SECONDS):
                continue
            incoming = self._acceptor.accept(LOOK_SECONDS)
            if incoming is None:
                self._places.release()
                continue
            if not self._begin(incoming.address[0]):
                _log.warning("%s: %s holds its share of places without a handshake", self._name, incoming.address[0])
                incoming.close()
                self._places.release()
                continue
            thread = threading.Thread(target=self._work, args=(incoming,), name=f"{self._name} tunnel", daemon=True)
            with self._lock:
                self._working.add(thread)
            try:
                thread.start()
            except RuntimeError:
                # The system gives no more threads: this one is sent away, the next may find a place.
                _log.exception("%s: no thread for another tunnel", self._name)
                incoming.close()
                self._shaken(incoming.address[0])
                self._leave(thread)

    def _begin(self, address: str) -> bool:
        """Count a handshake of ``address``, unless places are few and it holds its share of them by handshakes."""
        with self._lock:
            if len(self._working) >= self._many and self._shaking[address] >= self._share:
                return False
            self._shaking[address] += 1
            return True

    def _shaken(self, address: str) -> None:
        with self._lock:
            self._shaking[address] -= 1
            if not self._shaking[address]:
                del self._shaking[address]

    def _work(self, incoming: Incoming) -> None:
        try:
            self._use(incoming)
        except Exception:  # noqa: BLE001 - logged with its trace, and a thread has nobody above it
            # The one place where anything may arrive: a fault with one gateway must not take a place for ever.
            _log.exception("%s: the tunnel from %s:%s failed", self._name, *incoming.address)
        finally:
            self._leave(threading.current_thread())

    def _use(self, incoming: Incoming) -> None:
        try:
            tunnel = incoming.shake_hands(HANDSHAKE_SECONDS)
        except TunnelError as error:
            _log.warning("%s: %s:%s refused: %s: %s", self._name, *incoming.address, error.reason.value, error)
            self._refused(incoming.address, error)
            return
        finally:
            self._shaken(incoming.address[0])
        try:
            self._serve(tunnel, self._stopping)
        finally:
            tunnel.close()

    def _leave(self, thread: threading.Thread) -> None:
        with self._lock:
            self._working.discard(thread)
        self._places.release()
