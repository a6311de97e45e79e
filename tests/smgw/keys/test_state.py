import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.errors import CertificateError, CertificateReason
from smgw.keys.state import ENTRIES, HIGHEST_GENERATION, TABLE, Action, KeyState, Phase, read_state, write_state

STATES = [
    KeyState(),
    KeyState(1, Phase.GENERATING, 2, 2),
    KeyState(2, Phase.PENDING, 4, 4),
    KeyState(2, Phase.DISCARDING, 3, 3),
    KeyState(1, Phase.INSTALLING, 2, 2),
    KeyState(1, Phase.WITHDRAWING, 2, 2),
    KeyState(3, Phase.RETIRING, 1, 3),
    KeyState(3, Phase.SETTLED, None, 7),
]


def test_the_table_is_whole_and_leads_to_rest() -> None:
    assert set(TABLE) == set(Phase)
    for phase, row in TABLE.items():
        assert (row.action is None) is (phase in ENTRIES), "what is at rest has no action, and only there orders begin"
        for reached in (row.done, row.lost):
            following = reached
            for _ in Phase:
                following = TABLE[following].done
            assert following in ENTRIES, f"{phase} ends at rest"


def test_keys_are_destroyed_only_while_another_generation_is_in_use() -> None:
    destroying = {phase for phase, row in TABLE.items() if row.action is Action.DESTROY_KEYS}
    assert destroying == {Phase.DISCARDING, Phase.RETIRING}
    for phase in destroying:
        with pytest.raises(CertificateError):
            KeyState(2, phase, 2, 2)
    # The former keys only after the switch, the next ones only before it.
    with pytest.raises(CertificateError):
        KeyState(1, Phase.RETIRING, 2, 2)
    with pytest.raises(CertificateError):
        KeyState(2, Phase.DISCARDING, 1, 2)


def test_a_renewal_by_the_table() -> None:
    state = KeyState().begin(Phase.GENERATING)
    assert state == KeyState(1, Phase.GENERATING, 2, 2)
    assert state.lost() == KeyState(1, Phase.DISCARDING, 2, 2)
    assert state.lost().done() == KeyState(1, Phase.SETTLED, None, 2)
    assert state.lost().done().begin(Phase.GENERATING).other == 3
    waiting = state.done()
    installing = waiting.begin(Phase.INSTALLING)
    assert installing.lost().done() == waiting
    switched = installing.done()
    assert switched == KeyState(2, Phase.RETIRING, 1, 2)
    assert switched.lost() == switched
    assert switched.done() == KeyState(2, Phase.SETTLED, None, 2)


def test_only_what_the_table_names_begins() -> None:
    for state in STATES:
        for phase in Phase:
            if phase in ENTRIES.get(state.phase, ()):
                assert state.begin(phase).phase is phase
            else:
                with pytest.raises(RuntimeError):
                    state.begin(phase)
    with pytest.raises(RuntimeError):
        replace(KeyState(), highest=HIGHEST_GENERATION).begin(Phase.GENERATING)


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_read_as_it_was_written(tmp_path: Path, state: KeyState) -> None:
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert KeyState.from_bytes(state.to_bytes()) == state


def test_without_a_file_it_is_the_first_generation(tmp_path: Path) -> None:
    assert read_state(tmp_path) == KeyState()
    (tmp_path / "current").mkdir()
    with pytest.raises(CertificateError, match=re.escape(str(tmp_path))):
        read_state(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1",
        b"{}",
        b'{"generation":1,"highest":1,"other":null,"phase":"settled"} ',
        b'{"generation":0,"highest":1,"other":null,"phase":"settled"}',
        b'{"generation":true,"highest":1,"other":null,"phase":"settled"}',
        b'{"generation":2,"highest":1,"other":null,"phase":"settled"}',
        b'{"generation":1,"highest":1,"other":null,"phase":"pending"}',
        b'{"generation":1,"highest":2,"other":2,"phase":"settled"}',
        b'{"generation":1,"highest":2,"other":"2","phase":"pending"}',
        b'{"generation":1,"highest":3,"other":null,"phase":"gone"}',
        b'{"generation":1,"highest":3,"other":null,"phase":["settled"]}',
        b'{"generation":1,"highest":10000,"other":null,"phase":"settled"}',
        b'{"generation":1,"highest":1,"more":1,"other":null,"phase":"settled"}',
        b'{"generation":1,"highest":1,"phase":"settled"}',
    ],
)
def test_what_no_step_writes_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "current").write_bytes(content)
    with pytest.raises(CertificateError) as refusal:
        read_state(tmp_path)
    assert refusal.value.reason is CertificateReason.MALFORMED


@given(st.sampled_from(STATES), st.data())
def test_only_our_error_escapes_and_what_is_accepted_has_one_spelling(state: KeyState, data: st.DataObject) -> None:
    content = bytearray(state.to_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = KeyState.from_bytes(bytes(content))
    except CertificateError:
        return
    assert read.to_bytes() == bytes(content)
