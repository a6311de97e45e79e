"""The command as people and programs call it: what it prints, and how it refuses."""

import errno
import gzip
import json
import os
import zlib
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smgw.recalculation import command
from smgw.recalculation.command import EXIT_NO_BILL, tariff
from tests.wire.ar2418.files import (
    EXPORT,
    IMPORT,
    block,
    gateway_file,
    quarter_hours,
    supplier_file,
    table,
    value_list,
)
from wire.ar2418 import reader

ROWS = quarter_hours()
GATEWAY, SUPPLIER = gateway_file(value_list(block(ROWS))), supplier_file()
BILL = {"registers": {"1-0:1.8.1*255": 320, "1-0:1.8.2*255": 640, "1-0:1.8.63*255": 0}}


def call(folder: Path, gateway: bytes, supplier: bytes = SUPPLIER, *more: str, taf: str = "2") -> Result:
    data, other = folder / "gateway.xml", folder / "tariff.xml"
    data.write_bytes(gateway)
    other.write_bytes(supplier)
    arguments = ["--data", str(data), "--supplier", str(other), "--taf", taf, *more]
    return CliRunner().invoke(tariff, arguments, catch_exceptions=False)


def refusal(result: Result) -> str:
    """The one sentence of a refusal."""
    assert (result.exit_code, result.stdout) == (EXIT_NO_BILL, "")
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("smgw: ")
    return lines[0]


def test_programs_get_the_registers_and_nothing_else(tmp_path: Path) -> None:
    result = call(tmp_path, GATEWAY, SUPPLIER, "--json")
    assert (result.exit_code, json.loads(result.stdout), result.stderr) == (0, BILL, "")


def test_people_get_totals_and_units(tmp_path: Path) -> None:
    result = call(tmp_path, GATEWAY)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines == [
        ["TAF-2", "from", "2026-06-01T00:00:00+02:00", "to", "2026-06-02T00:00:00+02:00"],
        ["1-0:1.8.1*255", "320", "0.0320", "kWh"],
        ["1-0:1.8.2*255", "640", "0.0640", "kWh"],
        ["1-0:1.8.63*255", "0", "0.0000", "kWh"],
        ["1-0:1.8.0*255", "960", "0.0960", "kWh"],
    ]


def test_a_register_that_is_the_total_is_shown_once(tmp_path: Path) -> None:
    whole = supplier_file(stages=[(1, IMPORT)], tables=table(1, (0, 1)))
    codes = [line.split()[0] for line in call(tmp_path, GATEWAY, whole).stdout.splitlines()]
    assert codes == ["TAF-2", "1-0:1.8.0*255", "1-0:1.8.63*255"]


def test_what_a_reader_should_know_is_told_beside_the_bill(tmp_path: Path) -> None:
    exported = value_list(block(ROWS), obis=EXPORT)
    result = call(tmp_path, gateway_file(value_list(block(ROWS)), exported), SUPPLIER, "--json")
    assert json.loads(result.stdout) == BILL
    assert result.stderr == "note: the tariff has no stage for 1-0:2.8.0*255: its list is not billed\n"


def test_the_digits_of_a_register_say_where_it_begins_again(tmp_path: Path) -> None:
    turned = GATEWAY.replace(b"<espi:value>19", b"<espi:value>9")
    assert turned != GATEWAY
    result = call(tmp_path, turned, SUPPLIER, "--json", "--digits", "3")
    assert sum(json.loads(result.stdout)["registers"].values()) == 960


@pytest.mark.parametrize("parts", [1, 3])
def test_packed_files_are_unpacked_in_one_part_or_several(tmp_path: Path, parts: int) -> None:
    size = len(GATEWAY) // parts + 1
    packed = b"".join(gzip.compress(GATEWAY[begin : begin + size]) for begin in range(0, len(GATEWAY), size))
    assert json.loads(call(tmp_path, packed, gzip.compress(SUPPLIER), "--json").stdout) == BILL


@pytest.mark.parametrize("filling", [b" ", b" \n\t"])
def test_what_unpacks_to_more_than_a_file_is_refused_early(
    tmp_path: Path, filling: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAXIMUM_BYTES", 300_000)
    bomb = GATEWAY.replace(b"<MeterReading>", filling * 400_000 + b"<MeterReading>", 1)
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    sentence = refusal(call(tmp_path, packing.compress(bomb) + packing.flush()))
    assert "more than 300000 bytes" in sentence


def test_what_compresses_very_well_is_read_to_its_end(tmp_path: Path) -> None:
    """The last octets come out of the unpacking after the last went in."""
    for spaces in range(command._PIECE - 300, command._PIECE + 300, 37):
        padded = GATEWAY.replace(b"</UsagePoints>", b" " * spaces + b"</UsagePoints>")
        assert call(tmp_path, gzip.compress(padded + b"\n" * 1000), SUPPLIER, "--json").exit_code == 0


@pytest.mark.parametrize(
    ("gateway", "supplier", "words"),
    [
        (b"", SUPPLIER, "gateway.xml: the file is empty"),
        (GATEWAY, b"", "tariff.xml: the file is empty"),
        (GATEWAY[:-20], SUPPLIER, "not well-formed"),
        (GATEWAY.replace(b"<UsagePoints", b"<!DOCTYPE a><UsagePoints"), SUPPLIER, "document type"),
        (b"\x89PNG", SUPPLIER, "not well-formed"),
        (SUPPLIER, GATEWAY, "the gateway's file: it is a tariff"),
        (GATEWAY, GATEWAY, "the supplier's file: it has no AnalysisProfile"),
        (GATEWAY, supplier_file(gateway="EABC0012345679"), "two contracts"),
        (GATEWAY, supplier_file(taf=1), "for TAF-1, not for TAF-2"),
        (GATEWAY, supplier_file(duration=3 * 86400), "no day profile for 2026-06-02"),
        (gateway_file(value_list(block(quarter_hours(begin=date(2025, 6, 1))))), SUPPLIER, "no readings"),
        (gzip.compress(GATEWAY)[:-5], SUPPLIER, "ends too early"),
        (b"\x1f\x8b" + b"x" * 200, SUPPLIER, "damaged"),
        (gzip.compress(GATEWAY) + b"trailing", SUPPLIER, "damaged"),
    ],
)
def test_where_there_is_no_bill_one_sentence_says_why(
    tmp_path: Path, gateway: bytes, supplier: bytes, words: str
) -> None:
    assert words in refusal(call(tmp_path, gateway, supplier))


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for missing in (tmp_path / "nothing.xml", tmp_path):
        arguments = ["--data", str(missing), "--supplier", str(missing), "--taf", "1"]
        assert str(missing) in refusal(CliRunner().invoke(tariff, arguments, catch_exceptions=False))


def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(Path, "open", denied)
    (tmp_path / "gateway.xml").touch()
    arguments = ["--data", str(tmp_path / "gateway.xml"), "--supplier", "tariff.xml", "--taf", "2"]
    assert "Permission denied" in refusal(CliRunner().invoke(tariff, arguments, catch_exceptions=False))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.xml"
    os.mkfifo(pipe)
    arguments = ["--data", str(pipe), "--supplier", str(pipe), "--taf", "2"]
    assert refusal(CliRunner().invoke(tariff, arguments, catch_exceptions=False)) == f"smgw: {pipe}: is not a file"


def test_the_help_has_an_example() -> None:
    told = CliRunner().invoke(tariff, ["--help"])
    assert (told.exit_code, "Example: smgw tariff --data gateway.xml" in told.stdout) == (0, True)
