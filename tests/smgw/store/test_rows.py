from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from smgw.store.rows import columns_of, from_seconds, signed_reading, to_seconds
from tests.smgw.store.samples import IMPORT, METER, START
from wire.reading import Reading, Register, SignedReading, Unit

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)


@given(
    INT64, st.integers(-12, 12), st.sampled_from(Unit), st.integers(0, 2**64 - 1), st.binary(min_size=64, max_size=64)
)
def test_a_row_is_the_reading_exactly(value: int, scaler: int, unit: Unit, status: int, signature: bytes) -> None:
    signed = SignedReading(Reading(METER, IMPORT, Register(value, scaler, unit), START, status), signature)
    columns = columns_of(signed)
    assert -(2**63) <= int(columns["status"]) < 2**63, "what SQLite holds"
    assert signed_reading(SimpleNamespace(**columns)) == signed


@given(st.integers(0, 2**33))
def test_times_are_whole_seconds(seconds: int) -> None:
    instant = from_seconds(seconds)
    assert to_seconds(instant) == to_seconds(instant.replace(microsecond=999_999)) == seconds
