"""Refusals are counted, bounded, and stay refusals when the database is gone."""

from datetime import timedelta

import pytest

from datacenter import refusals, schema
from datacenter.errors import RefusalReason, RefusedError
from datacenter.refusals import RefusalCount, Refusals
from tests.datacenter.world import GATEWAY, NOW, World

SECOND = int(NOW.timestamp())


def refused(reason: RefusalReason = RefusalReason.CONTENT, gateway: str = GATEWAY) -> RefusedError:
    return RefusedError(reason, gateway=gateway)


def test_the_same_again_is_counted(world: World) -> None:
    table = Refusals(world.engine)
    for minutes in range(3):
        table.record(refused(), NOW + timedelta(minutes=minutes))
    table.record(refused(RefusalReason.FUTURE), NOW)
    assert table.all() == [
        RefusalCount(GATEWAY, "content", "", SECOND, SECOND + 120, 3),
        RefusalCount(GATEWAY, "future", "", SECOND, SECOND, 1),
    ]


def test_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAXIMUM_ROWS", 5)
    monkeypatch.setattr(refusals, "_PRUNE_EVERY", 4)
    table = Refusals(world.engine)
    for number in range(40):
        table.record(refused(gateway=str(number)), NOW + timedelta(seconds=number))
    assert [row.gateway for row in table.all()] == ["39", "38", "37", "36", "35"]


def test_a_database_that_is_gone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    table = Refusals(world.engine)
    with world.engine.begin() as connection:
        schema.refusal.drop(connection)
    table.record(refused(), NOW)
    assert "refused EABC0012345678: content" in caplog.text
