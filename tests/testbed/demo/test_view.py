"""What a person reads: one line a meter and a delivery, and a summary that names the missing step."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from testbed.demo.desk import DeskSeen
from testbed.demo.observe import DESK_STEPS, STEPS, DeliverySeen, MeterSeen, Seen, Shown
from testbed.demo.scene import Scene
from testbed.demo.view import duties, lines, standing, summary, tables, value
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, Unit

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
READING = Reading(DeviceId("1ISK0000471100"), Obis.parse("1-0:1.8.0*255"), Register(61826857, -1, Unit.WH), AT)
SERIES = DeliverySeen("netz-series", "netz", 5, 2, 3, 3, 0, 3, 9, "", READING)
METER = MeterSeen("1ISK0000471100", 4, 4, 4, 4, {"silent": 2}, "2026-01-15T12:00:00Z")
SEEN = Seen(
    AT,
    meters={METER.name: METER},
    deliveries={"netz-series": SERIES},
    refused={"datenhandel": {"no-profile": 7}},
    received={"netz": 3, "lieferant": 1, "datenhandel": 0},
    desk=DeskSeen("operating", wake_ups=3, tunnels=2, confirmed=5, waiting=1, tunnel_open=True),
    quality_seal=False,
    profiles=2,
    page={"addresses": ["https://127.0.0.1:4711/"], "serving": True},
)
DESK = dict.fromkeys(DESK_STEPS, 1)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def whole(scene: Scene) -> dict[str, dict[int, int]]:
    return {name: dict.fromkeys(STEPS, 1) for name in scene.evaluations}


def test_a_duty_that_was_not_seen_is_missing() -> None:
    done, log = Shown("the logs are whole", good=True), {"anna": ("de ...",)}
    assert duties([done], log)[1]
    told, good = duties([done, Shown("nothing was swept", good=False)], log)
    assert (good, "  MISSING nothing was swept" in told) == (False, True)
    assert not duties([done], {"anna": ()})[1], "she read nothing"


def test_a_value_is_shown_exactly() -> None:
    assert value(SERIES) == "6182685.7 Wh of 1ISK0000471100"
    assert value(replace(SERIES, latest=None)) == ""


def test_plain_lines_say_everything() -> None:
    desk, meter, delivery, page, refused = lines(SEEN)
    assert page == "12:00:00 page for consumers: https://127.0.0.1:4711/"
    assert "page for consumers: not served" in lines(Seen(AT))[-1]
    assert desk == f"12:00:00 administrator: {standing(SEEN)}"
    assert standing(SEEN) == (
        "operating, certificates of its own, 2 evaluation profiles, 3 wake-ups, 2 tunnels, 5 orders confirmed, "
        "0 failed, 1 waiting, tunnel open"
    )
    assert meter == "12:00:00 meter 1ISK0000471100: last reading 2026-01-15T12:00:00Z, 4 stored, refused silent 2"
    assert "2 owed, 3 delivered, 3 verified, 9 rows, last 6182685.7 Wh" in delivery
    assert refused == "12:00:00 refused to datenhandel: no-profile 7"


def test_a_gateway_that_nobody_has_heard_of_is_told_as_such() -> None:
    assert standing(Seen(AT)).startswith("not in the inventory, the gateway is silent, 0 wake-ups")
    assert "quality seal" in standing(replace(SEEN, quality_seal=True))


def test_an_error_is_shown_beside_its_delivery() -> None:
    failing = replace(SEEN, deliveries={"netz-series": replace(SERIES, last_error="TUNNEL: unreachable")})
    assert any("TUNNEL: unreachable" in line for line in lines(failing))


def test_the_tables_hold_the_same(scene: Scene) -> None:
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(tables(scene, SEEN, DESK | {"ended": 0}, "Ctrl-C stops"))
    shown = captured.get()
    for word in ("1ISK0000471100", "netz-series", "no-profile 7", "6182685.7 Wh", "Ctrl-C stops", *DESK_STEPS.values()):
        assert word in shown


def test_a_summary_is_whole_only_with_every_step_of_every_delivery(scene: Scene) -> None:
    told, good = summary(scene, whole(scene), DESK, SEEN)
    assert good
    assert not any("MISSING" in line for line in told)
    for name in scene.evaluations:
        for step in STEPS:
            observed = whole(scene)
            observed[name][step] = 0
            told, good = summary(scene, observed, DESK, SEEN)
            assert not good
            assert [line for line in told if f"{step}:MISSING" in line and f"{name} to" in line]


@pytest.mark.parametrize("step", DESK_STEPS)
def test_a_summary_is_whole_only_with_every_step_of_the_administrator(scene: Scene, step: str) -> None:
    told, good = summary(scene, whole(scene), DESK | {step: 0}, SEEN)
    assert not good
    assert [line for line in told if "MISSING" in line] == [f"  MISSING {DESK_STEPS[step]} (0)"]


@pytest.mark.parametrize(
    "deviation",
    [{"refused": {}}, {"received": {"netz": 3, "lieferant": 1, "datenhandel": 1}}],
    ids=["never refused", "received something"],
)
def test_a_party_without_a_profile_must_have_been_refused(scene: Scene, deviation: dict[str, object]) -> None:
    told, good = summary(scene, whole(scene), DESK, replace(SEEN, **deviation))  # type: ignore[arg-type]
    assert not good
    assert any("datenhandel" in line and "MISSING" in line for line in told)
