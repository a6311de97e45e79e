"""Many inside, or one alone."""

import threading

import pytest

from smgw.store.gate import BusyError, Gate


def test_who_is_inside_may_go_in_again_and_keeps_the_other_waiting() -> None:
    gate, alone = Gate(), threading.Event()

    def be_alone() -> None:
        with gate.alone(60):
            alone.set()

    other = threading.Thread(target=be_alone)
    with gate.inside():
        other.start()
        with gate.inside():
            assert not alone.is_set()
        assert not alone.wait(0.02)
    other.join()
    assert alone.is_set()
    with gate.inside():
        pass


def test_nobody_comes_in_while_one_is_alone() -> None:
    gate, came = Gate(), threading.Event()

    def come() -> None:
        with gate.inside():
            came.set()

    other = threading.Thread(target=come)
    with gate.alone(1):
        other.start()
        assert not came.wait(0.02)
        with pytest.raises(BusyError), gate.alone(1):
            pass
    other.join()
    assert came.is_set()


def test_patience_ends_and_the_gate_is_open_again() -> None:
    gate = Gate()
    held, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with gate.inside():
            held.set()
            leave.wait()

    other = threading.Thread(target=stay)
    other.start()
    held.wait()
    with pytest.raises(BusyError), gate.alone(0.01):
        pass
    with gate.inside():
        leave.set()
    other.join()
    with gate.alone(0.01):
        pass


def test_who_is_inside_cannot_be_alone() -> None:
    gate = Gate()
    with gate.inside(), pytest.raises(BusyError), gate.alone(0.01):
        pass
