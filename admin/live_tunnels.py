"""Which tunnel of a gateway counts: its newest one that answered.

Decides when a newer tunnel takes the place of an older one. A gateway has one tunnel, so two at once would send one
order twice and mix up the answers; but a connection proves nothing before it answers. A gateway that was told of a new
profile of its administrator dials first to see whether somebody is there, and closes at once (smgw/wan/parts.py): the
tunnel through which it will say so must outlive that. Of several that have not answered yet the newest is heard.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from admin.conversation import End, EndedError
from wire.reading import DeviceId

GIVE_WAY_SECONDS: Final = 10.0
"""For a gateway's older tunnel to give way to its newer one."""


@dataclass(slots=True, eq=False)
class Live:
    """One tunnel that is being served: its number in the table, and whether it is to give way."""

    number: int = 0
    give_way: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)


class LiveTunnels:
    """The tunnels of one server. Thread-safe."""

    def __init__(self) -> None:
        """There is none."""
        self._lock = threading.Lock()
        self._live: dict[str, Live] = {}
        self._knocking: dict[str, Live] = {}

    @property
    def numbers(self) -> list[int]:
        """Numbers of the tunnels that count."""
        with self._lock:
            return [each.number for each in self._live.values()]

    def has(self, gateway: DeviceId) -> bool:
        """Whether a tunnel of ``gateway`` counts now."""
        with self._lock:
            return gateway.text in self._live

    @contextmanager
    def knocking(self, gateway: DeviceId, live: Live) -> Iterator[None]:
        """While ``live`` has not answered yet; one that did not answer before it came is told to give way.

        So a gateway that dials and dials and never answers holds two places, not all of them.
        """
        with self._lock:
            before = self._knocking.get(gateway.text)
            self._knocking[gateway.text] = live
        if before is not None:
            before.give_way.set()
        try:
            yield
        finally:
            with self._lock:
                if self._knocking.get(gateway.text) is live:
                    del self._knocking[gateway.text]

    def take_over(self, gateway: DeviceId, live: Live) -> None:
        """From now on ``live`` counts; returns when the older one is over. Raises EndedError where it does not end."""
        with self._lock:
            older = self._live.get(gateway.text)
            self._live[gateway.text] = live
        if older is not None:
            older.give_way.set()
            if not older.gone.wait(GIVE_WAY_SECONDS):
                raise EndedError(End.OURS, "the gateway's older tunnel did not give way in time")

    def leave(self, gateway: DeviceId, live: Live) -> None:
        """``live`` counts no more, where it did."""
        with self._lock:
            if self._live.get(gateway.text) is live:
                del self._live[gateway.text]
