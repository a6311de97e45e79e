"""Tables and JSON: exact, told apart in the hour that comes twice, and harmless in a spreadsheet."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from smgw.han.export_lists import lists
from smgw.han.export_tables import HEADER, document, table, text
from smgw.metering.status import GatewayStatus, combined
from tests.smgw.access.cases import EXPORTED, reading
from tests.smgw.han.takeaway import AT, TinySource
from wire.reading import Unit

AMBIGUOUS = datetime(2026, 10, 25, 0, 30, 2, tzinfo=UTC)
BEGIN, END = int(AMBIGUOUS.timestamp()), int(AMBIGUOUS.timestamp()) + 3600
CRITICAL = combined(GatewayStatus.MANIPULATION)
SOURCE = TinySource(
    [
        reading(AMBIGUOUS, 12345, scaler=-1, status=combined(GatewayStatus(0))),
        reading(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), -7, scaler=-1, status=CRITICAL),
        reading(AMBIGUOUS, 5, obis=EXPORTED, scaler=3, unit=Unit.VARH),
    ]
)


def parsed() -> list[dict[str, str]]:
    data = table(lists(SOURCE, BEGIN, END))
    assert data.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    """PTB-A 50.8, display: legal time with its offset, and UTC."""
    first, second, _ = parsed()
    assert (first["time"], second["time"]) == ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")
    assert (first["time_utc"], first["captured_utc"]) == ("2026-10-25T00:30:00Z", "2026-10-25T00:30:02Z")


def test_values_are_exact_and_written_as_in_german() -> None:
    assert [(one["value"], one["unit"], one["ptb"]) for one in parsed()] == [
        ("1234,5", "Wh", "0"),
        ("-0,7", "Wh", "3"),
        ("5000", "varh", "0"),
    ]
    assert parsed()[1]["status"] == f"0x{CRITICAL:016X}"
    assert bytes.fromhex(parsed()[0]["signature"]) == bytes(64)


def test_no_cell_is_taken_for_a_formula_or_a_wrong_number() -> None:
    """A number is a value or a PTB status; whatever else a spreadsheet would calculate with does not stand there."""
    for one in parsed():
        assert tuple(one) == HEADER
        for name, cell in one.items():
            assert re.fullmatch(r"-?\d+(,\d+)?" if name in {"value", "ptb"} else r"[^=+\-@\t\r\n].*", cell)
        assert not one["status"].isdigit()


@given(st.text(max_size=5))
def test_a_text_never_begins_like_a_formula(cell: str) -> None:
    assert text(cell)[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
    assert text(cell).endswith(cell)


def test_json_says_the_same_and_loses_nothing() -> None:
    content = json.loads(document(SOURCE, lists(SOURCE, BEGIN, END), AT, BEGIN, END))
    assert (content["form"], content["consumer"], content["gateway"]) == ("smgw-readings-1", "house", "EABC0012345678")
    assert [len(one["readings"]) for one in content["lists"]] == [2, 1]
    first, second = content["lists"][0]["readings"]
    assert (first["value"], first["raw"], first["ptb"], first["usable"]) == ("1234.5", "12345", 0, True)
    assert (second["value"], second["usable"]) == ("-0.7", False)
    assert Decimal(first["value"]) == Decimal(int(first["raw"])).scaleb(content["lists"][0]["scaler"])
    assert [one["value"] for one in content["lists"][1]["readings"]] == ["5000"]
    table_rows = parsed()
    shown = [row for one in content["lists"] for row in one["readings"]]
    assert [row["time"] for row in shown] == [row["time"] for row in table_rows]
