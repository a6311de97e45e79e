"""``smgw-testbed decode iec62056`` as a researcher calls it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from testbed.__main__ import main
from tests.vectors import vectors_folder
from wire.meter.iec62056 import DataMessage, add_parity

EXPECTED = sorted(vectors_folder("iec62056").glob("*.expected.json"))

SAID = ("manufacturer", "baud_char", "identification", "bcc", "data_sets", "profiles")
OPTIONAL = ("dsmr_crc", "unparsed_lines", "messages")
CAPTURE = b"/ISK5ME162-0033\r\n" + DataMessage(b"C.1.0(28342193)\r\n1.8.0(0033402.264*kWh)\r\n!\r\n").to_bytes()


def call(*arguments: str, data: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["decode", "iec62056", *arguments], input=data)


def document(*arguments: str, data: bytes | None = None) -> dict[str, Any]:
    result = call(*arguments, "--json", data=data)
    assert result.exit_code == 0, result.output
    read: dict[str, Any] = json.loads(result.stdout)
    return read


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_published_captures_as_json(path: Path) -> None:
    wanted = json.loads(path.read_text())
    found = document(str(path.parent / wanted["file"]))
    for key in (*SAID, *OPTIONAL):
        assert found.get(key) == wanted.get(key), key


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_published_captures_as_tables(path: Path) -> None:
    wanted = json.loads(path.read_text())
    result = call(str(path.parent / wanted["file"]))
    assert result.exit_code == 0
    assert not set(result.stdout) & set(map(chr, [*range(10), *range(11, 32), 127]))
    for address, _ in wanted.get("data_sets", []):
        assert address in result.stdout


def test_a_session_tells_what_the_meter_said() -> None:
    found = document(str(vectors_folder("iec62056") / "lem_em4tii_session_r5.session.txt"))
    said = found["readout"]
    assert (said["manufacturer"], said["baud_char"]) == ("EMH", "5")
    assert said["data_sets"] == [["0.9.2", ["130103"]], ["0.9.1", ["101415"]]]


def test_standard_input() -> None:
    assert document("-", data=CAPTURE)["data_sets"] == [["C.1.0", ["28342193"]], ["1.8.0", ["0033402.264*kWh"]]]


def test_parity_bits_are_taken_off_and_that_is_said() -> None:
    result = call("-", "--json", data=add_parity(CAPTURE))
    assert json.loads(result.stdout) == document("-", data=CAPTURE)
    assert "parity bits were taken off" in result.stderr
    damaged = bytearray(add_parity(CAPTURE))
    damaged[25] ^= 0x40
    assert "1 of 64 characters had odd parity" in call("-", data=bytes(damaged)).stderr


def xxd(data: bytes) -> bytes:
    rows = (data[at : at + 16] for at in range(0, len(data), 16))
    return b"".join(
        f"{16 * number:08x}: {row.hex(' ', -2):<39}  {text(row)}\n".encode() for number, row in enumerate(rows)
    )


def hexdump(data: bytes) -> bytes:
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        lines.append(f"{at:08x}  {row[:8].hex(' ')}  {row[8:].hex(' '):<23}  |{text(row)}|\n")
    return "".join([*lines, f"{len(data):08x}\n"]).encode()


def text(row: bytes) -> str:
    return "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in row)


@pytest.mark.parametrize(
    "dump",
    [CAPTURE.hex().encode(), CAPTURE.hex(" ").upper().encode() + b"\r\n", xxd(CAPTURE), hexdump(CAPTURE)],
    ids=["plain", "spaced", "xxd", "hexdump"],
)
def test_hexadecimal_dumps(dump: bytes) -> None:
    assert document("-", data=dump) == document("-", data=CAPTURE)


def test_an_error_answer() -> None:
    assert document("-", data=DataMessage(b"(ERROR01)").to_bytes())["error"] == "ERROR01"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "nothing is in it"),
        (b" \r\n", "nothing is in it"),
        (b"hello world", "nothing of an IEC 62056-21 meter"),
        (bytes(range(256)) * 40, "nothing of an IEC 62056-21 meter"),
        (b"2f3f2", "an odd number of hexadecimal digits"),
        (b"TX 2f3\n", "line 1 has an odd number of hexadecimal digits"),
        (b"TX 2f\nRX zz\n", "line 2 is not hexadecimal"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    result = call("-", data=data)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    assert "Is a directory" in call(str(tmp_path)).stderr
    result = call(str(tmp_path / "none.bin"))
    assert result.exit_code == 1
    assert "No such file" in result.stderr


def test_help_has_an_example() -> None:
    assert "Example: smgw-testbed decode iec62056" in call("--help").output
