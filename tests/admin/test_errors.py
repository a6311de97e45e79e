"""One base, reasons that programs can read, and no reason twice."""

import inspect

import pytest

from admin import errors
from admin.errors import AdminError, AuditError, AuditReason, InventoryError, InventoryReason

CHILDREN = [
    child
    for child in vars(errors).values()
    if inspect.isclass(child) and issubclass(child, Exception) and child is not AdminError
]


@pytest.mark.parametrize("child", CHILDREN)
def test_every_refusal_is_an_admin_error(child: type[Exception]) -> None:
    assert child.__mro__[1] is AdminError


def test_a_refusal_has_a_reason_and_a_sentence() -> None:
    error = InventoryError(InventoryReason.UNKNOWN, "EABC0012345678 is not in the inventory")
    assert (error.reason, str(error)) == (InventoryReason.UNKNOWN, "EABC0012345678 is not in the inventory")


def test_a_broken_audit_log_names_its_entry() -> None:
    assert AuditError(AuditReason.CHAIN, 17, "entry 17 does not follow").entry == 17
