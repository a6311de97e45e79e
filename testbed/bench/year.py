"""A year of quarter hours as a person is shown it, against the bare query for the same rows.

The rows of three years lie in a real database (SQLCipher), and every answer reads them out of it. The peer is one SQL
query for time, value and status of the same rows over the same encrypted connection, fetched as tuples: nobody who
shows them can do less. Timed in turn with it: the series, the answer of the interface for programs, and the page, both
through the whole application. All figures are processor time of this one process, which has the server's part only.
"""

import gzip
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from http.client import OK
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from han_web.api.routes import PREFIX
from han_web.app import create_app
from han_web.auth import SESSION_COOKIE
from smgw.han.hers import raw
from smgw.han.shown import Resolution
from smgw.metering.tariffs.calendar import QUARTER_HOUR, midnight
from testbed.bench.figures import Figure, paired
from testbed.bench.homes import IMPORT, Homes, Person
from wire.reading import DeviceId

_PERSON: Final = Person("house", DeviceId("1ISK0047110001"))
_OLDEST, _BEGIN, _END = (midnight(date(year, 1, 1)) for year in (2023, 2025, 2026))
_QUERY: Final = (
    "SELECT captured_at, value, status FROM readings WHERE device = ? AND obis = ? AND captured_at BETWEEN ? AND ? "
    "ORDER BY captured_at"
)
_BASE: Final = "https://gateway.local"
_AGAINST: Final = "a bare query for its rows"
_HISTORIES: Final = (
    ("a year in quarter hours", _BEGIN, Resolution.QUARTER_HOUR),
    ("a year in days", _BEGIN, Resolution.DAY),
    ("a year in months", _BEGIN, Resolution.MONTH),
    ("three years in days", _OLDEST, Resolution.DAY),
)
_PAGES: Final = (
    ("page of a year", "year"),
    ("page of a month", "month"),
    ("page of a day", "day"),
    ("all years", "all"),
)
_ROUNDS: Final = 5
_GZIP_LEVEL: Final = 1
"""As nginx has it where nothing is said."""


def run() -> list[Figure]:
    """What a year and three years cost."""
    with tempfile.TemporaryDirectory() as name:
        watch = _Watch()
        with closing(Homes(Path(name), [_PERSON], watch.now)) as homes:
            homes.fill(_PERSON, range(_OLDEST, _END + 1, QUARTER_HOUR))
            return _measured(homes, _Browser(homes, watch))


@dataclass
class _Watch:
    """What time it is for the gateway."""

    at: int = _END

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


class _Browser:
    """Somebody who is logged in, and asks once a second: never too often."""

    def __init__(self, homes: Homes, watch: _Watch) -> None:
        self._watch = watch
        self._client = create_app(homes.port).test_client(use_cookies=False)
        self._headers = {"Cookie": f"{SESSION_COOKIE}={homes.session(_PERSON, watch.now())}"}

    def get(self, address: str) -> bytes:
        """The whole answer."""
        self._watch.at += 1
        response = self._client.get(address, base_url=_BASE, headers=self._headers)
        if response.status_code != OK:
            raise RuntimeError(f"{address} was answered with {response.status_code}")
        return response.get_data()


def _measured(homes: Homes, browser: _Browser) -> list[Figure]:
    view = homes.view(_PERSON)
    figures = []

    def told(what: str, begin: int, ask: Callable[[], object], octets: bytes = b"") -> None:
        ours, theirs = paired(ask, lambda: _bare(homes, begin), rounds=_ROUNDS)
        note = f"{ours * 1e3:.1f} ms over {theirs * 1e3:.1f} ms for {_bare(homes, begin):,} rows"
        if octets:
            small = len(gzip.compress(octets, _GZIP_LEVEL))
            note += f"; {len(octets) / 1000:.0f} kB, which gzip would make {small / 1000:.0f} kB"
        figures.append(Figure(what, ours / theirs, "ratio", _AGAINST, note=note))

    for what, begin, resolution in _HISTORIES:
        span = datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(_END, UTC)
        register = _PERSON.meter.text, str(IMPORT)
        told(f"{what}, series", begin, partial(view.series, *register, resolution, *span))
        asked = {"begin": span[0].isoformat(), "end": span[1].isoformat(), "resolution": resolution.value}
        asked |= dict(zip(("meter", "register"), register, strict=True))
        ask = partial(browser.get, f"{PREFIX}/series?{urlencode(asked)}")
        told(f"{what}, for programs", begin, ask, ask())
    for what, by in _PAGES:
        page = partial(browser.get, f"/history?by={by}&on=2025-06-15")
        told(what, _OLDEST if by == "all" else _BEGIN, page, page())
    return figures


def _bare(homes: Homes, begin: int) -> int:
    with homes.database.read() as connection:
        parameters = (_PERSON.meter.text, IMPORT.to_bytes(), begin, _END)
        return len(raw(connection).execute(_QUERY, parameters).fetchall())
