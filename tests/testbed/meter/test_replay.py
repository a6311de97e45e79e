"""Recordings come back byte for byte."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import serial

from testbed.meter.replay import Recording
from testbed.meter.settings import LineSettings, LoadKind, MeterSettings
from testbed.meter.simulator import SimulatedLine
from tests.vectors import vectors_folder
from wire.errors import Iec62056Error
from wire.meter.iec62056 import Identification, OptionSelect, Request, add_parity, strip_parity

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("capture", "identification", "data"),
    [
        (b"/ISK5ME162\r\n\x021.8.0(1*kWh)\r\n!\r\n\x03A", b"/ISK5ME162\r\n", b"\x021.8.0(1*kWh)\r\n!\r\n\x03A"),
        (b"\x00\x00/?!\r\n/ISK5ME162\r\n\x06050\r\n\x02x", b"/ISK5ME162\r\n", b"\x02x"),
        (b"\x021.8.0(1/2)\r\n!\r\n\x03A", b"", b"\x021.8.0(1/2)\r\n!\r\n\x03A"),
        (add_parity(b"/ISK5ME162\r\n\x02x"), b"/ISK5ME162\r\n", b"\x02x"),
        (b"/HAG5ehz\r\n1.8.0(1)\r\n!\r\n", b"/HAG5ehz\r\n", b"1.8.0(1)\r\n!\r\n"),
    ],
)
def test_what_was_the_meters(capture: bytes, identification: bytes, data: bytes) -> None:
    assert Recording.from_bytes(capture) == Recording(identification, data)


def test_an_empty_recording_is_refused() -> None:
    with pytest.raises(Iec62056Error):
        Recording.from_bytes(b"\r\n")


@pytest.mark.parametrize("name", ["iskra_me162_0033", "landisgyr_e350_zmf100ac_m23", "go_kamstrup_162"])
def test_a_published_read_out_over_a_line(tmp_path: Path, name: str) -> None:
    file = vectors_folder("iec62056") / f"{name}.bin"
    recording = Recording.from_bytes(file.read_bytes())
    meter = MeterSettings(load=LoadKind.FLAT, top_speed=None, reaction_seconds=0.01, replay=str(file))
    with (
        SimulatedLine(LineSettings(meters=(meter,), speed=19200), now=NOW, link=tmp_path / "port") as line,
        serial.Serial(line.path, baudrate=19200, timeout=60) as port,
    ):
        port.write(add_parity(Request().to_bytes()))
        heard = strip_parity(port.read(len(recording.identification)))
        assert heard == recording.identification
        character = Identification.from_bytes(heard).baud_character
        time.sleep(0.02)
        port.write(add_parity(OptionSelect("0", character, "0").to_bytes()))
        assert strip_parity(port.read(len(recording.data))) == bytes(octet & 0x7F for octet in recording.data)
