from tests.moments import Moments

KINDS = ["write", "write", "remove", "write", "sync", "sync", "write"]


def test_every_kind_is_there_once_and_as_many_more_as_asked() -> None:
    chosen = Moments(exhaustive=False)
    assert chosen.of(KINDS, sample=0) == [0, 2, 4]
    more = chosen.of(KINDS, sample=2)
    assert (len(more), {0, 2, 4} < set(more), more == sorted(more)) == (5, True, True)
    assert chosen.of(KINDS, sample=2) == more, "the same in every run"
    assert chosen.of(KINDS, sample=99) == list(range(len(KINDS)))
    assert Moments(exhaustive=True).of(KINDS, sample=0) == list(range(len(KINDS)))
