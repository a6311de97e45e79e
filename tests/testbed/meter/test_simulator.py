from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from testbed.faults import Fault
from testbed.meter.settings import LineSettings, LoadKind, MeterSettings, SettingsError
from testbed.meter.simulator import SimulatedLine

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ONE = MeterSettings(serial="1", load=LoadKind.FLAT)
TWO = MeterSettings(serial="2", load=LoadKind.FLAT)


def test_time_runs_from_the_start_by_its_factor() -> None:
    moments = [100.0, 100.0]
    settings = LineSettings(meters=(ONE,), speed_factor=60)
    line = SimulatedLine(settings, now=NOW, monotonic=lambda: moments[-1])
    moments.append(102.0)
    assert line.now() == NOW + timedelta(minutes=2)


def test_faults_go_to_one_meter_or_to_each(tmp_path: Path) -> None:
    line = SimulatedLine(LineSettings(meters=(ONE, TWO)), now=NOW)
    line.inject(Fault.SILENCE, meter="2")
    assert not line.meters["1"].faults.pending()
    line.inject(Fault.SILENCE)
    assert line.meters["2"].faults.pending() == {Fault.SILENCE: 2}
    line.heal()
    assert not line.meters["2"].faults.pending()
    with pytest.raises(KeyError):
        line.inject(Fault.SILENCE, meter="3")


def test_what_cannot_be_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="same serial"):
        SimulatedLine(LineSettings(meters=(ONE, ONE)), now=NOW)
    with pytest.raises(SettingsError, match="begins after"):
        SimulatedLine(LineSettings(meters=(ONE,), start=datetime(2019, 1, 1, tzinfo=UTC)), now=NOW)
    (tmp_path / "empty").write_bytes(b"")
    silent = MeterSettings(load=LoadKind.FLAT, replay=str(tmp_path / "empty"))
    with pytest.raises(SettingsError, match="empty recording"):
        SimulatedLine(LineSettings(meters=(silent,)), now=NOW)


def test_starting_and_stopping_leave_nothing_behind(tmp_path: Path) -> None:
    with SimulatedLine(LineSettings(meters=(ONE,)), now=NOW, link=tmp_path / "port") as line:
        assert Path(line.path).is_symlink()
    assert not Path(line.path).is_symlink()
    line.stop()
