import pytest

from testbed.faults import Fault, Faults, parse_fault


def test_a_fault_happens_as_often_as_it_was_injected() -> None:
    faults = Faults()
    faults.inject(Fault.SILENCE, 2)
    assert faults.pending() == {Fault.SILENCE: 2}
    assert [faults.take(Fault.SILENCE) for _ in range(3)] == [True, True, False]
    assert not faults.take(Fault.NOISE)


def test_a_fault_without_count_stays_until_it_is_cleared() -> None:
    faults = Faults()
    faults.inject(Fault.NOISE, None)
    assert all(faults.take(Fault.NOISE) for _ in range(5))
    faults.clear()
    assert not faults.take(Fault.NOISE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("silence", (Fault.SILENCE, 1)),
        ("wrong-block-check:3", (Fault.WRONG_BLOCK_CHECK, 3)),
        ("noise:always", (Fault.NOISE, None)),
    ],
)
def test_faults_can_be_written(text: str, expected: tuple[Fault, int | None]) -> None:
    assert parse_fault(text) == expected


@pytest.mark.parametrize("text", ["", "silent", "silence:", "silence:-1", "silence:x", "silence:3:4"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a fault"):
        parse_fault(text)
