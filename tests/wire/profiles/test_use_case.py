"""The use cases: fourteen, by the numbers of TR-03109-1."""

from wire.profiles import UseCase


def test_there_are_fourteen_in_their_order() -> None:
    assert [case.value for case in UseCase] == [f"TAF-{number}" for number in range(1, 15)]
    assert [case.name for case in UseCase] == [f"TAF_{number}" for number in range(1, 15)]
