"""Step 3 of the walk: a telegram that a meter profile expects becomes readings, or is refused with a reason.

Decides whether the gateway believes a meter. It never repairs: one check that fails refuses the whole telegram. What it
cannot decide: IEC 62056-21 has no cryptographic authenticity. Whoever can write on the line can answer in the meter's
name with plausible numbers, and a password in clear protects nothing. These checks find faults, mistaken meters and
clumsy manipulation; sealed cables and the meter's own seal have to do the rest (docs/deviations.md).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from smgw.access.schedule import served_point
from smgw.lmn.telegram import Telegram, Value
from smgw.metering import quantities, status
from smgw.metering.errors import VerificationError, VerificationReason
from smgw.metering.tariffs.calendar import ZONE
from smgw.metering.turnover import turned_over
from wire.errors import Iec62056Error
from wire.meter.iec62056 import values
from wire.obis import Obis
from wire.profiles import MeterProfile
from wire.reading import DeviceId, Reading, Unit, require_utc_seconds

Previous = Callable[[DeviceId, Obis], Reading | None]
"""The newest reading of a register of a meter that was believed, stored or not, if there is one."""

METER_CLOCK_TOLERANCE: Final = timedelta(minutes=15)
"""One load profile interval: a drift beyond it would book energy on the wrong one."""
CAPTURE_UNCERTAINTY_SECONDS: Final = 2
"""Both captures are truncated to whole seconds, and a register is some hundred milliseconds old when it is sent."""

_IDENTITIES: Final = ("C.1.0", "C.1", "0.0.0", "0.0")
"""Where meters report who they are: the maker's serial number, and the owner's, which may be another."""
_ERROR_REGISTER: Final = ("F.F", "F.F.0")
_METER_TIMES: Final = ("0.9.1", "1-0:0.9.1")
_METER_DATES: Final = ("0.9.2", "1-0:0.9.2")
_NOT_DIGIT = re.compile(r"[^0-9]")
_STANDARD_TIME: Final = timedelta(hours=1)
_JOULE_FACTOR: Final = 3600
_ENERGY_UNITS: Final = (Unit.WH, Unit.VARH, Unit.VAH)
_POWER_UNITS: Final = (Unit.W, Unit.VAR, Unit.VA)


def verify(
    telegram: Telegram, profile: MeterProfile, *, captured_at: datetime, previous: Previous, clock_valid: bool
) -> list[Reading]:
    """One reading for each register of ``profile``, captured at ``captured_at`` (aware UTC, whole seconds).

    1. the profile is valid at that time; 2. the maker and the serial number are the profile's; 3. the meter reports no
    fatal error; 4. its clock, if it shows one, agrees with the gateway's; then for each register: 5. it is there, once;
    6. it has a unit that its OBIS code allows and is a decimal number; 7. time has not run backwards since the newest
    reading; 8. the register has not either, or it began again at 0 (``turnover.py``); 9. it has not advanced by more
    than ``maximum_power_watts`` allow.
    Raises VerificationError.
    """
    require_utc_seconds(captured_at)
    # 1
    if not profile.valid_from <= captured_at < profile.valid_until:
        raise VerificationError(VerificationReason.UNKNOWN_METER)
    # 2
    _require_identity(telegram, profile)
    # PTB-A 50.8, raster: two registrations vary by 1 % of their period at most. A reading that lies outside is believed
    # as the original value that it is, says so in its status, and stands for no instant (smgw/access/schedule.py).
    on_raster = served_point(captured_at, profile.interval_seconds) is not None
    # 3
    try:
        word = status.status_word(
            clock_valid=clock_valid, meter_error=_text(telegram, _ERROR_REGISTER), on_raster=on_raster
        )
    except status.FatalMeterError as error:
        raise VerificationError(VerificationReason.METER_FATAL) from error
    # 4, unless the gateway itself does not know the time: then no comparison means anything, and the status says so.
    if clock_valid:
        _require_meter_time(telegram, captured_at)
    readings = []
    for obis in profile.registers:
        reading, digits = _reading(telegram, profile, obis, captured_at, word)
        before = previous(profile.meter, obis)
        if before is not None:
            _require_continuity(before, reading, profile.maximum_power_watts, digits)
        readings.append(reading)
    return readings


def _require_identity(telegram: Telegram, profile: MeterProfile) -> None:
    """The third letter of the maker may be lower case: it announces a short reaction time, not another maker."""
    if telegram.manufacturer.upper() != profile.manufacturer.upper():
        raise VerificationError(VerificationReason.WRONG_IDENTITY)
    reported = {value.text.strip() for name in _IDENTITIES for value in telegram.values(name)}
    if profile.identity not in reported:
        raise VerificationError(VerificationReason.WRONG_IDENTITY)


def _text(telegram: Telegram, names: tuple[str, ...]) -> str | None:
    for name in names:
        for value in telegram.values(name):
            return value.text
    return None


def _require_meter_time(telegram: Telegram, captured_at: datetime) -> None:
    """Meters keep legal time or standard time all year; both are taken for the instant that they may mean."""
    time_text, date_text = _text(telegram, _METER_TIMES), _text(telegram, _METER_DATES)
    if time_text is None or date_text is None:
        return
    digits = (_NOT_DIGIT.sub("", date_text)[-6:] + _NOT_DIGIT.sub("", time_text)).ljust(12, "0")
    try:
        shown = datetime.strptime(digits, "%y%m%d%H%M%S")  # noqa: DTZ007 - the zone is what is in question here
    except ValueError as error:
        raise VerificationError(VerificationReason.METER_CLOCK) from error
    meant = [shown.replace(tzinfo=ZONE, fold=fold).astimezone(UTC) for fold in (0, 1)]
    meant.append(shown.replace(tzinfo=UTC) - _STANDARD_TIME)
    if min(abs(instant - captured_at) for instant in meant) > METER_CLOCK_TOLERANCE:
        raise VerificationError(VerificationReason.METER_CLOCK)


def _reading(
    telegram: Telegram, profile: MeterProfile, obis: Obis, captured_at: datetime, word: int
) -> tuple[Reading, int]:
    """The reading of one register, and how many digits the register showed."""
    # 5
    found: set[Value] = set(telegram.register(obis))
    if not found:
        raise VerificationError(VerificationReason.MISSING_REGISTER, obis)
    if len(found) > 1:
        raise VerificationError(VerificationReason.AMBIGUOUS_REGISTER, obis)
    value = found.pop()
    # 6
    try:
        unit, power = values.unit_of(value.unit)
    except Iec62056Error as error:
        raise VerificationError(VerificationReason.WRONG_UNIT, obis) from error
    if unit is not quantities.expected_unit(obis):
        raise VerificationError(VerificationReason.WRONG_UNIT, obis)
    try:
        register = values.scaled(value.text, unit, power)
    except Iec62056Error as error:
        raise VerificationError(VerificationReason.MALFORMED_VALUE, obis) from error
    # 9, for what is power already
    if unit in _POWER_UNITS and abs(register.exact()) > profile.maximum_power_watts:
        raise VerificationError(VerificationReason.IMPLAUSIBLE_ADVANCE, obis)
    digits = sum(character.isdigit() for character in value.text)
    return Reading(profile.meter, obis, register, captured_at, word), digits


def _require_continuity(before: Reading, now: Reading, maximum_power_watts: int, digits: int) -> None:
    # 7
    if now.captured_at < before.captured_at:
        raise VerificationError(VerificationReason.TIME_BACKWARDS, now.obis)
    if now.register.unit is not before.register.unit:
        raise VerificationError(VerificationReason.WRONG_UNIT, now.obis)
    if not quantities.counts_up(now.obis):
        return
    # 8: a register that shows so many digits begins again at 0; 9 bounds what it advanced then as ever.
    advance = now.register.exact() - before.register.exact()
    turnover = 10**digits
    if advance < 0 and now.register.scaler == before.register.scaler:
        over = turned_over(before.register.value, now.register.value, turnover)
        advance += Decimal(turnover).scaleb(now.register.scaler) if over else 0
    if advance < 0:
        raise VerificationError(VerificationReason.RUNS_BACKWARDS, now.obis)
    # 9: one step of the coarser register more, because a register shows only whole steps.
    step = Decimal(1).scaleb(max(now.register.scaler, before.register.scaler))
    seconds = int((now.captured_at - before.captured_at).total_seconds()) + CAPTURE_UNCERTAINTY_SECONDS
    if now.register.unit in _ENERGY_UNITS and (advance - step) * _JOULE_FACTOR > maximum_power_watts * seconds:
        raise VerificationError(VerificationReason.IMPLAUSIBLE_ADVANCE, now.obis)
