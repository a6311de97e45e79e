"""What holds at this moment: her power, and what she drew and fed in today, this month and this year.

Decides where a power comes from: the meter's own word where it says one (OBIS 16.7.0 or 1.7.0 and 2.7.0), else the mean
between its last two readings, and that both may be ones that are never stored and lie in the gateway's memory only
(TR-03109-1, TAF-14). A period so far is compared with as much time of the period before, of each meter with as much as
it tells of this one; where that ended between two readings, as much of the energy between them counts as of the time,
else the newest one before: of a day not further away than an hour, of a month or a year than a day. With a period that
her time does not reach back to nothing is compared. Nothing is extrapolated, and nothing read before or after her time
is used (FDP_ACF.1).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from smgw.han.hers import HerMeter
from smgw.han.history import Row, first_row, last_row
from smgw.han.parts import before, part_of
from smgw.han.shown import WATT, WATT_HOUR, Amount, Compared, Power, Resolution
from smgw.metering.turnover import advance
from smgw.store.rows import to_seconds
from wire.obis import CURRENT_VALUE, Obis
from wire.reading import DeviceId, Reading

_IMPORT, _EXPORT, _NET = 1, 2, 16
_COUNT, _NOW = 8, 7
_TOTAL: Final = 0
_SLACK: Final = {Resolution.DAY: 3600, Resolution.MONTH: 86400, Resolution.YEAR: 86400}
"""How far a reading may be from the moment that it stands for, in seconds."""
_HOUR: Final = 3600

Heard = Callable[[DeviceId, Obis], Reading | None]
"""The newest reading of a register in the gateway's memory (``Gateway.heard``). It opens no connection of its own: with
two for each who asks, as many as there are connections would wait for one another for ever."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Questions about one moment; ``meters`` are hers."""

    connection: sa.Connection
    heard: Heard
    meters: Sequence[HerMeter]
    at: int

    def powers(self) -> tuple[Power, ...]:
        """The power of each meter that measures her now and tells one."""
        return tuple(power for meter in self._present() for power in self._of(meter))

    def compared(self, quantity: int) -> tuple[Compared, ...]:
        """Day, month and year of what was drawn (1) or fed in (2); nothing where no meter of hers counts that."""
        counting = [(meter, register) for meter in self.meters if (register := _total(meter, quantity)) is not None]
        if not counting:
            return ()
        return tuple(self._compared(one, counting) for one in (Resolution.DAY, Resolution.MONTH, Resolution.YEAR))

    def drawn(self) -> tuple[Compared, ...]:
        """What came in."""
        return self.compared(_IMPORT)

    def fed_in(self) -> tuple[Compared, ...]:
        """What went out."""
        return self.compared(_EXPORT)

    def _present(self) -> list[HerMeter]:
        return [one for one in self.meters if one.measured.since <= self.at < one.measured.until]

    def _newest(self, meter: HerMeter, register: Obis) -> Row | None:
        """The newest reading in her time and not after this moment, stored or not."""
        stored = last_row(self.connection, meter, register, meter.measured.span.begin, self.at)
        heard = self.heard(meter.measured.span.device, register)
        if heard is None:
            return stored
        second = to_seconds(heard.captured_at)
        low, high = meter.clip(0, self.at)
        if not low <= second <= high or (stored is not None and second <= stored[0]):
            return stored
        return (second, heard.register.value, heard.status, heard.register.scaler, int(heard.register.unit))

    def _of(self, meter: HerMeter) -> list[Power]:
        said = [
            (register, row)
            for register in meter.measured.profile.registers
            if register.d == _NOW and register.f == CURRENT_VALUE and register.c in {_IMPORT, _EXPORT, _NET}
            if (row := self._newest(meter, register)) is not None and row[4] == WATT
        ]
        net = [(register, row) for register, row in said if register.c == _NET]
        powers = [
            Power(meter.device, Amount(abs(row[1]), row[3], WATT), row[0], 0, register.c != _EXPORT and row[1] >= 0)
            for register, row in net or said
        ]
        if not powers:
            powers = [
                power
                for quantity in (_IMPORT, _EXPORT)
                if (register := _total(meter, quantity)) is not None
                if (power := self._averaged(meter, register)) is not None
            ]
        # Who draws feeds nothing in: of two registers one stands still, and tells nothing.
        return [one for one in powers if one.amount.value] or powers[:1]

    def _averaged(self, meter: HerMeter, register: Obis) -> Power | None:
        last = self._newest(meter, register)
        if last is None or last[4] != WATT_HOUR:
            return None
        former = last_row(self.connection, meter, register, meter.measured.span.begin, last[0] - 1)
        went = None if former is None else _went(former, last)
        if former is None or went is None:
            return None
        energy, scaler = went
        seconds = last[0] - former[0]
        # To a whole unit of the register's last digit, the nearest one.
        watts = (energy * _HOUR + seconds // 2) // seconds
        return Power(meter.device, Amount(watts, scaler, WATT), last[0], seconds, register.c == _IMPORT)

    def _compared(self, resolution: Resolution, counting: Sequence[tuple[HerMeter, Obis]]) -> Compared:
        begin, _ = part_of(resolution, self.at)
        former = before(resolution, begin)
        slack = _SLACK[resolution]
        newest = {
            (meter, register): row[0]
            for meter, register in counting
            if (row := self._newest(meter, register)) is not None and row[0] > begin
        }
        reached = max(newest.values(), default=begin)
        if reached <= begin:
            return Compared(resolution, begin, None, None)
        now = self._sum([(*one, reached) for one in counting], begin, slack, live=True)
        # Who was not measured yet when the former period began would be compared with a part of it.
        if min(meter.measured.since for meter, _ in counting) > former + slack:
            return Compared(resolution, begin, now, None)
        # One that was read an hour ago tells an hour less of this period; one that is no longer hers ended by itself.
        present = self._present()
        ends = [newest.get(one, reached) if one[0] in present else reached for one in counting]
        then = [(*one, min(former + end - begin, begin)) for one, end in zip(counting, ends, strict=True)]
        return Compared(resolution, begin, now, self._sum(then, former, slack, live=False))

    def _sum(
        self, counting: Sequence[tuple[HerMeter, Obis, int]], begin: int, slack: int, *, live: bool
    ) -> Amount | None:
        """The advance of each from ``begin`` to its end; none where one of them cannot tell, or nobody was measured."""
        went: list[tuple[int, int]] = []
        for meter, register, end in counting:
            since, until = meter.measured.since, meter.measured.until
            if since >= end or until <= begin:
                continue
            opening = first_row(self.connection, meter, register, begin, begin + meter.tolerance)
            if opening is None and since > begin:
                opening = first_row(self.connection, meter, register, since, end)
            last = min(end, until - 1)
            closing = self._newest(meter, register) if live else None
            if closing is None or closing[0] > last:
                closing = last_row(self.connection, meter, register, last - slack, last + meter.tolerance)
            if opening is None or closing is None or closing[0] < opening[0]:
                return None
            told = _went(opening, closing)
            if told is None:
                return None
            went.append(told)
            if not live and closing[0] < last:
                went.append(self._share(meter, register, closing, last, slack))
        if not went:
            return None
        scaler = min(one for _, one in went)
        return Amount(sum(energy * int(10 ** (one - scaler)) for energy, one in went), scaler, WATT_HOUR)

    def _share(self, meter: HerMeter, register: Obis, closing: Row, end: int, slack: int) -> tuple[int, int]:
        """What went from ``closing`` to ``end``: as much of the way to the next reading as of the time until it."""
        later = first_row(self.connection, meter, register, end, end + slack)
        went = None if later is None else _went(closing, later)
        if later is None or went is None:
            return 0, closing[3]
        energy, scaler = went
        return energy * (end - closing[0]) // (later[0] - closing[0]), scaler


def _went(former: Row, later: Row) -> tuple[int, int] | None:
    """How far a register went, and in which power of ten; None where it ran backwards."""
    scaler = min(former[3], later[3])
    values = [row[1] * int(10 ** (row[3] - scaler)) for row in (former, later)]
    went = advance(*values)
    return (went, scaler) if went >= 0 and former[4] == later[4] else None


def _total(meter: HerMeter, quantity: int) -> Obis | None:
    """The register in which ``meter`` counts everything that came in (1) or went out (2)."""
    for one in meter.measured.profile.registers:
        if (one.c, one.d, one.e, one.f) == (quantity, _COUNT, _TOTAL, CURRENT_VALUE):
            return one
    return None
