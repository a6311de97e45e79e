from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smgw.store.log_entry import columns_of, entry_of, text_of
from tests.proof.test_entry import ENTRY
from tests.smgw.store.samples import START


def test_an_entry_comes_back_from_its_row_exactly() -> None:
    row: Any = SimpleNamespace(**columns_of(ENTRY))
    assert entry_of(row) == ENTRY
    again = START + timedelta(seconds=9)
    counted = entry_of(row, last_at=int(again.timestamp()), repetition_count=2)
    assert counted == replace(ENTRY, last=again, repetition_count=2)


@given(parameters=st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=4))
def test_parameters_have_one_spelling(parameters: dict[str, str | int]) -> None:
    assert text_of(parameters) == text_of(dict(reversed(parameters.items())))
    assert text_of(parameters).isascii()
