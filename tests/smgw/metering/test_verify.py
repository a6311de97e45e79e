"""Every check of verification, each with a telegram that only this check refuses."""

from datetime import UTC, datetime, timedelta

import pytest

from smgw.lmn.telegram import Telegram, Value
from smgw.metering.errors import VerificationError, VerificationReason
from smgw.metering.verify import METER_CLOCK_TOLERANCE, verify
from tests.smgw.metering.examples import CAPTURED_AT, EXPORT, IMPORT, METER, Changes, profile, telegram
from wire.obis import Obis
from wire.profiles import MeterProfile
from wire.reading import DeviceId, Reading, Register, Unit


def readings(
    said: Telegram,
    expected: MeterProfile | None = None,
    *,
    before: Reading | None = None,
    at: datetime = CAPTURED_AT,
    clock_valid: bool = True,
) -> list[Reading]:
    def previous(_device: DeviceId, obis: Obis) -> Reading | None:
        return before if before is not None and before.obis == obis else None

    return verify(said, expected or profile(), captured_at=at, previous=previous, clock_valid=clock_valid)


def refusal(said: Telegram, expected: MeterProfile | None = None, **others: object) -> VerificationReason:
    with pytest.raises(VerificationError) as refused:
        readings(said, expected, **others)  # type: ignore[arg-type]
    return refused.value.reason


def earlier(value: int, *, seconds: int = 900, scaler: int = 0, unit: Unit = Unit.WH) -> Reading:
    return Reading(METER, IMPORT, Register(value, scaler, unit), CAPTURED_AT - timedelta(seconds=seconds))


def test_a_believable_telegram_becomes_one_reading_for_each_register() -> None:
    assert readings(telegram(), before=earlier(1_234_000)) == [
        Reading(METER, IMPORT, Register(1_234_567, 0, Unit.WH), CAPTURED_AT, 0x5_0000_0004),
        Reading(METER, EXPORT, Register(0, 0, Unit.WH), CAPTURED_AT, 0x5_0000_0004),
    ]


def test_1_a_profile_that_does_not_hold_now_knows_no_meter() -> None:
    after = profile(valid_until=CAPTURED_AT)
    before = profile(valid_from=CAPTURED_AT + timedelta(seconds=1))
    assert refusal(telegram(), after) is VerificationReason.UNKNOWN_METER
    assert refusal(telegram(), before) is VerificationReason.UNKNOWN_METER


@pytest.mark.parametrize(
    ("late", "interval", "word"),
    [
        (0, 900, 0x5),
        (9, 900, 0x5),
        (10, 900, 0x1005),
        (891, 900, 0x1005),
        (10, 60, 0x1005),
        (5, 60, 0x5),
        (36, 86_400, 0x5),
    ],
)
def test_a_reading_off_the_raster_is_believed_and_says_so(late: int, interval: int, word: int) -> None:
    """PTB-A 50.8, raster: two registrations vary by 1 % of their period at most, 9 s at a quarter-hour."""
    midnight = CAPTURED_AT.replace(hour=0, minute=0, second=0)
    at = midnight + timedelta(seconds=late)
    said = telegram({"0.9.1": None, "0.9.2": None})
    expected = profile(interval_seconds=interval, store_seconds=max(900, interval), valid_from=midnight)
    assert {reading.status >> 32 for reading in readings(said, expected, at=at)} == {word}


def test_2_a_foreign_meter_is_refused() -> None:
    foreign = (Value("99999999", ""),)
    assert refusal(telegram(manufacturer="EMH")) is VerificationReason.WRONG_IDENTITY
    assert refusal(telegram({"C.1.0": foreign, "0.0.0": foreign})) is VerificationReason.WRONG_IDENTITY
    assert refusal(telegram({"C.1.0": None, "0.0.0": None})) is VerificationReason.WRONG_IDENTITY


def test_2_a_short_reaction_time_is_no_other_maker() -> None:
    assert readings(telegram(manufacturer="ISk"))


@pytest.mark.parametrize("text", ["01", "04", "10", "100", "0000FF01", "fatal", "", "-1", "0" * 17])
def test_3_a_fatal_or_unreadable_error_register_is_refused(text: str) -> None:
    assert refusal(telegram({"F.F": (Value(text, ""),)})) is VerificationReason.METER_FATAL


@pytest.mark.parametrize(
    ("time", "date"), [("140001", "260115"), ("12:00:01", "26-01-16"), ("130001", "000101"), ("99", "260115")]
)
def test_4_a_clock_that_jumped_is_refused(time: str, date: str) -> None:
    said = telegram({"0.9.1": (Value(time, ""),), "0.9.2": (Value(date, ""),)})
    assert refusal(said) is VerificationReason.METER_CLOCK


def test_4_the_tolerance_of_the_meter_clock_is_exact() -> None:
    said = telegram()
    expected = profile(valid_until=CAPTURED_AT + timedelta(days=2))
    assert readings(said, expected, at=CAPTURED_AT + METER_CLOCK_TOLERANCE)
    late = CAPTURED_AT + METER_CLOCK_TOLERANCE + timedelta(seconds=1)
    assert refusal(said, expected, at=late) is VerificationReason.METER_CLOCK


