from datetime import UTC, datetime

from proof.report import SHOWN, Checked, Failure, LogVerdict, Report
from wire.canonical_json import encode
from wire.obis import Obis

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
OBIS = Obis.parse("1-0:1.8.0*255")


def test_every_failure_is_counted_and_the_first_ones_are_named() -> None:
    checked = Checked({"device": "1ISK0012345678"}, 50, AT, AT)
    for _ in range(SHOWN + 5):
        checked.fail(Failure("1ISK0012345678", OBIS, AT, "signature"))
    assert (checked.genuine, len(checked.failures)) == (50 - SHOWN - 5, SHOWN)
    assert checked.to_json()["refused"] == {"signature": SHOWN + 5}


def test_emptiness_is_not_genuine() -> None:
    report = Report("proof", "EABC0012345678")
    assert not report.genuine
    report.log = LogVerdict()
    assert report.genuine
    report.unreadable = 1
    assert not report.genuine


def test_it_is_a_document() -> None:
    report = Report("proof", "EABC0012345678", "house", AT, log=LogVerdict("altered"))
    assert b'"genuine":false' in encode(report.to_json())
