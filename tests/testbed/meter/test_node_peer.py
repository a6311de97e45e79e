"""A foreign reader, the PyPI package iec62056-21, reads the simulated meter."""

from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from testbed.meter.settings import LineSettings, LoadKind, MeterSettings
from testbed.meter.simulator import SimulatedLine

client = pytest.importorskip("iec62056_21.client")
exceptions = pytest.importorskip("iec62056_21.exceptions")


@pytest.mark.peer
def test_a_foreign_reader_reads_it_with_a_true_change_of_speed(tmp_path: Path) -> None:
    # It waits 0.5 seconds before it changes its speed, which a meter that reacts after the usual 200 ms does not wait
    # for; on a machine that does much else it takes longer still, and hears nothing that it understands.
    for reaction in (0.6, 1.5):
        with suppress(TimeoutError, exceptions.Iec6205621Exception):
            read_by(tmp_path, reaction)
            return
    read_by(tmp_path, 4.0)


def read_by(folder: Path, reaction: float) -> None:
    # It leaves 7E1 to the driver, which a pseudo-terminal does not do: a line without parity.
    meter = MeterSettings(serial="00471100", load=LoadKind.FLAT, reaction_seconds=reaction)
    settings = LineSettings(meters=(meter,), parity=False)
    with SimulatedLine(settings, now=datetime.now(UTC), link=folder / "port") as line:
        reader = client.Iec6205621Client.with_serial_transport(port=line.path, device_address="00471100")
        reader.connect()
        first, before = reader.transport.port, line.meters["00471100"].shown()["1.8.0"]
        with closing(first), ExitStack() as connected:
            connected.callback(reader.disconnect)
            answer = reader.standard_readout()
    values = {data_set.address: data_set.value for data_set in answer.data}
    assert values["C.1.0"] == "00471100"
    assert values["1.8.0"] >= before.split("*")[0]