def test_4_standard_time_all_year_is_no_jump() -> None:
    summer = datetime(2026, 7, 15, 12, 0, 1, tzinfo=UTC)
    expected = profile(valid_until=summer + timedelta(days=1))
    date = (Value("260715", ""),)
    for hour in ("13:00:01", "14:00:01"):
        said = telegram({"0.9.1": (Value(hour, ""),), "0.9.2": date})
        assert readings(said, expected, at=summer)


def test_4_a_gateway_without_time_says_so_and_compares_nothing() -> None:
    said = telegram({"0.9.2": (Value("000101", ""),)})
    assert readings(said, clock_valid=False)[0].status == 0x205_0000_0004


def test_5_a_missing_register_is_refused_as_a_whole() -> None:
    assert refusal(telegram({"2.8.0": None})) is VerificationReason.MISSING_REGISTER


def test_5_a_historical_value_does_not_stand_in() -> None:
    assert refusal(telegram({"1.8.0": None})) is VerificationReason.MISSING_REGISTER


def test_5_the_same_register_twice_must_say_the_same() -> None:
    value = Value("0001234.567", "kWh")
    assert readings(telegram({"1.8.0": (value, value)}))
    other = (value, Value("0001234.568", "kWh"))
    assert refusal(telegram({"1.8.0": other})) is VerificationReason.AMBIGUOUS_REGISTER
    full: Changes = {"1-0:1.8.0*255": (Value("1.000", "kWh"),)}
    assert refusal(telegram(full)) is VerificationReason.AMBIGUOUS_REGISTER


@pytest.mark.parametrize("unit", ["", "kvarh", "kW", "kwh", "kWh ", "m3", "MWhh"])
def test_6_a_wrong_unit_is_refused(unit: str) -> None:
    assert refusal(telegram({"1.8.0": (Value("0001234.567", unit),)})) is VerificationReason.WRONG_UNIT


@pytest.mark.parametrize("text", ["", "1234,5", "0x12", "1e3", "12 34", "1234.5.6", "NaN", "٣"])
def test_6_what_is_no_decimal_number_is_refused(text: str) -> None:
    assert refusal(telegram({"1.8.0": (Value(text, "kWh"),)})) is VerificationReason.MALFORMED_VALUE


def test_7_time_that_ran_backwards_is_refused() -> None:
    assert refusal(telegram(), before=earlier(1_234_567, seconds=-1)) is VerificationReason.TIME_BACKWARDS
    assert readings(telegram(), before=earlier(1_234_567, seconds=0))


def test_7_a_register_does_not_change_its_unit() -> None:
    assert refusal(telegram(), before=earlier(1, unit=Unit.VARH)) is VerificationReason.WRONG_UNIT


def test_8_a_register_that_runs_backwards_is_refused() -> None:
    assert refusal(telegram(), before=earlier(1_234_568)) is VerificationReason.RUNS_BACKWARDS
    assert readings(telegram(), before=earlier(1_234_567))
    assert refusal(telegram(), before=earlier(123_457, scaler=1)) is VerificationReason.RUNS_BACKWARDS


def test_8_a_register_that_began_again_at_0_did_not_run_backwards() -> None:
    """An overflow: what it advanced is bounded as ever, and all digits of the register count."""
    over = telegram({"1.8.0": (Value("0000000.300", "kWh"),)})
    assert readings(over, before=earlier(9_999_999_900))
    assert refusal(over, before=earlier(9_999_000_000)) is VerificationReason.IMPLAUSIBLE_ADVANCE
    assert refusal(over, before=earlier(999_999_990)) is VerificationReason.RUNS_BACKWARDS
    assert refusal(telegram({"1.8.0": (Value("0.300", "kWh"),)}), before=earlier(9_999_999_900)) is (
        VerificationReason.RUNS_BACKWARDS
    )


def test_9_no_more_than_the_connection_can_carry() -> None:
    # 30 kW for 902 seconds are 7516.67 Wh, and one step of the register more.
    assert readings(telegram(), before=earlier(1_234_567 - 7_517))
    assert refusal(telegram(), before=earlier(1_234_567 - 7_518)) is VerificationReason.IMPLAUSIBLE_ADVANCE


def test_9_power_is_bounded_too() -> None:
    power = Obis.parse("1-0:1.7.0*255")
    expected = profile(registers=(power,))
    assert readings(telegram({"1.7.0": (Value("30.000", "kW"),)}), expected)
    too_much = telegram({"1.7.0": (Value("30.001", "kW"),)})
    assert refusal(too_much, expected) is VerificationReason.IMPLAUSIBLE_ADVANCE


def test_a_refusal_shows_no_consumption() -> None:
    with pytest.raises(VerificationError) as refused:
        readings(telegram(), before=earlier(1_234_568))
    assert "123" not in str(refused.value)
    assert refused.value.obis == IMPORT
