"""Each duty counts only with its evidence; the commands that give it are typed in tests/e2e/test_demonstration.py."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from testbed.demo.desk import DeskSeen
from testbed.demo.duties import CHANCE, FIRST_SWEEP, look_at_duties, seen_duties
from testbed.demo.observe import DeliverySeen, Seen
from testbed.demo.scene import Scene
from testbed.demo.templates import ADMINISTRATOR, DATACENTER
from wire.instant import format_instant

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
CONTROL = DeliverySeen("netz-control", "netz", 2, 0, 4, 4, 0, 4, 1, "", None, "TAF-11", 3, 8879, 8881)
SERIES = DeliverySeen("netz-series", "netz", 2, 0, 4, 4, 0, 4, 1, "", None, "TAF-7", 0, 4000, 5000)
SWEPT = {"readings_days": 730, "set_at": format_instant(AT), "swept_at": format_instant(AT), "waits_for": "",
         "deleted": {"readings": 2, "grants": 1}}  # fmt: skip
SEEN = Seen(
    AT,
    deliveries={one.name: one for one in (CONTROL, SERIES)},
    desk=DeskSeen(self_tests=1),
    state="normal",
    retention=SWEPT,
)
BEFORE = Seen(AT)


def judged(**deviation: Any) -> dict[str, bool]:
    """By the first word of each line."""
    return {one.line.split()[0]: one.good for one in seen_duties(replace(SEEN, **deviation), BEFORE)}


def control(**deviation: Any) -> dict[str, DeliverySeen]:
    return {"netz-control": replace(CONTROL, **deviation)}


def test_a_gateway_that_does_its_duties() -> None:
    told = list(seen_duties(SEEN, BEFORE))
    assert all(one.good for one in told)
    assert [one.line.split("\n")[-1].strip() for one in told] == [
        "secure state normal; self-tests on the administrator's order, all passed: 1",
        "retention: 730 days by order, last swept 2026-01-15T12:00:00Z, 3 rows were too old",
        "netz-control 4 of 8881 (3 empty)",
    ]


@pytest.mark.parametrize(
    ("duty", "deviation"),
    [
        ("secure", {"state": "application"}),
        ("secure", {"state": ""}),
        ("secure", {"desk": DeskSeen()}),
        ("retention:", {"retention": {}}),
        ("retention:", {"retention": SWEPT | {"swept_at": None}, "at": AT + FIRST_SWEEP}),
        ("sizes", {"deliveries": control(longest=CONTROL.shortest + CHANCE + 1)}),
        ("sizes", {"deliveries": control(sealed=1)}),
        ("all", {"deliveries": control(empty=0)}),
    ],
)
def test_what_is_missing_is_told(duty: str, deviation: dict[str, Any]) -> None:
    assert judged(**deviation)[duty] is False


def test_a_sweep_is_waited_for_only_as_long_as_it_takes() -> None:
    told = judged(retention=SWEPT | {"swept_at": None}, at=AT + FIRST_SWEEP - timedelta(seconds=1))
    assert told["retention:"]


def test_deliveries_of_the_calendar_may_differ_and_need_no_cover() -> None:
    assert len(list(seen_duties(replace(SEEN, deliveries={"netz-series": SERIES}), BEFORE))) == 2
    assert judged(deliveries=control(use_case="TAF-14", empty=0))["all"], "there was always something to say"


def test_commands_that_fail_are_duties_that_were_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.demo.duties.program", lambda _: "/bin/false")
    scene = Scene(tmp_path)
    scene.gateway.mkdir(parents=True)
    scene.gateway_configuration.write_text('[han]\naddresses = ["127.0.0.1"]\nport = 1\n')
    scene.administrator.mkdir()
    scene.administrator_configuration.write_text(
        ADMINISTRATOR.format(name="Messstelle", module="/none.so", management=1, service=2)
    )
    for party in scene.parties:
        party.folder.mkdir(parents=True)
        party.configuration.write_text(DATACENTER.format(name=party.name, port=3))
    looked = look_at_duties(scene)
    assert [one.line.split()[0] for one in looked.duties] == ["logs", "exported", "firewall", "page"]
    assert not any(one.good for one in looked.duties)
    assert looked.consumers == {"flat": (), "house": ()}, "they read nothing"
