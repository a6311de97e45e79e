"""``smgw-testbed meter`` as a program of its own, over its pseudo-terminal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial
from click.testing import CliRunner

from testbed.faults import Fault
from testbed.meter_command import meter
from wire.meter.iec62056 import add_parity

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@contextmanager
def program(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and the path that it printed; what it says is in ``folder/said``."""
    command = [sys.executable, "-m", "testbed", "meter", "--load", "flat", *arguments]
    pipe = subprocess.PIPE
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=said, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        finally:
            process.kill()  # or whoever leaves the block would wait for ever


def test_a_reader_finds_it_under_its_link_and_it_ends_with_ctrl_c(tmp_path: Path) -> None:
    link = tmp_path / "meter"
    arguments = ["--link", str(link), "--serial", "00471100", "--speed", "9600", "--top-speed", "none"]
    with program(tmp_path, *arguments) as (process, path):
        assert path == str(link)
        with serial.Serial(path, baudrate=9600, timeout=PATIENCE) as port:
            port.write(add_parity(b"/?471100!\r\n"))
            assert port.read(16) == add_parity(b"/ISK5MT831-0.1\r\n")
            assert process.stdin is not None
            process.stdin.write("00471100 silence\nnonsense\nsilence:always of all\n")
            process.stdin.flush()
            ends = time.monotonic() + PATIENCE
            while "not understood" not in (tmp_path / "said").read_text():
                assert time.monotonic() < ends
                time.sleep(0.05)
            port.timeout = 0.5
            port.write(add_parity(b"/?471100!\r\n"))
            assert port.read(16) == b""
    assert process.returncode == 0
    assert not os.path.lexists(link)
    said = (tmp_path / "said").read_text()
    assert "not a fault: 'nonsense'" in said
    assert "not understood" in said
    assert "stopped" in said


def test_a_terminated_one_takes_its_link_with_it(tmp_path: Path) -> None:
    link = tmp_path / "meter"
    with program(tmp_path, "--link", str(link), "--quiet") as (process, _):
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        assert not os.path.lexists(link)


def test_help_names_every_fault_and_shows_examples() -> None:
    text = CliRunner().invoke(meter, ["--help"]).output
    joined = "".join(text.split())
    assert all(fault.value in joined for fault in Fault)
    for word in ("--port /dev/ttyUSB1", "--replay captured.bin", "[[meters]]"):
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--fault", "explosion"], "not a fault"),
        (["--top-speed", "fast"], "neither a speed"),
        (["--speed", "1234", "--top-speed", "none"], "announces 1234"),
        (["--port", "/dev/does-not-exist"], "could not open"),
        (["--manufacturer", "X!"], "not an identification"),
        (["--start", "2001-01-01T00:00:00"], "begins after"),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(arguments: list[str], word: str) -> None:
    result = CliRunner().invoke(meter, ["--load", "flat", *arguments])
    assert result.exit_code != 0
    assert word in result.output


def test_a_line_file_with_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "line.toml"
    file.write_text("sped = 9600\n[[meters]]\n")
    assert "unknown key sped" in CliRunner().invoke(meter, ["--line", str(file)]).output
