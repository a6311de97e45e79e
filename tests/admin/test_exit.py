"""Every refusal is one sentence and one code; a defect is not dressed up as a refusal."""

import pytest

from admin.errors import (
    AuditError,
    AuditReason,
    ConfigError,
    DraftError,
    DraftReason,
    InventoryError,
    InventoryReason,
    OrderBookError,
    OrderReason,
    StorageError,
)
from admin.exit import Exit, leave, refusals
from pki.errors import (
    CertificateError,
    CertificateReason,
    IssueError,
    IssueReason,
    SealError,
    SealReason,
    TokenError,
    TokenReason,
)
from wire.errors import OrderError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), Exit.CONFIGURATION),
        (StorageError("x"), Exit.DATABASE),
        (AuditError(AuditReason.CHAIN, 3, "x"), Exit.AUDIT),
        (InventoryError(InventoryReason.UNKNOWN, "x"), Exit.REFUSED),
        (DraftError(DraftReason.UNKNOWN, "x"), Exit.REFUSED),
        (OrderBookError(OrderReason.UNKNOWN, "x"), Exit.REFUSED),
        (TokenError(TokenReason.LOST, "x"), Exit.SECURITY_MODULE),
        (CertificateError(CertificateReason.REVOKED, "x"), Exit.TRUST),
        (SealError(SealReason.SIGNATURE, "x"), Exit.TRUST),
        (IssueError(IssueReason.STATE, "x"), Exit.TRUST),
        (OrderError("x"), Exit.REFUSED),
    ],
)
def test_a_refusal(error: Exception, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, refusals():
        raise error
    assert ended.value.code == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("smgw-admin: ")
    assert told.err.count("\n") == 1


def test_a_defect_is_shown_as_one() -> None:
    with pytest.raises(KeyError), refusals():
        raise KeyError


def test_nothing_is_said_where_nothing_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with refusals():
        pass
    with pytest.raises(SystemExit) as ended:
        leave(Exit.SILENCE)
    assert ended.value.code == Exit.SILENCE
    assert capsys.readouterr() == ("", "")


def test_no_code_means_two_things() -> None:
    assert len({int(code) for code in Exit}) == len(Exit.__members__)
