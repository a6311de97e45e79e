"""A storm of sudden deaths: what was counted arrives, once, at whom it is for, and nothing else does."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from datacenter import database, queries
from smgw.access import schedule
from smgw.store.outbox import Outbox
from tests.e2e.storm import (
    BILLED_SECONDS,
    IMPORT,
    PERIODS_BEFORE,
    READINGS_BEFORE,
    REGISTERED_SECONDS,
    Party,
    Storm,
)
from tests.moments import Moments
from tests.smgw.premises import GATEWAY
from tests.softhsm import MODULE
from wire.reading import DeviceId, Reading

KILLS, KILLS_EXHAUSTIVE = 200, 1000
SEED = 20260115
BILLED = timedelta(seconds=BILLED_SECONDS)
TOTAL = IMPORT
"""The register that the others divide."""

pytestmark = [pytest.mark.token, pytest.mark.peer, pytest.mark.long, pytest.mark.walk]


@pytest.fixture
def storm(tmp_path_factory: pytest.TempPathFactory, moments: Moments) -> Iterator[Storm]:
    if not MODULE.exists():
        pytest.skip("SoftHSM2 is not installed (apt install softhsm2)")
    made = Storm(tmp_path_factory.mktemp("storm"), SEED)
    try:
        made.start()
        made.rage(KILLS_EXHAUSTIVE if moments.exhaustive else KILLS)
        made.calm()
        yield made
    finally:
        made.close()


def test_what_was_counted_arrives_once_at_whom_it_is_for_and_nothing_else_does(storm: Storm) -> None:
    """FDP_IFF.1/MTR, FPT_FLS.1: two hundred losses of power and broken wires lose, double and release nothing.

    The seed decides who is killed and how long the storm waits before; what that hits is the machines' affair, so every
    run hits something else, and all of this holds whatever it is.
    """
    assert storm.kills.total() >= KILLS
    measured = storm.measured()
    for reading in measured:
        before, after = storm.counted(reading)
        assert before <= reading.register.exact() <= after
    grid, supplier, stranger = (storm.parties[name] for name in ("grid", "supplier", "stranger"))
    # The grid operator has every value of the series, and no other, exactly once.
    assert sorted(map(by_time, values(grid))) == sorted(map(by_time, measured))
    # The supplier has one sum for each period whose beginning and end both meters were read at, and no single value.
    sums = values(supplier, "sums")
    assert [(one.captured_at, one.register.exact()) for one in sums] == expected_sums(measured)
    # Whatever hides in gaps stands in the error register: all registers of all periods are what the meter counted.
    blocks = values(supplier, "blocks")
    ends = sorted({one.captured_at for one in blocks})
    mine = [one for one in measured if one.device == storm.blocks.meters[0]]
    closing = next(one for one in mine if one.captured_at >= ends[-1])
    shared = sum(one.register.value for one in blocks if one.obis != TOTAL)
    assert shared == sum(one.register.value for one in blocks if one.obis == TOTAL)
    assert shared == closing.register.value - mine[0].register.value
    assert {one.device for one in (*sums, *blocks)} == {DeviceId(GATEWAY)}
    assert len(values(supplier)) == len(sums) + len(blocks)
    assert values(stranger) == []
    with storm.store() as store:
        balances = {one.id: Outbox(store).balance(one.id) for one in storm.evaluations}
    assert {(one.owed, one.open) for one in balances.values()} == {(0, 0)}
    # A value that is never stored is given up when the gateway that had it in memory is killed, and nothing else is.
    assert [name for name, one in balances.items() if one.set_aside] in ([], ["moments"])
    for party in (grid, supplier):
        with database.reading(party.world.engine) as connection:
            assert [each for each in queries.sequence_gaps(connection) if each.profile != "moments"] == []
    # It was a storm over a gateway that worked.
    assert len(measured) >= READINGS_BEFORE
    assert len(sums) >= 1
    assert len(ends) >= PERIODS_BEFORE


def by_time(reading: Reading) -> tuple[datetime, DeviceId, int]:
    return reading.captured_at, reading.device, reading.register.value


def values(party: Party, profile: str | None = None) -> list[Reading]:
    return [one.signed.reading for one in party.held() if profile in (None, one.profile)]


def expected_sums(measured: Sequence[Reading]) -> list[tuple[datetime, Decimal]]:
    """By another way than the gateway's: all readings are known, and none has to be waited for."""
    window = schedule.tolerance(REGISTERED_SECONDS)
    stands: dict[tuple[datetime, DeviceId], Reading] = {}
    for reading in measured:
        point = schedule.raster_point(reading.captured_at, BILLED_SECONDS)
        if reading.captured_at - point <= window and reading.obis == IMPORT:
            stands.setdefault((point, reading.device), reading)
    devices = {device for _, device in stands}
    sums = []
    for end in sorted({point for point, _ in stands}):
        pairs = [(stands.get((end - BILLED, device)), stands.get((end, device))) for device in devices]
        advances = [
            closing.register.exact() - opening.register.exact()
            for opening, closing in pairs
            if opening is not None and closing is not None
        ]
        if len(advances) == len(devices):
            sums.append((end, sum(advances, Decimal())))
    return sums
